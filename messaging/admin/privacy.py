"""What staff do for a person who asks: export what there is of them, and erase them; and the records of it (PRIV-1, PRIV-2)."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.decorators import display

from conversations.models import Contact
from messaging import wake
from messaging.privacy.erase import HELD, erasure_preview, erasure_start
from messaging.privacy.export.job import download_path, export_start
from messaging.privacy.holds import hold_reason
from messaging.privacy.models import Erasure, Export
from messaging.privacy.requested import demand_taken
from tenants.access.limits import client_ip
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.errors import ServiceError
from tenants.scope import tenant_scope

EXPORT, ERASE = "privacy:export", "privacy:delete"
#: what staff are told of an erasure before it begins: a table, one of it, several
TOLD = (
    ("conversations.Conversation", "conversation", "conversations"),
    ("conversations.Message", "message", "messages"),
    ("conversations.Attachment", "file", "files"),
    ("conversations.Note", "note", "notes"),
)


class PrivacyPages:
    """Mixed into the page of contacts: its panel, and what its buttons lead to."""

    change_form_outer_before_template = "admin/conversations/contact/privacy.html"
    admin_site: Any

    def get_urls(self) -> list[Any]:
        views = {"export": self.export_view, "download": self.download_view, "erase": self.erase_view}
        own = [
            path(f"<uuid:contact_id>/{name}/", self.admin_site.admin_view(view), name=f"conversations_contact_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def page_context(self, request: HttpRequest, contact: Contact) -> dict[str, Any]:
        return {**super().page_context(request, contact), "privacy": _panel(request, contact)}  # type: ignore[misc]

    def export_view(self, request: HttpRequest, contact_id: uuid.UUID) -> HttpResponse:
        contact = self._contact(request, contact_id, EXPORT)
        if request.method == "POST":
            with tenant_scope(contact.tenant_id):
                try:
                    demand_taken()
                    export_start(contact.id, request.user, client_ip(request))
                except ServiceError as error:
                    messages.error(request, error.message)
                else:
                    wake.privacy()
                    messages.success(request, "The export is being made. This page shows how far it is.")
        return _back(contact)

    def download_view(self, request: HttpRequest, contact_id: uuid.UUID) -> HttpResponse:
        """To the file, by a link that is made now."""
        contact = self._contact(request, contact_id, EXPORT)
        with tenant_scope(contact.tenant_id):
            ready = Export.objects.filter(contact_id=contact.id, status=Export.Status.READY).order_by("-id").first()
        link = download_path(ready) if ready else None
        if link is None:
            messages.error(request, "The file is gone. Make a new export.")
            return _back(contact)
        return HttpResponseRedirect(link)

    def erase_view(self, request: HttpRequest, contact_id: uuid.UUID) -> HttpResponse:
        """Asks for the person's name, and begins the erasure."""
        contact = self._contact(request, contact_id, ERASE)
        typed = " ".join(request.POST.get("name", "").split())
        with tenant_scope(contact.tenant_id):
            try:
                demand_taken()
                if request.method == "POST" and typed == " ".join(str(contact).split()):
                    begun = erasure_start(contact.id, request.user, client_ip(request))
                    wake.privacy()
                    messages.success(request, "The person is being erased. This page shows how far it is.")
                    return HttpResponseRedirect(reverse("admin:messaging_erasure_change", args=[begun.pk]))
                counts = erasure_preview(contact.id)
            except ServiceError as error:
                messages.error(request, error.message)
                return _back(contact)
        context = {**self.admin_site.each_context(request), "title": f"Erase {contact}", "contact": contact}
        context |= {"opts": Contact._meta, "wrong": request.method == "POST", "counts": _told(counts)}
        return TemplateResponse(request, "admin/conversations/contact/erase.html", context)

    def _contact(self, request: HttpRequest, contact_id: uuid.UUID, permission: str) -> Contact:
        contact: Contact | None = self.get_object(request, str(contact_id))  # type: ignore[attr-defined]
        if contact is None:
            raise Http404
        if permission not in permissions_in(request, contact.tenant_id):
            raise PermissionDenied
        return contact


def _panel(request: HttpRequest, contact: Contact) -> dict[str, Any]:
    """Empty for staff who may do neither."""
    held = permissions_in(request, contact.tenant_id)
    panel: dict[str, Any] = {}
    if EXPORT in held:
        panel |= {"export": True, "made": Export.objects.filter(contact_id=contact.id).order_by("-id").first()}
    if ERASE in held:
        panel |= {"erase": True, "hold": hold_reason(contact.id)}
    if panel:
        panel["taken"] = settings.ENV["PRIVACY_ENABLED"]
        panel["erasing"] = Erasure.objects.filter(contact_id=contact.id, status=Erasure.Status.RUNNING).first()
    return panel


def _told(counts: dict[str, int]) -> list[str]:
    found = [(counts.get(table, 0), one, several) for table, one, several in TOLD]
    return [f"{count} {one if count == 1 else several}" for count, one, several in found if count]


def _back(contact: Contact) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:conversations_contact_change", args=[contact.pk]))


# ------------------------------------------------------------------------------- records


class RecordAdmin(TenantAdmin):
    """Records, to read: ids and counts, nothing of the person."""

    deeds = frozenset()
    needs = ""
    list_filter = ("status", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("contact_id", "requested_by")

    def permission(self, kind: str) -> str:
        return self.needs

    @display(description="Contact")
    def who(self, row: Any) -> str:
        return f"Visitor {str(row.contact_id)[-6:]}"

    @display(description="Rows by table")
    def rows(self, row: Any) -> str:
        return ", ".join(f"{name.rpartition('.')[2]}: {count}" for name, count in row.counts.items() if count) or "—"


@admin.register(Export)
class ExportAdmin(RecordAdmin):
    needs = EXPORT
    list_display = ("who", "state", "downloads", "requested_by", "created_at", "expires_at", "tenant")
    fields = readonly_fields = (
        "tenant", "contact_id", "state", "how_far", "rows", "size", "sha256", "downloads", "downloaded_at", "requested_by",
        "created_at", "finished_at", "expires_at", "reason",
    )  # fmt: skip

    @display(
        description="Status", ordering="status",
        label={"running": "warning", "ready": "success", "failed": "danger", "expired": "info", "erased": "info"},
    )  # fmt: skip
    def state(self, row: Export) -> str:
        return row.status

    @display(description="How far")
    def how_far(self, row: Export) -> str:
        return f"{row.progress} %"


@admin.register(Erasure)
class ErasureAdmin(RecordAdmin):
    needs = ERASE
    list_display = ("who", "state", "requested_by", "created_at", "finished_at", "tenant")
    fields = readonly_fields = (
        "tenant", "contact_id", "state", "rows", "requested_by", "created_at", "finished_at",
    )  # fmt: skip

    @display(description="Status", ordering="status", label={"running": "warning", "done": "success", "held": "danger"})
    def state(self, row: Erasure) -> str:
        return "held" if row.status == Erasure.Status.RUNNING and row.table == HELD else row.status
