"""PostgreSQL that is not waited for without an end.

Owns the client's own time limit: `statement_timeout` is the server's, and a server, proxy or firewall that has
gone silent keeps none. Must not know what is asked.
"""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from django.conf import settings
from psycopg import errors

CONNECT_S = 2  # to open a connection
POOL_S = 3  # to get one, from the pool or a new one
LOCK_S = 5  # for another's lock, also in migrations
PREPARE_AFTER = 2  # runs of a statement on one connection
MARGIN_S = 0.5  # beyond the statement's own limit: then the server is not slow but silent

R = TypeVar("R")


class BoundedConnection(psycopg.Connection[Any]):
    """Whatever gets no answer within DATABASE_STATEMENT_S and a little more fails with OperationalError, and the
    connection is closed: what became of the statement is unknown."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit_s: int = settings.ENV["DATABASE_STATEMENT_S"]
        if timeout is not None or not limit_s:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, limit_s + MARGIN_S)
        except errors._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError("the server does not answer") from error


def database(given: dict[str, Any], pool_size: int, statement_s: int, prepare: bool = True) -> dict[str, Any]:
    """Django's settings for the database ``given`` by its address: a pool whose every wait ends, so that a request
    that meets a silent server ends as well.

    ``statement_s``: longest a statement may take, 0 for no limit. ``prepare``: the server keeps the kept statements of
    tenants/storage/prepared as well, each on the connection that has run it a few times.
    """
    pool = {
        "connection_class": BoundedConnection,
        "min_size": 1,
        "max_size": pool_size,
        "timeout": POOL_S,
        # Then a place in the pool is given up, and the next caller tries at once. The pool's own retries
        # doubles its pauses: after a long absence it would go on waiting for as long again.
        "reconnect_timeout": POOL_S,
    }
    limits = f"-c statement_timeout={statement_s}s -c lock_timeout={LOCK_S}s -c idle_in_transaction_session_timeout=30s"
    return {
        **given,
        "ENGINE": "tenants.storage.postgres",
        "CONN_MAX_AGE": 0,  # persistent connections leak under ASGI; a pool does not
        "OPTIONS": {
            "pool": pool,
            "connect_timeout": CONNECT_S,
            "options": limits,
            "prepare_threshold": PREPARE_AFTER if prepare else None,
        },
    }
