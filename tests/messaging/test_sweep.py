"""The sweep: whatever is overdue is woken once per look, by a call that expires when later looks make up for it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from channels_app.models import Channel
from conversations.models import Attachment
from messaging import sweep, tasks, wake
from messaging.models import Delivery, InboundEvent, StaffAlert, Turn, WebhookDelivery, WebhookEndpoint
from tenants.storage.db import new_id, now
from tenants.work.breaker import Breaker
from tests.factories import DeliveryFactory, MessageFactory

REAL_CALL = wake._call  # before a fixture takes its place
LATE = sweep.GRACE + timedelta(seconds=1)


def receipt(web: Channel, due_at: Any) -> uuid.UUID:
    own = {"tenant": web.tenant, "channel": web}
    return InboundEvent.objects.create(**own, digest=str(new_id()), request={}, due_at=due_at).id


def turn(web: Channel, due_at: Any) -> uuid.UUID:
    said = MessageFactory(tenant=web.tenant)
    own = {"tenant": web.tenant, "conversation": said.conversation}
    return Turn.objects.create(**own, first_seq=said.seq, last_seq=said.seq, due_at=due_at).id


def file(web: Channel, due_at: Any) -> uuid.UUID:
    return Attachment.objects.create(tenant=web.tenant, channel=web, kind="image", due_at=due_at).id


def alert(web: Channel, due_at: Any) -> uuid.UUID:
    return StaffAlert.objects.create(tenant=web.tenant, event=new_id(), way="email", subject="!", due_at=due_at).id


def lane(web: Channel, due_at: Any) -> uuid.UUID:
    """Of two messages; it is woken once."""
    first = DeliveryFactory(tenant=web.tenant, due_at=due_at)
    second = MessageFactory(tenant=web.tenant, conversation=first.conversation, seq=first.seq + 1)
    DeliveryFactory(tenant=web.tenant, message=second, due_at=due_at)
    assert Delivery.objects.filter(conversation=first.conversation).count() == 2
    return first.conversation_id


def endpoint(web: Channel, due_at: Any) -> uuid.UUID:
    made = WebhookEndpoint.objects.create(tenant=web.tenant, url="https://crm.example/hook", event_types=["*"])
    own = {"tenant": web.tenant, "endpoint": made}
    WebhookDelivery.objects.create(**own, type="chat.session.ended", due_at=due_at)
    return made.id


@pytest.mark.parametrize(
    ("make", "task"),
    [(receipt, "parse"), (turn, "respond"), (file, "media"), (alert, "send_alert"), (lane, "deliver"),
     (endpoint, "call_endpoint")],
    ids=["receipt", "turn", "file", "alert", "lane", "endpoint"],
)  # fmt: skip
def test_what_is_overdue_is_woken_for_two_intervals(scope, web, calls, settings, make, task) -> None:
    settings.ENV = {**settings.ENV, "SWEEP_INTERVAL_S": 7}
    late = make(web, now() - LATE)
    make(web, now())  # its own wake-up is still on the way
    calls.all.clear()
    calls.expiries.clear()
    tasks.sweep()
    assert calls.of(task) == [late]
    assert calls.expiries == [(task, 14.0), ("publish", 14.0)]


class Broker:
    """Instead of a Celery application: what was sent, and how."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_task(self, task: str, **options: Any) -> None:
        self.sent.append({"task": task, **options})


@pytest.mark.parametrize(
    ("options", "expires"), [({}, None), ({"delay_s": 3.0}, None), ({"expires_s": 14.0}, 14.0)],
    ids=["normal", "delayed", "of-the-sweep"],
)  # fmt: skip
def test_only_calls_that_say_so_expire(monkeypatch: pytest.MonkeyPatch, options, expires) -> None:
    broker = Broker()
    monkeypatch.setattr(wake, "_call", REAL_CALL)
    monkeypatch.setattr(wake, "broker_breaker", Breaker(failures=1, cool_s=60))
    monkeypatch.setattr(wake, "current_app", broker)
    row = uuid.uuid4()
    wake.deliver(row, **options)
    [sent] = broker.sent
    assert (sent["task"], sent["args"], sent["expires"]) == ("messaging.tasks.deliver", [str(row)], expires)
    assert sent["countdown"] == options.get("delay_s")
