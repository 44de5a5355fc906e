"""The memory of a process: dropped by key, in every process, and nothing else with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches

from tenants.storage import memo as memory
from tenants.storage.db import atomic
from tenants.storage.memo import Memo


class Process:
    """A memo as one process has it; all share the cache. ``asked`` are the keys that were loaded."""

    def __init__(self, **options: Any) -> None:
        self.memo: Memo[str] = Memo("shared", **{"ttl": 30.0, **options})
        memory.ALL.remove(self.memo)
        self.asked: list[str] = []

    def get(self, *keys: str) -> list[str]:
        """The keys that had to be loaded."""
        before = len(self.asked)
        for key in keys:
            self.memo.get(key, lambda key=key: self.asked.append(key) or f"value of {key}")
        return self.asked[before:]


class Clock:
    """Stands until it is told."""

    at = 1_000.0

    def monotonic(self) -> float:
        return self.at

    def time_ns(self) -> int:
        return int(self.at * 1e9)

    def shift(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(memory, "time", clock)
    return clock


def test_a_key_is_forgotten_in_every_process_and_no_other(clock) -> None:
    here, there = Process(), Process()
    assert here.get("a", "b") == there.get("a", "b") == ["a", "b"]
    here.memo.forget("a")
    assert here.get("a", "b") == ["a"]
    clock.shift(1.1)
    assert there.get("a", "b") == ["a"]
    assert here.get("a", "b") == there.get("a", "b") == []


def test_one_change_is_one_record_and_a_look_is_one_read(clock, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = Process(), Process()
    here.get("a", "b", "c")
    there.get("a", "b", "c", "d")
    here.memo.forget("z")
    calls: list[str] = []
    cache = caches["default"]
    for name in ("get", "get_many", "set", "incr", "add"):
        monkeypatch.setattr(cache, name, counted(calls, name, getattr(cache, name)))
    here.memo.forget("a", "b", "c")
    written = [name for name in calls if name in ("incr", "set")]
    assert written == ["incr", "set"]
    clock.shift(1.1)
    calls.clear()
    assert there.get("a", "b", "c", "d") == ["a", "b", "c"]
    assert calls.count("get_many") == 1
    assert "set" not in calls


def counted(calls: list[str], name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **options: Any) -> Any:
        calls.append(name)
        return real(*given, **options)

    return call


@pytest.mark.parametrize("lost", ["record", "count", "too many"])
def test_who_cannot_tell_what_was_missed_forgets_all(clock, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    here, there = Process(), Process()
    here.memo.forget("before")
    there.get("a", "b")
    cache = caches["default"]
    here.memo.forget("a")
    here.memo.forget("c")
    {
        "record": lambda: cache.delete(f"memo:shared:{cache.get('memo:shared') - 1}"),
        "count": lambda: cache.delete("memo:shared"),
        "too many": lambda: monkeypatch.setattr(memory, "MOST", 1),
    }[lost]()
    clock.shift(1.1)
    assert there.get("a", "b") == ["a", "b"]


def test_a_cache_that_begins_anew_counts_on(clock) -> None:
    here, there = Process(), Process()
    here.memo.forget("x")
    there.get("a")
    caches["default"].clear()
    clock.shift(0.5)
    here.memo.forget("a")
    clock.shift(0.6)
    assert there.get("a") == ["a"]


def test_what_was_loaded_before_a_change_is_not_remembered_after_it() -> None:
    here = Process()
    value = here.memo.get("a", lambda: here.memo.forget("a") or "old")
    assert value == "old"
    assert here.get("a") == ["a"]


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_looked_at_before_the_commit_is_forgotten_after_it() -> None:
    here, there = Process(), Process()
    with atomic():
        here.memo.forget("a")
        assert (here.get("a"), there.get("a")) == (["a"], ["a"])  # the former row: others do not see the change yet
    there.memo._looked_at = 0.0
    assert (here.get("a"), there.get("a")) == (["a"], ["a"])


def test_a_full_memo_drops_the_oldest_alone() -> None:
    here = Process(size=3)
    here.get("a", "b", "c", "d")
    assert here.get("d", "c", "b") == []
    assert here.get("a") == ["a"]
    assert len(here.memo._entries) == len(here.memo._keys) == 3
