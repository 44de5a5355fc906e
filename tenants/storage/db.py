"""What every model and transaction shares on SQLite, PostgreSQL and MongoDB.

Owns `atomic`, `snapshot`, `retried`, `now`, the `Id` key field and `TenantModel`. Must not know any particular model.
"""

from __future__ import annotations

import contextvars
import datetime
import functools
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, ClassVar, ParamSpec, TypeVar

import uuid_utils
from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, models, transaction
from django.dispatch import receiver

from tenants.errors import NotFound
from tenants.scope import ScopedManager
from tenants.storage.ids import uuid_of
from tenants.storage.indexes import index_once
from tenants.storage.room import no_room
from tenants.storage.rows import values_set

MONGO = "django_mongodb_backend"
RACES = 5  # tries at a transaction whose unique keys decide; each loss means that another writer has got further
#: two transactions of PostgreSQL waited for each other's rows, and this one was undone; or a row was changed, or anything
#: written in SQLite's file, after the moment that a `snapshot` reads
LOST = ("40P01", "40001", "SQLITE_BUSY_SNAPSHOT")
#: what PostgreSQL calls a fault of the statement's surroundings, and passes: a server that takes no writes (a replica after
#: a failover, a managed one whose disk is full), a transaction that it has ended for the time it took
PASSING = ("25006", "25P03", "25P04")
WAIT_S = 5.0  # that a transaction is tried again; as long as PostgreSQL waits for a lock

P = ParamSpec("P")
R = TypeVar("R")

wall_clock = functools.partial(datetime.datetime.now, datetime.UTC)  # Django's asks its settings first


def new_id() -> uuid.UUID:
    """A UUIDv7: time ordered, so that inserts append to the index."""
    return uuid_of(uuid_utils.uuid7().int)


def now() -> datetime.datetime:
    """The current time, aware, cut to milliseconds: what every supported engine stores exactly."""
    at = wall_clock()
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@functools.cache
def on_mongo() -> bool:
    return settings.DATABASES["default"]["ENGINE"] == MONGO


def atomic() -> AbstractContextManager[Any]:
    """The engine's real transaction: Django's own is a silent no-op on MongoDB.

    Portable rules inside: no caught IntegrityError, no reliance on a nested roll-back. Let the whole
    transaction fail, then read the winner. A function that writes rows others write too is `retried`.
    """
    if on_mongo():
        from tenants.storage.mongo import Transaction

        return Transaction()
    return transaction.atomic()


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction whose reads are all of one moment, and which writes no row that was changed after it: what comes too late
    fails as a lost race (`retried`). It holds nothing before its first write. Within a transaction it is that one's part."""
    with ExitStack() as entered:
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            sqlite: Any = connection
            sqlite.ensure_connection()  # which sets the mode that is usual
            usual, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
            try:
                entered.enter_context(transaction.atomic())
            finally:
                sqlite.transaction_mode = usual
        else:
            outermost = connection.vendor == "postgresql" and not connection.in_atomic_block
            entered.enter_context(atomic())
            if outermost:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def retried(work: Callable[P, R]) -> Callable[P, R]:
    """For a function that is one transaction on rows which others write too: run it again when it lost the race.

    SQL makes the second writer wait for the first one's commit, and PostgreSQL ends one of two that wait for each
    other; MongoDB refuses it at once. Within a surrounding transaction it is that one's matter.
    """

    @functools.wraps(work)
    def run(*args: P.args, **options: P.kwargs) -> R:
        give_up = time.monotonic() + WAIT_S
        while True:
            try:
                return work(*args, **options)
            except DatabaseError as error:
                if not _write_conflict(error) or time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311  no secret

    return run


def row_change(row: Model, given: Mapping[str, Any]) -> None:
    """Hold the row until the commit and write what is ``given`` into it, and into ``row``: its other columns stay as
    other requests have left them by now. Who listens to saves hears of it: what is remembered of the row is out of date.
    Raises NotFound where it has been deleted."""
    stamped = {"updated_at": now()} if any(field.name == "updated_at" for field in row._meta.fields) else {}
    values = {"created_at": models.F("created_at"), **stamped, **given}  # MongoDB, too, is to see a writer
    rows: Any = type(row)._default_manager
    # unscoped: the row was read in a scope of its own, and is found by its key alone
    rows = rows.unscoped() if isinstance(row, TenantModel) else rows
    if not rows.filter(pk=row.pk).update(**values):
        raise NotFound()
    for name, value in {**stamped, **given}.items():
        setattr(row, name, value)
    models.signals.post_save.send(type(row), instance=row, created=False, raw=False, update_fields=frozenset(given))


def _write_conflict(error: DatabaseError) -> bool:
    if on_mongo():
        from tenants.storage.mongo import write_conflict

        return write_conflict(error)
    return _code(error) in LOST and not connection.in_atomic_block


def key_taken(error: IntegrityError) -> bool:
    """A unique key is in use: another writer was first, or this was written before. Not a value that the database
    refuses (CHECK, NOT NULL), which no repetition helps."""
    if on_mongo():  # the engine found it, and means nothing else by it
        return error.__cause__ is not None
    return _code(error) in ("23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")


def lost_race(error: IntegrityError) -> bool:
    """Another writer caused it: a key is taken, a row that ours points to is gone, or one points to a row that we delete.
    Look again and try again."""
    return (
        isinstance(error, models.ProtectedError)
        or key_taken(error)
        or _code(error) in ("23503", "SQLITE_CONSTRAINT_FOREIGNKEY")
    )


def _code(error: DatabaseError) -> str:
    """The driver's own code: https://www.postgresql.org/docs/current/errcodes-appendix.html, or SQLite's name."""
    cause = error.__cause__
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", ""))


class StorageAway(Exception):
    """The storage of files, one of our own servers, does not take or give a file now."""


def server_trouble(error: BaseException) -> bool:
    """The database is away, busy or takes no writes, the storage of files is away, or this machine has no room; the same
    request may succeed later."""
    if on_mongo():
        from tenants.storage.mongo import server_trouble as mongo_trouble

        if mongo_trouble(error):
            return True
    passing = isinstance(error, DatabaseError) and _code(error) in PASSING
    away = isinstance(error, (OperationalError, InterfaceError, StorageAway))
    return passing or away or (isinstance(error, OSError) and no_room(error) is error)


def server_lost(error: BaseException) -> bool:
    """Of `server_trouble`: PostgreSQL does not answer at all, so that the next one asks in vain, too. Not a statement
    that took too long, nor a lock that another holds."""
    code: str | None = getattr(error.__cause__, "sqlstate", "")  # none: libpq's own, or the pool's
    away = code is None or code.startswith(("08", "57P"))  # connection exceptions, and a server that stops or starts
    return away and isinstance(error, (OperationalError, InterfaceError))


def ping() -> None:
    """Raises DatabaseError when the database does not answer."""
    if on_mongo():
        from tenants.storage.mongo import ping as mongo_ping

        mongo_ping()
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def server_now() -> datetime.datetime:
    """The time by the database's clock, which all processes share; on SQLite that is our own."""
    if on_mongo():
        from tenants.storage.mongo import server_now as mongo_now

        return mongo_now()
    if connection.vendor != "postgresql":
        return now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime.datetime = cursor.fetchone()[0]
        return at


def on_commit(call: Callable[[], Any]) -> None:
    """Run ``call`` after the surrounding transaction has committed; its failure harms no other call.

    It runs in the context of this moment: one transaction may hold the messages of several people, whose ids for logs
    and tasks are not each other's.
    """
    context = contextvars.copy_context()

    def run() -> None:
        context.run(call)

    run.__qualname__ = getattr(call, "__qualname__", run.__qualname__)  # a failure is logged by it
    transaction.on_commit(run, robust=True)


class Id(models.UUIDField):
    """The primary key of every own model: UUIDv7, and MongoDB's native ``_id`` there."""

    def __init__(self, **options: Any):
        options.setdefault("primary_key", True)
        options.setdefault("default", new_id)
        options.setdefault("editable", False)
        if on_mongo():
            options["db_column"] = "_id"
        super().__init__(**options)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_column", None)  # one set of migrations serves all engines
        return name, path, args, kwargs


class Model(models.Model):
    """A row with a UUIDv7 key and a creation time. Its foreign keys have an index unless another begins with them."""

    id = Id()
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        abstract = True

    def __init__(self, *values: Any, **fields: Any):
        if values or not values_set(self, fields):
            super().__init__(*values, **fields)


class TenantModel(Model):
    """A row that belongs to one tenant. ``objects`` fails closed outside a tenant scope."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[ScopedManager[Any]] = ScopedManager()

    class Meta:
        abstract = True


@receiver(models.signals.class_prepared)
def _model_complete(sender: type[models.Model], **_: Any) -> None:
    if issubclass(sender, Model):
        index_once(sender)
