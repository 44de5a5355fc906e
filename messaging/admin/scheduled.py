"""The console's page on replies that staff have planned: which wait, which went, and why one did not."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from messaging.admin.deliveries import MovingAdmin
from messaging.agents.models import ScheduledReply
from messaging.agents.scheduled import scheduled_cancel, scheduled_replay
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button
from tenants.errors import Conflict

TONES = {"waiting": "info", "sent": "success", "cancelled": "warning", "refused": "danger", "failed": "danger"}
#: verb → the state in which it means something
DEEDS = {"cancel": ScheduledReply.Status.WAITING, "send": ScheduledReply.Status.FAILED}


@admin.register(ScheduledReply)
class ScheduledReplyAdmin(MovingAdmin):
    resource = "messages"
    words = frozenset({"said"})
    buttons = (Button("cancel", "Do not send", "event_busy"), Button("send", "Send now", "replay"))
    fields = ("tenant", "in_conversation", "author", "at", "said", "state", "reason", "created_at")
    readonly_fields = ("state", "in_conversation", "said")
    list_display = ("at", "in_conversation", "author", "state", "reason", "tenant")
    list_filter = ("status", TenantFilter)
    list_select_related = ("conversation__contact", "author", "tenant")

    def buttons_of(self, request: HttpRequest, row: ScheduledReply) -> Any:
        return [button for button in super().buttons_of(request, row) if DEEDS[button.verb] == row.status]

    @display(description="Status", label=TONES)
    def state(self, row: ScheduledReply) -> str:
        return str(row.status)

    @display(description="Reply")
    def said(self, row: ScheduledReply) -> str:
        return str(row.content.get("text") or f"[{row.content.get('type')}]")

    def do_cancel(self, request: HttpRequest, row: ScheduledReply) -> str:
        try:
            scheduled_cancel(row.id)
        except Conflict as error:
            return str(error)
        self.note(request, "cancelled", row)
        return "It will not be sent."

    def do_send(self, request: HttpRequest, row: ScheduledReply) -> str:
        if not scheduled_replay(ScheduledReply.objects.filter(id=row.id)):
            return ""
        self.note(request, "replayed", row)
        return "The reply is on its way."
