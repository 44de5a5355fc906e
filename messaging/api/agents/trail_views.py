"""``/api/v2/chat/conversations/<id>/trail``: who did what with a conversation."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from conversations.selectors import conversation_get
from messaging.agents.inbox.trail import named_in_trail, trail_page, trail_shapes
from tenants.api.views import TenantAPIView, answered, parse_query

ENTRY = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000e1", "at": "2026-01-31T12:00:00.000Z", "kind": "act",
    "what": "conversation.assigned", "actor": "user:ana", "actor_name": "Ana Sousa", "facts": {"assignee": "ben"}, "ip": None,
}  # fmt: skip


class TrailQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    page_size: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=600)


class TrailEntry(BaseModel):
    id: uuid.UUID
    at: Moment
    kind: Literal["act", "event"] = Field(description="act: of the audit trail. event: of the timeline")
    what: str = Field(description="The act, like `conversation.assigned`, or the type of the event")
    actor: str | None = Field(description="Of acts: `user:<name>`, `key:<prefix>`, `token:<subject>` or `system`")
    actor_name: str | None = Field(description="The colleague's name, where they are a member of the tenant")
    facts: dict[str, Any] = Field(
        description="What the act or event says: names, ids and numbers, no words of messages"
    )
    ip: str | None = Field(description="Where the act came from; only with `audit:read`")


class TrailPage(BaseModel):
    items: list[TrailEntry]
    next_cursor: str | None
    has_next: bool


class TrailView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "conversations:read"}

    @extend_schema(
        operation_id="conversation_trail_list",
        summary="Who did what with the conversation",
        description="Acts of staff, keys and rules, and what happened by itself: begin, hand-over, rating, edits and deletes, "
        "failures, end. The latest first. With `contacts:read` also what was done with the person. Pages follow `cursor`.",
        tags=["inbox"],
        parameters=[TrailQuery],  # type: ignore[list-item]
        responses=TrailPage,
        examples=[answered({"items": [ENTRY], "next_cursor": None, "has_next": False})],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        query = parse_query(request, TrailQuery)
        held = self.principal.permissions
        page = trail_page(
            conversation_get(conversation_id), size=query.page_size, cursor=query.cursor or "",
            contact="contacts:read" in held,
        )  # fmt: skip
        items = trail_shapes(page.rows, named_in_trail(page.rows), addresses="audit:read" in held)
        return Response({"items": items, "next_cursor": page.cursor or None, "has_next": bool(page.cursor)})
