"""Django's engine for PostgreSQL, less one wait.

Django loads this module by its name (`ENGINE`). Must not know any model.
"""

from __future__ import annotations

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A transaction that lost its connection ends at once: Django would open another one only to say that it
    commits by itself, which every new connection does, and that takes as long as the server is away."""

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        if not autocommit or self.connection is not None:
            super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
