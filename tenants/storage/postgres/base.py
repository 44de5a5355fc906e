"""Django's engine for PostgreSQL, less one wait, and with connections that a thread may keep.

Django loads this module by its name (`ENGINE`). Must not know any model.
"""

from __future__ import annotations

import select
import time
from typing import Any

from django.db.backends.postgresql import base

KEPT_S = 300.0  # then it goes back to the pool, which replaces old ones


class DatabaseWrapper(base.DatabaseWrapper):
    """A transaction that lost its connection ends at once: Django would open another one only to say that it
    commits by itself, which every new connection does, and that takes as long as the server is away.

    ``keeps``: this thread's connection stays its own when a request is over (`connection_keep`).
    """

    keeps = False

    def connect(self) -> None:
        super().connect()
        if self.keeps:
            self.close_at = time.monotonic() + KEPT_S

    def close_if_unusable_or_obsolete(self) -> None:
        """Django asks before and after each request. One that the server has ended is closed before it fails."""
        if self.keeps and self.connection is not None and _ended(self.connection):
            self.connection.pgconn.finish()  # the pool does not look
            self.close()
        else:
            super().close_if_unusable_or_obsolete()

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        if not autocommit or self.connection is not None:
            super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)


def _ended(connection: Any) -> bool:
    """Of an idle connection, without a round trip: the server says nothing on it but that it stops."""
    if connection.closed:
        return True
    looked = select.poll()
    looked.register(connection.fileno(), select.POLLIN)
    return bool(looked.poll(0))
