"""The demo's platforms are played within `serve`, so that every channel works on a first look (OPS-4, CH-1)."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from django.core.management import call_command

from channels_app.models import Channel
from channels_app.services import channel_save
from channels_app.twin.platforms import PLATFORMS
from chatsvc import demo
from chatsvc.demo.twin import twin_start
from chatsvc.management.commands.serve import welcome
from messaging.health.watch import channel_ask
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, settings: Any) -> int:
    """A free one, which the demo's channels point at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = taken.getsockname()[1]
    url = f"http://127.0.0.1:{found}"
    settings.ENV = {**settings.ENV, "OUTBOUND_ALLOW_HOSTS": [f"127.0.0.1:{found}"], "DEMO_TWIN": "on"}
    monkeypatch.setattr(demo, "TWIN_URL", url)
    monkeypatch.setattr(
        demo, "CHANNELS", {"web": demo.CHANNELS["web"], **{k: p.channel_config(url) for k, p in PLATFORMS.items()}}
    )
    call_command("seed_demo", "--bare", "--json")
    return found


def test_every_platform_of_the_demo_is_played_and_found_well(port, capsys) -> None:
    twin = twin_start()
    assert twin is not None
    with twin:
        state = httpx.get(f"http://127.0.0.1:{port}/_twin/state", trust_env=False).json()
        with tenant_scope(demo.demo_tenant().id):
            channels = list(Channel.objects.exclude(kind="web"))
            states = {channel.kind: channel_ask(channel).state for channel in channels}
        assert states == dict.fromkeys(PLATFORMS, "healthy")
        for channel in channels:
            assert state["settings"][channel.kind]["webhook_url"].endswith(f"/webhooks/{channel.kind}/{channel.key}")
    assert f"{twin.url}/" in welcome("http://localhost:8001", 0, (), twin.url)


@pytest.mark.parametrize(
    ("choice", "environment"), [("off", "development"), ("auto", "production"), ("auto", "test")], ids=lambda word: word
)
def test_it_is_played_where_it_is_wanted_only(port, settings, choice: str, environment: str) -> None:
    settings.ENV, settings.ENVIRONMENT = {**settings.ENV, "DEMO_TWIN": choice}, environment
    assert twin_start() is None


def test_in_development_it_is_played_by_itself(port, settings) -> None:
    settings.ENV, settings.ENVIRONMENT = {**settings.ENV, "DEMO_TWIN": "auto"}, "development"
    twin = twin_start()
    assert twin is not None
    twin.stop()


def test_a_port_that_is_taken_keeps_nothing_from_starting(port) -> None:
    with socket.create_server(("127.0.0.1", port)):
        assert twin_start() is None


def test_without_a_demo_tenant_or_its_channels_nothing_is_played(settings, port) -> None:
    with tenant_scope(demo.demo_tenant().id):
        for channel in Channel.objects.exclude(kind="web"):
            channel.enabled = False
            channel_save(channel)
    assert twin_start() is None
