"""The journey of the generic channel: a signed event in, the signed reply out, its delivery status back."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.test import Client

from channels_app.http.standard_webhooks import headers_for
from channels_app.models import Channel
from channels_app.twin.platforms.webhook import SETTINGS
from conversations.models import Message
from messaging.models import Delivery, InboundEvent
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory
from tests.journeys.connected import work

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = str(SETTINGS["secret"])


@pytest.fixture
def channel(tenant, twin, connected) -> Channel:
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
