"""A message by REST: accepted, answered while the caller waits, told in the shapes of the API.

Owns the request and response models of ``POST /api/v2/chat/message``. Must not know HTTP.
"""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any, Literal

from django.conf import settings
from django.db.models import Q
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from channels_app.content.given import SaidContent
from channels_app.content.ids import PersonId
from channels_app.content.types import Content, ContentType
from channels_app.contract import InboundMessage
from channels_app.models import Channel
from channels_app.registry import KINDS
from channels_app.selectors import channel_chosen
from channels_app.words.moments import SentMoment
from conversations.contacts.identities import sender_named
from conversations.files.media_links import content_with_links
from conversations.models import Conversation, Message
from messaging.accept import accept
from messaging.arrivals.entrance import Accepted, Entrance
from messaging.live.answers import answer_awaited
from messaging.models import Turn
from messaging.respond import answer
from tenants.errors import NotFound, Unprocessable
from tenants.storage.connections import connection_release

LOOK_S = 0.05  # how soon the rows are looked at for an answer of another process, at first …
LOOK_MOST_S = 1.0  # … and in the end


Status = Literal["answered", "with_human", "silent", "ended", "accepted"]


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise PydanticCustomError("unknown_channel_kind", "There is no such kind of channel")
    return kind


#: the kinds of channel there are, whatever the registry says
Kind = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(KINDS), "title": "Channel"})
]


class ChannelMetadata(BaseModel):
    model_config = ConfigDict(extra="forbid")

    platform_message_id: str | None = Field(None, max_length=255)
    platform_user_id: str | None = Field(None, max_length=255)
    thread_id: str | None = Field(None, max_length=255)
    workspace_id: str | None = Field(None, max_length=255)
    additional_data: dict[str, Any] = Field(default_factory=dict, max_length=50)


class ProcessingHints(BaseModel):
    """Each changes what happens (docs/engine.md). ``bypass_automation``: a human answers. ``require_human_review``: the
    bot proposes, a human sends."""

    model_config = ConfigDict(extra="forbid")

    priority: Literal["low", "normal", "high", "urgent"] = Field(
        "normal",
        description="Of the conversation, until another is given: who waits for a human is listed by it, what is high or "
        "urgent is not gathered with what follows, and of an urgent one staff are told by itself",
    )
    expected_response_type: ContentType | None = Field(
        None,
        description="text: the answer is words alone; quick_reply, list: its choices come as such; of others the engine "
        "is told. `expected_response_met` says whether it came to be",
    )
    bypass_automation: bool = False
    require_human_review: bool = False


class SendMessageRequest(BaseModel):
    """A message of a user. The same ``message_id`` again gives the first answer again."""

    model_config = ConfigDict(extra="forbid")

    message_id: str | None = Field(None, min_length=1, max_length=200, description="Yours; removes repeats")
    conversation_id: uuid.UUID | None = None
    user_id: PersonId = Field(
        description="The person in your system; on SMS, WhatsApp, calls, Messenger, Slack and Teams their address there, by "
        "which the contact is found that has it"
    )
    session_id: str | None = Field(None, max_length=64)
    channel: Kind
    channel_id: uuid.UUID | None = Field(
        None, description="Which of several channels of that kind; left out, that of `conversation_id`, else the oldest"
    )
    timestamp: SentMoment | None = Field(None, description="When the user wrote, with its zone; at most a day ahead")
    content: SaidContent
    channel_metadata: ChannelMetadata | None = None
    processing_hints: ProcessingHints | None = None


class ConversationState(BaseModel):
    """What the assistant keeps in mind."""

    current_intent: str | None = None
    entities: dict[str, Any] = {}
    slots: dict[str, Any] = {}
    user_profile: dict[str, Any] = {}
    conversation_stage: str | None = None


class ProcessingMetadata(BaseModel):
    """What became of the message; the members after ``duplicate`` only with an answer."""

    status: Status = Field(
        description="answered: `responses` say it. with_human: a human is in control and answers when they can. silent: "
        "the assistant had nothing to say to this. ended: the conversation was closed before an answer. accepted (202): "
        "stored, the answer is to come; the same `message_id` again gives it"
    )
    seq: int = Field(description="Of the message in the transcript")
    stored_id: uuid.UUID = Field(description="Ours of the message, by which `/chat/messages/{id}` has it")
    duplicate: bool | None = Field(None, description="The message was stored before")
    reply_id: uuid.UUID | None = Field(None, description="Of the first message of the answer")
    reply_seq: int | None = None
    intent: str | None = None
    confidence: float | None = None
    engine: str | None = Field(None, description="What answered")
    degraded: bool | None = Field(None, description="The engine failed: this is the tenant's fallback reply")
    latency_ms: int | None = Field(None, description="How long the engine thought")
    expected_response_met: bool | None = Field(
        None, description="The answer is what `expected_response_type` asked for"
    )
    superseded: bool | None = Field(None, description="The answer is to a newer message as well")


class MessageResponse(BaseModel):
    """``response`` is None unless ``processing_metadata.status`` is ``answered``."""

    message_id: str
    conversation_id: uuid.UUID
    response: Content | None
    responses: list[Content] = []
    conversation_state: ConversationState
    processing_metadata: ProcessingMetadata


def message_send(
    tenant_id: uuid.UUID, request: SendMessageRequest, *, idempotency_id: str = "", wait: bool = True
) -> tuple[MessageResponse, bool]:
    """Store the message and, if ``wait``, answer it here. Returns the answer and whether it is final.

    Raises Unprocessable ``channel_not_configured`` or ``recipient_invalid``, and what `accept` raises.
    """
    channel = channel_required(tenant_id, request.channel, request.channel_id)
    recipient_require(channel, request.user_id)
    accepted = _accepted(channel, request, _entrance(tenant_id, request, idempotency_id, wait))
    if accepted.turn:
        accepted.turn.conversation = accepted.conversation
        turn = answer(accepted.turn)
        if turn.status == Turn.Status.ANSWERED:
            return _answered(accepted, turn), True
    elif wait and not accepted.duplicate and accepted.conversation.control_owner == Conversation.Owner.HUMAN:
        return _pending(accepted, "with_human"), True  # so it was stored: no turn is opened for it
    return _await_answer(accepted) if wait else (_pending(accepted, "accepted"), False)


def channel_required(tenant_id: uuid.UUID, kind: str, channel_id: uuid.UUID | None) -> Channel:
    """Raises Unprocessable ``channel_not_configured``."""
    channel = channel_chosen(tenant_id, kind, channel_id)
    if channel is None:
        named = "such " if channel_id else ""
        raise Unprocessable(f"This tenant has no {named}{kind} channel.", code="channel_not_configured")
    return channel


def _accepted(channel: Channel, request: SendMessageRequest, entrance: Entrance) -> Accepted:
    """A conversation that is not on the kind's oldest channel may be on another one of the kind."""
    try:
        return accept(channel, _inbound(channel, request), entrance)
    except NotFound:
        theirs = None if request.channel_id else _channel_of(request.conversation_id, channel)
        if theirs is None:
            raise
        return accept(theirs, _inbound(theirs, request), entrance)


def _channel_of(conversation_id: uuid.UUID | None, tried: Channel) -> Channel | None:
    others = Conversation.objects.filter(id=conversation_id).exclude(channel=tried)
    channel_id = others.values_list("channel_id", flat=True).first()
    return channel_chosen(tried.tenant_id, tried.kind, channel_id) if channel_id else None


def recipient_require(channel: Channel, address: str, field: str = "user_id") -> None:
    """Raises Unprocessable ``recipient_invalid`` for a person whom the channel's platform cannot reach."""
    complaint = channel.adapter.check_recipient(address, channel.adapter_config())
    if complaint:
        details = [{"field": field, "message": complaint, "code": "recipient_invalid"}]
        raise Unprocessable(complaint, code="recipient_invalid", details=details)


def _inbound(channel: Channel, request: SendMessageRequest) -> InboundMessage:
    about = request.channel_metadata
    metadata = about.model_dump(exclude_none=True, exclude_defaults=True) if about else {}
    return InboundMessage(
        platform_id="",  # what a caller claims of a platform must not collide with what the platform says
        sender=sender_named(channel, request.user_id),
        content=request.content,
        sent_at=request.timestamp,
        metadata=metadata,
    )


def _entrance(tenant_id: uuid.UUID, request: SendMessageRequest, idempotency_id: str, wait: bool) -> Entrance:
    client_id = request.message_id or ""
    if not client_id and idempotency_id:
        # The same key is the same message, also when we died before the answer was saved.
        client_id = str(uuid.uuid5(tenant_id, idempotency_id))
    return Entrance(
        client_message_id=client_id,
        conversation_id=request.conversation_id,
        session_key=request.session_id or "default",
        hints=request.processing_hints.model_dump(exclude_unset=True, exclude_none=True)
        if request.processing_hints
        else {},
        verified=True,
        answer_now=wait,
    )


def _await_answer(accepted: Accepted) -> tuple[MessageResponse, bool]:
    """Another thread or process is answering (a newer message took this one along, or it is a repeat): wait for that.

    Few requests wait at a time, without a connection to the database; the others are told that the answer is to come."""
    deadline = time.monotonic() + settings.ENV["REQUEST_TIMEOUT_MS"] / 1000
    pause = LOOK_S
    with answer_awaited(accepted.conversation.id) as settled:
        while (found := _answer_there(accepted)) is None:
            left = deadline - time.monotonic()
            if settled is None or left <= 0:
                return _pending(accepted, "accepted"), False
            connection_release()
            settled.wait(min(pause, left))
            settled.clear()
            pause = min(2 * pause, LOOK_MOST_S)
    return found, True


def _answer_there(accepted: Accepted) -> MessageResponse | None:
    """What became of the message, once no turn is open any more: one statement, since an answer that is written between
    a look for answers and one for open turns would be seen by neither."""
    seq, conversation_id = accepted.message.seq, accepted.conversation.id
    answers = Q(first_seq__lte=seq, last_seq__gte=seq, reply__isnull=False)
    turns = Turn.objects.filter(answers | Q(status__in=Turn.OPEN), conversation=conversation_id)
    found = list(turns.select_related("reply", "conversation"))
    for turn in found:
        if turn.reply and turn.first_seq <= seq <= turn.last_seq:
            return _answered(accepted, turn)
    if found:
        return None
    conversation = Conversation.objects.get(id=conversation_id)
    if turns.exists():
        return None  # opened between the two looks, as by a human who handed back
    if conversation.control_owner == Conversation.Owner.HUMAN:
        return _pending(accepted, "with_human")
    return _pending(accepted, "silent" if conversation.is_open else "ended")


def _answered(accepted: Accepted, turn: Turn) -> MessageResponse:
    assert turn.reply is not None
    replies = [turn.reply]
    if turn.reply.analysis.get("parts", 1) > 1:
        replies = list(Message.objects.filter(reply_to=turn.reply.reply_to, direction="outbound").order_by("seq"))
    contents = [Content.model_validate(content_with_links(reply.content)) for reply in replies]
    conversation = accepted.conversation
    context = turn.conversation.context if turn.conversation_id == conversation.id else conversation.context
    analysis = turn.reply.analysis
    return MessageResponse(
        message_id=accepted.message.client_message_id or str(accepted.message.id),
        conversation_id=conversation.id,
        response=contents[0],
        responses=contents,
        conversation_state=ConversationState.model_validate(
            {name: context[name] for name in ConversationState.model_fields if name in context}
        ),
        processing_metadata=ProcessingMetadata(
            status="answered",
            reply_id=turn.reply.id,
            seq=accepted.message.seq,
            stored_id=accepted.message.id,
            reply_seq=turn.reply.seq,
            intent=analysis.get("intent", ""),
            confidence=analysis.get("confidence", 0.0),
            engine=analysis.get("engine", ""),
            degraded=analysis.get("degraded", False),
            expected_response_met=analysis.get("expected_response_met"),
            latency_ms=turn.latency_ms,
            superseded=turn.last_seq != accepted.message.seq,
        ),
    )


def _pending(accepted: Accepted, status: Status) -> MessageResponse:
    return MessageResponse(
        message_id=accepted.message.client_message_id or str(accepted.message.id),
        conversation_id=accepted.conversation.id,
        response=None,
        conversation_state=ConversationState(),
        processing_metadata=ProcessingMetadata(
            status=status, seq=accepted.message.seq, stored_id=accepted.message.id, duplicate=accepted.duplicate
        ),
    )
