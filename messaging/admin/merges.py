"""The console's pages on contacts that were merged: the ledger, and the way back (CONV-4)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from conversations.contacts.people import contacts_part
from conversations.models import ContactMerge
from tenants.console.pages.parts import PartInline, TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.shown import moment
from tenants.trail.audit import actor_name

PART = Button(
    "part", "Part them again", "call_split",
    "Bring the former contact back, with everything that is theirs and all their conversations?",
)  # fmt: skip
LINK = "text-primary-600 dark:text-primary-500"


def who_did(name: str) -> str:
    """``user:ana`` as colleagues know her."""
    return name.removeprefix("user:") or "—"


class MergeInline(PartInline):
    """Who went into this contact, the latest first."""

    model = ContactMerge
    verbose_name_plural = "Merged into this contact"
    fields = readonly_fields = ("who", "merged", "merged_by", "parted")
    ordering = ("-id",)
    max_num = 0

    @display(description="Contact")
    def who(self, merge: ContactMerge) -> str:
        address = reverse("admin:conversations_contactmerge_change", args=[merge.pk])
        return format_html('<a href="{}" class="{}">{}</a>', address, LINK, merge)

    @display(description="Merged")
    def merged(self, merge: ContactMerge) -> str:
        return moment(merge.created_at)

    @display(description="By")
    def merged_by(self, merge: ContactMerge) -> str:
        return who_did(merge.by)

    @display(description="Parted again")
    def parted(self, merge: ContactMerge) -> str:
        return moment(merge.undone_at)


@admin.register(ContactMerge)
class ContactMergeAdmin(TenantAdmin):
    resource = "contacts"
    deeds = frozenset()
    buttons = (PART,)
    fields = ("tenant", "who", "into", "what", "merged", "merged_by", "parted", "parted_by")
    readonly_fields = ("who", "into", "what", "merged", "merged_by", "parted", "parted_by")
    list_display = ("who", "into", "merged", "merged_by", "parted", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("contact", "tenant")

    @display(description="Former contact")
    def who(self, merge: ContactMerge) -> str:
        return str(merge)

    @display(description="Merged into")
    def into(self, merge: ContactMerge) -> str:
        address = reverse("admin:conversations_contact_change", args=[merge.contact_id])
        return format_html('<a href="{}" class="{}">{}</a>', address, LINK, merge.contact)

    @display(description="Merged", ordering="created_at")
    def merged(self, merge: ContactMerge) -> str:
        return moment(merge.created_at)

    @display(description="By")
    def merged_by(self, merge: ContactMerge) -> str:
        return who_did(merge.by)

    @display(description="Parted again", ordering="undone_at")
    def parted(self, merge: ContactMerge) -> str:
        return moment(merge.undone_at)

    @display(description="Parted by")
    def parted_by(self, merge: ContactMerge) -> str:
        return who_did(merge.undone_by)

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
