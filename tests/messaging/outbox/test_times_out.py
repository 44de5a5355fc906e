"""Times leave in one form on every surface: UTC, three fraction digits, Z; also those of a whole second."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from channels_app.content.types import text
from chatsvc.observe.logs import when
from conversations.event_schemas import envelope_of
from conversations.models import Conversation, Event, Message
from messaging.accept import accept
from messaging.health.report import channel_report
from messaging.live.frames import ack_frame, message_frame
from messaging.rules.windows import window_require
from tenants.errors import Conflict

pytestmark = pytest.mark.django_db

WHOLE = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[^\"']*")
FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(autouse=True)
def whole_second():
    with time_machine.travel(WHOLE, tick=False):
        yield


def times_in(shown: object) -> list[str]:
    raw = shown if isinstance(shown, str) else json.dumps(shown)
    return TIME.findall(raw)


def assert_form(shown: object, least: int = 1) -> None:
    found = times_in(shown)
    assert len(found) >= least
    assert [time for time in found if not FORM.fullmatch(time)] == []


@pytest.fixture
def message(scope, web, said) -> Message:
    return accept(web, said("hello", by="u1", scheme="user")).message


def test_rest(api, tenant, message):
    client = api(tenant)
    for path in ("", f"/{message.conversation_id}", f"/{message.conversation_id}/messages"):
        answer = client.get(f"/api/v2/chat/conversations{path}")
        assert answer.status_code == 200
        assert_form(answer.content.decode(), 2)


def test_rest_that_writes(api, tenant, web):
    client = api(tenant)
    body = {"user_id": "u2", "channel": "web", "content": {"type": "text", "text": "hello"}}
    assert_form(client.post("/api/v2/chat/message", body).content.decode())
    assert_form(client.post("/api/v2/templates", TEMPLATE).content.decode(), 3)
    assert_form(client.post("/api/v2/webhook-endpoints", ENDPOINT).content.decode(), 2)
    assert_form(client.get(f"/api/v2/channels/{web.id}/health").content.decode())
    assert_form(client.get("/api/v2/nothing").content.decode())


def test_events_as_webhooks_and_kafka_carry_them(message):
    for event in Event.objects.all():
        assert_form(envelope_of(event).to_bytes().decode())
        assert_form(envelope_of(event).model_dump(mode="json"))


def test_socket_frames(message):
    assert_form(message_frame(message))
    assert_form(ack_frame(message, duplicate=False))


def test_what_staff_and_operators_read(scope, whatsapp, said):
    assert_form(channel_report(whatsapp).model_dump(mode="json"), 0)
    accepted = accept(whatsapp, said("hello", id="wamid.1"))
    Conversation.objects.update(reply_window_expires_at=WHOLE - timedelta(hours=1))
    accepted.conversation.refresh_from_db()
    with pytest.raises(Conflict) as raised:
        window_require(whatsapp, accepted.conversation, text("late"))
    assert_form(raised.value.details)


def test_log_lines():
    assert_form(when(None, "info", {}))


TEMPLATE = {"name": "greeting", "variants": {"en": {"content": {"type": "text", "text": "Hi"}}}}
ENDPOINT = {"url": "https://hooks.example.com/chat", "event_types": ["*"]}
