"""``/api/v2/chat/…``: messages in, conversations out, and what agents do by REST."""

from __future__ import annotations

import uuid
from typing import Literal

from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.content.given import PublicContent
from channels_app.content.ids import PersonId
from conversations import selectors
from conversations.shapes import (
    ConversationDetail,
    ConversationPage,
    ConversationQuery,
    ConversationWithHistory,
    HistoryWanted,
    MessagePage,
    MessageQuery,
    SentMessage,
    TranscriptQuery,
)
from messaging.api.chat import Kind, MessageResponse, SendMessageRequest, channel_required, message_send
from messaging.api.named import Agent, acts_as, agent_of, answerer_of, member_of, sayer_of, speaker_require
from messaging.api.talks.shapes import ConversationChange, Removed
from messaging.live.attending import staff_read, staff_typing
from messaging.rules.agent_replies import NEWER, ReplyOutdated, agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.rules.opening import first_words, write_again
from messaging.talks.change import conversation_change
from messaging.talks.remove import conversation_delete
from tenants.api.pages import listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query

SAID = {"type": "text", "text": "Where is my order 12345?"}
ANSWER = {
    "message_id": "0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10",
    "conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001",
    "response": {"type": "text", "text": "Order 12345 left our warehouse this morning.", "format": "plain"},
    "responses": [{"type": "text", "text": "Order 12345 left our warehouse this morning.", "format": "plain"}],
    "conversation_state": {"current_intent": "order_status", "slots": {"order_number": "12345"}},
    "processing_metadata": {
        "status": "answered",
        "seq": 1,
        "stored_id": "0192f0d0-7b1a-7c3e-9a55-00000000000e",
        "reply_seq": 2,
        "confidence": 0.93,
        "degraded": False,
    },
}
CONVERSATION = {
    "id": "0192f0d0-7b1a-7c3e-9a55-000000000001", "status": "active", "control_owner": "bot", "held_by": "bot",
    "control_epoch": 0, "assignee": None,
    "channel": {"id": "0192f0d0-7b1a-7c3e-9a55-00000000000c", "kind": "web", "name": "Website"},
    "contact": {"id": "0192f0d0-7b1a-7c3e-9a55-00000000000d", "name": "Mira"}, "team": None, "subject": "",
    "priority": "normal", "message_count": 2, "last_seq": 2,
    "last_message": "Order 12345 left our warehouse this morning.", "last_message_at": "2026-01-31T12:00:00.000Z",
    "waiting_since": None, "snoozed_until": None, "created_at": "2026-01-31T11:59:58.000Z", "ended_at": None,
}  # fmt: skip
DETAIL = {
    **CONVERSATION, "user_id": "user123", "context": {}, "came_from": None,
    "first_reply_at": "2026-01-31T12:00:00.000Z", "reply_window_expires_at": None, "satisfaction": None,
}  # fmt: skip
MESSAGE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-00000000000e", "seq": 2, "conversation_id": CONVERSATION["id"],
    "direction": "outbound", "role": "bot",
    "content": {"type": "text", "text": "Order 12345 left our warehouse this morning."}, "attachments": [],
    "status": "delivered", "message_id": None, "reply_to": None, "language": "en", "analysis": {},
    "created_at": "2026-01-31T12:00:00.000Z", "edited_at": None, "deleted_at": None, "reactions": [], "change": None,
}  # fmt: skip
SENT = {**MESSAGE, "role": "agent", "waiting_since": None}


class MessageView(TenantAPIView):
    """Send a message and get its answer."""

    permissions = {"POST": "messages:send"}
    obeys_subject = True

    @extend_schema(
        operation_id="message_send",
        summary="Send a message, get the answer",
        description="The answer comes in the response; `Prefer: respond-async` gives 202 at once. The same "
        "`message_id` again gives the same answer and stores nothing twice.",
        tags=["chat"],
        request=SendMessageRequest,
        responses={200: MessageResponse, 202: MessageResponse},
        examples=[
            asked({"user_id": "user123", "channel": "web", "content": SAID}),
            answered(ANSWER, 200, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, SendMessageRequest)
        speaker_require(self.principal, body.user_id)
        wait = "respond-async" not in request.headers.get("Prefer", "")
        sent, final = message_send(self.principal.tenant_id, body, idempotency_id=self.idempotency_id, wait=wait)
        shown = {"response": None, **sent.model_dump(mode="json", exclude_none=True)}
        return Response(shown, 200 if final else 202)


class FirstWords(BaseModel):
    """What is written to a person who need not have written."""

    model_config = ConfigDict(extra="forbid")

    channel: Kind
    channel_id: uuid.UUID | None = Field(None, description="Which of several of that kind; left out, the oldest")
    user_id: PersonId = Field(description="Their address there: a phone number in E.164, the platform's id of a user")
    name: str = Field("", max_length=200)
    content: PublicContent
    by: Literal["bot", "agent"] = Field(
        "bot", description="bot: the assistant answers what they reply. agent: a human does, and the bot keeps still"
    )
    agent: Agent = ""
    message_id: str = Field("", max_length=200, description="Yours; removes repeats to this person")


class ConversationsView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "conversations:read", "POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_create",
        summary="Write to a person first",
        description="In the conversation that is open with them, else in a new one. Where the platform lets us say anything "
        "only for a while after the person wrote, it takes an approved template (409 `window_closed`). 422 "
        "`person_writes_first` on the web chat and on calls. Nothing is said over a human: 409 `with_human`.",
        tags=["chat"],
        request=FirstWords,
        responses={201: SentMessage},
        examples=[
            asked({"channel": "sms", "user_id": "+15550100001", "content": {"type": "text", "text": "It is ready."}}),
            answered(SENT, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, FirstWords)
        agent, allowed = sayer_of(self.principal.tenant_id, acts_as(self.principal, body.agent), body.message_id)
        message = first_words(
            channel_required(self.principal.tenant_id, body.channel, body.channel_id), body.user_id, body.content,
            by_bot=body.by == "bot", agent=agent, name=body.name, client_message_id=body.message_id, allowed=allowed,
        )  # fmt: skip
        if not message.repeated:
            self.audit("conversation.written_to", message.conversation)
        return Response(selectors.sent_message(message), 201)

    @extend_schema(
        operation_id="conversation_list",
        summary="List conversations",
        description="The newest conversation first. Pages follow `cursor`: each conversation that there was when the walk "
        "began comes once, whatever is written meanwhile. For those with news use `start_date`, the time of the last "
        "message.",
        tags=["chat"],
        parameters=[ConversationQuery],  # type: ignore[list-item]
        responses=ConversationPage,
        examples=[answered(listed(CONVERSATION))],
    )
    def get(self, request: Request) -> Response:
        return Response(selectors.conversation_page(parse_query(request, ConversationQuery), words=_reads_words(self)))


class ConversationView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "conversations:read", "PATCH": "conversations:write", "DELETE": "conversations:write"}

    @extend_schema(
        operation_id="conversation_get",
        summary="One conversation, and its history",
        description="`messages=50` shows its last 50 entries along. All of them: `/messages`.",
        tags=["chat"],
        parameters=[HistoryWanted],  # type: ignore[list-item]
        responses=ConversationWithHistory,
        examples=[answered({**DETAIL, "messages": [MESSAGE]})],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        wanted, words = parse_query(request, HistoryWanted).messages, _reads_words(self)
        shape = selectors.conversation_detail(conversation_id, words=words)
        last = MessageQuery(before=2**31 - 1, limit=wanted or 1)
        said = selectors.message_page(conversation_id, last)["items"] if wanted and words else []
        return Response({**shape, "messages": said if words else None})

    @extend_schema(
        operation_id="conversation_change",
        description="Changes the fields that the request names and no others. A higher priority moves the conversation forward in the inbox.",
        summary="Change subject and priority",
        tags=["chat"],
        request=ConversationChange,
        responses=ConversationWithHistory,
        examples=[asked({"priority": "high"}), answered({**DETAIL, "priority": "high", "messages": []})],
    )
    def patch(self, request: Request, conversation_id: uuid.UUID) -> Response:
        changes = parse_body(request, ConversationChange).given()
        conversation = conversation_change(conversation_id, changes)
        if not conversation.repeated:
            self.audit("conversation.updated", conversation, {"fields": sorted(changes)})
        words = _reads_words(self)
        shape = selectors.conversation_detail(conversation.id, words=words)
        return Response({**shape, "messages": [] if words else None})

    @extend_schema(
        operation_id="conversation_delete",
        summary="Delete a conversation that has ended",
        description="With all that was said in it, and the files. 409 `conversation_open`: end it first. 409 "
        "`conversation_busy`: an answer, a delivery or an event of it is under way. What was handed on stays with its readers.",
        tags=["chat"],
        responses={200: Removed},
        examples=[answered({"messages": 14})],
    )
    def delete(self, request: Request, conversation_id: uuid.UUID) -> Response:
        count = conversation_delete(conversation_id)
        self.audit("conversation.deleted", f"conversation:{conversation_id}", {"messages": count})
        return Response({"messages": count})


class AgentMessage(BaseModel):
    """What an agent says to the person, through the person's own channel."""

    model_config = ConfigDict(extra="forbid")

    content: PublicContent
    message_id: str = Field("", max_length=200, description="Yours; removes repeats of this agent in this conversation")
    agent: Agent = ""
    seen_seq: int | None = Field(
        None, ge=0, le=2**31 - 1,
        description="The last `seq` the agent had read. When the person, the bot or a colleague has said more since, nothing "
        "is sent: 409 `reply_outdated`. Left out, the reply answers everything there is",
    )  # fmt: skip
    anyway: bool = Field(
        False,
        description="Send it although more was said since `seen_seq`: what the person wrote after it goes on waiting",
    )
    again: bool = Field(
        False,
        description="Where the conversation has ended, begin a new one with the person in the same place; `conversation_id` of "
        "the answer names it",
    )


class ControlChange(BaseModel):
    """Who acts, and what they have seen."""

    model_config = ConfigDict(extra="forbid")

    agent: Agent = ""
    expected_epoch: int | None = Field(
        None, ge=0, le=2**31 - 1,
        description="The `control_epoch` you have read. When control has changed since, nothing happens: 409 "
        "`control_changed`, whose details say who is in control",
    )  # fmt: skip


class ConversationMessagesView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read", "POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_message_list",
        summary="The transcript of a conversation",
        description="Ascending by `seq`, which `after` and `before` name. With any other parameter it is a list as the others: by "
        "pages or by cursors, sorted by `seq`.",
        tags=["chat"],
        parameters=[TranscriptQuery],  # type: ignore[list-item]
        responses=MessagePage,
        examples=[answered({**listed(MESSAGE), "page_size": 50, "last_seq": 2, "has_more": False})],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        query = parse_query(request, TranscriptQuery)
        by_seq = query.by_seq
        page = selectors.message_page(conversation_id, by_seq) if by_seq else None
        return Response(page or selectors.transcript_page(conversation_id, query))

    @extend_schema(
        operation_id="conversation_reply",
        summary="Answer as a human",
        description="The bot steps back: a human is in control until the conversation is handed back. The same "
        "`message_id` again gives the same message; with other content it is refused (409 `message_id_conflict`). The "
        "first reply to a conversation that no colleague has takes it for `agent`. 409 `reply_outdated` lists what was said "
        "since `seen_seq` in `details`: `newer`, and, with `messages:read`, `entries`. Of a conversation that has ended: 409 "
        "`conversation_closed`, or with `again` a new one begins (409 `conversation_goes_on`: another is open with them, which "
        "`details` name; 422 `person_writes_first` on calls).",
        tags=["chat"],
        request=AgentMessage,
        responses={201: SentMessage},
        examples=[
            asked({"content": {"type": "text", "text": "Hello, this is Ana."}}),
            answered(SENT, 201),
        ],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, AgentMessage)
        agent, allowed = sayer_of(self.principal.tenant_id, acts_as(self.principal, body.agent), body.message_id)
        try:
            say = write_again if body.again else agent_reply
            message = say(
                conversation_id, agent, body.content, client_message_id=body.message_id, seen_seq=body.seen_seq,
                anyway=body.anyway, allowed=allowed,
            )  # fmt: skip
        except ReplyOutdated as error:
            if _reads_words(self):
                seen = MessageQuery(after=body.seen_seq, limit=NEWER)
                error.details["entries"] = selectors.message_page(conversation_id, seen)["items"]
            raise
        if not message.repeated:
            self.audit("conversation.replied", message.conversation)
        return Response(selectors.sent_message(message), 201)


class ReadMark(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seq: int = Field(ge=0, le=2_147_483_647, description="Staff have seen everything up to here")


class StaffMark(BaseModel):
    read_seq: int = Field(description="How far staff have read by now; it never moves back")


class Typing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: bool


class ConversationReadView(TenantAPIView):
    permissions = {"POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_read",
        summary="Mark as read by staff",
        description="The visitor of a web chat sees `Read` at their messages.",
        tags=["chat"],
        request=ReadMark,
        responses=StaffMark,
        examples=[asked({"seq": 4}), answered({"read_seq": 4})],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response({"read_seq": staff_read(conversation_id, parse_body(request, ReadMark).seq)})


class ConversationTypingView(TenantAPIView):
    permissions = {"POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_typing",
        summary="Show that an agent is writing",
        description="The visitor of a web chat sees it for five seconds; repeat it every three while it is so.",
        tags=["chat"],
        request=Typing,
        responses={204: None},
        examples=[asked({"on": True})],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        staff_typing(conversation_id, agent_of(self.principal), on=parse_body(request, Typing).on)
        return Response(status=204)


class ControlView(TenantAPIView):
    """``take-over``, ``hand-back`` and ``end``."""

    permissions = {"POST": "conversations:write"}
    action = ""

    @extend_schema(
        summary="Change who answers, or end the conversation",
        description="What has been done before is not done again: a repeat answers 200 with the conversation as it is. "
        "Who takes over from another agent has to say by `expected_epoch` that they know of them.",
        tags=["chat"],
        request=ControlChange,
        responses=ConversationDetail,
        examples=[asked({"agent": "ana", "expected_epoch": 0}), answered(DETAIL)],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, ControlChange)
        named = answerer_of if self.action == "take-over" else member_of
        agent = named(self.principal.tenant_id, acts_as(self.principal, body.agent))
        conversation = {
            "take-over": lambda: take_over(conversation_id, agent, expected_epoch=body.expected_epoch),
            "hand-back": lambda: hand_back(conversation_id, expected_epoch=body.expected_epoch),
            "end": lambda: conversation_end(conversation_id, expected_epoch=body.expected_epoch),
        }[self.action]()
        if not conversation.repeated:
            self.audit(f"conversation.{self.action}", conversation)
        return Response(selectors.conversation_detail(conversation.id, words=_reads_words(self)))


@extend_schema_view(post=extend_schema(operation_id="conversation_take_over"))
class TakeOverView(ControlView):
    action = "take-over"


@extend_schema_view(post=extend_schema(operation_id="conversation_hand_back"))
class HandBackView(ControlView):
    action = "hand-back"


@extend_schema_view(post=extend_schema(operation_id="conversation_end"))
class EndView(ControlView):
    action = "end"


def _reads_words(view: TenantAPIView) -> bool:
    return "messages:read" in view.principal.permissions
