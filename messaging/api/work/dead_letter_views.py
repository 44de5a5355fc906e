"""``/api/v2/dead-letters``: messages that were given up, and the way to send them after all (DEL-3)."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from conversations.selectors import channel_brief
from conversations.shapes import ChannelBrief
from messaging.api.talks.message_shapes import Action, MessageDelivery
from messaging.api.talks.message_views import DELIVERY, delivery_detail
from messaging.deliver import redeliver
from messaging.models import Delivery
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Conflict, NotFound

TAGS = ["dead letters"]
DEAD = Walk(
    "dead-letters", by="dead_at", latest=True, sorts={"dead_at": "dead_at"}, searched=("error_code", "error_detail"),
    dated="dead_at",
)  # fmt: skip
LETTER = {
    "id": DELIVERY["id"], "message_id": "0192f0d0-7b1a-7c3e-9a55-00000000000e",
    "conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001",
    "channel": {"id": "0192f0d0-7b1a-7c3e-9a55-00000000000c", "kind": "whatsapp", "name": "WhatsApp"}, "seq": 2, "action": None,
    "attempts": 8, "error_code": "131026", "error_detail": "The number is not on WhatsApp.",
    "dead_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip
AT_ONCE = 500


class LetterShape(BaseModel):
    id: uuid.UUID
    message_id: uuid.UUID
    conversation_id: uuid.UUID
    channel: ChannelBrief
    seq: int
    action: Action
    attempts: int
    error_code: str
    error_detail: str
    dead_at: Moment


class LetterPage(Page):
    items: list[LetterShape]


class LetterQuery(ListQuery):
    channel_id: uuid.UUID | None = None
    error_code: str | None = Field(None, max_length=60)


class LettersWanted(BaseModel):
    """Which of them: those that all of this fits."""

    model_config = ConfigDict(extra="forbid")

    channel_id: uuid.UUID | None = None
    error_code: str = Field("", max_length=60)


class Replayed(BaseModel):
    count: int = Field(description="Messages that are due again")
    more: bool = Field(description="There are more than 500: ask again")


def dead(**which: Any) -> Any:
    given = {name: value for name, value in which.items() if value}
    return Delivery.objects.filter(dead_at__isnull=False, **given).select_related("channel")


def letter_shape(row: Delivery) -> dict[str, Any]:
    names = (
        "id",
        "message_id",
        "conversation_id",
        "seq",
        "action",
        "attempts",
        "error_code",
        "error_detail",
        "dead_at",
    )
    return {**{name: getattr(row, name) for name in names}, "channel": channel_brief(row.channel)}


def letter_get(letter_id: uuid.UUID) -> Delivery:
    """Raises NotFound."""
    row: Delivery | None = dead(id=letter_id).first()
    if row is None:
        raise NotFound("There is no such dead letter.", code="dead_letter_not_found")
    return row


class LettersView(TenantAPIView):
    reads = "delivery"
    permissions = {"GET": "deliveries:read"}

    @extend_schema(
        operation_id="dead_letter_list",
        summary="Messages that were given up",
        description="The latest first; `search_query`: in code and reason.",
        tags=TAGS,
        parameters=[LetterQuery],  # type: ignore[list-item]
        responses=LetterPage,
        examples=[answered(listed(LETTER))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, LetterQuery)
        rows = dead(channel_id=query.channel_id, error_code=query.error_code)
        return Response(DEAD.answer(rows, query, shape=lambda page: map(letter_shape, page)))


class LetterView(TenantAPIView):
    reads = "delivery"
    permissions = {"GET": "deliveries:read"}

    @extend_schema(
        operation_id="dead_letter_get",
        description="What could not be delivered, why, and the time and the error of every try.",
        summary="One of them, with each try",
        tags=TAGS,
        responses=MessageDelivery,
        examples=[answered({**DELIVERY, "status": "failed", "dead_at": LETTER["dead_at"]})],
    )
    def get(self, request: Request, letter_id: uuid.UUID) -> Response:
        row = letter_get(letter_id)
        self.looked_at = row.id
        return Response(delivery_detail(row))


class LetterReplayView(TenantAPIView):
    permissions = {"POST": "deliveries:write"}

    @extend_schema(
        operation_id="dead_letter_replay",
        summary="Send it after all",
        description="With fresh tries; what the platform took and has not failed is not sent again. 409 `dead_letter_replayed`.",
        tags=TAGS,
        request=None,
        responses={202: MessageDelivery},
        examples=[answered({**DELIVERY, "status": "queued", "attempts": 0}, 202)],
    )
    def post(self, request: Request, letter_id: uuid.UUID) -> Response:
        row = letter_get(letter_id)
        if not redeliver(Delivery.objects.filter(id=row.id)):
            raise Conflict("It is under way again, or its message is deleted.", code="dead_letter_replayed")
        self.audit("delivery.retried", row)
        return Response(delivery_detail(Delivery.objects.get(id=row.id)), 202)


class LettersReplayView(TenantAPIView):
    permissions = {"POST": "deliveries:write"}

    @extend_schema(
        operation_id="dead_letter_replay_many",
        summary="Send all of them after all",
        description="Of a channel, of a code, or all; 500 at once, the oldest first.",
        tags=TAGS,
        request=LettersWanted,
        responses={202: Replayed},
        examples=[asked({"error_code": "131026"}), answered({"count": 17, "more": False}, 202)],
    )
    def post(self, request: Request) -> Response:
        which = parse_body(request, LettersWanted)
        rows = dead(channel_id=which.channel_id, error_code=which.error_code).filter(message__deleted_at=None)
        ids = list(rows.order_by("dead_at", "id").values_list("id", flat=True)[: AT_ONCE + 1])
        count = redeliver(Delivery.objects.filter(id__in=ids[:AT_ONCE]).order_by("dead_at", "id"))
        self.audit("delivery.retried", "delivery:several", {"count": count})
        return Response({"count": count, "more": len(ids) > AT_ONCE}, 202)
