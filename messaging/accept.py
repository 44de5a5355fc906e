"""Verb one, accept: a message that came in is stored once, in order, with what has to follow from it.

Owns the journey from an inbound item to the committed rows Message, Turn and Events. Must not ask
an engine, and must not call the outside.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest, Least

from channels_app.content.types import Content
from channels_app.contract import InboundMessage, MediaRef, Sender
from channels_app.models import Channel
from conversations.contacts.people import Known, contact_came_from, contact_touch, identities_forget, identity_resolve
from conversations.files.attachments import (
    NEVER,
    attachment_claim,
    attachment_of,
    attachments_expect,
    content_with_facts,
    content_with_ids,
    shown_form,
)
from conversations.messages import cleaned, message_facts, person_told, processing_result, words_of
from conversations.models import Attachment, Conversation, Message, Session
from conversations.safety import facts_hidden, flags_take, hidden_in, human_wanted
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.consent import steps as consent
from messaging.context.changes import context_told
from messaging.context.flows import context_of, flow_for
from messaging.hours.told import closed_tell
from messaging.live.push import push_message
from messaging.measures import MESSAGES, STAGES
from messaging.media.transcribe import transcript_wait
from messaging.models import Turn
from messaging.rules.control import bot_off, hand_over
from messaging.rules.quotes import inbound_quoted
from messaging.rules.rank import rank_changed, rank_of
from tenants.errors import Conflict, Invalid, NotFound, Unavailable
from tenants.storage import prepared
from tenants.storage.db import RACES, atomic, lost_race, new_id, now, on_commit, retried
from tenants.tenant_settings import settings_for
from tenants.work.crew import Lane

log = structlog.get_logger(__name__)

PRIORITIES = ("low", "normal", "high", "urgent")
HURRIED = ("high", "urgent")  # not gathered with what the person may write next
LONGEST_BURST = timedelta(seconds=10)
NOTICE_S = 0.7  # then a person who has had no answer yet sees that an answer is being written


@dataclass(frozen=True)
class Entrance:
    """How a message came in, beside what the platform says.

    ``answer_now``: the caller stays on the line and answers the turn itself (REST).
    """

    client_message_id: str = ""
    conversation_id: uuid.UUID | None = None
    session_key: str = "default"
    device: Mapping[str, Any] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)
    verified: bool = True
    answer_now: bool = False


@dataclass(frozen=True)
class Accepted:
    """The stored message. ``turn`` is set only when the caller is to answer it now."""

    message: Message
    conversation: Conversation
    duplicate: bool = False
    turn: Turn | None = None


@dataclass(frozen=True)
class Checked:
    """What is known of a message before its transaction: what it says (``words``: as fields of a Message), its files (ids
    of those to be fetched, or the person's own upload), and what the platform tells beside it (``facts``, ``media``)."""

    content: Content
    words: Mapping[str, Any]
    file_ids: Sequence[uuid.UUID]
    upload: Attachment | None
    facts: Mapping[str, Any]
    media: Sequence[MediaRef]


@STAGES.labels("accept").time()
def accept(
    channel: Channel,
    inbound: InboundMessage,
    entrance: Entrance = Entrance(),
    *,
    along: Callable[[], object] = lambda: None,
) -> Accepted:
    """Store ``inbound`` exactly once and wake the worker that goes on with it. ``along``: is done in the same
    transaction, unless the message is a repeat.

    Raises Invalid ``empty_message``, NotFound (no such conversation of this person),
    Conflict ``message_id_conflict`` (the id was used for other content), Unavailable (lost five races), Invalid
    ``quote_unknown``,
    and for a file of ours NotFound ``media_not_found``, Conflict ``media_used``.
    """
    return store_alone(channel, inbound, checked_of(channel, inbound), entrance, along=along)


@retried
def store_alone(
    channel: Channel,
    inbound: InboundMessage,
    checked: Checked,
    entrance: Entrance,
    *,
    along: Callable[[], object] = lambda: None,
) -> Accepted:
    """In a transaction of its own, tried again when another writer was first. ``along``: as `accept`."""
    for _ in range(RACES):
        try:
            with atomic():
                accepted = store(channel, inbound, checked, entrance)
                along()
        except IntegrityError as error:
            if not lost_race(error):
                raise
            repeated = _repeat_of(channel, inbound, checked.content, entrance)
            if repeated:
                return told(channel, repeated)
            identities_forget(channel, inbound.sender)  # what we remembered may be what was wrong
        else:
            return told(channel, accepted)
    raise Unavailable("The conversation is very busy; send the same message again.", retry_after=1)


def checked_of(channel: Channel, inbound: InboundMessage) -> Checked:
    """Raises Invalid ``empty_message``, NotFound ``media_not_found``, Conflict ``media_used``."""
    content, file_ids = content_with_ids(cleaned(inbound.content), inbound.media)
    upload = None if file_ids else attachment_of(content)
    content = content_with_facts(content, upload) if upload else content
    content, hidden = hidden_in(channel.tenant_id, content)
    facts, media = facts_hidden(channel.tenant_id, inbound.metadata, inbound.media)
    return Checked(content, words_of(channel.tenant_id, content, hidden), file_ids, upload, facts, media)


def told(channel: Channel, accepted: Accepted) -> Accepted:
    """Count it, and let every log line from here on name the message."""
    message, repeated = accepted.message, accepted.duplicate
    structlog.contextvars.bind_contextvars(conversation_id=str(message.conversation_id), message_id=str(message.id))
    MESSAGES.labels(channel.kind, str(repeated).lower()).inc()
    log.info("message_accepted", kind=channel.kind, seq=message.seq, repeated=repeated)
    return accepted


def store(channel: Channel, inbound: InboundMessage, checked: Checked, entrance: Entrance) -> Accepted:
    """Within a transaction: person → conversation → message → turn → events → files."""
    content = checked.content
    known = identity_resolve(channel, inbound.sender, verified=entrance.verified)
    session = contact_touch(
        channel, known, inbound.sender, session_key=entrance.session_key, device=dict(entrance.device)
    )
    conversation, started = _conversation_for(channel, known, inbound, content, entrance, session)
    content, quoted_id = inbound_quoted(conversation, inbound, content)
    message = _message_of(conversation, inbound, content, checked, entrance, quoted_id)
    standing = consent.message_write(message)
    if content.origin:
        contact_came_from(known.contact_id, content.origin.to_json())
    step = consent.step_of(channel, message, standing, dated=inbound.dated and inbound.sent_at is not None)
    asked = "bypass_automation" if entrance.hints.get("bypass_automation") else ""
    wanted = human_wanted(message)
    bypassed = asked or ("" if step.without_turn else bot_off(channel.tenant_id, channel) or wanted)
    turn = None if step.without_turn or bypassed else _turn_open(channel, conversation, message, entrance, step)
    news = _news(channel, inbound.sender, known, conversation, message, started=started, session=session)
    events_append(conversation, news)
    flags_take(message)
    consent.step_take(conversation, message, step)
    on_commit(lambda: push_message(message))
    if bypassed:
        conversation = hand_over(conversation, bypassed)
    if not step.without_turn:
        conversation = closed_tell(conversation)
    _attach(message, checked.media, checked.file_ids, checked.upload)
    return Accepted(message, conversation, turn=turn if turn and turn.status == Turn.Status.RUNNING else None)


def _conversation_for(
    channel: Channel,
    known: Known,
    inbound: InboundMessage,
    content: Content,
    entrance: Entrance,
    session: Session | None,
) -> tuple[Conversation, bool]:
    """The one open conversation of this identity (and platform thread), or a new one."""
    where: dict[str, Any] = {"identity_id": known.identity_id, "thread": inbound.thread, "is_open": True}
    if entrance.conversation_id:
        where = {"id": entrance.conversation_id, "identity_id": known.identity_id, "is_open": True}
    at = now()
    changes: dict[str, Any] = {
        "last_message_at": at,
        "last_message_preview": content.summary,
        "waiting_since": Coalesce(F("waiting_since"), Value(at)),
        "snoozed_until": None,
    }
    opened_until = _window_end(inbound, at)
    if opened_until:  # a message that comes late and out of order does not shorten it
        ends = Coalesce(F("reply_window_expires_at"), Value(opened_until))
        changes["reply_window_expires_at"] = Greatest(ends, Value(opened_until))
    if inbound.platform_id:
        changes["last_inbound_id"] = inbound.platform_id
    if inbound.reference:
        changes["reference"] = dict(inbound.reference)
    if entrance.hints.get("priority") in PRIORITIES:
        changes["priority"] = entrance.hints["priority"]
    rank = rank_of(entrance.hints)
    changes |= {"rank": rank_changed(entrance.hints, rank)} if rank else {}
    events = 1 + (session is not None)
    conversation = conversation_advance(where, messages=1, events=events, **changes)
    if conversation:
        return conversation, False
    if entrance.conversation_id and not _may_start_anew(entrance.conversation_id, known):
        raise NotFound("There is no such conversation of this user.", code="conversation_not_found")
    elsewhere = _open_elsewhere(channel, known, inbound)
    conversation = conversation_advance(elsewhere, messages=1, events=events, **changes) if elsewhere else None
    if conversation:
        return conversation, False
    if inbound.follow_up:
        raise Invalid("This was not said to us.", code="not_addressed")
    started = {"last_seq": 1, "message_count": 1, "event_seq": events + 1, "waiting_since": at,
               "reply_window_expires_at": opened_until}  # fmt: skip
    started |= {"rank": rank} if rank else {}
    flow = flow_for(channel, content, inbound.metadata)
    started |= {"context": context_of(flow)} if flow else {}
    conversation = Conversation(
        tenant_id=channel.tenant_id, channel=channel, contact_id=known.contact_id, identity_id=known.identity_id,
        thread=inbound.thread, **{**changes, **started},
    )  # fmt: skip
    prepared.insert([conversation])
    return conversation, True


def _attach(
    message: Message, media: Sequence[MediaRef], file_ids: Sequence[uuid.UUID], upload: Attachment | None
) -> None:
    """The message's files: rows for those to be fetched from the platform, or the person's own upload."""
    if file_ids:
        attachments_expect(message, media, file_ids)
    if upload:
        heard = message.content_type == "audio" and transcript_wait(Content.model_validate(message.content))
        due = heard or shown_form(upload)
        attachment_claim(upload, message, due_at=now() if due else NEVER)
        file_ids = [upload.id] if due else []
    for file_id in file_ids:
        on_commit(lambda file_id=file_id: wake.media(file_id))  # type: ignore[misc]


def _window_end(inbound: InboundMessage, at: datetime) -> datetime | None:
    """The platform counts from when the person wrote, not from when we got to know of it."""
    if not inbound.opens_window_s:
        return None
    return min(inbound.sent_at or at, at) + timedelta(seconds=inbound.opens_window_s)


def _open_elsewhere(channel: Channel, known: Known, inbound: InboundMessage) -> dict[str, Any] | None:
    """The conversation that is open with another id of this very person, proved by the platform. A web
    visitor's ids are sessions, not proofs: what comes without a platform's id does not reach across."""
    if not inbound.platform_id:
        return None
    found = Conversation.objects.filter(
        channel=channel, contact_id=known.contact_id, thread=inbound.thread, is_open=True, identity__verified=True
    ).exclude(identity_id=known.identity_id)
    conversation_id = found.order_by("-created_at").values_list("id", flat=True).first()
    return {"id": conversation_id, "is_open": True} if conversation_id else None


def _may_start_anew(conversation_id: uuid.UUID, known: Known) -> bool:
    """A person who writes into their own ended conversation starts the next one."""
    return Conversation.objects.filter(id=conversation_id, identity_id=known.identity_id).exists()


def _message_of(
    conversation: Conversation, inbound: InboundMessage, content: Content, checked: Checked, entrance: Entrance,
    quoted_id: uuid.UUID | None,
) -> Message:  # fmt: skip
    at = now()
    return Message(
        id=new_id(),
        tenant_id=conversation.tenant_id,
        conversation=conversation,
        identity_id=conversation.identity_id,
        channel_id=conversation.channel_id,
        seq=conversation.last_seq,
        direction=Message.Direction.INBOUND,
        role=Message.Role.VISITOR,
        client_message_id=entrance.client_message_id,
        platform_message_id=inbound.platform_id,
        reply_to=quoted_id,
        **{**checked.words, "content": content.to_json() if content.quote else checked.words["content"]},
        hints=dict(entrance.hints),
        metadata=dict(checked.facts),
        sent_at=min(inbound.sent_at or at, at),  # no message was written later than now, whatever their clock says
    )


def _turn_open(
    channel: Channel, conversation: Conversation, message: Message, entrance: Entrance, step: consent.Step
) -> Turn | None:
    """See to it that the message gets its reply: join the waiting turn, or open one. None when a
    human owns the conversation."""
    if conversation.control_owner != Conversation.Owner.BOT:
        return None
    at = now()
    common = {"tenant_id": conversation.tenant_id, "conversation": conversation, "last_seq": message.seq,
              "first_seq": conversation.answered_seq + 1}  # fmt: skip
    wait = transcript_wait(Content.model_validate(message.content)) if message.content_type == "audio" else timedelta(0)
    if entrance.answer_now and not wait:
        # Born running: the caller holds the lease. If it dies, the sweep finds the turn.
        running = Turn(**common, status=Turn.Status.RUNNING, claim=new_id(), attempts=1, due_at=at + Turn.lease())
        prepared.insert([running])
        return running
    hurried = entrance.hints.get("priority") in HURRIED
    due_at = at + max(wait, timedelta(seconds=0 if hurried else channel.adapter.debounce_s))
    further = {
        "last_seq": message.seq,
        # a turn that waits for the words of a recording is not answered before them
        "due_at": Least(Greatest(F("latest_at"), Value(at + wait)), Greatest(F("due_at"), Value(due_at))),
        "latest_at": Greatest(F("latest_at"), Value(at + wait)),
    }
    if hurried and not wait:
        further["due_at"] = at
        on_commit(lambda: _hurry(conversation.id))
    turn = None
    waiting = {"conversation": conversation, "status": Turn.Status.WAITING}
    if not (step.turn_waits and prepared.update(Turn, waiting, further)):
        turn = Turn(**common, due_at=due_at, latest_at=at + max(wait, LONGEST_BURST))
        prepared.insert([turn])
        turn_id, lane = turn.id, Lane(conversation.tenant_id, conversation.channel_id)
        on_commit(lambda: wake.respond(turn_id, delay_s=(due_at - at).total_seconds(), lane=lane))
        if not channel.adapter.instant:
            on_commit(lambda: wake.show_typing(conversation.id, delay_s=NOTICE_S, lane=lane))
    return turn


def _hurry(conversation_id: uuid.UUID) -> None:
    """The turn that the message has joined is answered now."""
    waiting = Turn.objects.filter(conversation_id=conversation_id, status=Turn.Status.WAITING)
    for turn_id in waiting.values_list("id", flat=True):
        wake.respond(turn_id)


def _news(
    channel: Channel,
    sender: Sender,
    known: Known,
    conversation: Conversation,
    message: Message,
    *,
    started: bool,
    session: Session | None,
) -> list[NewEvent]:
    person = {"contact_id": str(known.contact_id), "identity_id": str(known.identity_id),
              "user_id": person_told(channel.tenant_id, known.identity_id, sender.scheme, sender.value),
              "channel": channel.kind}  # fmt: skip
    news = []
    if started:
        words = settings_for(channel.tenant_id).event_words
        begin = {"flow_id": conversation.context.get("flow_id"),
                 "initial_context": context_told(conversation.context, words=words)}  # fmt: skip
        news.append(NewEvent("chat.conversation.started", {**person, **begin}))
    if session:
        visit = {"session_id": str(session.id), "device_info": session.device}
        news.append(NewEvent("chat.session.started", {**person, **visit}))
    said = {**message_facts(message), "processing_result": processing_result(message)}
    return [*news, NewEvent("chat.message.received", {**person, **said})]


def _repeat_of(channel: Channel, inbound: InboundMessage, content: Content, entrance: Entrance) -> Accepted | None:
    """The message that was stored under the same id before, if that is what stopped us."""
    stored = None
    if inbound.platform_id:
        stored = Message.objects.filter(channel=channel, platform_message_id=inbound.platform_id).first()
    if not stored and entrance.client_message_id:
        sender = inbound.sender
        stored = Message.objects.filter(
            client_message_id=entrance.client_message_id,
            role=Message.Role.VISITOR,
            identity__channel=channel,
            identity__scheme=sender.scheme,
            identity__scope=sender.scope,
            identity__value=sender.value,
        ).first()
        if stored and not _says(stored, content):
            raise Conflict("This message id was used for other content.", code="message_id_conflict")
    if not stored:
        return None
    return Accepted(stored, Conversation.objects.get(id=stored.conversation_id), duplicate=True)


def _says(stored: Message, content: Content) -> bool:
    """Whether the stored message is, or may have been, this content. A file of ours goes into one message
    only, and a recording's words are added to it later."""
    media = stored.content.get("media") or {}
    same_file = content.media and content.media.url.startswith("media:") and media.get("url") == content.media.url
    changed = stored.edited_at or stored.deleted_at
    return bool(changed or same_file) or _unquoted(stored.content) == _unquoted(content.to_json())


def _unquoted(said: Mapping[str, Any]) -> dict[str, Any]:
    """The content but for its quote, which is filled in when it is stored."""
    return {**said, "quote": None}
