"""Counts the statements and commits of what is done inside.

Owns what counts as one: every statement but those that begin and end transactions; a commit is a transaction that
wrote, or a write outside of any.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

WRITES = frozenset({"INSERT", "UPDATE", "DELETE"})
BRACKETS = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET"})


@dataclass
class Count:
    statements: int = 0
    commits: int = 0


@contextmanager
def counted() -> Iterator[Count]:
    """On this thread's connection to the default database."""
    from django.db import connection

    count, wrote, commit = Count(), [False], connection.commit

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.split(None, 1)[0].upper()
        count.statements += verb not in BRACKETS
        if verb in WRITES:
            wrote[0] = wrote[0] or connection.in_atomic_block
            count.commits += not connection.in_atomic_block
        return run(sql, params, many, context)

    def committing() -> None:
        count.commits += wrote[0]
        wrote[0] = False
        commit()

    connection.commit = committing  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(execute):
            yield count
    finally:
        del connection.commit
