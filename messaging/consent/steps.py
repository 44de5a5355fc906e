"""What a person's message means for their consent, and what follows: nothing is sent any longer, or it is again, and the
word has its answer.

Owns that step of the journey. Must not know any platform: adapters say by ``consent_words`` where such words count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, QuerySet

from channels_app.content.options import options
from channels_app.content.types import Content, text
from channels_app.models import Channel
from conversations.models import Contact, Conversation, Identity, Message
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.consent.heard import NO_WORD, Heard, everyday, word_of
from messaging.consent.rules import identity_resume, identity_stop
from messaging.consent.words import CARRIER_ONLY, PHRASES
from messaging.models import Turn
from messaging.reply import Author, answering, reply_write, spoken
from tenants.storage import prepared
from tenants.storage.db import now
from tenants.tenant_settings import settings_for

QUESTION_MARKS = "?？؟"
ANSWERS = {"stop": "stopped", "start": "resumed", "help": "helped"}  # word → member of Phrases
#: of an identity; and of its conversation, whose lock is held, whether a turn waits for more words
STANDING = prepared.Select(
    Identity,
    lambda rows, id, conversation_id: rows.filter(id=id).values_list(
        "stopped_at", "stopped_by", Exists(_waiting(conversation_id))
    ),
)
SETTINGS = {"stop": "stop_reply", "help": "help_reply"}  # word → the tenant's own text


@dataclass(frozen=True)
class Step:
    """What a message means for consent. ``answer``: which of WORDS is answered, without the engine. ``turn_waits``,
    asked for along with it: whether a turn may be there that the message joins."""

    stops: bool = False
    resumes: bool = False
    answer: str = ""
    without_turn: bool = False
    languages: frozenset[str] = frozenset()
    turn_waits: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Standing:
    """Where a person's consent stands behind their message; of one who is erased meanwhile nothing is known."""

    stopped_at: datetime | None = None
    stopped_by: str | None = None
    turn_waits: bool = True


NONE = Step()


def message_write(message: Message) -> Standing:
    """Store a person's message, and read with it what `step_of` has to know. The conversation's lock is held."""
    if not message.platform_message_id:
        prepared.insert([message])
        return Standing()
    found = prepared.insert_reading(message, STANDING, id=message.identity_id, conversation_id=message.conversation_id)
    return Standing(*found) if found else Standing()


def step_of(channel: Channel, message: Message, standing: Standing, *, dated: bool) -> Step:
    """Read ``message``, stored but not yet answered. Only what came through a platform counts; its own
    clock decides, so that a message that was delayed neither stops nor reopens. A time that lies ahead of ours
    proves nothing, for one of the clocks was wrong; nor does that of a message which the platform has not ``dated``, for
    our clock is set now and then. There the order in which we got the messages decides."""
    if not message.platform_message_id:
        return NONE
    picked = message.content_type != "text" or "choice" in message.content  # a button says what its payload says
    word, languages, _ = NO_WORD if picked else _word_on(channel, message)
    stopped_at = standing.stopped_at
    if standing.stopped_by:
        return Step(stops=word == "stop", without_turn=True)  # no word of the person's lifts what staff have decided
    if word == "stop":
        fresh = not stopped_at and not (dated and _wrote_after(message, message.sent_at))
        return Step(stops=fresh, answer="stop" if fresh else "", without_turn=True, languages=languages)
    if dated and stopped_at and message.sent_at < stopped_at <= now():
        return Step(without_turn=True)
    answer = word if word == "help" or (word == "start" and stopped_at) else ""
    return Step(
        resumes=bool(stopped_at),
        answer=answer,
        without_turn=bool(answer),
        languages=languages,
        turn_waits=standing.turn_waits,
    )


def edit_take(channel: Channel, conversation: Conversation, message: Message, at: datetime) -> bool:
    """A person has made a message say STOP, which they meant from the start: it stops, as the last part of the transaction
    that changed it and holds the conversation. No edit lets anything be sent again. Whether it says so."""
    spoken_as = message.content_type == "text" and "choice" not in message.content
    word, languages, _ = _word_on(channel, message) if spoken_as else NO_WORD
    if word != "stop":
        return False
    row = Identity.objects.filter(id=message.identity_id).values_list("stopped_at", "stopped_by").first()
    stopped_at, stopped_by = row or (None, None)
    fresh = not stopped_at and not _wrote_after(message, at)
    if fresh or stopped_by:
        answer = "stop" if fresh else ""
        step_take(conversation, message, Step(stops=True, answer=answer, without_turn=True, languages=languages), at=at)
    return True


def _waiting(conversation_id: Any) -> QuerySet[Turn]:
    # unscoped: a conversation has one tenant
    return Turn.objects.unscoped().filter(conversation=conversation_id, status=Turn.Status.WAITING)


def _word_on(channel: Channel, message: Message) -> Heard:
    """The word that ``message`` is, if it counts on this channel, in this tenant's languages, and here."""
    adapter = channel.adapter
    found = word_of(message.text) if adapter.consent_words else NO_WORD
    if not found.word or (found.phrase in CARRIER_ONLY and not adapter.carrier_words):
        return NO_WORD
    if found.phrase in everyday() and (_is_foreign(found, message) or _is_answer(message)):
        return NO_WORD
    return found


def _is_foreign(found: Heard, message: Message) -> bool:
    known = Contact.objects.filter(identities=message.identity_id).values_list("language", flat=True).first() or ""
    spoken_here = {known[:2], *(language[:2] for language in settings_for(message.tenant_id).languages)}
    return not found.languages & spoken_here


def _is_answer(message: Message) -> bool:
    """Whether the last that we said before asks something."""
    ours = Message.objects.filter(conversation_id=message.conversation_id, seq__lt=message.seq, deleted_at=None)
    asked = ours.filter(direction=Message.Direction.OUTBOUND).exclude(role=Message.Role.SYSTEM).order_by("-seq").first()
    return asked is not None and (
        any(mark in asked.text for mark in QUESTION_MARKS) or bool(options(Content.model_validate(asked.content)))
    )


def _wrote_after(message: Message, at: datetime) -> bool:
    later = Message.objects.filter(
        identity_id=message.identity_id, role=Message.Role.VISITOR, sent_at__gt=at, sent_at__lte=now()
    )
    return later.exists()


def step_take(conversation: Conversation, message: Message, step: Step, *, at: datetime | None = None) -> None:
    """Do it, as the last part of the transaction that stored the message and holds the conversation. ``at``: when it was
    said, where that is not when the message was."""
    if step == NONE:
        return
    news: list[NewEvent] = []
    if step.stops:
        news = identity_stop(message.identity_id, conversation.contact_id, at or message.sent_at)
    elif step.resumes:
        news = identity_resume(message.identity_id, conversation.contact_id)
    by_human = conversation.control_owner == Conversation.Owner.HUMAN
    if step.answer == "help" and by_human:
        return  # the human sees the question
    if step.answer:
        _answer(conversation, step, news)
        return
    # Nothing is to be answered where nothing may be sent.
    settled: dict[str, Any] = {"answered_seq": F("last_seq"), "waiting_since": None} if step.without_turn else {}
    taken = conversation_advance({"id": conversation.id}, events=len(news), **settled)
    if taken and news:
        events_append(taken, news)


def _answer(conversation: Conversation, step: Step, news: list[NewEvent]) -> None:
    content = text(_words_for(conversation, step))
    changes: dict[str, Any] = spoken([content])
    if not Turn.objects.filter(conversation=conversation, status__in=Turn.OPEN).exists():
        changes |= {"answered_seq": F("last_seq") + 1, "waiting_since": None}
    taken = conversation_advance({"id": conversation.id}, messages=1, events=len(news) + 1, **changes)
    if taken:
        reply_write(
            taken, [content], Author.bot(), metadata={"consent": step.answer}, news=news,
            answering=answering(conversation, Author.bot()),
        )  # fmt: skip


def _words_for(conversation: Conversation, step: Step) -> str:
    """The tenant's own text, else ours in the language of the word, the contact or the tenant."""
    chosen = settings_for(conversation.tenant_id)
    own = getattr(chosen, SETTINGS[step.answer]) if step.answer in SETTINGS else ""
    if own:
        return own
    known = Contact.objects.filter(id=conversation.contact_id).values_list("language", flat=True).first() or ""
    wishes = [known[:2], *(language[:2] for language in chosen.languages)]
    if "en" not in step.languages:  # the English words are everybody's
        wishes = [wish for wish in wishes if wish in step.languages] or sorted(step.languages)
    language = next((wish for wish in wishes if wish in PHRASES), "en")
    return getattr(PHRASES[language], ANSWERS[step.answer])
