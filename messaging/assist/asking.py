"""An engine is asked about words of a person, and its answer goes to the asker alone.

Owns what the engine is shown. Must not write a row, send anything or raise what an engine raises.
"""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from assistant.engines import engine_named
from assistant.evaluations.run import ASIDE
from assistant.port import Engine, EngineError, EngineReply, EngineRequest
from assistant.tools.confirming import MEMORY
from assistant.traces import trace_of
from conversations.models import Conversation, Message
from messaging.models import Turn
from messaging.turns.request import HISTORY, MOST_UNANSWERED, SEEN, SPOKEN, request_of
from tenants.errors import Unprocessable
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

#: What may be paid for takes more than to read: to write in the conversation, and for a reply to send it. By REST and in the
#: console alike
READS = ("messages:read",)
ASKS = (*READS, "conversations:write")
PROPOSES = (*ASKS, "messages:send")


@dataclass(frozen=True)
class Answer:
    """What an engine would say. ``error``: the stable code of why it says nothing, else ""."""

    engine: str
    reply: EngineReply
    latency_ms: int
    error: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(said for content in self.reply.contents if (said := content.text or content.summary))

    def to_json(self) -> dict[str, Any]:
        reply = self.reply
        return {
            "engine": self.engine, "model": reply.model, "text": self.text, "intent": reply.intent,
            "confidence": reply.confidence, "handover": reply.handover, "latency_ms": self.latency_ms,
            "usage": dict(reply.usage), "why": trace_of(reply), "error": self.error,
            "degraded": str(reply.why.get("degraded", "")),
            "contents": [content.to_json() for content in reply.contents],
            "sources": sources_shown(reply),
        }  # fmt: skip


def sources_shown(reply: EngineReply) -> list[dict[str, Any]]:
    names = ("kind", "id", "title", "url", "score")
    return [{name: getattr(source, name) for name in names} for source in reply.sources]


def ask_each(names: Iterable[str], request: EngineRequest) -> list[Answer]:
    """Each engine once. Raises NotFound ``engine_not_found``, and then none was asked."""
    tenant = settings_for(request.tenant_id).model_dump()
    engines = {name: engine_named(name, tenant) for name in names}
    return [_asked(name, engine, request) for name, engine in engines.items()]


def _asked(name: str, engine: Engine, request: EngineRequest) -> Answer:
    """Whatever goes wrong there."""
    started = time.monotonic()
    reply, error = EngineReply(contents=()), ""
    try:
        reply = engine.respond(replace(request, hints={**request.hints, ASIDE: True}))
    except EngineError as failed:
        error = failed.code
    except Exception as failed:  # noqa: BLE001  an engine's bug is told like its other failures
        error = "engine_crashed"
        log.error("engine_crashed_aside", error=type(failed).__name__, conversation=str(request.conversation_id))
    return Answer(name, reply, int((time.monotonic() - started) * 1000), error)


def asked_again(message: Message) -> EngineRequest:
    """The question that ``message`` is part of, or that it answers, as it stood then: with what was said before and nothing
    that came later. The memory of the conversation (slots, stage) is not kept for each turn, so the engine has none.

    Raises Unprocessable ``no_words_of_a_person``.
    """
    words = message
    if message.role == Message.Role.BOT and message.reply_to:
        words = Message.objects.filter(id=message.reply_to, conversation=message.conversation_id).first() or message
    if words.role != Message.Role.VISITOR or words.deleted_at:
        raise Unprocessable("Only words of a person, or an answer to them, are answered.", code="no_words_of_a_person")
    of = Turn.objects.filter(conversation=words.conversation_id, first_seq__lte=words.seq, last_seq__gte=words.seq)
    turn = of.order_by("-id").first()
    first, last = (turn.first_seq, turn.last_seq) if turn else (words.seq, words.seq)
    return _request(words.conversation_id, first, last, {})


def open_questions(conversation: Conversation) -> Iterator[EngineRequest]:
    """What a reply of ours may be to: all that the person said since our last answer – where all is answered, their last
    words again –, then the same as it stood before the last of these words, and so on back. Raises Unprocessable
    ``no_words_of_a_person``."""
    rows = _spoken(conversation.id, conversation.last_seq)
    if not _unanswered(rows):
        raise Unprocessable("The person has not said anything yet.", code="no_words_of_a_person")
    # a "yes" that stands open is the person's to the assistant: an engine that is asked aside would act on it
    known = {name: value for name, value in conversation.context.items() if name != MEMORY}
    while theirs := _unanswered(rows):
        yield _request(conversation.id, theirs[-1].seq, theirs[0].seq, known)
        rows = [row for row in rows if row.seq < theirs[0].seq]


def _unanswered(rows: Sequence[Any]) -> Sequence[Any]:
    """Of rows of which the newest comes first."""
    ours = next((place for place, row in enumerate(rows) if row.role != Message.Role.VISITOR), len(rows))
    return rows[:ours] or [row for row in rows if row.role == Message.Role.VISITOR][:1]


def _request(conversation_id: uuid.UUID, first: int, last: int, context: dict[str, Any]) -> EngineRequest:
    rows = _spoken(conversation_id, last)[::-1]
    seen = copy.copy(Conversation.objects.select_related("contact", "identity").get(id=conversation_id))
    seen.answered_seq, seen.context = first - 1, context  # as it was for the engine then; never saved
    wanted = [row for row in rows if row.role == Message.Role.VISITOR and row.seq >= first]
    return request_of(seen, rows, wanted)


def _spoken(conversation_id: uuid.UUID, last: int) -> Sequence[Any]:
    """The newest first."""
    rows = Message.objects.filter(conversation=conversation_id, seq__lte=last, deleted_at=None, role__in=SPOKEN)
    return list(rows.order_by("-seq").values_list(*SEEN, named=True)[: HISTORY + MOST_UNANSWERED])
