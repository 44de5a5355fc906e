"""This thread's connection to the database. Must not need models: traces start before there are any."""

from __future__ import annotations

from django.db import connection


def connection_release() -> None:
    """Give this thread's PostgreSQL connection back before it waits for the outside: the next statement takes one
    again, and threads that wait keep none from those that work. Within a transaction it stays."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def connection_keep() -> None:
    """From now on this thread keeps its PostgreSQL connection from one request to the next, instead of giving it back
    to the pool. For threads of a fixed number that is not above the pool's: others would wait for one in vain."""
    if connection.vendor == "postgresql":
        connection.keeps = True  # type: ignore[attr-defined]
