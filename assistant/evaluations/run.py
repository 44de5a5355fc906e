"""How an engine does on a set of questions, and what is different from another engine or from before.

Owns when an answer counts as right. Must not write a row, nor touch a conversation.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import structlog
from django.conf import settings

from assistant.engines import is_held
from assistant.evaluations.models import EvaluationCase
from assistant.port import Engine, EngineError, EngineReply, EngineRequest
from channels_app.content.types import text
from channels_app.words.folding import folded
from channels_app.words.split import shorten
from tenants.scope import current_tenant_id
from tenants.storage.db import new_id

log = structlog.get_logger(__name__)

ASIDE = "aside"  # a hint: no person gets the answer, and nothing may come of it
LONGEST = 400  # characters of an answer in a report


@dataclass(frozen=True)
class Verdict:
    """``missed``: what the answer lacks, of answer, model, intent, facts and source; none: it is right. ``error``: the code of
    why there is no answer, else "". ``model`` that answered, "" for the built-in assistant; ``degraded``: why it stood in for one."""

    case: EvaluationCase
    missed: tuple[str, ...]
    intent: str
    text: str
    sources: tuple[str, ...]
    latency_ms: int
    cost_usd: float
    error: str = ""
    model: str = ""
    degraded: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": str(self.case.id), "question": self.case.question, "right": not self.missed, "missed": list(self.missed),
            "intent": self.intent, "text": shorten(self.text, LONGEST), "sources": list(self.sources),
            "latency_ms": self.latency_ms, "error": self.error, "model": self.model, "degraded": self.degraded,
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """``left_out``: questions for which the time did not suffice."""

    engine: str
    verdicts: tuple[Verdict, ...]
    left_out: int = 0

    @property
    def right(self) -> int:
        return sum(not verdict.missed for verdict in self.verdicts)

    @property
    def failed(self) -> list[str]:
        """The code of each failure of the engine or of the model that it asked."""
        return [code for verdict in self.verdicts if (code := verdict.error or verdict.degraded)]

    @property
    def share(self) -> float:
        """Of the questions asked that were answered right, 0 to 1; 0 where none was asked."""
        return round(self.right / len(self.verdicts), 4) if self.verdicts else 0.0

    def to_json(self) -> dict[str, Any]:
        took = sorted(verdict.latency_ms for verdict in self.verdicts) or [0]
        missed = [what for verdict in self.verdicts for what in verdict.missed]
        return {
            "engine": self.engine, "asked": len(self.verdicts), "right": self.right, "share": self.share,
            "left_out": self.left_out, "failed": len(self.failed), "missed": {what: missed.count(what) for what in sorted(set(missed))},
            "p50_ms": took[len(took) // 2], "p95_ms": round(quantiles(took, n=20)[-1]) if len(took) > 1 else took[0],
            "cost_usd": round(sum(verdict.cost_usd for verdict in self.verdicts), 6),
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
        }  # fmt: skip


def evaluate(
    cases: Iterable[EvaluationCase], engine: Engine, *, name: str = "", within_s: float | None = None
) -> Report:
    """Ask ``engine`` every question by itself, as the first words of a conversation of its own. ``name`` of the engine in
    the report; after ``within_s`` seconds no further question is asked. In the tenant's scope; an engine that fails is a
    wrong answer, and so is the built-in's in the place of a model or prompt that is asked by its name: else a model that is
    gone would pass."""
    began, verdicts, left_out = time.monotonic(), [], 0
    for case in cases:
        if within_s is not None and time.monotonic() - began >= within_s:
            left_out += 1
        else:
            verdicts.append(_asked(case, engine, alone=is_held(name)))
    return Report(name or engine.name, tuple(verdicts), left_out)


def _asked(case: EvaluationCase, engine: Engine, *, alone: bool) -> Verdict:
    started = time.monotonic()
    reply, error = EngineReply(contents=()), ""
    try:
        reply = engine.respond(_request(case, new_id()))
    except EngineError as failed:
        error = failed.code
    except Exception as failed:  # noqa: BLE001  an engine's bug is a wrong answer
        error = "engine_crashed"
        log.error("evaluated_engine_crashed", error=type(failed).__name__, case=str(case.id))
    took = int((time.monotonic() - started) * 1000)
    said = "\n\n".join(content.words for content in reply.contents)
    cost, degraded = reply.usage.get("cost_usd", 0), str(reply.why.get("degraded", ""))
    missed = _missed(case, reply, said, stood_in=alone and bool(degraded))
    return Verdict(
        case, missed, reply.intent, said, tuple(source.title for source in reply.sources), took,
        float(cost) if isinstance(cost, int | float) else 0.0, error, reply.model, degraded,
    )  # fmt: skip


def _request(case: EvaluationCase, conversation_id: uuid.UUID) -> EngineRequest:
    return EngineRequest(
        tenant_id=current_tenant_id(), conversation_id=conversation_id, channel_kind="web", contents=(text(case.question),),
        language=case.language, hints={ASIDE: True}, deadline_s=settings.ENV["ENGINE_TIMEOUT_MS"] / 1000,
    )  # fmt: skip


def _missed(case: EvaluationCase, reply: EngineReply, said: str, *, stood_in: bool) -> tuple[str, ...]:
    words = folded(said)
    cited = {folded(name) for source in reply.sources for name in (source.title, source.url, source.id) if name}
    lacks = {
        "answer": not said,
        "model": stood_in,
        "intent": bool(case.intent) and reply.intent != case.intent,
        "facts": not all(folded(fact) in words for fact in case.facts),
        "source": bool(case.source) and folded(case.source) not in cited,
    }
    return tuple(what for what, is_so in lacks.items() if is_so)


def difference(before: Report, after: Report) -> dict[str, Any]:
    """What became right (``better``), wrong (``worse``) or is said in other words (``reworded``), of the questions that both
    were asked: what a change of prompt or model would do."""
    then = {verdict.case.id: verdict for verdict in before.verdicts}
    both = [(then[verdict.case.id], verdict) for verdict in after.verdicts if verdict.case.id in then]
    return {
        "share": round(after.share - before.share, 4),
        "better": _changed(both, lambda old, new: bool(old.missed) and not new.missed),
        "worse": _changed(both, lambda old, new: not old.missed and bool(new.missed)),
        "reworded": _changed(both, lambda old, new: bool(old.missed) == bool(new.missed) and old.text != new.text),
    }


def _changed(both: Sequence[tuple[Verdict, Verdict]], how: Any) -> list[dict[str, str]]:
    return [
        {"id": str(new.case.id), "question": new.case.question, "before": shorten(old.text, LONGEST),
         "after": shorten(new.text, LONGEST)}
        for old, new in both if how(old, new)
    ]  # fmt: skip
