"""The console's page on events that one of the service's own handlers gave up on, to be handled again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from unfold.decorators import display

from conversations.models import Event
from messaging.admin.deliveries import MovingAdmin
from messaging.models import HandledEvent
from messaging.outbox.failures import FAILED, failure_retry
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button


class FailureList(ChangeList):
    """Each row with its event, by one query for the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # unscoped: the page spans all tenants of the member of staff, whose rows these are
        told = Event.objects.unscoped().in_bulk([row.event for row in self.result_list])
        for row in self.result_list:
            event = told.get(row.event)
            row.told = event if event and event.tenant_id == row.tenant_id else None


@admin.register(HandledEvent)
class FailureAdmin(MovingAdmin):
    buttons = (Button("retry", "Handle again", "replay"),)
    actions = ("retry",)
    fields = ("tenant", "handler", "error", "event", "what", "created_at")
    readonly_fields = ("what",)
    list_display = ("created_at", "handler", "what", "error", "tenant")
    list_filter = ("handler", TenantFilter)
    list_select_related = ("tenant",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(**FAILED)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return FailureList

    @display(description="Event")
    def what(self, row: HandledEvent) -> str:
        event = row.told if hasattr(row, "told") else Event.objects.filter(id=row.event).first()
        return event.type if event else "no longer there"

    def do_retry(self, request: HttpRequest, row: HandledEvent) -> str:
        left = failure_retry(row.id)
        self.note(request, "retried", row)
        return f"It failed again: {left.error}." if left else "The handler has dealt with the event."

    @admin.action(description="Handle again", permissions=["write"])
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "retry", queryset)
