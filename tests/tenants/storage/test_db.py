"""Transactions mean the same on every engine: all or nothing, calls after the commit, no change lost."""

from __future__ import annotations

import copy
import pickle
import sqlite3
import threading
import uuid
from contextlib import nullcontext, suppress
from typing import Any

import psycopg
import psycopg_pool
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, InternalError, OperationalError, connections

from tenants.models import Role, Tenant
from tenants.storage import db
from tenants.storage.ids import uuid_of
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Refused(Exception):
    pass


def slugs() -> list[str]:
    return sorted(Tenant.objects.values_list("slug", flat=True))


def test_a_transaction_that_fails_leaves_nothing() -> None:
    with pytest.raises(Refused), db.atomic():
        Tenant.objects.create(name="One", slug="one")
        with db.atomic():
            Tenant.objects.create(name="Two", slug="two")
        raise Refused
    assert slugs() == []


def test_a_broken_constraint_undoes_the_whole_and_the_next_one_works() -> None:
    Tenant.objects.create(name="One", slug="one")
    with pytest.raises(IntegrityError), db.atomic():
        Tenant.objects.create(name="Two", slug="two")
        Tenant.objects.create(name="Again", slug="one")
    with db.atomic():
        Tenant.objects.create(name="Three", slug="three")
    assert slugs() == ["one", "three"]


def test_calls_wait_for_the_commit_and_harm_no_other() -> None:
    seen: list[Any] = []
    with db.atomic():
        db.on_commit(lambda: 1 / 0)
        db.on_commit(lambda: seen.append(slugs()))
        Tenant.objects.create(name="One", slug="one")
        assert seen == []
    with pytest.raises(Refused), db.atomic():
        db.on_commit(lambda: seen.append("never"))
        raise Refused
    assert seen == [["one"]]


def test_writers_of_one_row_come_one_after_the_other() -> None:
    tenant = Tenant.objects.create(name="0", slug="one", settings={})
    start = threading.Barrier(4)

    @db.retried
    def add_one() -> None:
        with db.atomic():
            Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.ACTIVE)  # takes the lock
            name = Tenant.objects.get(id=tenant.id).name
            Tenant.objects.filter(id=tenant.id).update(name=str(int(name) + 1))

    def work() -> None:
        start.wait()
        for _ in range(5):
            add_one()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tenant.refresh_from_db()
    assert tenant.name == "20"


@pytest.mark.skipif(db.on_mongo(), reason="refuses the second writer at once")
@pytest.mark.parametrize(("surrounded", "tries"), [(False, 2), (True, 1)], ids=["alone", "within another"])
def test_what_postgresql_ended_as_a_deadlock_is_run_again(
    monkeypatch: pytest.MonkeyPatch, surrounded: bool, tries: int
) -> None:
    monkeypatch.setattr(db.time, "sleep", lambda _: None)
    ends = [psycopg.errors.DeadlockDetected(), None]
    tried = []

    @db.retried
    def work() -> None:
        tried.append(1)
        with db.atomic():
            Tenant.objects.create(name="One", slug="one")
            _raise_from(ends.pop(0))

    with db.atomic() if surrounded else nullcontext(), suppress(OperationalError):
        work()
    assert len(tried) == tries


def _raise_from(cause: Exception | None) -> None:
    for error in filter(None, [cause]):
        raise OperationalError("deadlock detected") from error


def test_what_is_no_lost_race_is_not_tried_again() -> None:
    tries = []

    @db.retried
    def work() -> None:
        tries.append(1)
        raise DatabaseError("wrong, not late")

    with pytest.raises(DatabaseError):
        work()
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError(), True),
        (InterfaceError(), True),
        (IntegrityError(), False),
        (DatabaseError(), False),
        (ValueError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_trouble_of_the_server_is_told_from_our_mistakes(error: Exception, expected: bool) -> None:
    assert db.server_trouble(error) is expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.IdleInTransactionSessionTimeout(), True),
        (psycopg.errors.TransactionTimeout(), True),
        (psycopg.errors.InFailedSqlTransaction(), False),
        (psycopg.errors.NoActiveSqlTransaction(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_server_that_takes_no_writes_now_is_trouble_of_the_server(cause: Exception, expected: bool) -> None:
    error = InternalError()
    error.__cause__ = cause
    assert db.server_trouble(error) is expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (psycopg_pool.PoolTimeout(), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.QueryCanceled(), False),
        (sqlite3.OperationalError("database is locked"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_lost_server_is_told_from_a_busy_one(cause: Exception, expected: bool) -> None:
    error = OperationalError()
    error.__cause__ = cause
    assert db.server_lost(error) is expected


def test_a_database_that_answers_is_ready(browser: Any) -> None:
    assert browser.get("/health/ready").json()["database"] == "up"


class TestWhatAnotherWriterCauses:
    """Only a key that is taken, or a row that is gone, is a race: a value that is refused stays refused."""

    def failure(self, write) -> IntegrityError:
        with pytest.raises(IntegrityError) as raised, db.atomic():
            write()
        return raised.value

    def test_a_taken_key(self):
        TenantFactory(slug="taken")
        error = self.failure(lambda: Tenant.objects.create(name="x", slug="taken"))
        assert (db.key_taken(error), db.lost_race(error)) == (True, True)

    @pytest.mark.skipif(db.on_mongo(), reason="MongoDB has no foreign keys")
    def test_a_row_that_is_gone(self):
        error = self.failure(lambda: Role.objects.unscoped().create(tenant_id=db.new_id(), name="x"))
        assert (db.key_taken(error), db.lost_race(error)) == (False, True)

    @pytest.mark.skipif(db.on_mongo(), reason="MongoDB has no columns that must not be null")
    def test_a_value_that_no_repetition_makes_good(self):
        error = self.failure(lambda: Tenant.objects.create(name=None, slug="x"))
        assert (db.key_taken(error), db.lost_race(error)) == (False, False)

    def test_an_error_without_a_driver_s_code_is_none(self):
        assert not db.lost_race(IntegrityError("no cause")) or db.on_mongo()


def test_an_id_made_of_its_number_is_like_any_other() -> None:
    for number in (0, 7, 2**128 - 1, db.new_id().int):
        made, wanted = uuid_of(number), uuid.UUID(int=number)
        assert (made, hash(made), str(made), made.hex, made.is_safe) == (
            wanted, hash(wanted), str(wanted), wanted.hex, wanted.is_safe,
        )  # fmt: skip
        assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == wanted
    assert db.new_id().version == 7
