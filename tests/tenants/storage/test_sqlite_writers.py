"""Writers of one SQLite file: first come, first served, and none is told "database is locked" for another's sake (NFR-4)."""

from __future__ import annotations

import gc
import multiprocessing
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError

from tenants.storage import sqlite
from tenants.storage.prepared.driver import Statement
from tenants.storage.sqlite import Idle, lines, traces
from tenants.storage.sqlite.base import DatabaseWrapper
from tests.tenants.storage.test_sqlite import DEFAULTS, run

WAITS_S = 10  # for what comes at once


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite3"


@pytest.fixture
def wrapper(
    monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any, file: Path
) -> Iterator[Callable[[], DatabaseWrapper]]:
    """What one thread has: Django's wrapper of a connection."""
    monkeypatch.setattr("tenants.storage.sqlite.base.idle", Idle())
    with django_db_blocker.unblock(), ExitStack() as opened:

        def make() -> DatabaseWrapper:
            made = DatabaseWrapper({**DEFAULTS, **sqlite.database({"NAME": str(file)})}, "default")
            made.inc_thread_sharing()
            opened.callback(made.close)
            return made

        run(make(), "CREATE TABLE t (x)")
        yield make


@pytest.fixture
def line(wrapper: Any, file: Path) -> lines.Line:
    return lines.line_of(sqlite.place_of(str(file)))


def begin(one: DatabaseWrapper) -> None:
    one.ensure_connection()
    one.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def end(one: DatabaseWrapper, how: Callable[[DatabaseWrapper], None] = DatabaseWrapper.commit) -> None:
    how(one)
    one.set_autocommit(True)


def in_a_transaction(one: DatabaseWrapper, number: int) -> None:
    begin(one)
    run(one, f"INSERT INTO t VALUES ({number})")
    end(one)


def in_one_statement(one: DatabaseWrapper, number: int) -> None:
    run(one, f"INSERT INTO t VALUES ({number})")


def looked_at(one: DatabaseWrapper, number: int) -> None:
    one.force_debug_cursor = True
    in_a_transaction(one, number)


def kept(one: DatabaseWrapper, number: int) -> None:
    Statement("INSERT INTO t VALUES (%s)", [number], returns=False, writes=True)._direct(one, [number])


@pytest.mark.parametrize("write", [in_a_transaction, in_one_statement, looked_at, kept])
def test_they_write_in_the_order_they_came(wrapper, line, write: Callable[[DatabaseWrapper, int], None]) -> None:
    first = wrapper()
    begin(first)
    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=write, args=(wrapper(), number)))
        threads[-1].start()
        give_up = time.monotonic() + WAITS_S
        while sum(map(len, line._waiting.values())) <= number:
            assert time.monotonic() < give_up
            time.sleep(0.001)
    end(first)
    for thread in threads:
        thread.join(WAITS_S)
    assert run(first, "SELECT x FROM t ORDER BY rowid") == [(number,) for number in range(6)]


@pytest.mark.parametrize("how", [DatabaseWrapper.commit, DatabaseWrapper.rollback])
def test_what_ended_gives_its_turn_away(wrapper, line, how: Callable[[DatabaseWrapper], None]) -> None:
    one = wrapper()
    begin(one)
    assert line._taken
    end(one, how)
    assert not line._taken


def test_what_failed_or_was_closed_gives_its_turn_away(wrapper, line) -> None:
    one = wrapper()
    with pytest.raises(DatabaseError, match="no such table"):
        run(one, "INSERT INTO nowhere VALUES (1)")
    assert not line._taken
    begin(one)
    with pytest.raises(DatabaseError, match="transaction within"):
        run(one, "BEGIN IMMEDIATE")
    assert line._taken  # the transaction goes on
    one.close()
    assert not line._taken


def test_a_thread_that_ended_in_a_transaction_keeps_none_waiting(wrapper, line, file) -> None:
    raw = sqlite3.connect(file, factory=sqlite.Connection, isolation_level=None)
    raw.place = sqlite.place_of(str(file))
    raw.enter()
    raw.execute("BEGIN IMMEDIATE")
    assert line._taken
    del raw
    gc.collect()  # a connection refers to itself, and holds SQLite's own lock as long
    in_a_transaction(wrapper(), 1)


def test_who_waits_too_long_is_told_so_and_the_line_goes_on(wrapper, line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAIT_S", 0.05)
    first, second, third = wrapper(), wrapper(), wrapper()
    begin(first)
    for write in (in_a_transaction, in_one_statement):
        with pytest.raises(OperationalError, match="database is locked") as told:
            write(second, 2)
        assert told.value.__cause__.sqlite_errorname == "SQLITE_BUSY"
    assert not line._waiting
    end(first)
    in_a_transaction(third, 3)
    in_a_transaction(second, 2)


def test_many_threads_are_served_alike(wrapper) -> None:
    """SQLite alone lets one write again and again while others wait: the worst of these waited for 4 s."""
    done: list[int] = []

    def work(one: DatabaseWrapper, number: int) -> None:
        for _ in range(30):
            in_a_transaction(one, number)
            done.append(number)

    threads = [threading.Thread(target=work, args=(wrapper(), number)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    together = done[12 : done.index(done[-1]) + 120]
    assert {number: together.count(number) >= len(together) // 12 for number in range(6)} == dict.fromkeys(
        range(6), True
    )


def _child(file: Path) -> None:
    one = DatabaseWrapper({**DEFAULTS, **sqlite.database({"NAME": str(file)})}, "default")
    in_a_transaction(one, 7)
    sys.exit(0)


def test_a_child_stands_in_no_line_of_its_parent(wrapper, line, file) -> None:
    assert line.enter(1)  # another thread, about to begin
    child = multiprocessing.get_context("fork").Process(target=_child, args=(file,))
    child.start()
    child.join(WAITS_S)
    line.leave()
    assert child.exitcode == 0
    assert run(wrapper(), "SELECT x FROM t") == [(7,)]


def test_a_file_without_a_log_gets_one_while_another_process_writes(wrapper, tmp_path: Path) -> None:
    """A new file, or a backup put back: SQLite refuses to begin a log at once where another writes."""
    file = tmp_path / "backup.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO t VALUES (1)")
        timer = threading.Timer(0.2, other.execute, ["COMMIT"])
        timer.start()
        one = DatabaseWrapper({**DEFAULTS, **sqlite.database({"NAME": str(file)})}, "default")
        assert run(one, "PRAGMA journal_mode") == [("wal",)]
        timer.join()
        assert run(one, "SELECT x FROM t") == [(1,)]
        one.close()


def test_what_is_no_database_is_told_at_once(wrapper, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("These are words, and no database. " * 100)
    one = DatabaseWrapper({**DEFAULTS, **sqlite.database({"NAME": str(file)})}, "default")
    with pytest.raises(DatabaseError, match="not a database"):
        one.ensure_connection()


def test_a_log_that_a_reader_keeps_is_wiped_later_and_writers_go_on(wrapper, file, monkeypatch) -> None:
    """One long wait for the reader kept every writer out, as long as they wait themselves."""
    one, reader, writer = wrapper(), wrapper(), wrapper()
    monkeypatch.setattr(traces, "connection", one)
    run(one, "INSERT INTO t VALUES (1), (2), (3)")
    reader.ensure_connection()
    reads = reader.connection.execute("SELECT x FROM t")
    reads.fetchone()
    run(writer, "INSERT INTO t VALUES (4)")
    wiped: list[bool] = []
    wiping = threading.Thread(target=lambda: wiped.append(traces.log_wipe()))
    wiping.start()
    waited = 0.0
    for number in range(8):
        began = time.monotonic()
        run(writer, f"INSERT INTO t VALUES ({number})")
        waited = max(waited, time.monotonic() - began)
        time.sleep(0.1)
    assert wiping.is_alive()
    reads.close()
    wiping.join(WAITS_S)
    assert wiped == [True]
    assert Path(f"{file}-wal").stat().st_size == 0
    assert waited < traces.WAIT_S / 4


def test_a_log_that_a_reader_keeps_to_the_end_is_said_to_be_there(wrapper, monkeypatch) -> None:
    one, reader = wrapper(), wrapper()
    monkeypatch.setattr(traces, "connection", one)
    monkeypatch.setattr(traces, "WAIT_S", 0)
    run(one, "INSERT INTO t VALUES (1), (2), (3)")
    reader.ensure_connection()
    reads = reader.connection.execute("SELECT x FROM t")
    reads.fetchone()
    run(one, "INSERT INTO t VALUES (4)")
    assert not traces.log_wipe()
    reads.close()
    assert traces.log_wipe()


class Waiting:
    """A line whose holder is this thread, and threads that wait in it, each for one second of writing. The tenant is a
    name's first word."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.line, self.order, self._threads = lines.Line(), list[str](), list[threading.Thread]()
        self._joins: Mapping[str, str] = {}
        monkeypatch.setattr(lines, "monotonic", lambda: self.now)

    def wrote(self, whose: str, seconds: float) -> None:
        assert self.line.enter(0, whose)
        self.now += seconds
        self.line.leave()

    def served(self, *names: str, joins: Mapping[str, str] | None = None) -> list[str]:
        """In which order, when they came in this one; while the first of ``joins`` writes, the second comes, too."""
        self._joins = joins or {}
        assert self.line.enter(0)
        for name in names:
            self._come(name)
        self.line.leave()
        for thread in self._threads:  # grows meanwhile
            thread.join(WAITS_S)
        assert self.line.enter(0), "none stands in it any more"
        return self.order

    def _come(self, name: str) -> None:
        before = sum(map(len, self.line._waiting.values()))
        self._threads.append(threading.Thread(target=self._write, args=(name,)))
        self._threads[-1].start()
        while sum(map(len, self.line._waiting.values())) == before:
            time.sleep(0.001)

    def _write(self, name: str) -> None:
        assert self.line.enter(WAITS_S, name.split()[0])
        self.order.append(name)
        self.now += 1
        if name in self._joins:
            self._come(self._joins[name])
        self.line.leave()


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(monkeypatch)


def test_tenants_take_turns_in_the_line_and_each_has_its_own_order(waiting: Waiting) -> None:
    """A tenant that floods a file with writes waits behind itself, not in front of all others."""
    order = waiting.served("flood 1", "flood 2", "flood 3", "other 1", "flood 4", "other 2")
    assert order == ["flood 1", "other 1", "flood 2", "other 2", "flood 3", "flood 4"]


def test_a_tenant_that_writes_now_and_then_waits_for_one_transaction_however_many_flood(waiting: Waiting) -> None:
    floods = [f"flood{number} {turn}" for turn in range(3) for number in range(6)]
    order = waiting.served(*floods, joins={"flood3 1": "quiet 1", "flood1 2": "quiet 2"})
    assert order.index("quiet 1") == order.index("flood3 1") + 1
    assert order.index("quiet 2") == order.index("flood1 2") + 1


def test_what_was_written_while_none_waited_is_no_debt(waiting: Waiting) -> None:
    """A tenant whose models were just loaded waited for 3 s behind six that began to flood."""
    waiting.wrote("busy", 20)
    floods = [f"flood{number} {turn}" for turn in range(2) for number in range(3)]
    order = waiting.served(*floods, joins={"flood0 1": "busy 1"})
    assert order.index("busy 1") == order.index("flood0 1") + 1


def test_a_tenant_that_writes_little_saves_up_no_more_than_a_moment(waiting: Waiting) -> None:
    floods = [f"flood{number} {turn}" for turn in range(3) for number in range(2)]
    order = waiting.served(*floods, joins={"flood1 1": "late 1", "late 1": "late 2", "late 2": "late 3"})
    assert order[4:] == ["late 1", "late 2", "flood0 2", "flood1 2", "late 3"]


def test_who_gives_up_leaves_the_line_to_the_others() -> None:
    line = lines.Line()
    assert line.enter(1)
    assert not line.enter(0.01, "impatient")
    assert line._waiting == {}
    line.leave()
    assert line.enter(0.01, "next")


def test_a_connection_that_is_collected_by_who_stands_at_the_line_gives_up_its_turn(file: Path) -> None:
    """The collector runs in any thread, also in one that holds the line's own lock."""
    one = sqlite3.connect(str(file), factory=sqlite.Connection)
    one.place = sqlite.place_of(str(file))
    one.enter()
    line = lines.line_of(one.place)
    collected = threading.Event()

    def collect() -> None:
        nonlocal one
        with line._lock:
            del one
            gc.collect()
            collected.set()

    threading.Thread(target=collect, daemon=True).start()
    assert collected.wait(WAITS_S)
    assert line.enter(WAITS_S)
