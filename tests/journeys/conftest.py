"""Fixtures of the journeys. In a browser: Chromium once per process, the real service, and a line to it per visitor.
On a channel: the provider twin, and what connects it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from assistant.demo import seed_assistant
from channels_app.twin.server import Twin, start
from messaging import wake
from messaging.turns import thinking
from tenants.models import Tenant, User
from tenants.storage.db import on_mongo
from tests.factories import ChannelFactory
from tests.journeys.connected import Connected, connect
from tests.journeys.inbox_page import DESK, InboxPage
from tests.journeys.line import SHOP, Line
from tests.journeys.rooms import Rooms
from tests.journeys.service import Service, address
from tests.journeys.widget.widget_page import WidgetPage, chromium

EXPECT_MS = 15_000  # for what comes in a moment, where nothing else has the machine


@pytest.fixture(scope="session")
def launched() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """Chromium, and the loop that Playwright keeps running in the test's thread: it is hidden from asyncio while
    modules without a browser have loops of their own there."""
    expect.set_options(timeout=EXPECT_MS)
    with chromium() as browser:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)


@pytest.fixture(scope="module")
def browser(launched: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """Beside a running loop Django wants no database call without this variable."""
    browser, loop = launched
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def service(transactional_db: None, scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    scope.settings = {"bot_name": "Luma"}
    scope.save()
    look = {"title": "Lumen & Oak", "color": "#3f5a45", "allowed_origins": [SHOP]}
    service = Service(scope, ChannelFactory(tenant=scope, key="web_demo", config=look))
    service.may_answer.set()
    monkeypatch.setattr(wake, "_call", service.wake)
    monkeypatch.setattr(thinking, "engine_for", lambda settings: service)
    yield service
    service.may_answer.set()
    service.workers.shutdown()


@pytest.fixture
def line(service: Service) -> Line:
    return Line(address(), service.channel.key)


@pytest.fixture(scope="session")
def rooms(launched: tuple[Browser, Any]) -> Rooms:
    """Visitors'."""
    return Rooms(launched[0], viewport={"width": 1280, "height": 800}, locale="en")


@pytest.fixture(scope="session")
def desks(launched: tuple[Browser, Any]) -> Rooms:
    """Staff's."""
    return Rooms(launched[0], **DESK, locale="en")


@pytest.fixture
def visit(browser: Browser, rooms: Rooms, line: Line) -> Iterator[Callable[..., WidgetPage]]:
    """Opens the shop as a visitor; every call is another person. ``token``: one who has been here before."""

    def visit(
        *, attributes: str = "", locale: str = "en", script: str = "", token: str = "", **options: Any
    ) -> WidgetPage:
        known = f"localStorage['desk-chat:{line.channel}:token'] ??= {json.dumps(json.dumps(token))};"
        scripts = (known if token else "") + script
        context = rooms.room(fresh=bool(scripts), **options)
        line.lay(context, attributes=attributes, locale=locale)
        if scripts:
            context.add_init_script(scripts)
        widget = WidgetPage(context.new_page())
        widget.page.clock.install()
        widget.page.goto(f"{SHOP}/cart?token=secret")
        return widget

    yield visit
    rooms.leave([SHOP, address()])


@pytest.fixture
def staff(browser: Browser, desks: Rooms) -> Iterator[Callable[..., InboxPage]]:
    """``staff(user)``: an inbox in a browser of their own, signed in; None: not signed in."""

    def staff(user: User | None, **options: Any) -> InboxPage:
        context = desks.room(**options)
        if user:
            client = Client()
            client.force_login(user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address()}])
        return InboxPage(context, address())

    yield staff
    desks.leave([address()])


@pytest.fixture
def ben(service: Service) -> User:
    return service.agent("Ben", role__permissions=["*"])


@pytest.fixture
def twin(reachable: Callable[[str], None]) -> Iterator[Twin]:
    with start() as running:
        reachable(running.url)
        yield running


@pytest.fixture
def connected(tenant: Tenant, twin: Twin, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Connected]:
    """``connected("slack")``: a channel of that kind with the twin at its other end, and the demo's assistant.
    There is no broker: rows tell what to do."""
    monkeypatch.setattr(wake, "_call", lambda *_: None)
    seed_assistant(tenant)
    return partial(connect, tenant, twin)


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """``databases()``: the address of another empty database, on the server of the tests."""
    with ExitStack() as made:
        yield lambda: made.enter_context(_database(tmp_path))


@pytest.fixture
def database_url(databases: Callable[[], str]) -> str:
    return databases()


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    name = f"serve_{secrets.token_hex(4)}"
    address = urlsplit(settings.DATABASE_URL)
    there = urlunsplit(address._replace(path=f"/{name}"))
    if on_mongo():
        import pymongo

        yield there
        pymongo.MongoClient(settings.DATABASE_URL).drop_database(name)
    elif address.scheme.startswith("postgres"):
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            yield there
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    else:
        yield f"sqlite:///{folder}/{name}.sqlite3"
