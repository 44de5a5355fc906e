"""Pages of the console under the policy that the service sends with them: nothing of theirs is refused (TEN-4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from messaging.admin.overview import FIGURES
from tests.factories import UserFactory
from tests.journeys.console.conftest import Desk
from tests.journeys.service import Service, address

pytestmark = pytest.mark.browser


def test_no_page_does_what_the_policy_refuses(desk: Callable[..., Desk], service: Service) -> None:
    """Lists, forms and the dashboard; a request that leaves the service would be a foreign host's."""
    service.visitor("Where is my parcel?")
    boss = desk(user=UserFactory(is_superuser=True, username="boss"))
    foreign: list[str] = []
    boss.page.on(
        "request", lambda asked: foreign.extend([asked.url] * (not asked.url.startswith((address(), "data:", "blob:"))))
    )
    names = sorted({figure.model._meta.label_lower.replace(".", "_") for figure in FIGURES} | {"channels_app_channel"})
    paths = [reverse("admin:index"), *(reverse(f"admin:{name}_changelist") for name in names)]
    for path in [*paths, reverse("admin:channels_app_channel_add"), reverse("admin:tenants_tenant_add")]:
        boss.page.goto(f"{address()}{path}")
        boss.page.wait_for_function("window.Alpine !== undefined")
    assert (boss.troubles, foreign) == ([], [])
