"""What an engine is asked: the end of the transcript, what of it is to be answered, and whose words these are.

Owns what an engine sees. Must not decide whether an answer counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from assistant.port import EngineRequest, HistoryEntry, Person
from channels_app.content.types import MAX_TEXT, Capabilities, Content
from channels_app.selectors import channel_for_id
from channels_app.words.split import shorten
from conversations.models import Contact, Conversation, Identity, Message
from messaging.context.choices import contents_meant
from messaging.context.history import in_words
from messaging.context.languages import language_spoken
from messaging.context.profile import profile_of
from messaging.models import Turn
from tenants.storage import prepared
from tenants.storage.db import now
from tenants.tenant_settings import settings_for

HISTORY = 20  # earlier messages the engine sees
MOST_FULL_TEXT = 262_144  # characters of long texts that go to the engine whole, over all messages of a turn
MOST_UNANSWERED = 100  # entries since the last reply that one turn looks at
SPOKEN = (Message.Role.VISITOR, Message.Role.BOT, Message.Role.AGENT)
LEAST_S = 1.0  # that an engine gets, however late it is
#: rows of these cost half of whole messages
SEEN = ("id", "seq", "role", "text", "content", "hints", "language", "created_at", "client_message_id")

PERSON = prepared.Select(
    Identity, lambda rows, conversation_id: rows.filter(conversations=conversation_id).select_related("contact")
)
RECENT = prepared.Select(
    Message,
    lambda rows, conversation_id, last_seq: (
        rows.filter(conversation_id=conversation_id, seq__lte=last_seq, deleted_at=None, role__in=SPOKEN)
        .order_by("-seq")
        .values_list(*SEEN, named=True)
    ),
)


@dataclass(frozen=True)
class Asked:
    """The end of the transcript (SEEN), oldest first, and what of it is to be answered."""

    recent: Sequence[Any]
    unanswered: Sequence[Any]


def asked_of(turn: Turn) -> Asked | None:
    """What is to be answered; None where no answer of the bot is needed. ``turn.conversation`` is read."""
    conversation = turn.conversation
    if conversation.control_owner != Conversation.Owner.BOT or not conversation.is_open:
        return None
    recent = _recent(conversation)
    unanswered = [m for m in recent if m.role == Message.Role.VISITOR and m.seq > conversation.answered_seq]
    return Asked(recent, unanswered) if unanswered else None


def request_of(conversation: Conversation, recent: Sequence[Any], unanswered: Sequence[Any]) -> EngineRequest:
    """What an engine is asked; of ``conversation`` counts `answered_seq`, behind which what is to be answered begins."""
    contact = _contact_of(conversation)
    channel = channel_for_id(conversation.channel_id)
    caps = channel.capabilities if channel else Capabilities()
    meant = contents_meant(recent, caps, after=conversation.answered_seq)
    return EngineRequest(
        tenant_id=conversation.tenant_id,
        conversation_id=conversation.id,
        channel_kind=channel.kind if channel else "",
        channel_id=channel.id if channel else None,
        channel_name=channel.name if channel else "",
        contents=_bounded([meant[m.id] for m in unanswered]),
        history=_history(recent, unanswered),
        context=conversation.context,
        profile=profile_of(contact),
        hints=hints_of(unanswered),
        language=language_spoken(recent, settings_for(conversation.tenant_id).languages) or contact.language,
        deadline_s=time_left(unanswered[-1]),
        person=_person_of(conversation),
        message_ids=tuple(str(message.id) for message in unanswered),
        control_epoch=conversation.control_epoch,
    )


def time_left(last: Any, *, lost: bool = False) -> float:
    """Seconds until the person is to have an answer, counted from when their last message was stored. Where that has
    passed, or a worker was ``lost`` over it, the promise is as good as broken: the engine gets its whole time, for a good
    answer."""
    whole: float = settings.ENV["ENGINE_TIMEOUT_MS"] / 1000
    left = whole - max((now() - last.created_at).total_seconds(), 0.0)
    return max(left, min(LEAST_S, whole)) if left > 0 and not lost else whole


def _person_of(conversation: Conversation) -> Person | None:
    """Who writes; None where the conversation is gone, for then the answer is void."""
    cached = Conversation.identity.is_cached(conversation)
    known = conversation.identity if cached else PERSON.first(conversation_id=conversation.id)
    return Person(str(known.contact_id), known.scheme, known.value, known.verified) if known else None


def _bounded(contents: Sequence[Content]) -> tuple[Content, ...]:
    """The contents with the whole of long texts, as long as all of these are of a size that a call can carry; the
    beginning of each, which ends in "…", always goes along."""
    left = MOST_FULL_TEXT
    bounded = []
    for content in contents:
        left -= len(content.full_text or "")
        bounded.append(content if left >= 0 else content.model_copy(update={"full_text": None}))
    return tuple(bounded)


def hints_of(unanswered: Sequence[Any]) -> dict[str, Any]:
    """Of a turn's messages; the later one counts."""
    hints: dict[str, Any] = {}
    for message in unanswered:
        hints |= message.hints
    return hints


def _contact_of(conversation: Conversation) -> Contact:
    """The person as the conversation has them now: since it was read, two people may have turned out to be one. Empty
    where the conversation is gone, for then the answer is void."""
    if not Conversation.contact.is_cached(conversation):
        person = PERSON.first(conversation_id=conversation.id)
        conversation.contact = person.contact if person else Contact()
        if person and person.id == conversation.identity_id:
            conversation.identity = person
    return conversation.contact


def _history(recent: Sequence[Any], unanswered: Sequence[Any]) -> tuple[HistoryEntry, ...]:
    """All that was said but the turn's own messages, oldest first: a reply has a higher number than what it answers,
    and a human may have spoken after a message that is still to be answered. Of a long text the beginning."""
    own = {message.id for message in unanswered}
    before = [m for m in recent if m.id not in own][-HISTORY:]
    return tuple(
        HistoryEntry(
            m.role,
            shorten(in_words(m.content, m.text), MAX_TEXT),
            unasked=m.role == Message.Role.BOT and bool(m.client_message_id),  # an answer to a turn has none
        )
        for m in before
    )


def _recent(conversation: Conversation) -> list[Any]:
    """The end of the transcript: HISTORY and what came since the last reply; the same cost however
    long the conversation is."""
    most = HISTORY + min(conversation.last_seq - conversation.answered_seq, MOST_UNANSWERED)
    return RECENT.run(most=most, conversation_id=conversation.id, last_seq=conversation.last_seq)[::-1]


def wants_review(unanswered: Sequence[Any]) -> bool:
    """Whether a human is to look at the answer before it is sent."""
    return any(message.hints.get("require_human_review") for message in unanswered)
