"""How an answer came about, as it is kept beside the message for staff (AI-10).

Owns its bounds: an engine elsewhere may say as much as it likes. Must not know rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from assistant.port import EngineReply

MEMBERS = (
    "settled",
    "degraded",
    "intents",
    "chunks",
    "prompt",
    "tools",
    "models",
)  # of `EngineReply.why`; others are not kept
MOST = 20  # entries of a list, members of an object
LONGEST = 200  # characters of a word
LONGEST_ADDRESS = 2048
DEEPEST = 3
MOST_BYTES = 16_384  # of all of it, as ASCII JSON


def trace_of(reply: EngineReply) -> dict[str, Any]:
    """What is kept of how this reply came about: ``why`` and ``sources`` within bounds, {} where the engine says nothing; in
    ``handover`` why a colleague was called, where one was.
    ``cut``: True where something was left out."""
    told: dict[str, Any] = {name: reply.why[name] for name in MEMBERS if reply.why.get(name)}
    if reply.handover:
        told["handover"] = reply.handover_reason or "review"
    if reply.sources:
        told["sources"] = [dict(vars(source)) for source in reply.sources]
    if not told:
        return {}
    bounded = _Bounded()
    kept: dict[str, Any] = bounded.of(told, 0)
    sizes = {"all": len(json.dumps(kept))}
    if sizes["all"] > MOST_BYTES:
        sizes = {name: len(json.dumps(value)) for name, value in kept.items()}
    while sum(sizes.values()) > MOST_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        bounded.cut = True
        del kept[largest], sizes[largest]
    return {**kept, "cut": True} if bounded.cut else kept


class _Bounded:
    """A JSON value without what is too much of it."""

    def __init__(self) -> None:
        self.cut = False

    def of(self, value: Any, depth: int, name: str = "") -> Any:
        if isinstance(value, str):
            longest = LONGEST_ADDRESS if name == "url" else LONGEST
            return value if len(value) <= longest else self._less(value[:longest])
        if isinstance(value, float):
            return value if math.isfinite(value) else self._less(None)  # else no JSON
        if value is None or isinstance(value, int):
            return value
        if depth > DEEPEST:
            return self._less("…")
        if isinstance(value, (list, tuple)):
            parts = value if len(value) <= MOST else self._less(value[:MOST])
            return [self.of(part, depth + 1) for part in parts]
        if isinstance(value, Mapping):
            members = list(value.items())
            kept = members if len(members) <= MOST else self._less(members[:MOST])
            return {str(key)[:LONGEST]: self.of(part, depth + 1, str(key)) for key, part in kept}
        return self.of(str(value), depth)

    def _less(self, kept: Any) -> Any:
        self.cut = True
        return kept
