"""What has happened within one turn of a language model: calls, tokens, tools, what is to be asked.

Owns the account that `EngineReply.usage` and ``why`` are made of. Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from assistant.builtin.turn import Look
from assistant.llm.chat import ChatResult, Failed
from assistant.port import Source
from assistant.prompting.budget import reaching, tokens_of
from assistant.tools.confirming import Asked
from assistant.tools.toolbox import Result
from channels_app.content.types import Card

MOST_CARDS = 10


@dataclass
class Turn:
    """``ends``: by the monotonic clock. ``look``: finds passages of articles. ``agreed``: (tool, answer) of what the person said
    yes to in this turn."""

    ends: float
    look: Look
    room: int = 4000  # tokens that tools' answers may still take up
    notes: list[str] = field(default_factory=list)
    agreed: list[tuple[str, str]] = field(default_factory=list)
    agreed_to: str = ""  # the outcome of that call
    asked: Asked | None = None
    handover: str = ""
    degraded: str = ""
    model: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    products: dict[str, tuple[Source, Card]] = field(default_factory=dict)

    def note(self, result: ChatResult) -> None:
        self.model = result.model
        self.failed(result.failed)
        self.models.append(
            {
                "model": result.model, "outcome": "cached" if result.cached else result.stop,
                "input_tokens": result.input_tokens, "output_tokens": result.output_tokens,
                "cost_usd": result.cost_usd, "latency_ms": result.latency_ms,
            }
        )  # fmt: skip

    def failed(self, those: Iterable[Failed]) -> None:
        """Models that gave no answer."""
        self.models.extend(
            {"model": one.model, "outcome": one.code, "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0,
             "latency_ms": one.took_ms}
            for one in those
        )  # fmt: skip

    def took(self, name: str, ran: Result) -> None:
        self.tools.append({"name": name, "outcome": ran.outcome.code, "took_ms": ran.outcome.took_ms})
        if ran.outcome.code == "handed_over":
            self.handover = "engine"
        self.products |= {source.id: (source, card) for source, card in zip(ran.sources, ran.cards, strict=True)}

    def told_of(self, answer: str) -> list[tuple[Source, Card]]:
        """The products that the answer names, MOST_CARDS at most: what was only looked at is neither shown nor cited."""
        said = answer.casefold()
        return [one for one in self.products.values() if one[0].title.casefold() in said][:MOST_CARDS]

    def fitting(self, words: str) -> str:
        """A tool's answer as far as there is room; a cut is marked."""
        fits = reaching(words, self.room)
        self.room = max(0, self.room - tokens_of(words))
        return words if fits == len(words) else f"{words[:fits]}\n[{len(words) - fits} characters more, not shown]"

    def refused(self, name: str, code: str) -> None:
        """``name`` is the model's word, and may be anything."""
        self.tools.append({"name": name[:60], "outcome": f"refused:{code}", "took_ms": 0})

    def usage(self) -> dict[str, Any]:
        if not self.model:
            return {}
        read, written = (sum(one[name] for one in self.models) for name in ("input_tokens", "output_tokens"))
        cost = round(sum(one["cost_usd"] for one in self.models), 6)
        return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written, "cost_usd": cost}

    def why(self) -> dict[str, Any]:
        told = {"tools": self.tools, "models": self.models, "degraded": self.degraded}
        return {name: value for name, value in told.items() if value}
