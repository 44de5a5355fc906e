"""What the service and an engine say to each other: one question about a turn, one reply.

Owns the shapes and the errors of that exchange. Must not know how any engine thinks.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from channels_app.content.types import Content


@dataclass(frozen=True)
class HistoryEntry:
    """One earlier message. ``role``: visitor, bot or agent. ``unasked``: of the bot, but no answer of an engine to a turn: what
    was asked before it is not what a "yes" behind it answers."""

    role: str
    text: str
    unasked: bool = False


@dataclass(frozen=True)
class Person:
    """Who writes: the contact, and the id by which the channel knows them. ``verified``: proved by the platform or a
    signature, not merely claimed."""

    contact_id: str
    scheme: str
    identity: str
    verified: bool = False


@dataclass(frozen=True)
class EngineRequest:
    """One turn to answer.

    ``contents`` are the turn's messages, oldest first; ``history`` what was said before them, oldest
    first. ``context`` is what the last reply returned as its context ({} at the start), with the keys
    ``current_intent``, ``entities``, ``slots``, ``user_profile`` and ``conversation_stage``; an engine may
    keep further JSON-safe keys of its own in it. ``hints`` are the sender's processing hints, ``language``
    an ISO 639-1 code or "". The answer counts for ``deadline_s`` seconds. ``at_once``: asked of an instant engine for a turn
    that no worker has leased. ``stream`` is told each piece of the answer's text as it comes, where the person sees it grow;
    it never raises, and the reply alone counts. ``message_ids`` are in the order of ``contents``; ``control_epoch`` grows with
    each change of who answers.
    """

    tenant_id: uuid.UUID
    conversation_id: uuid.UUID
    channel_kind: str
    contents: tuple[Content, ...]
    channel_id: uuid.UUID | None = None  # which of several channels of the kind
    channel_name: str = ""
    history: tuple[HistoryEntry, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""
    deadline_s: float = 10.0
    at_once: bool = False
    stream: Callable[[str], None] | None = None
    person: Person | None = None
    message_ids: tuple[str, ...] = ()
    control_epoch: int = 0


@dataclass(frozen=True)
class Source:
    """What an answer rests on, as it is cited: ``kind`` is article or product, ``score`` how near it was, 0 to 1."""

    kind: str
    id: str
    title: str
    url: str = ""
    score: float = 0.0


#: what of a text the shop is asked about: that it is a question about a product, nothing but a product's name, or names one
AskedAs = Literal["question", "name", "mention"]


@dataclass(frozen=True)
class Told:
    """What the tenant's shop says to a question about products. ``contents``: () where it has no such thing, or gave no answer. ``lacks``: the honest no then, "" where
    none is in place. ``recalled``: the question means a product of the answer before. ``memory`` is to be kept for the next
    question; ``tools`` is for staff who ask why."""

    thing: str
    contents: tuple[Content, ...] = ()
    sources: tuple[Source, ...] = ()
    lacks: str = ""
    recalled: bool = False
    memory: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class EngineReply:
    """What to say. No ``contents``: nothing to say.

    ``context`` replaces the conversation's. ``confidence`` is 0 to 1 for ``intent``, and
    ``confidence_scores`` names the runners-up too. ``handover`` gives the conversation to a human, for
    ``handover_reason``. ``next_expected`` names what the engine waits for ("slot:order_number", "yes").
    ``usage`` counts tokens and cost where ``model`` has them. ``sources`` are cited; ``why`` tells staff how the answer came
    about (JSON): ``intents`` [[name, score], …], ``settled`` (letters, spelling, meaning, choice, knowledge, llm), ``chunks`` (as sources),
    ``prompt`` {"version", "tokens", "left_out"}, ``tools`` [{"name", "outcome", "took_ms"}, …], ``models`` [{"model",
    "outcome", "input_tokens", "output_tokens", "cost_usd", "latency_ms"}, …].
    """

    contents: tuple[Content, ...]
    context: dict[str, Any] = field(default_factory=dict)
    intent: str = ""
    confidence: float = 0.0
    confidence_scores: Mapping[str, float] = field(default_factory=dict)
    handover: bool = False
    handover_reason: str = ""
    next_expected: tuple[str, ...] = ()
    engine: str = ""
    model: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    unanswered: bool = False  # nothing that was taught or written answers it
    sources: tuple[Source, ...] = ()
    why: Mapping[str, Any] = field(default_factory=dict)


class NotAtOnce(Exception):
    """An instant engine that was asked ``at_once`` needs longer for this one: a worker leases the turn and asks again."""


class EngineError(Exception):
    """No answer came about. ``code`` is stable and holds no message text; ``retryable``: another try may help. ``where``:
    which part of an answer is wrong and how, "response_content[3].media.type: missing"; no words either."""

    def __init__(self, code: str, *, retryable: bool = False, where: str = ""):
        super().__init__(code)
        self.code, self.where = code, where
        self.retryable = retryable


class EngineTimeout(EngineError):
    """The deadline passed."""

    def __init__(self, code: str = "engine_timeout"):
        super().__init__(code, retryable=True)


class Engine(Protocol):
    """Something that answers. Called from several threads at once, inside the tenant's scope.

    One that has to load or learn something first does so in ``prepare()``, called before the answer's time is counted anew.
    One that thinks in this process for milliseconds, and leaves nothing behind, says so by ``instant = True``: it may be
    asked for a turn that no worker has leased, and so twice. One that wants to know which of its answers were not sent has
    ``refused(request, code, where)``, which never blocks and never raises.
    """

    name: str

    def respond(self, request: EngineRequest) -> EngineReply:
        """Answer one turn. Raises EngineError, or EngineTimeout after ``deadline_s``."""
        ...
