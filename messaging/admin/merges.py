"""The console's pages on contacts that were merged: the ledger, and the way back (CONV-4)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from conversations.models import ContactMerge
from conversations.people import contacts_part
from tenants.audit import actor_name
from tenants.console.pages import Button, PartInline, TenantAdmin, TenantFilter

PART = Button(
    "part", "Part them again", "call_split",
    "Bring the former contact back, with everything that is theirs and all their conversations?",
)  # fmt: skip


class MergeInline(PartInline):
    """Who went into this contact, the latest first."""

    model = ContactMerge
    verbose_name_plural = "Merged into this contact"
    fields = readonly_fields = ("created_at", "who", "by", "undone_at")
    ordering = ("-id",)
    max_num = 0
    show_change_link = True

    @display(description="Contact")
    def who(self, merge: ContactMerge) -> str:
        return former_name(merge)


def former_name(merge: ContactMerge) -> str:
    return merge.former.get("name") or f"Visitor {str(merge.former_id)[-6:]}"


@admin.register(ContactMerge)
class ContactMergeAdmin(TenantAdmin):
    resource = "contacts"
    deeds = frozenset()
    buttons = (PART,)
    fields = ("tenant", "into", "who", "what", "by", "created_at", "undone_at", "undone_by")
    readonly_fields = ("into", "who", "what")
    list_display = ("created_at", "who", "into", "by", "undone_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("contact", "tenant")

    @display(description="Former contact")
    def who(self, merge: ContactMerge) -> str:
        return former_name(merge)

    @display(description="Merged into")
    def into(self, merge: ContactMerge) -> str:
        address = reverse("admin:conversations_contact_change", args=[merge.contact_id])
        look = "text-primary-600 dark:text-primary-500"
        return format_html('<a href="{}" class="{}">{}</a>', address, look, merge.contact)

    @display(description="What came over")
    def what(self, merge: ContactMerge) -> str:
        count = len(merge.moved.get("identities", ()))
        return f"{count} {'identity' if count == 1 else 'identities'}, with all conversations of theirs"

    def buttons_of(self, request: HttpRequest, row: ContactMerge) -> Any:
        return super().buttons_of(request, row) if row.undone_at is None else ()

    def do_part(self, request: HttpRequest, merge: ContactMerge) -> str:
        contacts_part(merge.id, actor_name(request.user))
        self.note(request, "parted", merge.contact, {"former": str(merge.former_id)})
        return "They are two contacts again."
