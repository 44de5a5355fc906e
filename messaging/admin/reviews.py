"""The console's list of messages that the tenant's safety rules want a member of staff to look at (MSG-3)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from conversations.admin import TalkAdmin
from conversations.models import Review
from conversations.safety import review_end
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button
from tenants.console.pages.shown import shortened
from tenants.models import User
from tenants.tenant_settings import FLAGS


class OpenFilter(admin.SimpleListFilter):
    title, parameter_name = "to be looked at", "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(reviewed_at=None) if self.value() == "yes" else queryset


@admin.register(Review)
class ReviewAdmin(TalkAdmin):
    resource = "messages"
    deeds = frozenset()
    words = frozenset({"said"})
    buttons = (Button("reviewed", "Looked at", "done"),)
    actions = ("reviewed",)
    fields = ("tenant", "in_conversation", "why", "said", "created_at", "reviewed_at", "reviewed_by")
    readonly_fields = ("in_conversation", "why", "said")
    list_display = ("created_at", "why", "said", "in_conversation", "reviewed_at", "reviewed_by", "tenant")
    list_filter = (OpenFilter, TenantFilter)
    list_select_related = ("message", "conversation__contact", "reviewed_by", "tenant")

    @display(description="Why")
    def why(self, row: Review) -> str:
        return ", ".join(FLAGS.get(flag, flag) for flag in row.flags)

    @display(description="Said")
    def said(self, row: Review) -> str:
        return "deleted" if row.message.deleted_at else shortened(row.message.text) or f"[{row.message.content_type}]"

    def has_write_permission(self, request: HttpRequest) -> bool:
        return self.allowed(request, "write")

    def do_reviewed(self, request: HttpRequest, row: Review) -> str:
        assert isinstance(request.user, User)  # the admin refuses everything else
        if not review_end(row.id, request.user):
            return "A colleague had looked at it before."
        self.note(request, "reviewed", row)
        return "Taken off the list."

    @admin.action(description="Looked at", permissions=["write"])
    def reviewed(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "reviewed", queryset)
