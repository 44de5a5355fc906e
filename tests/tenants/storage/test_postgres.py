"""No wait for PostgreSQL is endless, also not for a server that has taken the connection and says nothing more."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, transaction
from psycopg_pool import ConnectionPool, PoolTimeout

from tenants.storage import postgres
from tenants.storage.postgres import BoundedConnection
from tenants.storage.postgres.base import DatabaseWrapper

#: AuthenticationOk and ReadyForQuery, of the messages a server begins with (PostgreSQL, "Message Formats")
WELCOME = b"R\x00\x00\x00\x08\x00\x00\x00\x00" + b"Z\x00\x00\x00\x05I"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that lets everybody in, and then never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        guests: list[socket.socket] = []
        threading.Thread(target=welcome, args=(server, guests), daemon=True).start()
        yield f"host=127.0.0.1 port={server.getsockname()[1]} user=u dbname=d sslmode=disable gssencmode=disable"
        server.shutdown(socket.SHUT_RDWR)
    for guest in guests:
        guest.close()


def welcome(server: socket.socket, guests: list[socket.socket]) -> None:
    try:
        while True:
            guest, _ = server.accept()
            guests.append(guest)
            guest.recv(1024)
            guest.sendall(WELCOME)
    except OSError:
        return


@pytest.fixture(autouse=True)
def impatient(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENV = {**settings.ENV, "DATABASE_STATEMENT_S": 1}
    monkeypatch.setattr(postgres, "MARGIN_S", -0.8)


def test_a_statement_without_an_answer_fails_and_the_connection_is_closed(silent: str) -> None:
    connection = BoundedConnection.connect(silent, autocommit=True)
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        connection.execute("SELECT 1")
    assert connection.closed
    with pytest.raises(psycopg.OperationalError, match="closed"):  # at once: one request does not wait twice
        connection.execute("SELECT 1")


def test_the_pool_replaces_a_connection_that_has_gone_silent(silent: str) -> None:
    given = postgres.database({}, 1, 1)["OPTIONS"]["pool"] | {"timeout": 0.3}
    with ConnectionPool(silent, kwargs={"autocommit": True}, open=True, **given) as pool:
        first = pool.getconn(timeout=5)
        with pytest.raises(psycopg.OperationalError):
            first.execute("SELECT 1")
        with pytest.raises(PoolTimeout):  # the place is taken until the broken one is back
            pool.getconn()
        pool.putconn(first)
        second = pool.getconn(timeout=5)
        assert second is not first
        assert not second.closed
        pool.putconn(second)


def test_no_limit_is_no_limit(silent: str, settings) -> None:
    settings.ENV = {**settings.ENV, "DATABASE_STATEMENT_S": 0}
    connection = BoundedConnection.connect(silent, autocommit=True)
    asking = threading.Thread(target=lambda: pytest.raises(psycopg.Error, connection.execute, "SELECT 1"), daemon=True)
    asking.start()
    asking.join(1.0)
    assert asking.is_alive()
    connection.close()


def test_the_server_is_told_the_limits_and_the_client_waits_longer() -> None:
    given = postgres.database({"NAME": "chat"}, 8, 5)["OPTIONS"]
    assert "statement_timeout=5s" in given["options"]
    assert "lock_timeout=5s" in given["options"]
    assert given["connect_timeout"] < given["pool"]["timeout"]
    assert given["pool"]["max_size"] == 8


def test_a_transaction_that_lost_its_connection_opens_no_other(
    silent: str, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    given = {"NAME": "d", "OPTIONS": {}, "TIME_ZONE": None, "AUTOCOMMIT": True, "CONN_HEALTH_CHECKS": False}
    wrapper, opened = DatabaseWrapper(given, "lost"), []

    def connect() -> None:
        wrapper.connection, wrapper.autocommit = BoundedConnection.connect(silent, autocommit=True), True
        opened.append(wrapper.connection)

    monkeypatch.setattr(wrapper, "connect", connect)
    monkeypatch.setattr(transaction, "get_connection", lambda _: wrapper)
    with django_db_blocker.unblock():
        with (
            pytest.raises(OperationalError, match="does not answer"),
            transaction.atomic(),
            wrapper.wrap_database_errors,
        ):
            wrapper.connection.execute("SELECT 1")
        assert len(opened) == 1
        wrapper.ensure_connection()  # the next caller does
    assert len(opened) == 2
    opened[1].close()


def test_the_service_starts_though_no_other_database_is_loaded() -> None:
    """The suite has long imported Django's SQLite when it looks; a process on PostgreSQL has not."""
    environ = {
        **os.environ,
        "DATABASE_URL": "postgres://u:p@127.0.0.1:9/none",
        "DJANGO_SETTINGS_MODULE": "chatsvc.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
