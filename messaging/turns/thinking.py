"""The engine's answer to one turn, as the channel can take it, or the tenant's fallback reply.

Owns asking the engine and what is done with an answer that cannot be sent. Must not hold a transaction: an engine may
think for long.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from assistant.engines import engine_for
from assistant.port import Engine, EngineError, EngineReply, EngineRequest, NotAtOnce
from channels_app.content.types import Content, text
from channels_app.selectors import channel_for_id
from channels_app.templates.resolve import template_resolved
from conversations.models import Conversation
from messaging.context.citations import cited
from messaging.context.expected import as_expected
from messaging.context.wording import fallback_for
from messaging.measures import engine_count
from messaging.models import Turn
from messaging.rules.loops import LOOP, is_loop
from messaging.rules.quotes import outbound_quoted
from messaging.rules.sendable import content_require
from messaging.turns.request import Asked, request_of, time_left
from tenants.errors import ServiceError
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

FALLBACK_AFTER = 5  # tries without an outcome; then the turn gets the fallback reply


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
                request = replace(request, deadline_s=time_left(last, lost=turn.leases > 1))
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
