"""A thread that serves one request after the other keeps its connection to PostgreSQL, and never a dead one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, close_old_connections, connection, connections

from tenants.storage.connections import connection_keep
from tenants.storage.postgres import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL's connections"),
]


def asked() -> int:
    """Which process of the server answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def requested() -> int:
    """The same, as a request asks."""
    close_old_connections()
    try:
        return asked()
    finally:
        close_old_connections()


def held() -> bool:
    return connection.connection is not None


def terminate(server: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [server])
        assert cursor.fetchone()[0]


@pytest.fixture
def keeper() -> Iterator[ThreadPoolExecutor]:
    """A thread of the web process."""
    with ThreadPoolExecutor(1, initializer=connection_keep) as thread:
        yield thread
        thread.submit(connections.close_all).result()


def test_a_thread_keeps_its_connection(keeper: ThreadPoolExecutor) -> None:
    servers = {keeper.submit(requested).result() for _ in range(3)}
    assert len(servers) == 1
    assert keeper.submit(held).result()


def test_other_threads_give_theirs_back() -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(requested).result()
        assert not thread.submit(held).result()


def test_one_that_the_server_has_ended_costs_no_request(keeper: ThreadPoolExecutor) -> None:
    former = keeper.submit(requested).result()
    terminate(former)
    assert keeper.submit(requested).result() != former


def test_one_that_ends_within_a_request_costs_that_one_only(keeper: ThreadPoolExecutor) -> None:
    former = keeper.submit(requested).result()
    terminate(former)
    with pytest.raises(OperationalError):
        keeper.submit(asked).result()
    assert keeper.submit(requested).result() != former


def test_it_goes_back_in_time(keeper: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "KEPT_S", 0)
    keeper.submit(requested).result()
    assert not keeper.submit(held).result()
