"""The console's pages on what moves: receipts, turns, deliveries and dead letters.

Must not do what it shows: receipts are processed in messaging/receive.py, deliveries in messaging/deliver.py.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from channels_app.admin import ChannelFilter
from channels_app.contract import BadPayload, RawRequest
from channels_app.http.redact import Redactor
from conversations.admin import TalkAdmin
from messaging.deliver import redeliver
from messaging.models import Delivery, DeliveryAttempt, DeliveryPart, InboundEvent, StaffAlert, Turn
from messaging.outbox.alerts import alerts_replay
from messaging.receive import receipts_replay
from messaging.respond import turns_replay
from tenants.console.pages.parts import PartInline, TenantFilter
from tenants.console.pages.rows import Button, row_id
from tenants.console.pages.shown import shortened, verbatim

TONES = {
    "queued": "info", "sending": "info", "sent": "success", "delivered": "success", "read": "success",
    "failed": "danger", "dead letter": "danger",
    "waiting": "info", "received": "info", "processed": "success", "ignored": "warning", "malformed": "danger",
    "running": "info", "answered": "success", "void": "warning", "silent": "warning",
}  # fmt: skip


class MovingAdmin(TalkAdmin):
    """Rows that only the service writes: staff read them and start them again."""

    resource = "deliveries"
    deeds = frozenset()

    @display(description="Status", label=TONES)
    def state(self, row: Any) -> str:
        return "dead letter" if getattr(row, "dead_at", None) else row.status

    def has_write_permission(self, request: HttpRequest) -> bool:
        return self.allowed(request, "write")


@admin.register(InboundEvent)
class ReceiptAdmin(MovingAdmin):
    """Webhook requests as they came in; headers and fields that prove an origin are masked."""

    words = frozenset({"asked", "body"})  # a form by GET stands in the query
    buttons = (Button("process", "Process again", "replay"),)
    actions = ("process",)
    fields = ("tenant", "channel", "state", "reason", "attempts", "created_at", "processed_at", "asked", "body")
    readonly_fields = ("state", "asked", "body")
    list_display = ("created_at", "on_channel", "state", "reason", "attempts", "tenant")
    list_filter = ("status", ChannelFilter, TenantFilter)
    list_select_related = ("channel", "tenant")

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows if row_id(request) else rows.defer("request")

    @display(description="Request")
    def asked(self, receipt: InboundEvent) -> str:
        raw, redactor = RawRequest.from_stored(receipt.request), _redactor(receipt)
        headers = "\n".join(f"{name}: {value}" for name, value in redactor.headers(raw.headers).items())
        query = "\n".join(f"{name} = {redactor.value(value, name)}" for name, value in raw.query.items())
        return verbatim("\n\n".join(filter(None, (f"{raw.method} {raw.path}", query, headers))))

    @display(description="Body")
    def body(self, receipt: InboundEvent) -> str:
        raw, redactor = RawRequest.from_stored(receipt.request), _redactor(receipt)
        try:
            return verbatim(redactor.value(_fields(raw), text_keys=frozenset()))
        except (BadPayload, ValueError, RecursionError):
            return verbatim(redactor.string(raw.body[:20_000].decode("utf-8", "replace"), 20_000))

    def do_process(self, request: HttpRequest, receipt: InboundEvent) -> str:
        """Every message in it is deduplicated by its own id: what was taken already is not taken twice."""
        receipts_replay(InboundEvent.objects.filter(id=receipt.id))
        self.note(request, "replayed", receipt)
        return "The request will be processed again."

    @admin.action(description="Process again", permissions=["write"])
    def process(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "process", queryset)


@admin.register(Turn)
class TurnAdmin(MovingAdmin):
    resource = "conversations"
    buttons = (Button("answer", "Answer again", "replay"),)
    actions = ("answer",)
    fields = ("tenant", "in_conversation", "first_seq", "last_seq", "state", "outcome", "engine", "latency_ms",
              "attempts", "due_at", "created_at")  # fmt: skip
    readonly_fields = ("state", "in_conversation")
    list_display = ("created_at", "in_conversation", "first_seq", "last_seq", "state", "outcome", "engine",
                    "latency_ms")  # fmt: skip
    list_filter = ("status", "engine", TenantFilter)
    list_select_related = ("conversation__contact",)

    def do_answer(self, request: HttpRequest, turn: Turn) -> str:
        """Only what was given up; a turn that is answered or void stays so."""
        if not turns_replay(Turn.objects.filter(id=turn.id)):
            return "This turn was not given up."
        self.note(request, "replayed", turn)
        return "The messages will be answered again."

    @admin.action(description="Answer again", permissions=["write"])
    def answer(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "answer", queryset)


class DeadFilter(admin.SimpleListFilter):
    title, parameter_name = "dead letter", "dead"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(dead_at__isnull=self.value() == "no") if self.value() in ("yes", "no") else queryset


class AttemptInline(PartInline):
    model = DeliveryAttempt
    verbose_name_plural = "Attempts"
    fields = readonly_fields = ("number", "created_at", "outcome", "code", "latency_ms", "said")
    ordering = ("number",)

    @display(description="Exchange (redacted)")
    def said(self, attempt: DeliveryAttempt) -> str:
        return verbatim(attempt.exchange) if attempt.exchange else "—"


class PartsInline(PartInline):
    model = DeliveryPart
    verbose_name_plural = "Parts that the platform took"
    fields = readonly_fields = ("index", "platform_id", "status", "created_at")
    ordering = ("index",)


@admin.register(Delivery)
class DeliveryAdmin(MovingAdmin):
    """Dead letters are the rows with ``dead_at``: the same list, filtered."""

    words = frozenset({"beginning", "message__text", "in_conversation"})  # the last one says who it is with
    buttons = (Button("retry", "Retry", "replay"),)
    actions = ("retry",)
    inlines = (AttemptInline, PartsInline)
    fields = ("tenant", "in_conversation", "beginning", "channel", "state", "attempts", "due_at", "error_code",
              "error_detail", "created_at", "sent_at", "delivered_at", "read_at", "dead_at", "expires_at")  # fmt: skip
    readonly_fields = ("in_conversation", "beginning", "state")
    list_display = (
        "created_at",
        "beginning",
        "on_channel",
        "state",
        "attempts",
        "error_code",
        "in_conversation",
        "tenant",
    )
    list_filter = ("status", DeadFilter, ChannelFilter, TenantFilter)
    list_select_related = ("channel", "message", "conversation__contact", "tenant")
    search_fields = ("error_code", "message__text")

    @display(description="Message")
    def beginning(self, delivery: Delivery) -> str:
        return shortened(delivery.message.text) or f"[{delivery.message.content_type}]"

    def buttons_of(self, request: HttpRequest, row: Delivery) -> Any:
        return super().buttons_of(request, row) if row.status == Delivery.Status.FAILED else ()

    def do_retry(self, request: HttpRequest, delivery: Delivery) -> str:
        if not redeliver(Delivery.objects.filter(id=delivery.id)):
            return ""
        self.note(request, "retried", delivery)
        return f"Message #{delivery.seq} is on its way again."

    @admin.action(description="Retry", permissions=["write"])
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "retry", queryset)


@admin.register(StaffAlert)
class StaffAlertAdmin(MovingAdmin):
    """What staff were told outside the console, and whether it reached them."""

    buttons = (Button("send", "Send again", "replay"),)
    actions = ("send",)
    fields = ("tenant", "subject", "text", "way", "state", "attempts", "error", "incident", "due_at", "created_at")
    readonly_fields = ("state",)
    list_display = ("created_at", "subject", "way", "state", "attempts", "error", "tenant")
    list_filter = ("status", "way", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("subject",)

    def buttons_of(self, request: HttpRequest, row: StaffAlert) -> Any:
        return super().buttons_of(request, row) if row.status == StaffAlert.Status.FAILED else ()

    def do_send(self, request: HttpRequest, alert: StaffAlert) -> str:
        if not alerts_replay(StaffAlert.objects.filter(id=alert.id)):
            return ""
        self.note(request, "replayed", alert)
        return "The alert will be sent again."

    @admin.action(description="Send again", permissions=["write"])
    def send(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "send", queryset)


def _fields(raw: RawRequest) -> Any:
    """A body by its fields: of a form or of JSON. Raises BadPayload or ValueError."""
    form = "form-urlencoded" in raw.headers.get("content-type", "")
    return raw.form() if form else json.loads(raw.body)


def _redactor(receipt: InboundEvent) -> Redactor:
    return Redactor(str(value) for value in receipt.channel.secrets.values() if value)
