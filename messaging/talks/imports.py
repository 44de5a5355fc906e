"""Transcripts from another system, stored as conversations that have ended (API-6).

What was said elsewhere moves nothing here: no event, no delivery, no answer, no figure comes of it. The key of each row is made
from the caller's own names, so that an import that is sent again stores nothing twice, in whatever pieces it comes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from channels_app.content.types import Content
from channels_app.contract import Sender
from channels_app.models import Channel
from conversations.contacts.identities import sender_named
from conversations.contacts.people import identities_forget, identity_resolve
from conversations.messages import cleaned, words_of
from conversations.models import Conversation, Message
from conversations.safety import NOTHING, hidden_in, reply_hidden
from conversations.timeline import conversation_advance
from messaging.privacy.tombstones import erased_at
from tenants.errors import Conflict, ServiceError, Unavailable, Unprocessable
from tenants.storage.db import RACES, atomic, lost_race, retried

REASON = "imported"


@dataclass(frozen=True)
class Said:
    """One message of another system. ``id``: the caller's, within its conversation."""

    id: str
    role: str
    content: Content
    sent_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of one: its key here, and whether it was there before; or why it is not."""

    id: str
    message_id: uuid.UUID | None = None
    repeated: bool = False
    error: ServiceError | None = None


def transcript_import(
    channel: Channel, user_id: str, name: str, reference: str, said: Sequence[Said]
) -> tuple[uuid.UUID, list[Outcome]]:
    """The conversation that the caller calls ``reference`` with this person, with ``said`` at its end in the order of their
    times; its key, and what became of each. Raises Unavailable (lost five races)."""
    sender = sender_named(channel, user_id, name)
    key = uuid.uuid5(channel.tenant_id, _named(channel, user_id, reference))
    said = sorted(said, key=lambda one: one.sent_at)
    refused, said = _erased_apart(channel, (sender, Sender("user", user_id)), said)
    for _ in range(RACES if said else 0):
        try:
            return key, refused + _stored(channel, sender, key, said)
        except IntegrityError as error:
            if not lost_race(error):
                raise
            identities_forget(channel, sender)
    if said:
        raise Unavailable("Too many changes at once.", retry_after=1)
    return key, refused


def _erased_apart(
    channel: Channel, known_as: Iterable[Sender], said: Sequence[Said]
) -> tuple[list[Outcome], list[Said]]:
    """The outcomes of what was said before the person was erased under any of these ids, and the rest; both in the order
    given."""
    times = [erased_at(channel.tenant_id, channel.id, one.scheme, one.scope, one.value) for one in known_as]
    until = max(filter(None, times), default=None)
    if until is None:
        return [], list(said)
    error = Conflict("The person was erased after this was said.", code="person_erased")
    refused = [Outcome(one.id, error=error) for one in said if one.sent_at <= until]
    return refused, [one for one in said if one.sent_at > until]


def _named(channel: Channel, user_id: str, reference: str) -> str:
    """What stands for the conversation and for no other: a colon in ``user_id`` would read as the end of it. Ids without one keep
    the form they have always had, so that an import that is sent again after an upgrade stores nothing twice."""
    if ":" in user_id:
        return json.dumps(["import", str(channel.id), user_id, reference])
    return f"import:{channel.id}:{user_id}:{reference}"


@retried
def _stored(channel: Channel, sender: Sender, key: uuid.UUID, said: Sequence[Said]) -> list[Outcome]:
    with atomic():
        talk = conversation_advance({"id": key}) or _begun(channel, sender, key, said[0].sent_at)
        ids = {one.id: uuid.uuid5(key, one.id) for one in said}
        known = {row.id: row for row in Message.objects.filter(id__in=ids.values())}
        until, seq, outcomes = talk.last_message_at or talk.created_at, talk.last_seq, []
        for one in said:
            outcome = _outcome(talk, ids[one.id], one, until, seq + 1, known)
            outcomes.append(outcome)
            if outcome.error is None and not outcome.repeated:
                until, seq = one.sent_at, seq + 1
        if seq > talk.last_seq:
            last = Message.objects.get(conversation=talk, seq=seq)
            Conversation.objects.filter(id=key).update(
                last_seq=seq, message_count=seq, answered_seq=seq, last_message_at=until, ended_at=until,
                last_message_preview=Content.model_validate(last.content).summary,
            )  # fmt: skip
        return outcomes


def _begun(channel: Channel, sender: Sender, key: uuid.UUID, at: datetime) -> Conversation:
    known = identity_resolve(channel, sender, verified=False)
    talk = Conversation(
        id=key, tenant_id=channel.tenant_id, channel=channel, contact_id=known.contact_id, identity_id=known.identity_id,
        status=Conversation.Status.COMPLETED, is_open=False, ended_reason=REASON, created_at=at, ended_at=at,
    )  # fmt: skip
    talk.save(force_insert=True)
    return talk


def _outcome(
    talk: Conversation, key: uuid.UUID, one: Said, until: datetime, seq: int, known: dict[uuid.UUID, Message]
) -> Outcome:
    """``known``: those that are stored, by their keys; this one is added."""
    try:
        content, fields = _fields(talk, one)
        if stored := known.get(key):
            if not _is_same(stored, one, content):
                raise id_taken()
            return Outcome(one.id, key, repeated=True)
        if talk.ended_reason != REASON or talk.is_open:
            raise Conflict("This conversation was not imported.", code="not_imported")
        if one.sent_at < until:
            raise Unprocessable("The conversation has later messages already.", code="out_of_order")
        known[key] = _message(talk, key, one, seq, fields)
        return Outcome(one.id, key)
    except ServiceError as error:
        return Outcome(one.id, error=error)


def id_taken() -> Conflict:
    return Conflict("This message id was used for other content.", code="message_id_conflict")


def _is_same(stored: Message, one: Said, content: Content) -> bool:
    """Whether the stored message is this one, or may have been before staff changed or deleted it."""
    changed = stored.edited_at or stored.deleted_at
    return stored.role == one.role and bool(changed or stored.content == content.to_json())


def _fields(talk: Conversation, one: Said) -> tuple[Content, dict[str, Any]]:
    """What of it is kept, and the words of a message as its fields. Raises Invalid ``empty_message``, Unprocessable
    ``files_not_imported``."""
    content = cleaned(one.content)
    if content.media:
        raise Unprocessable("Files are not imported: send their addresses as text.", code="files_not_imported")
    theirs = one.role == Message.Role.VISITOR
    judged: dict[str, Any] = {}
    if theirs:
        content, hidden = hidden_in(talk.tenant_id, content)
    else:
        (content, judged), hidden = reply_hidden(talk.tenant_id, content), NOTHING
    words = words_of(talk.tenant_id, content, hidden)
    return content, {**words, "analysis": {**words["analysis"], **judged}}


def _message(talk: Conversation, key: uuid.UUID, one: Said, seq: int, fields: dict[str, Any]) -> Message:
    theirs = one.role == Message.Role.VISITOR
    message = Message(
        id=key, tenant_id=talk.tenant_id, conversation=talk, identity_id=talk.identity_id, channel_id=talk.channel_id,
        seq=seq, direction=Message.Direction.INBOUND if theirs else Message.Direction.OUTBOUND, role=one.role,
        metadata={REASON: True}, sent_at=one.sent_at, created_at=one.sent_at, **fields,
    )  # fmt: skip
    message.save(force_insert=True)
    return message
