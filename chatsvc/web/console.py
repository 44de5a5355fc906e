"""The console below /admin/. Its pages are imported when the first of them is asked for, or checked: workers have none.

Owns when that is. Must not know the pages: each app has its own in ``admin``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin import sites
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern
from django.utils.functional import SimpleLazyObject
from unfold.apps import BasicAppConfig
from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Made when it is looked at: every page is given it, and only those without a sidebar of ours show it. To ask for
        each model what one may do with it, and where, took a tenth of a page's time."""
        return SimpleLazyObject(lambda: UnfoldAdminSite.get_app_list(self, request, app_label))


class Look(BasicAppConfig):
    """unfold, whose own configuration has a site of its own."""

    def ready(self) -> None:
        admin.site = sites.site = Site()


class Config(SimpleAdminConfig):
    """django.contrib.admin, whose own configuration imports every page at the start of every process."""

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Sequence[Any] | None, **options: Any) -> list[checks.CheckMessage]:
    admin.autodiscover()
    return check_admin_app(app_configs, **options)


class _Pages:
    @cached_property
    def urlpatterns(self) -> list[URLPattern | URLResolver]:
        admin.autodiscover()
        from messaging.admin.dashboard.export import addresses as figures
        from messaging.admin.inbox.pages import addresses as inbox
        from tenants.console.consent import addresses as consent
        from tenants.console.people.join import addresses as join
        from tenants.console.second.own import addresses as sign_in

        return [*figures(), *inbox(), *join(), *consent(), *sign_in(), *admin.site.get_urls()]


def addresses() -> URLResolver:
    return URLResolver(RoutePattern("admin/"), _Pages(), app_name="admin", namespace="admin")  # type: ignore[arg-type]
