"""Live, ready, detailed: what each says, and what is away."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.templatetags.static import static
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from packaging.version import Version

from chatsvc import checks
from chatsvc.observe.workers import queues, seen_key
from chatsvc.web import probes
from messaging.media.convert import programs
from tenants.models import Tenant, User
from tests.assistant.engines import serving
from tests.chaos.servers import free_port
from tests.factories import ChannelFactory, TenantFactory

ROOT = Path(__file__).parents[2]


@pytest.fixture
def staff(browser: Client, settings: Any) -> Client:
    settings.ENV = {**settings.ENV, "METRICS_TOKEN": "something", "METRICS_ALLOW": []}
    browser.force_login(User.objects.create_user(username="ana", password="not-used", is_staff=True))
    return browser


@pytest.fixture
def workers() -> None:
    cache.set_many({seen_key(queue): time.time() for queue in queues()})


@pytest.mark.parametrize("prefix", ["", "/api/v2"])
@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_it_is_well(browser: Client, prefix: str, path: str) -> None:
    answer = browser.get(prefix + path)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_without_its_database_it_lives_but_is_not_ready(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> dict[str, Any]:
        raise OperationalError("password authentication failed for user x")

    monkeypatch.setattr(probes, "database", fail)
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (503, "unavailable", "down")
    assert browser.get("/health/live").status_code == 200


def test_a_database_that_only_answers_is_not_ready(browser: Client) -> None:
    """As with a full disk, or a replica that may only be read."""

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if not sql.startswith("SELECT"):
            raise OperationalError("database or disk is full")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        answer = browser.get("/health/ready")
        assert browser.get("/health/live").status_code == 200
    assert (answer.status_code, answer.json()["database"]) == (503, "down")


def test_files_that_cannot_be_kept_degrade(browser: Client, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.MEDIA_ROOT = tmp_path / "file"
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["media"]) == (200, "degraded", "down")


def test_the_probe_of_files_leaves_none(browser: Client, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert browser.get("/health/ready").json()["media"] == "up"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_many_who_ask_whether_it_is_ready_ask_the_database_once(browser: Client) -> None:
    browser.get("/health/ready")
    with CaptureQueriesContext(connection) as queries:
        for _ in range(20):
            assert browser.get("/health/ready").status_code == 200
    assert len(queries) == 0


def test_a_storage_that_hangs_is_down_within_seconds(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(probes, "MEDIA_S", 0.05)
    monkeypatch.setattr(probes.default_storage, "save", lambda *_: go_on.wait(20))
    assert browser.get("/health/ready").json()["media"] == "down"
    go_on.set()


def test_detailed_tells_each_with_its_latency(staff: Client, workers: None) -> None:
    told = staff.get("/health/detailed").json()
    assert told["status"] == "ok"
    assert set(told["dependencies"]) >= {"database", "broker", "workers"}
    assert all(answer["status"] == "up" and answer["latency_ms"] >= 0 for answer in told["dependencies"].values())


def test_a_queue_without_worker_degrades(staff: Client, workers: None) -> None:
    cache.set(seen_key("deliver"), time.time() - probes.LATE_S - 1)
    answer = staff.get("/health/detailed")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["dependencies"]["workers"]["error"] == "NoWorker"
    assert answer.json()["dependencies"]["workers"]["seen_s_ago"]["deliver"] > probes.LATE_S


def test_what_is_away_is_down_and_named_without_its_words(settings: Any) -> None:
    settings.REDIS_URL = f"redis://:secret@127.0.0.1:{free_port()}/0"
    told = probes.ask(probes.redis_server)
    assert (told["status"], told["error"]) == ("down", "ConnectionError")
    assert "secret" not in str(told)


def test_a_visitor_is_told_nothing(browser: Client, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "METRICS_TOKEN": "something", "METRICS_ALLOW": []}
    browser.force_login(User.objects.create_user(username="eve", password="not-used"))
    assert browser.get("/health/detailed").status_code == 403


def test_info_names_version_and_parts(browser: Client) -> None:
    told = browser.get("/info").json()
    assert told["name"] == "chatsvc"
    newest, released = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[:2]
    assert newest == "Unreleased", "a release has its own name in /info: take `-dev` away and let this test name it"
    assert told["version"].endswith("-dev"), "what is not released does not say that it is"
    assert Version(told["version"]) > Version(released)
    assert "whatsapp" in told["channels"]
    assert "secret" not in str(told).lower()


class TestTheRoot:
    """`GET /` (OPS-11)."""

    @pytest.fixture
    def demo(self, tenant: Tenant) -> None:
        ChannelFactory(tenant=TenantFactory(slug="acorn", name="Acorn"), kind="web", key="web_demo", config={})

    @pytest.mark.parametrize(
        "accept", ["application/json", "application/json, text/plain, */*", "text/html;q=0.5, application/json"]
    )
    @pytest.mark.usefixtures("demo")
    def test_who_asks_for_json_gets_what_the_service_is(self, browser: Client, accept: str) -> None:
        answer = browser.get("/", HTTP_ACCEPT=accept)
        assert answer.json() == browser.get("/info").json()
        assert answer.json()["links"]["openapi"] == "/api/schema"
        assert answer["Vary"].split(", ")[0] == "Accept"

    @pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""])
    @pytest.mark.usefixtures("demo")
    def test_all_others_see_the_demo(self, browser: Client, accept: str) -> None:
        answer = browser.get("/", HTTP_ACCEPT=accept)
        assert answer["Content-Type"].startswith("text/html")
        assert b'data-channel="web_demo"' in answer.content

    @pytest.mark.parametrize(
        ("spoken", "locale"),
        [("de-DE,de;q=0.9,en;q=0.8", "de-de"), ("en;q=0.5,pt", "pt"), ("*", ""), ("", ""), ('x"><script>', "")],
    )
    @pytest.mark.usefixtures("demo")
    def test_its_chat_speaks_the_language_of_the_browser(self, browser: Client, spoken: str, locale: str) -> None:
        answer = browser.get("/", HTTP_ACCEPT="text/html", HTTP_ACCEPT_LANGUAGE=spoken)
        told = re.findall(r'data-locale="([^"]*)"', answer.content.decode())
        assert told == ([locale] if locale else []) and "Accept-Language" in answer["Vary"]

    @pytest.mark.parametrize("accept", ["text/html", "*/*", "image/png", "nonsense"])
    def test_without_a_demo_everybody_gets_what_the_service_is(self, browser: Client, accept: str, db: None) -> None:
        assert browser.get("/", HTTP_ACCEPT=accept).json()["name"] == "chatsvc"

    def test_the_places_that_it_names_are_there(self, browser: Client, db: None) -> None:
        links = browser.get("/", HTTP_ACCEPT="application/json").json()["links"]
        assert {path: browser.get(path).status_code for path in links.values()} == {
            "/api/schema": 200, "/api/docs": 200, "/health": 200, "/admin/": 302,
        }  # fmt: skip
        answer = browser.get("/docs")
        assert (answer.status_code, answer["Location"]) == (302, "/api/docs")

    def test_it_names_each_version_that_has_addresses(self, browser: Client, db: None) -> None:
        addresses = [str(one.pattern) for one in get_resolver().url_patterns]
        versions = {found[1] for address in addresses if (found := re.match(r"api/(v\d+)/", address))}
        assert browser.get("/info").json()["api"] == sorted(versions)


def test_the_engine_is_asked_where_there_is_one(staff: Client, workers: None, settings: Any) -> None:
    assert "engine" not in staff.get("/health/detailed").json()["dependencies"]
    with serving(token="t0ken") as server:
        settings.ENV = {**settings.ENV, "MCP_ENGINE_URL": f"127.0.0.1:{server.port}"}
        told = staff.get("/health/detailed").json()["dependencies"]["engine"]
        assert told["status"] == "up" and told["latency_ms"] > 0
    settings.ENV = {**settings.ENV, "MCP_ENGINE_URL": f"127.0.0.1:{free_port()}"}
    answer = staff.get("/health/detailed")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["dependencies"]["engine"]["error"] == "engine_unavailable"
    assert staff.get("/health/ready").status_code == 200


@pytest.mark.parametrize("question", [probes.redis_server, probes.kafka], ids=["Redis", "Kafka"])
def test_what_takes_a_connection_and_says_nothing_is_down(question: Any, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings.REDIS_URL = f"redis://{address}/0"
        settings.ENV = {**settings.ENV, "KAFKA_BROKERS": [address]}
        told = probes.ask(question)
    assert told["status"] == "down"
    assert told["latency_ms"] < 15_000  # the library's own transcript_wait is 30 s


def test_info_and_the_check_name_the_converters(browser: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(programs, "_ffmpeg", lambda: ("ffmpeg", "ffprobe"))
    monkeypatch.setattr(programs, "_heif", lambda: False)
    assert browser.get("/info").json()["parts"]["converters"] == ["ffmpeg"]
    (lost,) = checks.converters()
    assert (lost.id, "pillow-heif is not installed: image/heic" in lost.msg) == ("chatsvc.I001", True)


def test_a_browser_that_was_told_of_no_icon_finds_one() -> None:
    answer = Client().get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, static("admin/favicon.svg"))
