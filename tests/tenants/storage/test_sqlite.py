"""SQLite's connections are kept for the next thread, and never longer than that is right."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError

from tenants.storage import sqlite
from tenants.storage.sqlite import MOST_IDLE, Connection, Idle
from tenants.storage.sqlite.base import DatabaseWrapper

#: what each wrapper has of its own
OWN = ("connection", "client", "creation", "features", "introspection", "ops", "validation", "queries_log", "_thread_ident", "init_commands",
       "wrap_database_errors", "_thread_sharing_lock")  # fmt: skip
ROOT = Path(__file__).resolve().parents[3]
DEFAULTS = {
    "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "TIME_ZONE": None,
    "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "TEST": {},
}  # fmt: skip


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[Idle]:
    made = Idle()
    monkeypatch.setattr("tenants.storage.sqlite.base.idle", made)
    with django_db_blocker.unblock():  # the databases here are the tests' own
        yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite3"


@pytest.fixture
def wrapper(idle: Idle, file: Path) -> Callable[..., DatabaseWrapper]:
    """What one thread has: Django's wrapper of a connection."""

    def make(path: Path | str = file) -> DatabaseWrapper:
        return DatabaseWrapper({**DEFAULTS, **sqlite.database({"NAME": str(path)})}, "default")

    return make


def run(wrapper: DatabaseWrapper, sql: str) -> Any:
    with wrapper.cursor() as cursor:
        return cursor.execute(sql).fetchall()


def write_one(wrapper: DatabaseWrapper) -> sqlite3.Connection:
    """Uses the connection and closes it; returns what was used."""
    run(wrapper, "CREATE TABLE IF NOT EXISTS t (x)")
    run(wrapper, "INSERT INTO t VALUES (1)")
    raw = wrapper.connection
    wrapper.close()
    return raw


def test_the_next_thread_takes_what_the_last_one_left(wrapper, idle, file) -> None:
    used: list[sqlite3.Connection] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: used.append(write_one(wrapper())))
        thread.start()
        thread.join()
    assert used[0] is used[1] is used[2]
    assert len(idle) == 1
    assert Path(f"{file}-wal").stat().st_size > 0  # not written back by each


def test_two_at_once_have_two(wrapper) -> None:
    one, other = wrapper(), wrapper()
    run(one, "SELECT 1")
    run(other, "SELECT 1")
    assert one.connection is not other.connection


def test_few_are_kept(wrapper, idle) -> None:
    many = [wrapper() for _ in range(MOST_IDLE + 3)]
    for one in many:
        run(one, "SELECT 1")
    closed = [one.connection for one in many[MOST_IDLE:]]
    for one in many:
        one.close()
    assert len(idle) == MOST_IDLE
    for raw in closed:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            raw.execute("SELECT 1")


def test_a_transaction_that_was_left_open_is_rolled_back(wrapper, idle) -> None:
    write_one(wrapper())
    one = wrapper()
    run(one, "BEGIN IMMEDIATE")
    run(one, "DELETE FROM t")
    one.close()
    assert len(idle) == 0
    assert run(wrapper(), "SELECT count(*) FROM t") == [(1,)]


def test_one_that_failed_is_not_kept(wrapper, idle) -> None:
    one = wrapper()
    with pytest.raises(DatabaseError, match="no such table"):
        run(one, "SELECT * FROM nowhere")
    one.close()
    assert len(idle) == 0


def test_what_a_thread_has_switched_off_is_on_for_the_next(wrapper) -> None:
    one = wrapper()
    one.disable_constraint_checking()
    one.close()
    assert run(wrapper(), "PRAGMA foreign_keys") == [(1,)]


def test_what_is_compiled_stays_compiled(wrapper) -> None:
    """A pragma that is set, even to what it is, has SQLite compile every statement of the connection again."""
    raw = write_one(wrapper())
    ran: list[str] = []
    raw.set_trace_callback(ran.append)
    run(wrapper(), "SELECT * FROM t")
    assert ran == ["PRAGMA foreign_keys", "SELECT * FROM t"]


@time_machine.travel("2026-05-04T03:02:01+00:00", tick=False)
def test_one_that_is_taken_again_stands_as_a_new_one(wrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 7.0)
    fresh, giver, used = wrapper(), wrapper(), wrapper()
    fresh.connect()
    giver.connect()
    given = giver.connection
    giver.close()
    used.in_atomic_block, used.needs_rollback, used.savepoint_ids, used.atomic_blocks = True, True, ["s"], [used]
    used.errors_occurred, used.autocommit, used.run_on_commit, used.close_at = True, False, [print], 1.0
    used.closed_in_transaction = True
    used.connect()
    assert used.connection is given is not fresh.connection
    states = [{name: value for name, value in vars(one).items() if name not in OWN} for one in (fresh, used)]
    assert states[0] == states[1]
    assert (used.connection.isolation_level, used.get_autocommit()) == (None, True)


def test_a_transaction_begins_the_same_whether_it_is_looked_at_or_not(wrapper) -> None:
    began: list[list[str]] = []
    for looked_at in (True, False):
        one = wrapper()
        one.ensure_connection()
        ran: list[str] = []
        one.connection.set_trace_callback(ran.append)
        one.force_debug_cursor = looked_at
        one.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        one.rollback()
        one.set_autocommit(True)
        one.connection.set_trace_callback(None)
        one.close()
        began.append(ran)
    assert began[0] == began[1] == ["BEGIN IMMEDIATE", "ROLLBACK"]


def test_each_connection_is_set_up(wrapper) -> None:
    write_one(wrapper())
    asked = ("journal_mode", "synchronous", "cache_size")
    assert [run(wrapper(), f"PRAGMA {name}")[0][0] for name in asked] == ["wal", 2, -16000]


@pytest.mark.parametrize(
    "gone", [Path.unlink, lambda file: file.rename(file.with_suffix(".old"))], ids=["deleted", "moved"]
)
def test_a_file_that_was_replaced_is_read_anew(wrapper, idle, file, gone) -> None:
    first = write_one(wrapper())
    backup = file.with_suffix(".backup")
    with sqlite3.connect(backup) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("INSERT INTO t VALUES ('of the backup')")
    other.close()
    gone(file)
    for part in ("-wal", "-shm"):
        Path(f"{file}{part}").unlink()
    shutil.copy(backup, file)
    second = wrapper()
    run(second, "INSERT INTO t VALUES ('after it')")
    assert run(second, "SELECT x FROM t") == [("of the backup",), ("after it",)]
    assert second.connection is not first
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        first.execute("SELECT 1")
    assert Path(f"{file}-wal").stat().st_size > 0  # closing the former took no log away from the new one


def test_a_database_in_memory_belongs_to_one_connection(wrapper, idle) -> None:
    one = wrapper(":memory:")
    run(one, "CREATE TABLE t (x)")
    assert run(wrapper(":memory:"), "SELECT * FROM sqlite_master") == []
    assert run(one, "SELECT * FROM t") == []
    shared = wrapper("file:shared?mode=memory&cache=shared")
    run(shared, "CREATE TABLE t (x)")
    shared.close()
    assert len(idle) == 0


def test_a_child_inherits_none(file) -> None:
    """It would believe in locks that only its parent has."""
    raw = sqlite3.connect(file, factory=Connection)
    raw.path, raw.place = str(file), sqlite.place_of(str(file))
    sqlite.idle.close()  # room for one more
    assert sqlite.idle.give(raw)
    child = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(len(sqlite.idle)))
    child.start()
    child.join(60)
    assert child.exitcode == 0


def test_the_process_closes_them_at_its_end(file) -> None:
    script = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'chatsvc.settings'\n"
        "import django; django.setup()\n"
        "import os, threading; from django.db import connection\n"
        "def work():\n"
        "    with connection.cursor() as cursor: cursor.execute('CREATE TABLE t (x)')\n"
        "    connection.close()\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()\n"
        f"print(os.path.exists('{file}-wal'))"
    )
    environ = {**os.environ, "DATABASE_URL": f"sqlite:///{file}", "LOG_LEVEL": "ERROR"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert not Path(f"{file}-wal").exists()
    with sqlite3.connect(file) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
    raw.close()


def test_what_was_committed_is_seen_by_the_next_and_rolled_back_work_is_not(wrapper) -> None:
    write_one(wrapper())
    one = wrapper()
    one.ensure_connection()
    one.set_autocommit(False)
    run(one, "INSERT INTO t VALUES (2)")
    one.rollback()
    one.close()
    assert run(wrapper(), "SELECT x FROM t") == [(1,)]


def test_a_connection_made_by_another_is_none_of_ours(idle) -> None:
    raw = sqlite3.connect(":memory:")
    assert not idle.give(raw)
    raw.close()
    ours = sqlite3.connect(":memory:", factory=Connection)
    assert not idle.give(ours)
    ours.close()
