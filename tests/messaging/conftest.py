"""What the verbs need: channels of two tenants, and workers that run at commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from assistant.intents import lessons
from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from conversations.contacts import people
from messaging import wake
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.work.crew import Lane
from tests.factories import ChannelFactory


@pytest.fixture(autouse=True)
def nothing_learnt() -> Iterator[None]:
    yield
    people.forget_touches()
    lessons.forget_all()


class Calls:
    """The wake-up calls that were sent, instead of a broker."""

    def __init__(self) -> None:
        self.all: list[tuple[str, uuid.UUID | None, float]] = []
        self.lanes: dict[tuple[str, uuid.UUID | None], Lane] = {}
        self.expiries: list[tuple[str, float | None]] = []

    def __call__(
        self,
        task: str,
        row_id: uuid.UUID | None = None,
        delay_s: float = 0.0,
        expires_s: float | None = None,
        lane: Lane | None = None,
    ) -> None:
        name = task.rsplit(".", 1)[1]
        if lane:
            self.lanes[name, row_id] = lane
        self.all.append((name, row_id, delay_s))
        self.expiries.append((name, expires_s))

    def of(self, task: str) -> list[uuid.UUID | None]:
        return [row_id for name, row_id, _ in self.all if name == task]


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    recorded = Calls()
    monkeypatch.setattr(wake, "_call", recorded)
    return recorded


@pytest.fixture
def web(tenant: Tenant) -> Channel:
    return ChannelFactory(tenant=tenant, kind="web", name="Website")


@pytest.fixture
def whatsapp(tenant: Tenant, reachable: Callable[[str], None]) -> Channel:
    reachable("http://127.0.0.1:9")  # allowed, and nothing listens there
    return ChannelFactory(
        tenant=tenant,
        kind="whatsapp",
        name="WhatsApp",
        config={"phone_number_id": "400000000000001", "api_base": "http://127.0.0.1:9"},
        secrets={
            "access_token": "token-0123456789",
            "app_secret": "twin-app-secret",
            "verify_token": "verify-0123456789",
        },
    )


@pytest.fixture
def said() -> Callable[..., InboundMessage]:
    """``said("hello", by="+49170…", id="wamid.1")`` → an inbound message."""

    def make(words: str, *, by: str = "+4915112345678", id: str = "", scheme: str = "phone") -> InboundMessage:
        return InboundMessage(platform_id=id, sender=Sender(scheme=scheme, value=by), content=text(words))

    return make


@pytest.fixture
def rules(scope: Tenant) -> Callable[..., None]:
    """``rules(mask=["card_number"])``: the tenant's."""

    def choose(**safety: Any) -> None:
        scope.settings = {"safety": safety, "languages": ["en"], "region": "DE"}
        scope.save()
        tenant_settings.invalidate(scope.id)

    return choose
