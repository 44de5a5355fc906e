"""The invariants of the stream notice what they are there for."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos import stream

TALK = "conversation-1"


class Rows:
    """A ledger with one conversation of three events."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [(TALK, 3)] if "event_seq" in sql else [("a",), ("b",), ("c",)]


def record(id: str, seq: int, conversation: str | None = TALK) -> Any:
    return SimpleNamespace(value=json.dumps({"id": id, "seq": seq, "conversation_id": conversation}).encode())


A, B, C = record("a", 1), record("b", 2), record("c", 3)


@pytest.mark.parametrize("records", [[A, B, C], [A, B, A, B, C], [A, A, B, B, C, C]], ids=["once", "again", "twice"])
def test_a_whole_stream_passes(records: list[Any]) -> None:
    stream.assert_streamed(Rows(), records)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "records",
    [[A, C], [A, C, B], [B, A, B, C], [A, B, C, record("d", 4)], [A, B, C, record("b", 4)], [A, record("x", 2), C], []],
    ids=["lost", "overtaken", "late first", "unknown", "other words", "other id", "nothing"],
)
def test_a_broken_stream_fails(records: list[Any]) -> None:
    with pytest.raises(AssertionError):
        stream.assert_streamed(Rows(), records)  # type: ignore[arg-type]
