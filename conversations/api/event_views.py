"""``/api/v2/events``: the timeline, for readers who ask instead of being called (API-2, EVT-6)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from conversations.event_schemas import envelope_of
from conversations.models import Event
from conversations.timeline import VERSIONS
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import Invalid, NotFound
from tenants.storage.db import now
from tenants.storage.looking import among

#: an event is listed once no transaction can commit an earlier one any more: so a reader who has got one has all before it
SETTLED = timedelta(seconds=30)
FEED = Walk("events", by="created_at", sorts={"timestamp": "created_at"}, searched=("type",), dated="created_at")
EVENT = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000e1", "type": "chat.message.received", "version": 1,
    "timestamp": "2026-01-31T12:00:00.000Z", "tenant_id": "0192f0d0-7b1a-7c3e-9a55-0000000000aa",
    "conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001", "seq": 3, "data": {"message_id": "0192f0d0-…"},
}  # fmt: skip


class EventShape(BaseModel):
    """As webhooks carry it; the schema of ``data``: /events/schemas."""

    id: uuid.UUID
    type: str
    version: int
    timestamp: Moment
    tenant_id: uuid.UUID
    conversation_id: uuid.UUID | None
    seq: int = Field(description="Within the conversation, without gaps; 0 for events of no conversation")
    data: dict[str, Any]


class OneEvent(EventShape):
    """One event."""


class EventPage(Page):
    items: list[EventShape]


class EventQuery(ListQuery):
    after: uuid.UUID | None = Field(None, description="Id of the last event that you have: those behind it")
    types: str = Field(
        "",
        max_length=500,
        description="Types, or globs like `chat.message.*`, with commas between; 400 `unknown_event_type`",
    )
    conversation_id: uuid.UUID | None = None
    page_size: int = Field(100, ge=1, le=100)


class EventsView(TenantAPIView):
    reads = "event"
    permissions = {"GET": "webhooks:read"}

    @extend_schema(
        operation_id="event_list",
        summary="What happened, in order",
        description="The oldest first, 30 s after it happened: so none that was committed late is missed behind one that you "
        "have. Go on with `after`, the id of the last event that you have, or with `cursor`; an empty page means that there is "
        "nothing new. 400 `event_gone`: that event is not kept any more.",
        tags=["events"],
        parameters=[EventQuery],  # type: ignore[list-item]
        responses=EventPage,
        examples=[answered(listed(EVENT))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, EventQuery)
        rows, feed = Event.objects.filter(created_at__lte=now() - SETTLED), FEED
        if query.conversation_id:
            rows, feed = among(rows, Q(conversation_id=query.conversation_id)), replace(FEED, few=True)
        if query.types:
            rows = rows.filter(_of_types(query.types))
        if query.after:
            rows = rows.filter(_behind(query.after))
        return Response(feed.answer(rows, query, shape=lambda page: [event_shape(row) for row in page]))


class EventView(TenantAPIView):
    reads = "event"
    permissions = {"GET": "webhooks:read"}

    @extend_schema(
        operation_id="event_get",
        summary="One event of the timeline",
        description="By the `webhook-id` of a call, too, as soon as it happened. 404 `event_not_found` also once it is not kept any more.",
        tags=["events"],
        responses=OneEvent,
        examples=[answered(EVENT)],
    )
    def get(self, request: Request, event_id: uuid.UUID) -> Response:
        row = Event.objects.filter(id=event_id).first()
        if row is None:
            raise NotFound("There is no such event.", code="event_not_found")
        return Response(event_shape(row))


def _of_types(wanted: str) -> Q:
    found = Q()
    for name in filter(None, (part.strip() for part in wanted.split(","))):
        begins = name.removesuffix("*")
        if not any(one.startswith(begins) if begins != name else one == name for one in VERSIONS):
            message = f"There is no event {name[:60]}: GET /events/schemas lists all."
            detail = {"field": "types", "message": message, "code": "unknown_event_type"}
            raise Invalid(message, code="unknown_event_type", details=[detail])
        found |= Q(type__startswith=begins) if begins != name else Q(type=name)
    return found


def _behind(event_id: uuid.UUID) -> Q:
    at = Event.objects.filter(id=event_id).values_list("created_at", flat=True).first()
    if at is None:
        raise Invalid("That event is not kept any more.", code="event_gone")
    return Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(id__gt=event_id))


def event_shape(row: Event) -> dict[str, Any]:
    return envelope_of(row).model_dump(mode="json")
