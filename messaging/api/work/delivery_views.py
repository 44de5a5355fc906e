"""``/api/v2/deliveries``: every message on its way out and how it fared (DEL-3, API-1)."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from conversations.selectors import channel_brief
from conversations.shapes import ChannelBrief
from messaging.api.talks.message_shapes import Action, MessageDelivery
from messaging.api.talks.message_views import DELIVERY, delivery_detail
from messaging.models import Delivery
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import NotFound

TAGS = ["deliveries"]
DELIVERIES = Walk(
    "deliveries", by="created_at", latest=True, sorts={"created_at": "created_at"},
    searched=("error_code", "error_detail"), dated="created_at",
)  # fmt: skip
FACTS = (
    "id", "message_id", "conversation_id", "seq", "action", "status", "attempts", "error_code", "error_detail", "created_at", "dead_at",
    "sent_at", "delivered_at", "read_at",
)  # fmt: skip
#: what has an error that still matters, few beside those that arrived: a search reads no others
NOT_THERE = ("queued", "sending", "failed")
BRIEF = {name: fact for name, fact in DELIVERY.items() if name not in ("changes", "parts", "tries")}


class DeliveryBrief(BaseModel):
    """A message, or the change of one, on its way out; `/deliveries/{id}` has each try and each part."""

    id: uuid.UUID
    message_id: uuid.UUID
    conversation_id: uuid.UUID
    channel: ChannelBrief
    seq: int = Field(description="Of the message in its conversation")
    action: Action
    status: str
    attempts: int
    error_code: str
    error_detail: str
    created_at: Moment
    dead_at: Moment | None = Field(description="Set: a dead letter, see `/dead-letters`")
    due_at: Moment | None = Field(description="Next try")
    sent_at: Moment | None
    delivered_at: Moment | None
    read_at: Moment | None


class DeliveryPage(Page):
    items: list[DeliveryBrief]


class DeliveryQuery(ListQuery):
    status: Literal["queued", "sending", "sent", "delivered", "read", "failed"] | None = None
    channel_id: uuid.UUID | None = None


def delivery_brief(row: Delivery) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in FACTS},
        "channel": channel_brief(row.channel),
        "due_at": row.due_at if row.status in Delivery.UNFINISHED else None,
    }


class DeliveriesView(TenantAPIView):
    reads = "delivery"
    permissions = {"GET": "deliveries:read"}

    @extend_schema(
        operation_id="delivery_list",
        summary="List deliveries",
        description="The newest first. `start_date` and `end_date` are of the message's acceptance; `search_query` looks in "
        "code and reason of those that are queued, being sent or failed.",
        tags=TAGS,
        parameters=[DeliveryQuery],  # type: ignore[list-item]
        responses=DeliveryPage,
        examples=[answered(listed(BRIEF))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, DeliveryQuery)
        given = {name: value for name in ("status", "channel_id") if (value := getattr(query, name))}
        rows = Delivery.objects.filter(**given).select_related("channel")
        rows = rows.filter(status__in=NOT_THERE) if query.search_query.strip() else rows
        return Response(DELIVERIES.answer(rows, query, shape=lambda page: map(delivery_brief, page)))


class DeliveryView(TenantAPIView):
    reads = "delivery"
    permissions = {"GET": "deliveries:read"}

    @extend_schema(
        operation_id="delivery_get",
        summary="A delivery, with each try",
        description="Each try with its time and error, redacted, and each part that the platform took.",
        tags=TAGS,
        responses=MessageDelivery,
        examples=[answered(DELIVERY)],
    )
    def get(self, request: Request, delivery_id: uuid.UUID) -> Response:
        row = Delivery.objects.filter(id=delivery_id).first()
        if row is None:
            raise NotFound("There is no such delivery.", code="delivery_not_found")
        return Response(delivery_detail(row))
