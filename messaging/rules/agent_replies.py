"""What staff say: an agent answers through the visitor's own channel, and thereby takes over from the bot.

Owns the message of a human, what it answers, and what it changes about who is in control. The first words
to a person, and those of a bot that speaks on its own, enter here, too.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.db.models import F

from channels_app.content.types import Content
from channels_app.selectors import channel_for_id
from channels_app.templates.resolve import template_resolved
from conversations.messages import cleaned
from conversations.models import Conversation, Message
from conversations.safety import reply_hidden
from conversations.selectors import holder_shape
from conversations.timeline import NewEvent, conversation_advance
from messaging.consent.rules import require_consent
from messaging.live.attending import staff_read
from messaging.reply import Author, answering, reply_write, spoken
from messaging.rules.control import TO_HUMAN, Holder, human_has, locked, require_open, turns_void, unanswered
from messaging.rules.quotes import outbound_quoted
from messaging.rules.sendable import content_require
from messaging.rules.windows import window_require
from tenants.errors import Conflict
from tenants.models import User
from tenants.storage.db import atomic, on_commit, retried
from tenants.tenant_settings import settings_for

ANYBODY: Callable[[], None] = lambda: None  # noqa: E731  the caller has looked who it is
NEWER = 20  # entries that are told of where a reply is outdated


@retried
def agent_reply(
    conversation_id: uuid.UUID,
    agent: User | None,
    content: Content,
    *,
    client_message_id: str = "",
    seen_seq: int | None = None,
    anyway: bool = False,
    allowed: Callable[[], None] = ANYBODY,
) -> Message:
    """A human answers through the visitor's own channel, and thereby takes over from the bot; where no agent is the
    assignee, ``agent`` becomes it.

    ``seen_seq``: the last entry the agent had read; None: all of it. Where more was said after it, the reply is refused,
    unless it is to go ``anyway``: then what the person wrote goes on waiting. The same ``client_message_id`` of the same
    agent in this conversation gives the same message; only what is new is ``allowed``, which raises where it is not.
    Raises NotFound, Conflict ``conversation_closed``, ``contact_stopped``, ``window_closed`` and ``message_id_conflict`` (the id was used
    for other content), `ReplyOutdated`, Invalid ``empty_message`` and ``quote_unknown``, and what `template_resolved`
    raises.
    """
    content, author = cleaned(content), Author.agent(agent.id if agent else None)
    with atomic():
        return reply_as(
            locked(conversation_id), author, content, client_message_id, seen_seq=seen_seq, anyway=anyway,
            allowed=allowed,
        )  # fmt: skip


def reply_as(
    seen: Conversation, author: Author, content: Content, client_message_id: str = "", *, seen_seq: int | None = None,
    anyway: bool = False, allowed: Callable[[], None] = ANYBODY,
) -> Message:  # fmt: skip
    """As `agent_reply`, of cleaned ``content``, within the caller's transaction that has locked ``seen``. The bot's own
    words change nothing about who is in control, and are not said over a human (Conflict ``with_human``)."""
    digest, by_human = _digest(reply_hidden(seen.tenant_id, content)[0]), author.role == Message.Role.AGENT
    if client_message_id and (stored := _said_before(seen, author, client_message_id, digest)):
        return stored
    allowed()
    require_open(seen)
    if by_human and seen_seq is not None and not anyway:
        _require_nothing_newer(seen, author, seen_seq)
    person = require_consent(seen.identity_id)
    if not by_human and seen.control_owner != Conversation.Owner.BOT:
        raise Conflict("A human is in control of the conversation with this person.", code="with_human")
    content, quoted_id = outbound_quoted(seen, _sendable(seen, content, by_human=by_human))
    content, judged = reply_hidden(seen.tenant_id, content)
    control, news = _control_of_reply(seen, author) if by_human else ({}, [])
    answered = _answered(seen, seen_seq) if by_human else {}
    conversation = conversation_advance(
        {"id": seen.id}, messages=1, events=1 + len(news), **spoken([content]), **answered, **control
    )
    assert conversation is not None  # locked above
    conversation.identity = person
    if by_human and seen.control_owner == Conversation.Owner.BOT:
        turns_void(conversation, "human")
    if by_human:  # who answers has read
        read_seq = conversation.last_seq if seen_seq is None else min(seen_seq, conversation.last_seq)
        on_commit(lambda: staff_read(seen.id, read_seq))
    return reply_write(
        conversation, [content], author, client_message_id=client_message_id,
        metadata={"digest": digest} if client_message_id else {}, reply_to=quoted_id, news=news,
        judged=[judged] if judged else (), answering=answering(seen, author),
    )[0]  # fmt: skip


class ReplyOutdated(Conflict):
    """409 ``reply_outdated``: more was said than the agent had read when they wrote. ``details`` say by whom, and who is in
    control; not what was said, which the reader may not be allowed to read."""

    code = "reply_outdated"


# ------------------------------------------------------------------------- parts of a reply


def _require_nothing_newer(seen: Conversation, author: Author, seen_seq: int) -> None:
    """Raises ReplyOutdated for entries after ``seen_seq`` of the person, the bot or a colleague."""
    if seen_seq >= seen.last_seq:
        return
    said = Message.objects.filter(conversation=seen, seq__gt=seen_seq, deleted_at=None)
    said = said.exclude(role=Message.Role.SYSTEM).select_related("author").order_by("seq")[:NEWER]
    newer = [entry for entry in said if entry.role != Message.Role.AGENT or entry.author_id != author.user_id]
    if not newer:
        return
    by = {entry.role for entry in newer}
    who = "The person has written" if Message.Role.VISITOR in by else "A colleague has answered"
    raise ReplyOutdated(
        f"{who} meanwhile: read it, and send the reply again if it still fits.",
        details={
            "last_seq": seen.last_seq, "holder": holder_shape(seen),
            "newer": [
                {"seq": entry.seq, "role": entry.role, "author": entry.author.get_username() if entry.author else None}
                for entry in newer
            ],
        },
    )  # fmt: skip


def _said_before(seen: Conversation, author: Author, client_message_id: str, digest: str) -> Message | None:
    """What this agent has said here under the same id. Raises Conflict ``message_id_conflict``."""
    own = Message.objects.filter(conversation=seen, role=author.role, author_id=author.user_id)
    stored: Message | None = own.filter(client_message_id=client_message_id).select_related("conversation").first()
    if stored is None:
        return None
    if stored.metadata.get("digest") != digest:
        raise Conflict("This message id was used for other content.", code="message_id_conflict")
    stored.repeated = True
    return stored


def _digest(content: Content) -> str:
    """Of what the agent asked for: a template's message says something else than its use did."""
    return hashlib.sha256(json.dumps(content.to_json(), sort_keys=True).encode()).hexdigest()


def _sendable(conversation: Conversation, content: Content, *, by_human: bool) -> Content:
    """The content with its template resolved, if it may go out now."""
    channel = channel_for_id(conversation.channel_id)
    if channel is None:
        return content
    languages = (conversation.contact.language, *settings_for(conversation.tenant_id).languages)
    content = template_resolved(channel, content, languages)
    window_require(channel, conversation, content, by_human=by_human)
    content_require(channel, conversation, content)
    return content


def _control_of_reply(seen: Conversation, author: Author) -> tuple[dict[str, Any], list[NewEvent]]:
    """What a human's reply changes about who is in control, and the event that tells it."""
    takes_over = seen.control_owner == Conversation.Owner.BOT
    assigns = author.user_id is not None and seen.assignee_id is None
    if seen.held_by == Holder.STAFF and not assigns:
        return {}, []
    control: dict[str, Any] = {"held_by": Holder.STAFF, "control_epoch": F("control_epoch") + 1}
    control |= {"assignee_id": author.user_id} if assigns else {}
    control |= TO_HUMAN if takes_over else {}
    return control, [human_has(author.user_id, first=seen.control_epoch == 0)]


def _answered(seen: Conversation, seen_seq: int | None) -> dict[str, Any]:
    """How far a reply answers the person who wrote on while the agent was writing."""
    newer = unanswered(seen).filter(seq__gt=seen_seq).first() if seen_seq is not None else None
    if newer is None or seen_seq is None:
        return {"waiting_since": None, "answered_seq": F("last_seq") + 1}
    answered_one = unanswered(seen).filter(seq__lte=seen_seq).exists()
    waits = {"waiting_since": newer.created_at} if answered_one else {}
    return {"answered_seq": max(seen.answered_seq, seen_seq), **waits}
