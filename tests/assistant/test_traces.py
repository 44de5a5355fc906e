"""What is kept of how an answer came about: bounded, whatever an engine says (AI-10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.port import EngineReply, Source
from assistant.traces import MOST_BYTES, trace_of
from channels_app.content.types import text


def reply(sources: tuple[Source, ...] = (), **why: Any) -> EngineReply:
    return EngineReply(contents=(text("Hello"),), why=why, sources=sources)


def test_an_engine_that_says_nothing_leaves_no_trace() -> None:
    assert trace_of(reply()) == {}
    assert trace_of(reply(intents=[], secret="not a member")) == {}


def test_it_keeps_what_fits_as_it_is() -> None:
    why = {
        "settled": "llm",
        "degraded": "llm_cut",
        "intents": [["returns", 0.5]],
        "models": [{"model": "m", "cost_usd": 0.002}],
    }
    source = Source("article", "7", "Returns", "https://shop.example/" + "x" * 400, 0.9)
    assert trace_of(reply((source,), **why)) == {
        **why,
        "sources": [{"kind": "article", "id": "7", "title": "Returns", "url": source.url, "score": 0.9}],
    }


def test_why_a_colleague_was_called_is_kept() -> None:
    assert trace_of(EngineReply(contents=(), handover=True, handover_reason="budget")) == {"handover": "budget"}
    assert trace_of(EngineReply(contents=(), handover=True)) == {"handover": "review"}


@pytest.mark.parametrize(
    "why",
    [
        {"intents": [["name", 0.1]] * 21},
        {"settled": "x" * 201},
        {"tools": [{"name": {"a": {"b": {"c": 1}}}}]},
        {"prompt": {f"member{n}": 1 for n in range(21)}},
        {"prompt": {"tokens": float("nan")}},
        {"chunks": [{f"{n}": "x" * 200 for n in range(20)}] * 20},
    ],
    ids=["list", "word", "depth", "object", "number", "all of it"],
)
def test_what_is_too_much_is_left_out_with_a_sign(why: dict[str, Any]) -> None:
    kept = trace_of(reply(**why))
    assert kept["cut"] is True
    assert len(json.dumps(kept, allow_nan=False)) <= MOST_BYTES + 20
