"""Bring in a site's pages as articles of a tenant, here and now: see docs/knowledge.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from assistant.intents.lessons import invalidate
from assistant.knowledge.sites.models import Site, SitePage
from assistant.knowledge.sites.reading import counts_of, site_again, site_create, site_go_on
from tenants.errors import ServiceError
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.trail.audit import audit


class Command(BaseCommand):
    help = "Bring in the pages that a sitemap lists, as articles of a tenant. Again reads what has changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="of the sitemap")
        parser.add_argument("--tenant", required=True, help="slug")
        parser.add_argument("--language", default="", help="ISO 639-1, of pages that do not say it")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"], status=Tenant.Status.ACTIVE).first()
        if tenant is None:
            raise CommandError(f"There is no active tenant {options['tenant']}.")
        with tenant_scope(tenant.id):
            try:
                site = _begun(options["url"], options["language"])
            except ServiceError as error:
                raise CommandError(_told(error)) from error
            audit("system", "site.read", site, {"url": site.url})
            while site_go_on(site.id, lambda: True):
                pass
            invalidate(tenant.id)
            site.refresh_from_db()
            for page in SitePage.objects.filter(site=site).order_by("id"):
                self.stdout.write(f"{page.status:<9} {page.url} {page.code}".rstrip())
            self.stdout.write(
                ", ".join(f"{count} {status}" for status, count in counts_of(site).items() if count) or "0"
            )
            if site.left_out:
                self.stderr.write(f"{site.left_out} further pages were left out.")
        if site.state != Site.State.DONE:
            raise CommandError(f"Not all was read: {site.code or 'a worker has the site'}.")


def _begun(url: str, language: str) -> Site:
    site: Site | None = Site.objects.filter(url=url).first()
    if site is None:
        return site_create(url, language)
    if site.state not in Site.OPEN:
        site_again(site)
    return site


def _told(error: ServiceError) -> str:
    first = error.details[0] if isinstance(error.details, list) and error.details else {}
    return str(first.get("message") or error.message)
