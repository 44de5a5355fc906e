"""Verb two, respond: one reply for one turn, written only if no person has written meanwhile.

Owns claiming, asking and the conditions under which an answer counts. Must not hold a transaction
while an engine thinks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db.models import QuerySet

from assistant.engines import engine_for
from assistant.knowledge.unanswered import unanswered_note
from assistant.port import Engine, EngineError, EngineReply, EngineRequest, HistoryEntry, NotAtOnce, Person
from assistant.traces import trace_of
from channels_app.content.types import MAX_TEXT, Capabilities, Content, text
from channels_app.selectors import channel_for_id
from channels_app.templates.resolve import template_resolved
from channels_app.words.split import shorten
from conversations.models import Contact, Conversation, Identity, Message, Note
from conversations.safety import WHY, replies_as_written, replies_hidden
from conversations.timeline import NewEvent, conversation_advance, work_given_up
from messaging import wake
from messaging.context.changes import UPDATED, context_news
from messaging.context.choices import contents_meant
from messaging.context.citations import cited
from messaging.context.expected import as_expected, expected_told
from messaging.context.flows import greeting_of
from messaging.context.history import in_words
from messaging.context.languages import language_spoken
from messaging.context.profile import profile_keep, profile_of
from messaging.context.wording import fallback_for
from messaging.live.answers import turn_settled
from messaging.live.hub import hub
from messaging.live.typing import Writing, writing_shown
from messaging.measures import STAGES, engine_count
from messaging.models import Delivery, Turn
from messaging.reply import Author, answering, reply_write, spoken
from messaging.rules.control import answer_failed, hand_over
from messaging.rules.loops import LOOP, is_loop
from messaging.rules.quotes import outbound_quoted
from messaging.rules.sendable import content_require
from tenants.errors import ServiceError, Unavailable
from tenants.storage import prepared
from tenants.storage.db import atomic, now, on_commit, retried, server_trouble
from tenants.tenant_settings import settings_for
from tenants.work.leases import A_DAY, MOST_LEASES, WORKER_LOST, LeaseLost, claim_by_id, put_off, server_back, settle

log = structlog.get_logger(__name__)

TRIES = A_DAY
FALLBACK_AFTER = 5  # tries without an outcome; then the turn gets the fallback reply
HISTORY = 20  # earlier messages the engine sees
MOST_FULL_TEXT = 262_144  # characters of long texts that go to the engine whole, over all messages of a turn
MOST_UNANSWERED = 100  # entries since the last reply that one turn looks at
SPOKEN = (Message.Role.VISITOR, Message.Role.BOT, Message.Role.AGENT)
LEAST_S = 1.0  # that an engine gets, however late it is
SEEN = (
    "id",
    "seq",
    "role",
    "text",
    "content",
    "hints",
    "language",
    "created_at",
)  # rows of these cost half of whole messages


CONVERSATION = prepared.Select(Conversation, lambda rows, id: rows.filter(id=id).select_related("contact", "identity"))
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


@dataclass(frozen=True)
class EngineOutcome:
    """What came of asking: a reply, and whether it is only the fallback. ``void``: told why the reply was not sent."""

    reply: EngineReply
    degraded: bool
    latency_ms: int
    void: Callable[[str], None] = lambda why: None

    @property
    def marked(self) -> bool:
        """Whether it is less than the tenant wanted: the fallback, or an engine's own second best, as it says itself."""
        return self.degraded or "degraded" in self.reply.why


def respond(turn_id: uuid.UUID) -> Turn | None:
    """Answer a turn that is due, or take over one whose worker is silent. None when another worker has it."""
    turn = turn_claim(turn_id)
    return turn_work(turn) if turn else None


def turn_claim(turn_id: uuid.UUID) -> Turn | None:
    """Lease the turn to this worker; its conversation and contact are read along."""
    turn = claim_by_id(Turn, turn_id, Turn.lease())
    conversation = CONVERSATION.first(id=turn.conversation_id) if turn else None
    if turn is None or conversation is None:
        return None
    turn.conversation = conversation
    return turn


def turn_work(turn: Turn) -> Turn:
    """Answer a turn that the caller has leased; what goes wrong puts it off, and ends it after a day."""
    if turn.leases > 2 * MOST_LEASES:  # the fallback reply, too, has ended its workers
        return turn_give_up(turn, WORKER_LOST)
    try:
        return answer(turn)
    except Exception as error:  # noqa: BLE001  the person is still waiting
        return _failed(turn, error)


@STAGES.labels("respond").time()
def answer(turn: Turn) -> Turn:
    """Gather, think, settle. ``turn`` is claimed by the caller."""
    conversation = turn.conversation
    asked = asked_of(turn)
    if asked is None:
        if conversation.control_owner != Conversation.Owner.BOT or not conversation.is_open:
            return _close(turn, Turn.Status.VOID, "human" if conversation.is_open else "ended")
        return _close(turn, Turn.Status.SILENT, "nothing_left")
    with at_work(conversation) as writing:
        outcome = thought_of(turn, asked, stream=_stream_of(turn, asked, writing))
        if writing:
            writing.end()  # else dots may follow the answer
        try:
            turn = _settle(turn, conversation, asked.unanswered, outcome)
        except LeaseLost:
            log.warning("turn_lost", turn=str(turn.id), took_ms=outcome.latency_ms)
            return Turn.objects.select_related("conversation").get(id=turn.id)
    if turn.status == Turn.Status.VOID:
        outcome.void(turn.outcome)
    turn_tell(turn, outcome)
    return turn


def turn_tell(turn: Turn, outcome: EngineOutcome) -> None:
    """What became of it, for the log."""
    facts = {"turn": str(turn.id), "status": str(turn.status), "outcome": turn.outcome, "took_ms": outcome.latency_ms}
    if turn.status == Turn.Status.ANSWERED:  # its delivery tells of it
        log.debug("turn_done", **facts)
    else:
        log.info("turn_done", **facts)


def asked_of(turn: Turn) -> Asked | None:
    """What is to be answered; None where no answer of the bot is needed. ``turn.conversation`` is read."""
    conversation = turn.conversation
    if conversation.control_owner != Conversation.Owner.BOT or not conversation.is_open:
        return None
    recent = _recent(conversation)
    unanswered = [m for m in recent if m.role == Message.Role.VISITOR and m.seq > conversation.answered_seq]
    return Asked(recent, unanswered) if unanswered else None


def thought_of(
    turn: Turn, asked: Asked, *, at_once: bool = False, stream: Callable[[str], None] | None = None
) -> EngineOutcome:
    """Ask the engine. Log lines name the message from here on. Raises NotAtOnce, where it was asked ``at_once``."""
    conversation, last = turn.conversation, asked.unanswered[-1]
    structlog.contextvars.bind_contextvars(conversation_id=str(conversation.id), message_id=str(last.id))
    request = request_of(conversation, asked.recent, asked.unanswered)
    request = replace(request, at_once=at_once, stream=stream) if at_once or stream else request
    if is_loop(conversation, asked.recent, asked.unanswered):
        log.warning("turn_loop", conversation=str(conversation.id))
        still = EngineReply((), dict(request.context), handover=True, handover_reason=LOOP, engine="guard")
        return EngineOutcome(still, degraded=False, latency_ms=0)
    return _think(request, turn, last)


def at_work(conversation: Conversation) -> AbstractContextManager[Writing | None]:
    """What widgets see of the work (live/typing.py); other channels have a way of their own to show it
    (reports/typing_marks.py)."""
    channel = channel_for_id(conversation.channel_id)
    shown = channel and channel.adapter.instant and channel.capabilities.typing
    return writing_shown(conversation.id, conversation.last_seq) if shown else nullcontext(None)


def _stream_of(turn: Turn, asked: Asked, writing: Writing | None) -> Callable[[str], None] | None:
    """Where the person sees the text grow. Not where the reply may not be sent as it is written: a tenant hides words of
    replies, a human is to look first, or the sender asked for a form of reply."""
    hints = _hints_of(asked.unanswered)
    if writing is None or not hub.attended or wants_review(asked.unanswered) or hints.get("expected_response_type"):
        return None
    return writing.grow if replies_as_written(turn.tenant_id) else None


def _recent(conversation: Conversation) -> list[Any]:
    """The end of the transcript: HISTORY and what came since the last reply; the same cost however
    long the conversation is."""
    most = HISTORY + min(conversation.last_seq - conversation.answered_seq, MOST_UNANSWERED)
    return RECENT.run(most=most, conversation_id=conversation.id, last_seq=conversation.last_seq)[::-1]


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
        hints=_hints_of(unanswered),
        language=language_spoken(recent, settings_for(conversation.tenant_id).languages) or contact.language,
        deadline_s=_time_left(unanswered[-1]),
        person=_person_of(conversation),
        message_ids=tuple(str(message.id) for message in unanswered),
        control_epoch=conversation.control_epoch,
    )


def _time_left(last: Any, *, lost: bool = False) -> float:
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


def _hints_of(unanswered: Sequence[Any]) -> dict[str, Any]:
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
    return tuple(HistoryEntry(m.role, shorten(in_words(m.content, m.text), MAX_TEXT)) for m in before)


def _think(request: EngineRequest, turn: Turn, last: Any) -> EngineOutcome:
    """Ask the engine, whose answer is to the message ``last``; whatever goes wrong there, the person gets the tenant's fallback
    reply (PIPE-3)."""
    tenant_settings = settings_for(request.tenant_id)
    started = time.monotonic()
    degraded = turn.attempts > FALLBACK_AFTER or turn.worn_out
    reply, refused = None, partial(_refused, None, request)
    if not degraded:
        try:
            engine = engine_for(tenant_settings.model_dump())
            refused = partial(_refused, engine, request)
            if not request.at_once:
                # after a loss the process is new: what it loads must not be all that it does with the time
                getattr(engine, "prepare", lambda: None)()
                request = replace(request, deadline_s=_time_left(last, lost=turn.leases > 1))
            said = engine.respond(request)
            said = replace(said, contents=cited(said.contents, said.sources)) if said.sources else said
            reply = _quoting(_sendable(said, turn.conversation), turn.conversation, last.id)
            expected = request.hints.get("expected_response_type", "")
            reply = replace(reply, contents=as_expected(reply.contents, expected)) if expected else reply
        except NotAtOnce:
            raise
        except _Unusable as error:
            log.warning(
                "engine_reply_unusable", error=error.code, where=error.where, conversation=str(request.conversation_id)
            )
            refused(error.code, error.where)
        except EngineError as error:
            log.warning("engine_failed", error=error.code, where=error.where, conversation=str(request.conversation_id))
        except Exception as error:  # noqa: BLE001  an engine's bug must not leave a person without an answer
            log.error("engine_crashed", error=type(error).__name__, conversation=str(request.conversation_id))
    if reply is None:
        degraded = True
        reply = EngineReply(
            contents=(text(fallback_for(tenant_settings, request.language)),),
            context=dict(request.context),
            intent="",
            confidence=0.0,
            engine="fallback",
        )
    took_s = time.monotonic() - started
    engine_count(reply.engine or "unnamed", took_s, reply.usage, degraded=degraded)
    return EngineOutcome(reply, degraded, int(took_s * 1000), (lambda why: None) if degraded else refused)


def _refused(engine: Engine | None, request: EngineRequest, why: str, where: str = "") -> None:
    """Tell the engine that its answer was not sent, where it wants to know."""
    if tell := getattr(engine, "refused", None):
        tell(request, why, where)


class _Unusable(EngineError):
    """The channel or the conversation cannot take an answer: a template that is not there or lacks a value, an unknown
    quote, what the platform would refuse."""


def _each(reply: EngineReply, step: Callable[[Content], Content]) -> EngineReply:
    """The reply with its contents as ``step`` leaves them. Raises _Unusable, which names the one that it refuses."""
    contents = []
    for number, content in enumerate(reply.contents):
        try:
            contents.append(step(content))
        except ServiceError as error:
            first = error.details[0] if isinstance(error.details, list) and error.details else {}
            member, kind = first.get("field", "").removeprefix("content"), first.get("code", error.code)
            raise _Unusable(error.code, where=f"response_content[{number}]{member}: {kind}") from error
    return replace(reply, contents=tuple(contents))


def _quoting(reply: EngineReply, conversation: Conversation, answered_id: uuid.UUID) -> EngineReply:
    """The reply with what is known of the messages it quotes. Raises _Unusable ``quote_unknown``."""
    if all(content.quote is None for content in reply.contents):
        return reply
    return _each(reply, lambda content: outbound_quoted(conversation, content, answered_id)[0])


def _sendable(reply: EngineReply, conversation: Conversation) -> EngineReply:
    """The reply with its templates resolved, if the platform takes it. Raises _Unusable."""
    channel = channel_for_id(conversation.channel_id)
    if channel is None or all(content.type == "text" and not content.quick_replies for content in reply.contents):
        return reply
    languages = (conversation.contact.language, *settings_for(conversation.tenant_id).languages)

    def resolved(content: Content) -> Content:
        content = template_resolved(channel, content, languages)
        content_require(channel, conversation, content)
        return content

    return _each(reply, resolved)


@retried
def _settle(turn: Turn, conversation: Conversation, unanswered: Sequence[Any], outcome: EngineOutcome) -> Turn:
    """Write the reply if the bot is still in control and no other has said anything new; else the answer is void. Raises
    LeaseLost."""
    with atomic():
        stored = reply_store(turn, conversation, unanswered, outcome)
        if stored is None and _own_words_only(conversation):
            stored = reply_store(turn, conversation, unanswered, outcome)
        return stored or _void(turn, conversation)


def _own_words_only(seen: Conversation) -> bool:
    """Whether all that was said since is the bot's, said unasked (messaging/unasked): the answer follows it. ``seen`` is moved
    on to where the transcript ends now, and stays locked."""
    same = {"is_open": True, "control_epoch": seen.control_epoch, "answered_seq": seen.answered_seq}
    current = conversation_advance({"id": seen.id, **same})
    if current is None:
        return False
    since = Message.objects.filter(conversation=current, seq__gt=seen.last_seq, role=Message.Role.BOT).count()
    if since != current.last_seq - seen.last_seq:
        return False
    seen.last_seq, seen.first_reply_at = current.last_seq, current.first_reply_at
    return True


def reply_store(
    turn: Turn,
    conversation: Conversation,
    unanswered: Sequence[Any],
    outcome: EngineOutcome,
    sends: Callable[[Delivery], object] | None = None,
) -> Turn | None:
    """Within a transaction: conversation → messages, deliveries, events → turn. None, and nothing is written, where the
    answer does not count any more. ``sends``: as `reply_write`. Raises LeaseLost."""
    reply, judged = _hidden(conversation.tenant_id, outcome)
    contents, changes = _consequences(reply, unanswered)
    greeting = greeting_of(conversation) if contents else ()
    contents, judged = (*greeting, *contents), [*({} for _ in greeting), *judged] if judged and contents else []
    news = _news(turn, conversation, unanswered, outcome)
    if conversation.status == Conversation.Status.ERROR:
        changes["status"] = Conversation.Status.ACTIVE
    turn.reply = None  # a try that lost the race leaves nothing behind
    taken = conversation_advance(
        {
            "id": conversation.id,
            "is_open": True,
            "control_owner": Conversation.Owner.BOT,
            "last_seq": conversation.last_seq,  # control that changed and came back has taken numbers, too
        },
        messages=len(contents),
        events=len(news) + len(contents),
        context=reply.context,
        **changes,
    )
    if taken is None:
        return None
    if taken.identity_id == conversation.identity_id and Conversation.identity.is_cached(conversation):
        taken.identity = conversation.identity
    profile_keep(conversation.contact, reply.context.get("user_profile"))
    messages = reply_write(
        taken,
        contents,
        Author.bot(),
        analysis={"intent": reply.intent, "confidence": reply.confidence, "degraded": outcome.marked,
                  "engine": reply.engine, "model": reply.model, "usage": dict(reply.usage), "parts": len(contents),
                  **({WHY: trace} if (trace := trace_of(reply)) else {}),
                  **expected_told(reply.contents, _hints_of(unanswered))},
        judged=judged,
        reply_to=unanswered[-1].id,
        news=news,
        answering=answering(conversation, Author.bot()),
        sends=sends,
    )  # fmt: skip
    if reply.unanswered:
        unanswered_note(unanswered[-1].id, conversation.id)
    if wants_review(unanswered):
        _suggest(taken, reply)
    turn.reply, turn.conversation = messages[0] if messages else None, taken
    status = Turn.Status.ANSWERED if messages else Turn.Status.SILENT
    turn = _close(turn, status, "fallback" if outcome.degraded else "handover" if reply.handover else "replied",
                  replied=True, engine=reply.engine, latency_ms=outcome.latency_ms)  # fmt: skip
    if reply.handover or wants_review(unanswered):
        turn.conversation = hand_over(taken, reply.handover_reason or "review")
    return turn


def _hidden(tenant_id: uuid.UUID, outcome: EngineOutcome) -> tuple[EngineReply, Sequence[dict[str, Any]]]:
    """The reply as it may be stored and sent, and what the safety rules say of its contents. The fallback is the tenant's
    own words."""
    if outcome.degraded:
        return outcome.reply, ()
    contents, judged = replies_hidden(tenant_id, outcome.reply.contents)
    return (replace(outcome.reply, contents=contents) if judged else outcome.reply), judged


def wants_review(unanswered: Sequence[Any]) -> bool:
    return any(message.hints.get("require_human_review") for message in unanswered)


def _consequences(reply: EngineReply, unanswered: Sequence[Any]) -> tuple[tuple[Content, ...], dict[str, Any]]:
    """What is said, and what changes about the conversation. Before a review by a human nothing is answered."""
    if wants_review(unanswered):
        return (), {}
    changes = {**spoken(reply.contents), "answered_seq": unanswered[-1].seq}
    return reply.contents, changes if reply.handover else {**changes, "waiting_since": None}


def _suggest(conversation: Conversation, reply: EngineReply) -> None:
    """The bot's proposal, for the human who was asked to look first."""
    said = "\n\n".join(content.text or content.summary for content in reply.contents)
    Note.objects.create(tenant_id=conversation.tenant_id, conversation=conversation, text=f"Suggested reply:\n{said}")


def _news(turn: Turn, conversation: Conversation, unanswered: Sequence[Any], outcome: EngineOutcome) -> list[NewEvent]:
    reply = outcome.reply
    about = {"turn_id": str(turn.id), "message_ids": [str(message.id) for message in unanswered]}
    tenant_id, last = conversation.tenant_id, str(unanswered[-1].id)
    news = context_news(tenant_id, conversation.context, reply.context, "message")
    if conversation.status == Conversation.Status.ERROR:
        news.append(NewEvent(UPDATED, {"status": "active", "control_owner": "bot", "trigger": "recovered"}))
    if reply.intent:
        runners_up = {name: score for name, score in reply.confidence_scores.items() if name != reply.intent}
        found = {"intent": reply.intent, "confidence": reply.confidence, "alternatives": runners_up}
        news.append(NewEvent("chat.intent.classified", {"message_id": last, **found}))
    if not outcome.degraded:
        made = {"engine": reply.engine, "model": reply.model, "latency_ms": outcome.latency_ms,
                "parts": len(reply.contents), "usage": dict(reply.usage)}  # fmt: skip
        news.append(NewEvent("chat.response.generated", {"turn_id": str(turn.id), **made}))
    return [
        *news,
        NewEvent(
            "chat.message.processed",
            {**about, "engine": reply.engine, "degraded": outcome.marked, "latency_ms": outcome.latency_ms,
             "intent": reply.intent, "confidence": reply.confidence},
        )
    ]  # fmt: skip


def _void(turn: Turn, seen: Conversation) -> Turn:
    """The answer came too late. A newer message has a turn of its own, a human needs none; where
    neither is so (only a system entry came between), this turn is tried again."""
    current = conversation_advance({"id": seen.id})
    if current is None or not current.is_open:
        return _close(turn, Turn.Status.VOID, "ended")
    if current.control_owner != Conversation.Owner.BOT or current.control_epoch != seen.control_epoch:
        return _close(turn, Turn.Status.VOID, "human")
    if Turn.objects.filter(conversation=current, status__in=Turn.OPEN, last_seq__gt=turn.last_seq).exists():
        return _close(turn, Turn.Status.VOID, "superseded")
    if Turn.objects.filter(conversation=current, last_seq__gt=turn.last_seq, status=Turn.Status.ANSWERED).exists():
        return _close(turn, Turn.Status.VOID, "superseded")
    turn_id = turn.id
    on_commit(lambda: wake.respond(turn_id))
    settle(turn, status=Turn.Status.RUNNING, outcome="again", due_at=now())
    return turn


def _close(turn: Turn, status: str, outcome: str, *, replied: bool = False, **changes: Any) -> Turn:
    """Write what became of the turn, if it is still ours; a worker that was declared dead changes nothing. ``replied``:
    the reply stands in the same transaction. Raises LeaseLost then."""
    changes |= {"status": status, "outcome": outcome, "reply": turn.reply}
    if not settle(turn, **changes) and replied:
        raise LeaseLost  # the transaction with the reply is undone
    on_commit(lambda: turn_settled(turn.conversation_id))
    for name, value in changes.items():
        setattr(turn, name, value)
    return turn


def _failed(turn: Turn, error: Exception) -> Turn:
    """Trouble of our own servers costs no try."""
    ours, name = server_trouble(error) or isinstance(error, Unavailable), type(error).__name__
    log.error("turn_failed", turn=str(turn.id), error=name, attempts=turn.attempts, counts=not ours)
    if ours:
        put_off(turn, server_back(), counts=False, status=Turn.Status.RUNNING)
    elif TRIES.over(turn.attempts):
        return turn_give_up(turn, name)
    else:
        put_off(turn, TRIES.next(turn.attempts), status=Turn.Status.RUNNING)
    return turn


def turn_give_up(turn: Turn, reason: str) -> Turn:
    """It can be started again; until then the conversation is in error, and staff are told."""
    with atomic():
        conversation = conversation_advance({"id": turn.conversation_id})  # the lock
        if settle(turn, status=Turn.Status.FAILED, outcome=reason[:40]):
            work_given_up("turns", turn, reason)
            if conversation:
                answer_failed(conversation, reason[:40])
    return turn


def turns_replay(turns: QuerySet[Turn]) -> int:
    """Answer turns of a queryset that were given up, with fresh tries. Returns how many."""
    ids = list(turns.filter(status=Turn.Status.FAILED).order_by("created_at").values_list("id", flat=True))
    for turn_id in ids:
        again = Turn.objects.filter(id=turn_id, status=Turn.Status.FAILED)
        again.update(status=Turn.Status.RUNNING, attempts=0, leases=0, claim=None, due_at=now(), outcome="")
        on_commit(partial(wake.respond, turn_id))
    return len(ids)
