"""The journey of the generic channel: a signed event in, the signed reply out, its receipts back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from assistant.demo import seed_assistant
from channels_app.models import Channel
from channels_app.standard_webhooks import headers_for
from channels_app.twin import server
from channels_app.twin.platforms.webhook import SETTINGS
from conversations.models import Message
from messaging import tasks, wake
from messaging.models import Delivery, InboundEvent, Turn
from tenants.db import now
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = str(SETTINGS["secret"])


@pytest.fixture
def twin() -> Iterator[Any]:
    with server.start(port=0) as running:
        yield running


@pytest.fixture
def channel(tenant, twin, monkeypatch) -> Channel:
    monkeypatch.setattr(wake, "_call", lambda *args: None)
    with tenant_scope(tenant.id):
        seed_assistant(tenant)
    address = f"{twin.url}/integrator/chat"
    return ChannelFactory(tenant=tenant, kind="webhook", config={"api_base": address}, secrets={"secret": SECRET})


def event(words: str, **members: Any) -> dict[str, Any]:
    content = {"type": "text", "text": words}
    return {"version": 1, "type": "message", "id": "evt-1", "from": {"id": "ana-7"}, "content": content, **members}


def post(channel: Channel, body: dict[str, Any], secret: str = SECRET) -> Any:
    raw = json.dumps(body).encode()
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in headers_for("msg_1", int(time.time()), raw, [secret]).items()
    }
    path = f"/api/v2/webhooks/webhook/{channel.key}"
    return Client().post(path, raw, content_type="application/json", **headers)


def work(tenant: Any) -> None:
    """What the workers would do, from the rows alone: as after a lost broker."""
    with tenant_scope(tenant.id):
        for receipt in list(InboundEvent.objects.filter(status="received").values_list("id", flat=True)):
            tasks.parse(str(receipt))
        Turn.objects.filter(status="waiting").update(due_at=now())
        for turn in list(Turn.objects.filter(status="waiting").values_list("id", flat=True)):
            tasks.respond(str(turn))
        for lane in set(Delivery.objects.filter(status="queued").values_list("conversation_id", flat=True)):
            tasks.deliver(str(lane))


def test_from_event_to_reply(tenant, channel, twin) -> None:
    answer = post(channel, event("What are your opening hours?", thread="ticket-9", reference={"ticket": "9"}))
    assert (answer.status_code, answer.json()) == (200, {"accepted": True})
    work(tenant)
    [sent] = twin.sent
    told = {name: sent["body"][name] for name in ("type", "to", "thread", "reference", "by")}
    assert told == {
        "type": "message",
        "to": {"id": "ana-7"},
        "thread": "ticket-9",
        "reference": {"ticket": "9"},
        "by": "bot",
    }
    with tenant_scope(tenant.id):
        assert Message.objects.get(direction="inbound").platform_message_id == "evt-1"
        assert Delivery.objects.get().status == "sent"
    status = {"version": 1, "type": "status", "id": "evt-2", "target": sent["id"], "status": "read"}
    assert post(channel, status).status_code == 200
    work(tenant)
    with tenant_scope(tenant.id):
        assert Delivery.objects.get().status == "read"


def test_a_repeat_is_one_message(tenant, channel, twin) -> None:
    for words in ("hi", "hi", "hi again under the same id"):
        assert post(channel, event(words)).status_code == 200
    work(tenant)
    with tenant_scope(tenant.id):
        assert Message.objects.filter(direction="inbound").count() == 1
    assert len(twin.sent) == 1


def test_a_wrong_event_is_explained_and_kept(tenant, channel) -> None:
    answer = post(channel, event("x" * 4097))
    error = {"code": "invalid_event", "message": "content.text: string_too_long"}
    assert (answer.status_code, answer.json()) == (422, {"error": error})
    work(tenant)
    with tenant_scope(tenant.id):
        receipt = InboundEvent.objects.get()
        assert (receipt.status, receipt.reason) == ("malformed", "content.text: string_too_long")
        assert not Message.objects.exists()


def test_a_stranger_is_refused(tenant, channel) -> None:
    answer = post(channel, event("hi"), secret="whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgMzIgYnl0ZXM=")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_signature")
    with tenant_scope(tenant.id):
        assert not InboundEvent.objects.exists()
