"""``/api/v2/engine/…``: an engine speaks on its own (AI-11)."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.content.given import PublicContent
from conversations import selectors
from conversations.shapes import SentMessage
from messaging.api.chat_views import MESSAGE
from messaging.unasked.acts import LONGEST_REASON, Status, say, set_status, show_typing
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.errors import Invalid

TAGS = ["engine"]
REFUSED = (
    "Refused while the bot is not in control, with who is in `details`: 409 `with_human`, `control_changed` (it has it "
    "again: read what was said meanwhile), `conversation_closed`, `assistant_off`, `bot_off`."
)


class InControl(BaseModel):
    """What every act of an engine says."""

    model_config = ConfigDict(extra="forbid")

    control_epoch: int = Field(
        ge=0,
        le=2**31 - 1,
        description="The conversation's, as the engine was told it with its last question, or has read it",
    )


class EngineMessage(InControl):
    content: PublicContent
    message_id: str = Field(
        "", max_length=200, description="Yours; removes repeats in this conversation. Left out, `Idempotency-Key` does"
    )


class EngineTyping(InControl):
    on: bool


class TypingShown(BaseModel):
    again_s: float = Field(
        description="Say it again after so many seconds while it is so; 0: this channel shows nothing"
    )


class EngineStatus(InControl):
    status: Status = Field(description="escalated: a human is asked for. completed: the conversation ends")
    reason: str = Field(
        "",
        max_length=LONGEST_REASON,
        description="Why a human is asked for: a code, which events tell; words are a note for staff",
    )


class StatusSet(BaseModel):
    status: str
    control_owner: str
    held_by: str
    control_epoch: int


class EngineMessagesView(TenantAPIView):
    permissions = {"POST": "engine:speak"}

    @extend_schema(
        operation_id="engine_say",
        summary="Say something unasked",
        description="As the assistant, where it has the conversation: stored, told and delivered like its answers, behind all "
        f"that was said. {REFUSED} The same `message_id` again gives the same message; 409 `window_closed` names the templates "
        "that may go out; 422 `content_refused` and 400 `validation_error` say in `details` which member is wrong.",
        tags=TAGS,
        request=EngineMessage,
        responses={201: SentMessage},
        examples=[
            asked(
                {"control_epoch": 0, "message_id": "reminder-1", "content": {"type": "text", "text": "Still there?"}}
            ),
            answered({**MESSAGE, "waiting_since": None}, 201),
        ],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, EngineMessage)
        name = body.message_id or self.idempotency_id
        if not name:
            raise Invalid("Give a message_id, or an Idempotency-Key.", code="message_id_missing")
        said = say(conversation_id, body.content, control_epoch=body.control_epoch, client_message_id=name)
        return Response(selectors.sent_message(said), 201)


class EngineTypingView(TenantAPIView):
    permissions = {"POST": "engine:speak"}

    @extend_schema(
        operation_id="engine_type",
        summary="Show that the assistant writes",
        description=f"As the person's channel shows it; nothing is kept. {REFUSED}",
        tags=TAGS,
        request=EngineTyping,
        responses=TypingShown,
        examples=[asked({"control_epoch": 0, "on": True}), answered({"again_s": 3})],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, EngineTyping)
        return Response({"again_s": show_typing(conversation_id, control_epoch=body.control_epoch, on=body.on)})


class EngineStatusView(TenantAPIView):
    permissions = {"POST": "engine:speak"}

    @extend_schema(
        operation_id="engine_set_status",
        summary="Ask for a human, or end the conversation",
        description=f"What is so already is not done again: 200 with how it is. {REFUSED}",
        tags=TAGS,
        request=EngineStatus,
        responses=StatusSet,
        examples=[
            asked({"control_epoch": 0, "status": "escalated", "reason": "no_progress"}),
            answered({"status": "escalated", "control_owner": "human", "held_by": "queue", "control_epoch": 1}),
        ],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, EngineStatus)
        row = set_status(conversation_id, body.status, control_epoch=body.control_epoch, reason=body.reason)
        if not row.repeated:
            self.audit("conversation.escalate" if body.status == "escalated" else "conversation.end", row)
        return Response(StatusSet.model_validate(row, from_attributes=True).model_dump())
