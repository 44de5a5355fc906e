"""The world's database: SQLite in memory, copied for each world from one that is migrated and populated once.

Owns the places at which a process may be interrupted: after every statement outside a transaction and after every
commit. Must not decide what happens there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol

from django.db import OperationalError, connection

from tests.migrated import migrated


class Crash(BaseException):
    """The process is gone: nothing of it runs any more, not even what stands in ``finally``."""


class Trouble(OperationalError):
    """The database did not answer."""


class Interrupts(Protocol):
    """What may go wrong with a process at its database. Each may raise."""

    def before_statement(self) -> None: ...

    def after_commit(self) -> None: ...

    def answer_lost(self) -> bool: ...


@contextmanager
def in_memory(populate: Callable[[], None]) -> Iterator[sqlite3.Connection]:
    """Django's connection on databases in memory; yields the migrated and populated one that `copied` starts from."""
    origin = sqlite3.connect(":memory:")
    former, name = connection.connection, connection.settings_dict["NAME"]
    connection.connection, connection.settings_dict["NAME"] = None, ":memory:"
    try:
        with copied(origin) as made:
            with closing(sqlite3.connect(migrated())) as template:
                template.backup(made)
            populate()
            made.backup(origin)
        yield origin
    finally:
        connection.connection, connection.settings_dict["NAME"] = former, name
        origin.close()


@contextmanager
def copied(origin: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A database of one's own, as ``origin`` is; yields it for looks that interrupt no process."""
    connection.connect()
    own = connection.connection
    origin.backup(own)
    try:
        yield own
    finally:
        connection.connection = None
        own.close()


@contextmanager
def interrupted(by: Interrupts) -> Iterator[None]:
    """Statements and commits inside are places where ``by`` may interrupt."""
    commit, run_hooks = connection.commit, connection.run_and_clear_commit_hooks
    committed: list[bool] = []

    def execute(call: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        by.before_statement()
        result = call(sql, params, many, context)
        if not connection.in_atomic_block and not sql.startswith("BEGIN"):
            by.after_commit()
        return result

    def commit_and_tell() -> None:
        commit()
        committed.append(True)
        if by.answer_lost():
            committed.clear()
            raise Trouble("the answer to COMMIT was lost")

    def hooks_after_interruption() -> None:
        if committed:
            committed.clear()
            hooks, connection.run_on_commit = connection.run_on_commit, []
            by.after_commit()
            connection.run_on_commit = hooks
        run_hooks()

    connection.commit, connection.run_and_clear_commit_hooks = commit_and_tell, hooks_after_interruption
    try:
        with connection.execute_wrapper(execute):
            yield
    finally:
        connection.commit, connection.run_and_clear_commit_hooks = commit, run_hooks
