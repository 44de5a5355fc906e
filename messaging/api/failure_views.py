"""``/api/v2/events/failed``: events on which one of our own handlers gave up, and another try (EVT-6)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from messaging.models import HandledEvent
from messaging.outbox.failures import events_of, failure_get, failure_retry, failures
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query

LATEST_FIRST = Walk(
    "failures", latest=True, sorts={"failed_at": ""}, searched=("handler", "error"), dated="created_at", few=True
)
FAILURE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000fa",
    "handler": "analytics",
    "error": "KeyError",
    "failed_at": "2026-01-31T12:00:00.123Z",
    "event_id": "0192f0d0-7b1a-7c3e-9a55-0000000000e1",
    "type": "chat.message.received",
    "conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001",
}


class FailureShape(BaseModel):
    """``type`` and ``conversation_id`` are null once the timeline no longer has the event."""

    id: uuid.UUID
    handler: str = Field(description="analytics, audit, notification, cache or handover")
    error: str = Field(description="Class of the error")
    failed_at: Moment
    event_id: uuid.UUID
    type: str | None
    conversation_id: uuid.UUID | None


class FailureDetail(FailureShape):
    """One failure."""


class FailurePage(Page):
    items: list[FailureShape]


class FailureQuery(ListQuery):
    handler: str | None = Field(None, max_length=20)


class RetriedShape(BaseModel):
    """``failure`` is null when the handler has dealt with the event."""

    worked: bool
    failure: FailureShape | None


class FailuresView(TenantAPIView):
    permissions = {"GET": "deliveries:read"}

    @extend_schema(
        operation_id="failed_event_list",
        summary="Events that a handler of the service gave up on",
        description="The latest first, of 30 days. Pages follow `cursor`.",
        tags=["events"],
        parameters=[FailureQuery],  # type: ignore[list-item]
        responses=FailurePage,
        examples=[answered(listed(FAILURE))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, FailureQuery)
        return Response(LATEST_FIRST.answer(failures(query.handler), query, shape=_shapes))


class FailureView(TenantAPIView):
    permissions = {"GET": "deliveries:read"}

    @extend_schema(
        operation_id="failed_event_get",
        summary="One event that a handler gave up on",
        description="Which handler, and the class of its error. 404 `failure_not_found` also once it was dealt with.",
        tags=["events"],
        responses=FailureDetail,
        examples=[answered(FAILURE)],
    )
    def get(self, request: Request, failure_id: uuid.UUID) -> Response:
        return Response(_shapes([failure_get(failure_id)])[0])


class FailureRetryView(TenantAPIView):
    permissions = {"POST": "deliveries:write"}

    @extend_schema(
        operation_id="failed_event_retry",
        summary="Let the handler try again",
        description="At once, and before the answer. 409 `event_gone`: the timeline no longer has the event.",
        tags=["events"],
        request=None,
        responses=RetriedShape,
        examples=[answered({"worked": True, "failure": None})],
    )
    def post(self, request: Request, failure_id: uuid.UUID) -> Response:
        left = failure_retry(failure_id)
        self.audit("handledevent.retried", f"handledevent:{failure_id}")
        return Response({"worked": left is None, "failure": _shapes([left])[0] if left else None})


def _shapes(rows: Sequence[HandledEvent]) -> list[dict[str, Any]]:
    told = events_of(rows)
    return [
        {
            "id": row.id,
            "handler": row.handler,
            "error": row.error,
            "failed_at": row.created_at,
            "event_id": row.event,
            "type": told[row.event].type if row.event in told else None,
            "conversation_id": told[row.event].conversation_id if row.event in told else None,
        }
        for row in rows
    ]
