"""The WhatsApp journey: a signed webhook in, the reply out to the platform's twin, its receipts back."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from assistant.demo import seed_assistant
from channels_app.models import Channel
from channels_app.twin import server
from conversations.models import Message
from messaging import sweep, tasks, wake
from messaging.models import Delivery, InboundEvent, Turn
from tenants.db import now
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "400000000000001"
SENT_AT = str(int(time.time()))  # a reply is free for a day from then on


@pytest.fixture
def twin() -> Iterator[Any]:
    with server.start(port=0) as running:
        yield running


@pytest.fixture
def channel(tenant, twin) -> Channel:
    with tenant_scope(tenant.id):
        seed_assistant(tenant)
    return ChannelFactory(
        tenant=tenant,
        kind="whatsapp",
        config={"phone_number_id": NUMBER, "api_base": twin.url},
        secrets={
            "access_token": "token-0123456789",
            "app_secret": "twin-app-secret",
            "verify_token": "verify-0123456789",
        },
    )


@pytest.fixture(autouse=True)
def no_broker(monkeypatch) -> None:
    monkeypatch.setattr(wake, "_call", lambda *args: None)


def payload(id: str = "wamid.1", words: str = "What are your opening hours?") -> bytes:
    message = {"from": "15550107777", "id": id, "timestamp": SENT_AT, "type": "text", "text": {"body": words}}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550100001", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "15550107777"}],
        "messages": [message],
    }
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "3", "changes": [{"field": "messages", "value": value}]}],
    }
    return json.dumps(body).encode()


def post(channel: Channel, body: bytes, secret: str = "twin-app-secret") -> Any:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Client().post(
        f"/api/v2/webhooks/whatsapp/{channel.key}", body, content_type="application/json",
        HTTP_X_HUB_SIGNATURE_256=f"sha256={signature}",
    )  # fmt: skip


def work(tenant: Any) -> None:
    """What the workers would do, from the rows alone: as after a lost broker."""
    with tenant_scope(tenant.id):
        receipts = list(InboundEvent.objects.filter(status="received").values_list("id", flat=True))
        [tasks.parse(str(row)) for row in receipts]
        Turn.objects.filter(status="waiting").update(due_at=now())
        [tasks.respond(str(row)) for row in list(Turn.objects.filter(status="waiting").values_list("id", flat=True))]
        lanes = set(Delivery.objects.filter(status="queued").values_list("conversation_id", flat=True))
        [tasks.deliver(str(row)) for row in lanes]


def test_from_webhook_to_reply(tenant, channel, twin) -> None:
    assert post(channel, payload()).status_code == 200
    work(tenant)
    assert len(twin.sent) == 1
    with tenant_scope(tenant.id):
        assert Delivery.objects.get().status == "sent"
        assert Message.objects.get(direction="inbound").identity.value == "+15550107777"


def test_ten_copies_in_parallel_are_one_message_and_one_answer(tenant, channel, twin) -> None:
    statuses: list[int] = []

    def send() -> None:
        statuses.append(post(channel, payload()).status_code)
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(10)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    work(tenant)
    assert statuses == [200] * 10
    assert len(twin.sent) == 1
    with tenant_scope(tenant.id):
        assert InboundEvent.objects.count() == 1
        assert Message.objects.filter(direction="inbound").count() == 1


def test_a_forged_webhook_is_refused_and_not_stored(tenant, channel) -> None:
    assert post(channel, payload(), secret="other").status_code == 401
    with tenant_scope(tenant.id):
        assert not InboundEvent.objects.exists()


def test_the_handshake_gives_the_challenge_back(channel) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "verify-0123456789"}
    answer = Client().get(f"/api/v2/webhooks/whatsapp/{channel.key}", query)
    assert (answer.status_code, answer.content) == (200, b"42")


def test_garbage_with_a_good_signature_is_kept_for_inspection(tenant, channel) -> None:
    assert post(channel, b"{not json").status_code == 200
    work(tenant)
    with tenant_scope(tenant.id):
        assert InboundEvent.objects.get().status == "malformed"


def test_an_unknown_channel_is_not_found(db) -> None:
    assert Client().post("/api/v2/webhooks/whatsapp/nobody", b"{}", content_type="application/json").status_code == 404


def test_a_429_of_the_platform_is_waited_out(tenant, channel, twin) -> None:
    twin.faults.order("429", times=1)
    post(channel, payload())
    work(tenant)
    with tenant_scope(tenant.id):
        assert Delivery.objects.get().status == "queued"
        Delivery.objects.update(due_at=now())
    work(tenant)
    assert len(twin.sent) == 1


def test_the_sweep_finds_what_nobody_was_woken_for(tenant, channel, monkeypatch) -> None:
    post(channel, payload())
    monkeypatch.setattr(sweep, "GRACE", sweep.GRACE * 0)
    assert sweep.sweep() == 1
