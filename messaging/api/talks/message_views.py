"""``/api/v2/chat/messages/{id}``: one message, what hangs on it, and what is changed of it (API-1, CONV-9)."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors
from conversations.models import Message
from conversations.safety import WHY, analysis_shown
from messaging.api.chat_views import MESSAGE
from messaging.api.talks.message_shapes import (
    ContextQuery,
    Deleted,
    MessageAnalysis,
    MessageChange,
    MessageContext,
    MessageDelivery,
    MessageDetail,
    Regenerated,
    Surroundings,
)
from messaging.models import Delivery, DeliveryAttempt, DeliveryPart, Turn
from messaging.rules.changes import changes_of
from messaging.talks.edits import answer_again, message_delete, message_edit
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound

TAGS = ["chat"]
DETAIL = {
    **MESSAGE, "channel": {"id": "0192f0d0-7b1a-7c3e-9a55-00000000000c", "kind": "web", "name": "Website"}, "author": None,
    "sent_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip
ANALYSIS = {
    "id": MESSAGE["id"], "language": "en", "entities": [{"type": "order_number", "value": "12345"}], "flags": [],
    "intent": "order_status", "confidence": 0.93, "details": {},
    "why": {"settled": "letters", "intents": [["order_status", 0.93], ["returns", 0.04]]},
    "turn": {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000ee", "status": "answered", "outcome": "answered",
             "engine": "builtin", "latency_ms": 12},
}  # fmt: skip
DELIVERY = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000ed", "message_id": "0192f0d0-7b1a-7c3e-9a55-00000000000e",
    "conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001",
    "channel": {"id": "0192f0d0-7b1a-7c3e-9a55-00000000000c", "kind": "whatsapp", "name": "WhatsApp"}, "seq": 2,
    "created_at": "2026-01-31T12:00:00.000Z", "status": "delivered", "attempts": 1, "error_code": "", "error_detail": "",
    "dead_at": None, "due_at": None, "sent_at": "2026-01-31T12:00:01.000Z", "delivered_at": "2026-01-31T12:00:02.000Z",
    "read_at": None, "action": None, "changes": [], "parts": [{"index": 0, "platform_id": "wamid.1", "status": "delivered"}],
    "tries": [{"number": 1, "outcome": "accepted", "code": "", "latency_ms": 180, "at": "2026-01-31T12:00:01.000Z",
               "exchange": [{"status": 200}]}],
}  # fmt: skip
SURROUNDINGS: dict[str, Any] = {
    "quote": {"message_id": MESSAGE["id"], "author": "bot", "text": "Order 12345 left"}, "form": None,
    "referral": {"kind": "ad", "id": "1", "ref": "spring", "title": "Spring sale", "text": "", "url": "", "facts": {}},
    "products": [], "contacts": [], "forwarded": None, "full_text": None,
}  # fmt: skip
ABOUT_WORDS = ("entities", "flags", "intent", "confidence")


class MessageView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read", "PATCH": "messages:write", "DELETE": "messages:write"}

    @extend_schema(
        operation_id="message_get",
        description="The message with its content, its state and its place in the conversation.",
        summary="One message",
        tags=TAGS,
        responses=MessageDetail,
        examples=[answered(DETAIL)],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        row = selectors.message_get(message_id)
        self.looked_at = row.conversation_id
        return Response(selectors.message_detail(row))

    @extend_schema(
        operation_id="message_change",
        summary="Edit what we said",
        description="A text of the assistant or of staff, where the channel's `capabilities` have `can_edit`: on the web chat at "
        "once; on other platforms the change goes out behind the message, and `changes` of its delivery tell whether the person "
        "sees it. 422 `edit_not_shown` elsewhere: their app goes on showing what was sent. 422 `edit_too_long`: it needs more "
        "messages than were sent. What it said before is kept, and the transcript tells of it.",
        tags=TAGS,
        request=MessageChange,
        responses=MessageDetail,
        examples=[
            asked({"content": {"type": "text", "text": "Order 12345 left our warehouse today."}}),
            answered(DETAIL),
        ],
    )
    def patch(self, request: Request, message_id: uuid.UUID) -> Response:
        change = parse_body(request, MessageChange)
        if "content" in change.model_fields_set:
            message = message_edit(message_id, change.content)
            if not message.repeated:
                self.audit("message.edited", message)
        return Response(selectors.message_detail(selectors.message_get(message_id)))

    @extend_schema(
        operation_id="message_delete",
        summary="Delete a message",
        description="Its words and files go, whoever wrote it; its place in the transcript stays, and an entry tells of it. One "
        "that was not sent yet is not sent; what we said is taken back at the person's where the channel's `capabilities` have "
        "`can_delete`. Again, it changes nothing, and tells where it is gone by now. 409 `legal_hold`: a hold keeps the person's words.",
        tags=TAGS,
        responses={200: Deleted},
        examples=[answered({"id": MESSAGE["id"], "gone": "on_its_way"})],
    )
    def delete(self, request: Request, message_id: uuid.UUID) -> Response:
        message, gone = message_delete(message_id)
        if not message.repeated:
            self.audit("message.deleted", message)
        return Response({"id": message.id, "gone": gone})


class ContextView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="message_context_get",
        description="The messages before and after this one in its conversation, in order.",
        summary="A message between its neighbours",
        tags=TAGS,
        parameters=[ContextQuery],  # type: ignore[list-item]
        responses=MessageContext,
        examples=[answered({"before": [], "message": MESSAGE, "after": []})],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        size = parse_query(request, ContextQuery).context_size
        row = selectors.message_get(message_id)
        self.looked_at = row.conversation_id
        return Response(selectors.message_context(row, size))


class AnalysisView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="message_analysis_get",
        description="What is known of its language, entities, safety flags and intent, and how it was answered. `why` of an "
        "answer tells how it came about: the likely intents, what was looked up and cited, prompt, tools and models with cost.",
        summary="What was understood of a message",
        tags=TAGS,
        responses=MessageAnalysis,
        examples=[answered(ANALYSIS)],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        row = selectors.message_get(message_id)
        self.looked_at = row.conversation_id
        found = analysis_shown(row.analysis)
        return Response(
            {
                "id": row.id,
                "language": row.language,
                "entities": found.get("entities", []),
                "flags": found.get("flags", []),
                "intent": found.get("intent"),
                "confidence": found.get("confidence"),
                "details": {name: value for name, value in found.items() if name not in ABOUT_WORDS},
                "why": row.analysis.get(WHY, {}),
                "turn": _turn(row),
            }
        )


def _turn(row: Message) -> dict[str, Any] | None:
    """The one that answered it, or that it came of."""
    theirs = (
        Q(first_seq__lte=row.seq, last_seq__gte=row.seq) if row.role == Message.Role.VISITOR else Q(reply_id=row.id)
    )
    turn = Turn.objects.filter(theirs, conversation_id=row.conversation_id).order_by("-id").first()
    names = ("id", "status", "outcome", "engine", "latency_ms")
    return {name: getattr(turn, name) for name in names} if turn else None


class SurroundingsView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="message_surroundings_get",
        summary="What a message quotes, fills in, comes from and shows",
        description="As the message's content has it: its quote, form, referral, products, shared contacts and full text, and whether it was forwarded.",
        tags=TAGS,
        responses=Surroundings,
        examples=[answered(SURROUNDINGS)],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        row = selectors.message_get(message_id)
        self.looked_at = row.conversation_id
        said = {} if row.deleted_at else row.content
        told = {
            "quote": said.get("quote"), "form": said.get("form"), "referral": said.get("origin"),
            "products": said.get("cards") or [], "contacts": said.get("contacts") or [],
            "forwarded": said.get("forwarded"), "full_text": said.get("full_text"),
        }  # fmt: skip
        return Response(Surroundings.model_validate(told).model_dump(mode="json"))


class DeliveryView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "deliveries:read"}

    @extend_schema(
        operation_id="message_delivery_get",
        summary="How a message went out",
        description="404 `delivery_not_found` for what was not to be sent: people's messages, entries of the system.",
        tags=TAGS,
        responses=MessageDelivery,
        examples=[answered(DELIVERY)],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        row = Delivery.objects.filter(message_id=message_id).first()
        if row is None:
            raise NotFound("There is no delivery of such a message.", code="delivery_not_found")
        self.looked_at = row.conversation_id
        return Response(delivery_detail(row))


def delivery_detail(row: Delivery) -> dict[str, Any]:
    """Four statements, with the row's own."""
    names = (
        "id", "message_id", "conversation_id", "seq", "action", "created_at", "status", "attempts", "error_code", "error_detail",
        "dead_at", "sent_at", "delivered_at", "read_at",
    )  # fmt: skip
    tries = DeliveryAttempt.objects.filter(delivery=row).order_by("number", "id")
    parts = DeliveryPart.objects.filter(delivery=row).order_by("index")
    return {
        **{name: getattr(row, name) for name in names},
        "channel": selectors.channel_brief(row.channel),
        "due_at": row.due_at if row.status in Delivery.UNFINISHED else None,
        "parts": list(parts.values("index", "platform_id", "status")),
        "changes": [_change(one) for one in changes_of([row.message_id], row.conversation_id)],
        "tries": [
            {**{name: getattr(one, name) for name in ("number", "outcome", "code", "latency_ms", "exchange")},
             "at": one.created_at}
            for one in tries
        ],
    }  # fmt: skip


def _change(row: Delivery) -> dict[str, Any]:
    names = ("id", "seq", "status", "error_code", "error_detail", "dead_at", "sent_at")
    return {**{name: getattr(row, name) for name in names}, "kind": row.message.change}


class RegenerateView(TenantAPIView):
    permissions = {"POST": "messages:write"}

    @extend_schema(
        operation_id="message_regenerate",
        summary="Let the assistant answer once more",
        description="What a person said last, named by its own id or by that of an answer to it, while the bot is in control; what it "
        "has said stays. 409 `answer_under_way`, `with_human`, `conversation_closed`; 422 `not_the_last_words`.",
        tags=TAGS,
        request=None,
        responses={202: Regenerated},
        examples=[answered({"turn": "0192f0d0-7b1a-7c3e-9a55-0000000000ee", "status": "waiting"}, 202)],
    )
    def post(self, request: Request, message_id: uuid.UUID) -> Response:
        turn = answer_again(message_id)
        self.audit("message.regenerated", f"conversation:{turn.conversation_id}", {"message": str(message_id)})
        return Response({"turn": turn.id, "status": turn.status}, 202)
