"""``/api/v2/chat/…/scheduled``: replies that go at a time."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.content.given import PublicContent
from channels_app.content.types import Content
from channels_app.words.moments import Moment
from conversations.selectors import conversation_get
from conversations.shapes import AssigneeBrief
from messaging.agents.models import ScheduledReply
from messaging.agents.scheduled import schedule, scheduled_cancel, scheduled_get, scheduled_of
from messaging.api.agents.acting import acting_answers
from messaging.api.agents.shapes import Strict
from messaging.api.named import Agent
from tenants.api.pages import Page, Walk, WholeQuery, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query

LAST_FIRST = Walk(
    "scheduled-replies",
    by="at",
    latest=True,
    sorts={"at": "at", "created_at": ""},
    searched=("content__text",),
    dated="at",
)


class ScheduleBody(Strict):
    content: Content
    at: Moment = Field(description="Within a year")
    unless_person_writes: bool = Field(False, description="It does not go if the person writes before")
    agent: Agent = ""


class ScheduledItem(BaseModel):
    id: uuid.UUID
    conversation_id: uuid.UUID
    author: AssigneeBrief | None
    content: PublicContent
    at: Moment
    unless_person_writes: bool
    status: Literal["waiting", "sent", "cancelled", "refused", "failed"]
    reason: str = Field(description="Why it was cancelled, refused or given up: a stable code")
    message_id: uuid.UUID | None = Field(description="The message that it became")


class ScheduledShape(ScheduledItem):
    """One of them, as an act on it answers."""


class ScheduledList(Page):
    items: list[ScheduledItem]


CONTENT = {"type": "text", "text": "Did the new cable arrive?"}
SCHEDULED = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000e1", "conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001",
    "author": {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000aa", "name": "ben"}, "content": CONTENT,
    "at": "2026-02-02T09:00:00.000Z", "unless_person_writes": True, "status": "waiting", "reason": "", "message_id": None,
}  # fmt: skip


class ScheduledOfView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read", "POST": "messages:send"}

    @extend_schema(
        operation_id="scheduled_reply_list",
        summary="List the conversation's scheduled replies",
        description="The last by the time at which they go (`at`) first, those that went included; `search_query`: in their "
        "text.",
        tags=["inbox"],
        parameters=[WholeQuery],  # type: ignore[list-item]
        responses=ScheduledList,
        examples=[answered(listed(SCHEDULED))],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        query, talk = parse_query(request, WholeQuery), conversation_get(conversation_id)
        page = LAST_FIRST.answer(
            scheduled_of(talk.id), query, within=talk.id, shape=lambda rows: [scheduled_shape(row) for row in rows]
        )
        return Response(page)

    @extend_schema(
        operation_id="scheduled_reply_create",
        summary="Write a reply that goes at a time",
        description="It goes as if its author sent it then: it takes the conversation from the bot, and it is refused where a "
        "reply would be (the conversation is closed, the person has said STOP, the channel's window is closed). Its author "
        "is then told by a note in the conversation, and `reason` names the cause.",
        tags=["inbox"],
        request=ScheduleBody,
        responses={201: ScheduledShape},
        examples=[
            asked({"content": CONTENT, "at": "2026-02-02T09:00:00Z", "unless_person_writes": True}),
            answered(SCHEDULED, 201),
        ],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, ScheduleBody)
        row = schedule(
            conversation_id, acting_answers(self, body.agent), body.content, body.at,
            unless_person_writes=body.unless_person_writes,
        )  # fmt: skip
        self.audit("conversation.reply_scheduled", f"conversation:{conversation_id}", {"scheduled": str(row.id)})
        return Response(scheduled_shape(row), 201)


class ScheduledView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read", "DELETE": "messages:send"}

    @extend_schema(
        operation_id="scheduled_reply_get",
        summary="One scheduled reply",
        description="What became of it: `message_id` once it was sent, else `reason`.",
        tags=["inbox"],
        responses=ScheduledShape,
        examples=[answered(SCHEDULED)],
    )
    def get(self, request: Request, scheduled_id: uuid.UUID) -> Response:
        row = scheduled_get(scheduled_id)
        self.looked_at = row.conversation_id
        return Response(scheduled_shape(row))

    @extend_schema(
        operation_id="scheduled_reply_delete",
        summary="Cancel a scheduled reply",
        description="409 `already_sent` or `being_sent` when it is too late.",
        tags=["inbox"],
        responses={200: ScheduledShape},
        examples=[answered({**SCHEDULED, "status": "cancelled", "reason": "cancelled"})],
    )
    def delete(self, request: Request, scheduled_id: uuid.UUID) -> Response:
        row = scheduled_cancel(scheduled_id)
        if not row.repeated:
            self.audit("conversation.reply_unscheduled", f"conversation:{row.conversation_id}")
        return Response(scheduled_shape(row))


def scheduled_shape(row: ScheduledReply) -> dict[str, Any]:
    author = {"id": row.author.id, "name": row.author.get_username()} if row.author else None
    return {
        "id": row.id, "conversation_id": row.conversation_id, "author": author, "content": row.content, "at": row.at,
        "unless_person_writes": row.unless_after is not None, "status": row.status, "reason": row.reason,
        "message_id": row.message_id,
    }  # fmt: skip
