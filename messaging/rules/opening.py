"""Conversations that do not begin with a person's message: we write first, or again after an end, or something happened where
they are (CH-6).

Owns how such a one is opened, and the first words. Must not decide what a platform allows: adapters and the reply
window do.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError

from channels_app.content.types import Content
from channels_app.contract import Sender
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from conversations.contacts.identities import sender_at
from conversations.contacts.people import Known, identities_forget, identity_resolve
from conversations.messages import cleaned
from conversations.models import Conversation, Message
from conversations.selectors import holder_shape
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.live.push import push_moved
from messaging.reply import Author
from messaging.rules.agent_replies import ANYBODY, reply_as
from messaging.rules.control import locked
from tenants.errors import Conflict, Unavailable, Unprocessable
from tenants.models import User
from tenants.storage import prepared
from tenants.storage.db import RACES, atomic, lost_race, now, on_commit

LATEST = 50  # conversations of one person that are looked through for the one between them and us


def first_words(
    channel: Channel,
    address: str,
    content: Content,
    *,
    by_bot: bool = True,
    agent: User | None = None,
    name: str = "",
    client_message_id: str = "",
    allowed: Callable[[], None] = ANYBODY,
) -> Message:
    """Write to the person at ``address``, who need not have written: in the conversation that is open with them, else in a
    new one. ``by_bot``: the assistant answers what they reply; else a human does, ``agent`` where there is one.

    The same ``client_message_id`` to the same person gives the same message. Raises Unprocessable
    ``person_writes_first`` and ``recipient_invalid``, Conflict ``with_human`` (by_bot), Unavailable, and as `agent_reply`.
    """
    sender = sender_at(channel, address, name)
    content, author = cleaned(content), Author.bot() if by_bot else Author.agent(agent.id if agent else None)
    for _ in range(RACES):
        try:
            with atomic():
                stored = _said_before(identity_resolve(channel, sender), author, client_message_id)
                conversation = stored or conversation_open(channel, sender)[0]
                return reply_as(conversation, author, content, client_message_id, allowed=allowed)
        except IntegrityError as error:
            if not lost_race(error):
                raise
            identities_forget(channel, sender)
    raise Unavailable("The conversation is very busy; send the same message again.", retry_after=1)


def write_again(
    conversation_id: uuid.UUID,
    agent: User | None,
    content: Content,
    *,
    client_message_id: str = "",
    seen_seq: int | None = None,
    anyway: bool = False,
    allowed: Callable[[], None] = ANYBODY,
) -> Message:
    """As `agent_reply`; where the conversation has ended, it begins a new one with the person in the same place, which
    ``agent`` has.

    The same ``client_message_id`` to the same person gives the same message. Raises Conflict ``conversation_goes_on`` when
    another is open there by now (its details name it), Unprocessable ``person_writes_first``, Unavailable, and as
    `agent_reply`.
    """
    content, author = cleaned(content), Author.agent(agent.id if agent else None)
    for _ in range(RACES):
        try:
            with atomic():
                seen = locked(conversation_id)
                talk = seen if seen.is_open else _after(seen, author, client_message_id)
                message = reply_as(
                    talk, author, content, client_message_id, seen_seq=seen_seq if seen.is_open else None, anyway=anyway,
                    allowed=allowed,
                )  # fmt: skip
                on_commit(
                    lambda: push_moved(conversation_id)
                )  # a visitor whose chat shows the end looks where it goes on
                return message
        except IntegrityError as error:
            if not lost_race(error):
                raise
    raise Unavailable("The conversation is very busy; send the same message again.", retry_after=1)


def _after(ended: Conversation, author: Author, client_message_id: str) -> Conversation:
    """Where that is said which is written after the end, locked."""
    person = Known(ended.identity_id, ended.contact_id)
    if stored := _said_before(person, author, client_message_id):
        return stored
    channel = channel_for_id(ended.channel_id)
    if channel is None or not channel.adapter.speaks_after_end:
        raise Unprocessable("On this kind of channel the person has to write first.", code="person_writes_first")
    talk = _open_with(channel, person, ended.thread)
    if talk.last_seq:  # it was there before
        raise Conflict(
            "The person is in a newer conversation by now: write there.",
            code="conversation_goes_on",
            details={"conversation_id": str(talk.id), "holder": holder_shape(talk)},
        )
    return talk


def conversation_open(channel: Channel, sender: Sender, thread: str = "") -> tuple[Conversation, Known]:
    """The open conversation with this person, locked, or a new one, within the caller's transaction: in ``thread`` if one
    is named, else the one between them and us. Raises IntegrityError when another worker opens it now."""
    known = identity_resolve(channel, sender)
    return _open_with(channel, known, thread), known


def _open_with(channel: Channel, known: Known, thread: str) -> Conversation:
    talks = Conversation.objects.filter(channel=channel, contact_id=known.contact_id).order_by(
        "-is_open", "-created_at"
    )
    theirs = [
        talk
        for talk in talks[:LATEST]
        if talk.thread == thread or (not thread and channel.adapter.personal(talk.thread))
    ]
    last = theirs[0] if theirs else None
    if last and last.is_open and (locked := conversation_advance({"id": last.id, "is_open": True})):
        return locked
    conversation = Conversation(
        tenant_id=channel.tenant_id, channel=channel, contact_id=known.contact_id, identity_id=known.identity_id,
        thread=last.thread if last else thread, reference=last.reference if last else {}, event_seq=1,
        last_message_at=now(), reply_window_expires_at=_window_end(channel, theirs),
    )  # fmt: skip
    prepared.insert([conversation])
    person = {"contact_id": str(known.contact_id), "identity_id": str(known.identity_id)}
    events_append(conversation, [NewEvent("chat.conversation.started", person)])
    return conversation


def thread_learnt(conversation: Conversation, thread: str) -> None:
    """The platform has told where our first words went: what the person answers comes from there."""
    there = Conversation.objects.filter(identity_id=conversation.identity_id, thread=thread, is_open=True)
    if there.exists():
        return
    try:
        with atomic():
            Conversation.objects.filter(id=conversation.id, thread="").update(thread=thread)
    except IntegrityError as error:  # the answer was quicker, and has a conversation of its own
        if not lost_race(error):
            raise


def _said_before(known: Known, author: Author, client_message_id: str) -> Conversation | None:
    """The conversation, by now perhaps ended, in which the same was said under this id."""
    if not client_message_id:
        return None
    own = Message.objects.filter(identity_id=known.identity_id, role=author.role, author_id=author.user_id)
    stored = own.filter(client_message_id=client_message_id).order_by("-id").first()
    return conversation_advance({"id": stored.conversation_id}) if stored else None


def _window_end(channel: Channel, theirs: list[Conversation]) -> datetime | None:
    """A window that the person opened before counts on, or is not known as it was not; one who has not written has opened
    none."""
    ends = [talk.reply_window_expires_at for talk in theirs if talk.reply_window_expires_at]
    return max(ends) if ends else now() if channel.capabilities.window_s and not theirs else None


def opened(channel: Channel, sender: Sender, thread: str) -> uuid.UUID:
    """`conversation_open` in a transaction of its own. Raises Unavailable after losing several races."""
    for _ in range(RACES):
        try:
            with atomic():
                return conversation_open(channel, sender, thread)[0].id
        except IntegrityError as error:
            if not lost_race(error):
                raise
            identities_forget(channel, sender)
    raise Unavailable("Too many changes at once.", retry_after=1)
