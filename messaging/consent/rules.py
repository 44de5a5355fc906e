"""Consent: people end our messages with a word, and open them again by writing.

Owns what a message or a platform's signal changes about ``Identity.stopped_at``, and who may be sent
to. Must not know any platform: adapters say by ``consent_words`` where such words count.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db.models import Exists, F, QuerySet

from channels_app.content.options import options
from channels_app.content.types import Content, text
from channels_app.contract import ContactBlocked, Sender
from channels_app.models import Channel
from conversations.models import Contact, Conversation, Event, Identity, Message
from conversations.people import identity_resolve
from conversations.timeline import VERSIONS, NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.consent.words import CARRIER_ONLY, EVERYDAY, PHRASES, POLITE, SIGNATURES
from messaging.models import Delivery, Turn
from messaging.reply import Author, reply_write, spoken
from tenants.errors import Conflict
from tenants.storage import prepared
from tenants.storage.db import atomic, now, on_commit, retried
from tenants.tenant_settings import settings_for

CODE = "contact_stopped"
WORDS = ("stop", "start", "help")
LONGEST = 60  # characters of a message that can be a word of consent
QUESTION_MARKS = "?？؟"
ANSWERS = {"stop": "stopped", "start": "resumed", "help": "helped"}  # word → member of Phrases
#: of an identity; and of its conversation, whose lock is held, whether a turn waits for more words
STOPPED_AT = prepared.Select(
    Identity,
    lambda rows, id, conversation_id: rows.filter(id=id).values_list(
        "stopped_at", "stopped_by", Exists(_waiting(conversation_id))
    ),
)
SETTINGS = {"stop": "stop_reply", "help": "help_reply"}  # word → the tenant's own text


# ------------------------------------------------------------------------------ words


class Heard(NamedTuple):
    """Which of WORDS was said ("": none), in which languages it is one, and as which ``phrase``, folded."""

    word: str
    languages: frozenset[str]
    phrase: str = ""


NO_WORD = Heard("", frozenset())


def word_of(said: str) -> Heard:
    """What the whole of ``said`` means. A stop word counts as well when all that is beside it is polite, a signature, or
    further lines: who begins with a line that says STOP means it."""
    found = _phrase(said)
    return found if found.word else _stop_within(said)


def _phrase(said: str) -> Heard:
    return _table().get(_folded(said), NO_WORD) if len(said) <= LONGEST else NO_WORD


def _stop_within(said: str) -> Heard:
    first, _, others = said.strip().partition("\n")
    if others.strip():
        found = _alone(first)
        if found.word and found.phrase not in _everyday():
            return found
    return _alone(said)


def _alone(said: str) -> Heard:
    """The stop word that is left of ``said`` without what is polite and the signature; words that mean something else in
    a sentence ("please cancel") do not count."""
    if len(said) > LONGEST + 60:
        return NO_WORD
    left = f" {_folded(said)} "
    for signature in _folded_all(SIGNATURES):
        left = f"{left.partition(f' {signature} ')[0].rstrip()} "
    if _beginnings().isdisjoint(left.split()):
        return NO_WORD
    before = ""
    while before != left:
        before = left
        for polite in _folded_all(tuple(POLITE)):
            left = left.removeprefix(f" {polite}") if left.startswith(f" {polite} ") else left
            left = left.removesuffix(f"{polite} ") if left.endswith(f" {polite} ") else left
    found = _table().get(left.strip(), NO_WORD)
    return found if found.word == "stop" and found.phrase not in CARRIER_ONLY else NO_WORD


@cache
def _table() -> dict[str, Heard]:
    table: dict[str, Heard] = {}
    for language, phrases in PHRASES.items():
        for word in WORDS:
            for phrase in getattr(phrases, word):
                key = _folded(phrase)
                table[key] = Heard(word, table.get(key, NO_WORD).languages | {language}, key)
    return table


@cache
def _beginnings() -> frozenset[str]:
    """The first words of all stop phrases: what has none of them need not be looked at."""
    return frozenset(key.split()[0] for key, heard in _table().items() if heard.word == "stop")


@cache
def _everyday() -> frozenset[str]:
    return frozenset(map(_folded, EVERYDAY))


@cache
def _folded_all(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """The longest first."""
    return tuple(sorted(map(_folded, phrases), key=len, reverse=True))


def _folded(said: str) -> str:
    """Without case, accents, punctuation and superfluous blanks; Turkish dotless i as i."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", said).casefold()).replace("ı", "i")
    letters = (" " if unicodedata.category(sign)[0] in "PSZC" else sign for sign in plain if not _is_mark(sign))
    return " ".join("".join(letters).split())


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign) == "Mn" or sign in "\u200e\u200f\u0640"  # direction marks, Arabic stretching


# --------------------------------------------------------------------- what a message does


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


NONE = Step()


def step_of(channel: Channel, message: Message, *, dated: bool) -> Step:
    """Read ``message``, stored but not yet answered. Only what came through a platform counts; its own
    clock decides, so that a message that was delayed neither stops nor reopens. A time that lies ahead of ours
    proves nothing, for one of the clocks was wrong; nor does that of a message which the platform has not ``dated``, for
    our clock is set now and then. There the order in which we got the messages decides."""
    if not message.platform_message_id:
        return NONE
    picked = message.content_type != "text" or "choice" in message.content  # a button says what its payload says
    word, languages, _ = NO_WORD if picked else _word_on(channel, message)
    found = STOPPED_AT.first(id=message.identity_id, conversation_id=message.conversation_id)
    stopped_at, stopped_by, waits = found or (None, None, True)
    if stopped_by:
        return Step(without_turn=True)  # nothing that the person says changes what staff have decided
    if word == "stop":
        fresh = not stopped_at and not (dated and _wrote_after(message))
        return Step(stops=fresh, answer="stop" if fresh else "", without_turn=True, languages=languages)
    if dated and stopped_at and message.sent_at < stopped_at <= now():
        return Step(without_turn=True)
    answer = word if word == "help" or (word == "start" and stopped_at) else ""
    return Step(
        resumes=bool(stopped_at), answer=answer, without_turn=bool(answer), languages=languages, turn_waits=waits
    )


def _waiting(conversation_id: Any) -> QuerySet[Turn]:
    # unscoped: a conversation has one tenant
    return Turn.objects.unscoped().filter(conversation=conversation_id, status=Turn.Status.WAITING)


def _word_on(channel: Channel, message: Message) -> Heard:
    """The word that ``message`` is, if it counts on this channel, in this tenant's languages, and here."""
    adapter = channel.adapter
    found = word_of(message.text) if adapter.consent_words else NO_WORD
    if not found.word or (found.phrase in CARRIER_ONLY and not adapter.carrier_words):
        return NO_WORD
    if found.phrase in _everyday() and (_is_foreign(found, message) or _is_answer(message)):
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


def _wrote_after(message: Message) -> bool:
    later = Message.objects.filter(
        identity_id=message.identity_id,
        role=Message.Role.VISITOR,
        sent_at__gt=message.sent_at,
        sent_at__lte=now(),
    )
    return later.exists()


def step_take(conversation: Conversation, message: Message, step: Step) -> None:
    """Do it, as the last part of the transaction that stored the message and holds the conversation."""
    if step == NONE:
        return
    news: list[NewEvent] = []
    if step.stops:
        news = _stop(message.identity_id, conversation.contact_id, message.sent_at)
    elif step.resumes:
        news = _resume(message.identity_id, conversation.contact_id)
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
        reply_write(taken, [content], Author.bot(), metadata={"consent": step.answer}, news=news)


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


# --------------------------------------------------------------- what a platform tells


def contact_stop(channel: Channel, sender: Sender, at: datetime | None) -> bool:
    """The platform says that the person wants no more messages, and has told them so itself. Call inside
    a transaction. False when that was known."""
    known = identity_resolve(channel, sender)
    return _tell(channel, known.identity_id, _stop(known.identity_id, known.contact_id, min(at or now(), now())))


def contact_resume(channel: Channel, sender: Sender) -> bool:
    """The platform says that the person takes messages again. As `contact_stop`."""
    known = identity_resolve(channel, sender)
    return _tell(channel, known.identity_id, _resume(known.identity_id, known.contact_id))


# ------------------------------------------------------------------------ what staff decide


@retried
def staff_stop(contact_id: uuid.UUID) -> int:
    """Nothing more is sent to this person on any platform, whatever they say there, until staff allow it (CONV-11). The
    web chat goes on: who writes there is there. Returns on how many identities that was news."""
    return _decided(contact_id, _stop_by_staff)


@retried
def staff_allow(contact_id: uuid.UUID) -> int:
    """Staff let the person have messages again, also where the person has stopped them. As `staff_stop`."""
    return _decided(contact_id, _allow_by_staff)


def _decided(contact_id: uuid.UUID, decide: Callable[[Identity], list[NewEvent]]) -> int:
    count = 0
    with atomic():
        for identity in Identity.objects.filter(contact_id=contact_id).select_related("channel").order_by("id"):
            if not identity.channel.adapter.instant:
                count += _tell(identity.channel, identity.id, decide(identity))
    return count


def _stop_by_staff(identity: Identity) -> list[NewEvent]:
    news = _stop(identity.id, identity.contact_id, now())
    Identity.objects.filter(id=identity.id).update(stopped_by=Identity.STAFF)
    return news


def _allow_by_staff(identity: Identity) -> list[NewEvent]:
    Identity.objects.filter(id=identity.id).update(stopped_by=None)
    return _resume(identity.id, identity.contact_id)


def _tell(channel: Channel, identity_id: uuid.UUID, news: list[NewEvent]) -> bool:
    """Into the timeline of the person's open conversation, else of no conversation."""
    if not news:
        return False
    where = {"identity_id": identity_id, "is_open": True}
    newest = Conversation.objects.filter(**where).order_by("-created_at").values_list("id", flat=True).first()
    taken = conversation_advance({"id": newest}, events=len(news)) if newest else None
    if taken:
        events_append(taken, news)
    else:
        for new in news:
            payload = {"channel_id": str(channel.id), **new.payload}
            Event.objects.create(
                tenant_id=channel.tenant_id, type=new.type, version=VERSIONS[new.type], payload=payload
            )
    return True


def _stop(identity_id: uuid.UUID, contact_id: uuid.UUID, at: datetime) -> list[NewEvent]:
    """Stopped, no turn goes on, and what is queued is tried now: that is, it fails now."""
    ids = _ids_on_the_channel(identity_id)
    if not Identity.objects.filter(id__in=ids, stopped_at=None).update(stopped_at=at):
        return []
    talks = list(Conversation.objects.filter(identity_id__in=ids, is_open=True).values_list("id", flat=True))
    Turn.objects.filter(conversation_id__in=talks, status__in=Turn.OPEN).update(
        status=Turn.Status.VOID, outcome="stopped"
    )
    Conversation.objects.filter(id__in=talks).update(answered_seq=F("last_seq"), waiting_since=None)
    queued = Delivery.objects.filter(conversation_id__in=talks, status=Delivery.Status.QUEUED)
    lanes = list(queued.values_list("conversation_id", flat=True).distinct())
    queued.update(due_at=now())
    for conversation_id in lanes:
        on_commit(lambda conversation_id=conversation_id: wake.deliver(conversation_id))  # type: ignore[misc]
    return [_event("chat.contact.stopped", identity_id, contact_id)]


def _resume(identity_id: uuid.UUID, contact_id: uuid.UUID) -> list[NewEvent]:
    stopped = Identity.objects.filter(
        id__in=_ids_on_the_channel(identity_id), stopped_at__isnull=False, stopped_by=None
    )
    if not stopped.update(stopped_at=None):
        return []
    return [_event("chat.contact.resumed", identity_id, contact_id)]


def _ids_on_the_channel(identity_id: uuid.UUID) -> list[uuid.UUID]:
    """A consent is the person's on one channel, by whichever of their proved ids they gave or took it."""
    own = Identity.objects.get(id=identity_id)
    proved = Identity.objects.filter(channel_id=own.channel_id, contact_id=own.contact_id, verified=True)
    return list({identity_id, *(proved.values_list("id", flat=True) if own.verified else ())})


def _event(type: str, identity_id: uuid.UUID, contact_id: uuid.UUID) -> NewEvent:
    return NewEvent(type, {"contact_id": str(contact_id), "identity_id": str(identity_id)})


# ------------------------------------------------------------------------ who may be sent to


def require_consent(identity_id: uuid.UUID) -> Identity:
    """The person as they are written to. Raises Conflict ``contact_stopped``: call before staff or the API write."""
    identity: Identity = Identity.objects.get(id=identity_id)
    if identity.stopped_by:
        raise Conflict("Staff have stopped messages to this person; allow them on the contact's page.", code=CODE)
    if identity.stopped_at:
        raise Conflict("This person has stopped our messages; they can write to us again any time.", code=CODE)
    return identity


def check_reachable(message: Message) -> None:
    """Raises ContactBlocked ``contact_stopped`` unless ``message`` may go out: after a stop only its own
    confirmation may. ``message.identity`` is loaded."""
    if message.identity.stopped_at and message.metadata.get("consent") != "stop":
        raise ContactBlocked(CODE, "The person has stopped our messages.")
