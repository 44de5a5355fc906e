"""What MongoDB does otherwise in a transaction: it refuses a second writer, where SQL makes it wait.

Imported only when the database is MongoDB. Must not know any model.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import TracebackType

from django.db import DatabaseError, OperationalError, connection
from django_mongodb_backend.transaction import Atomic
from pymongo.errors import PyMongoError


class Transaction(Atomic):  # type: ignore[misc]
    """The engine's transaction. A commit that fails is a Django error too, and leaves nothing behind.

    Inner ones join the outermost. Needs a replica set or a sharded cluster.
    """

    def __init__(self) -> None:
        super().__init__(using=None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Django's own block does nothing here (the admin stands around its forms), yet forbids what runs on commit.
        around, connection.in_atomic_block = connection.in_atomic_block, False
        try:
            super().__exit__(kind, error, trace)
        except PyMongoError as failed:
            # The engine leaves the ended session in place, and the next statement would use it.
            connection.run_on_commit = []
            connection._end_session()  # type: ignore[attr-defined]
            raise OperationalError("The transaction could not be committed.") from failed
        finally:
            connection.in_atomic_block = around


def write_conflict(error: DatabaseError) -> bool:
    """Another writer was first, nothing of ours is stored, and a new transaction may succeed."""
    cause = error.__cause__
    retryable = isinstance(cause, PyMongoError) and cause.has_error_label("TransientTransactionError")
    return retryable and not connection.in_atomic_block_mongo  # type: ignore[attr-defined]


def server_trouble(error: BaseException) -> bool:
    """The server is away or refuses for now. The engine calls that a plain DatabaseError."""
    return isinstance(error, PyMongoError) or (
        type(error) is DatabaseError and isinstance(error.__cause__, PyMongoError)
    )


def server_now() -> datetime:
    """Of the primary. Raises OperationalError when it does not answer."""
    try:
        at: datetime = connection.database.command("hello")["localTime"]  # type: ignore[attr-defined]
    except PyMongoError as error:
        raise OperationalError("The database does not answer.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def ping() -> None:
    try:
        connection.database.command("ping")  # type: ignore[attr-defined]
    except PyMongoError as error:
        raise OperationalError("The database does not answer.") from error
