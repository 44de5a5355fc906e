"""``/api/v2/safety``, ``/api/v2/reviews`` and what was hidden in a message: a tenant's safety rules and what came of them (MSG-3).

Must not change the rules: they are a setting of the tenant.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from conversations.models import Review
from conversations.safety import revealed, review_end
from conversations.selectors import message_get
from messaging.api.named import agent_of
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import NotFound
from tenants.tenant_settings import SafetyRules, settings_for

LATEST_FIRST = Walk("reviews", latest=True, sorts={"created_at": ""}, searched=("message__text",), dated="created_at")
REVIEW = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000f5",
    "conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001",
    "message_id": "0192f0d0-7b1a-7c3e-9a55-000000000002",
    "seq": 3,
    "role": "visitor",
    "text": "my card is •••• 1111",
    "flags": ["card_number"],
    "created_at": "2026-01-31T12:00:00.123Z",
    "reviewed_at": None,
    "reviewed_by": None,
}
RULES = {**SafetyRules().model_dump(mode="json"), "mask": ["card_number"], "review": ["profanity"], "words": ["fool"]}


class ReviewShape(BaseModel):
    """A message that a rule wants a member of staff to look at."""

    id: uuid.UUID
    conversation_id: uuid.UUID
    message_id: uuid.UUID
    seq: int
    role: str
    text: str = Field(description="As it is stored; empty once the message is deleted")
    flags: list[str] = Field(description="Why it is listed")
    created_at: Moment
    reviewed_at: Moment | None
    reviewed_by: str | None = Field(description="User name; null also where a program has looked at it")


class ReviewDetail(ReviewShape):
    """One of them."""


class ReviewDone(ReviewShape):
    """One that was looked at."""


class ReviewPage(Page):
    items: list[ReviewShape]


class ReviewQuery(ListQuery):
    open: bool | None = Field(None, description="true: those that wait; false: those that were looked at")


class HiddenWords(BaseModel):
    kind: str
    text: str


class HiddenShape(BaseModel):
    """Empty where nothing was hidden, or nothing of it is kept."""

    items: list[HiddenWords]


class SafetyShape(SafetyRules):
    """The rules of the tenant."""


class SafetyView(TenantAPIView):
    permissions = {"GET": "tenants:read"}

    @extend_schema(
        operation_id="safety_get",
        summary="The tenant's safety rules",
        description="What flags a message, and what is done then. Docs: docs/safety.md.",
        tags=["chat"],
        responses=SafetyShape,
        examples=[answered(RULES)],
    )
    def get(self, request: Request) -> Response:
        return Response(settings_for(self.principal.tenant_id).safety.model_dump(mode="json"))


class ReviewsView(TenantAPIView):
    reads = "message"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="review_list",
        summary="Messages that staff are to look at",
        description="Those that a rule of `review` names, the latest first. Pages follow `cursor`.",
        tags=["chat"],
        parameters=[ReviewQuery],  # type: ignore[list-item]
        responses=ReviewPage,
        examples=[answered(listed(REVIEW))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, ReviewQuery)
        rows = Review.objects.select_related("message", "reviewed_by")
        rows = rows if query.open is None else rows.filter(reviewed_at__isnull=query.open)
        return Response(LATEST_FIRST.answer(rows, query, shape=_shapes))


class ReviewView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="review_get",
        summary="One message that staff are to look at",
        description="Which rules named it, and who has looked at it.",
        tags=["chat"],
        responses=ReviewDetail,
        examples=[answered(REVIEW)],
    )
    def get(self, request: Request, review_id: uuid.UUID) -> Response:
        row = _review(review_id)
        self.looked_at = row.conversation_id
        return Response(_shapes([row])[0])


class ReviewDoneView(TenantAPIView):
    permissions = {"POST": "messages:write"}

    @extend_schema(
        operation_id="review_done",
        summary="The message was looked at",
        description="Takes it off the list. Again, it changes nothing: who looked first stays.",
        tags=["chat"],
        request=None,
        responses=ReviewDone,
        examples=[answered({**REVIEW, "reviewed_at": "2026-01-31T12:05:00.000Z", "reviewed_by": "ana"})],
    )
    def post(self, request: Request, review_id: uuid.UUID) -> Response:
        ended = review_end(review_id, agent_of(self.principal))
        row = _review(review_id)
        if ended:
            self.audit("review.reviewed", row)
        return Response(_shapes([row])[0])


class HiddenView(TenantAPIView):
    permissions = {"GET": "messages:reveal"}

    @extend_schema(
        operation_id="message_hidden_get",
        summary="What was hidden in a message",
        description="Of the kinds that `keep` of the safety rules named when the message came; each look is audited.",
        tags=["chat"],
        responses=HiddenShape,
        examples=[answered({"items": [{"kind": "email", "text": "ann@example.com"}]})],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        message = message_get(message_id)
        found = revealed(message)
        self.audit("message.revealed", message)
        return Response({"items": [{"kind": kind, "text": words} for kind, words in found]})


def _review(review_id: uuid.UUID) -> Review:
    row: Review | None = Review.objects.select_related("message", "reviewed_by").filter(id=review_id).first()
    if row is None:
        raise NotFound("There is no such review.", code="review_not_found")
    return row


def _shapes(rows: Sequence[Review]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "conversation_id": row.conversation_id,
            "message_id": row.message_id,
            "seq": row.message.seq,
            "role": row.message.role,
            "text": row.message.text,
            "flags": row.flags,
            "created_at": row.created_at,
            "reviewed_at": row.reviewed_at,
            "reviewed_by": row.reviewed_by.username if row.reviewed_by else None,
        }
        for row in rows
    ]
