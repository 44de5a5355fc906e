"""The console's pages of sites and of what became of their pages. Must not read a site: a worker does."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from assistant.knowledge.sites.models import Site, SitePage
from assistant.knowledge.sites.reading import counts_of, site_again, site_check
from assistant.lesson_fields import LanguageField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.errors import Invalid, ServiceError
from tenants.scope import tenant_scope


class SiteForm(forms.ModelForm):
    url = forms.CharField(
        label="Address of the sitemap", max_length=2048, widget=UnfoldAdminTextInputWidget,
        help_text="As https://shop.example.com/sitemap.xml. The pages that it lists are read in the background; each is an article.",
    )  # fmt: skip
    language = LanguageField(help_text="Two letters, as en: of pages that do not say it")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors and given.get("tenant"):
            try:
                site_check(given["url"])
            except ServiceError as error:
                first = error.details[0] if isinstance(error.details, list) and error.details else {}
                told = forms.ValidationError(first.get("message") or error.message, code=error.code)
                self.add_error("url" if isinstance(error, Invalid) else None, told)
        return given


@admin.register(Site)
class SiteAdmin(TenantAdmin):
    begins = "A site's pages become articles: its sitemap is read, and read again when you say so."
    resource = "intents"
    deeds = frozenset({"add", "delete"})
    form = SiteForm
    list_display = ("url", "state", "progress", "tenant", "read_at")
    list_filter = ("state", TenantFilter)
    list_select_related = ("tenant",)
    buttons = (Button("read", "Read again", "sync"),)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("tenant", "url", "language")
        return ("tenant", "url", "language", "state", "code", "progress", "left_out", "read_at", "report")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("state", "code", "progress", "left_out", "read_at", "report") if obj else ()

    @display(description="Pages")
    def progress(self, site: Site) -> str:
        with tenant_scope(site.tenant_id):
            counts = counts_of(site)
        return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "—"

    @display(description="Report")
    def report(self, site: Site) -> str:
        address = reverse("admin:assistant_sitepage_changelist")
        return format_html('<a href="{}?site__id__exact={}">What became of each page</a>', address, site.pk)

    def do_read(self, request: HttpRequest, row: Any) -> str:
        site_again(row)
        self.note(request, "read", row)
        return "A worker reads it within seconds."


@admin.register(SitePage)
class SitePageAdmin(TenantAdmin):
    resource = "intents"
    deeds = frozenset()
    fields = ("tenant", "site", "url", "status", "code", "modified", "article_id")
    list_display = ("url", "status", "code", "site", "tenant")
    list_filter = ("status", TenantFilter)
    list_select_related = ("tenant", "site")
    search_fields = ("url",)
    ordering = ("id",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "site__id__exact" or super().lookup_allowed(lookup, value, request)
