"""Secrets being replaced, the log, ping and replay, and the example in the documentation (DEL-4)."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from time_machine import travel

from channels_app.http.standard_webhooks import complaint
from conversations.event_schemas import schema_of
from messaging import tasks
from messaging.integrators.calls import call_endpoint, ping
from messaging.integrators.endpoints import (
    deliveries_chosen,
    deliveries_replay,
    endpoint_delete,
    secret_rotate,
)
from messaging.models import WebhookDelivery
from tenants.storage.db import now
from tests.messaging.integrators.steps import only, publish_all, secret_of

pytestmark = pytest.mark.django_db(transaction=True)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "integrators-webhooks.md"


# ---- secrets, log, replay, ping -----------------------------------------------------------


def test_while_a_secret_is_replaced_both_verify(endpoint, crm) -> None:
    old = secret_of(endpoint)
    new = secret_rotate(endpoint)
    ping(endpoint)
    with travel(now() + timedelta(hours=25), tick=False):
        ping(endpoint)
        later = time.time()
    both, one = crm.calls
    assert complaint(both.headers, both.body, [old], time.time()) == ""
    assert complaint(both.headers, both.body, [new], time.time()) == ""
    assert complaint(one.headers, one.body, [old], later)
    assert complaint(one.headers, one.body, [new], later) == ""


def test_two_secrets_at_most_and_none_when_the_old_one_leaked(endpoint, crm) -> None:
    first, second, third = secret_of(endpoint), secret_rotate(endpoint), secret_rotate(endpoint)
    assert [entry["secret"] for entry in endpoint.secrets] == [third, second]
    secret_rotate(endpoint, timedelta(0))
    ping(endpoint)
    (call,) = crm.calls
    assert complaint(call.headers, call.body, [first, second, third], time.time())


def test_the_log_tells_no_secret_and_no_text(endpoint, crm, happen) -> None:
    happen(text="my card is 4711", content={"type": "text", "text": "my card is 4711"})
    publish_all()
    crm.say(500, body=b'{"error": "cannot store: my card is 4711"}', content_type="application/json")
    call_endpoint(endpoint.id)
    told = json.dumps(only().exchanges, ensure_ascii=False)
    assert "4711" not in told
    assert "cannot store" in told
    assert secret_of(endpoint) not in told
    assert crm.calls[0].headers["webhook-signature"] not in told
    assert b"4711" in crm.calls[0].body


def test_a_ping_tells_what_came_of_it_and_is_not_tried_again(endpoint, crm) -> None:
    assert ping(endpoint).status == "delivered"
    crm.say(500)
    failed = ping(endpoint)
    assert (failed.status, failed.response_status, failed.error_code) == ("failed", 500, "http_500")
    endpoint.refresh_from_db()
    assert endpoint.failures == 0
    assert [call.document["type"] for call in crm.calls] == ["chat.system.ping"] * 2
    assert crm.calls[0].document["id"] == crm.calls[0].headers["webhook-id"]
    jsonschema.validate(crm.calls[0].document, schema_of("chat.system.ping", 1))


def test_replay_by_time_status_and_type(endpoint, crm, happen) -> None:
    for type in ("chat.message.received", "chat.message.sent", "chat.conversation.ended"):
        happen(type)
    publish_all()
    call_endpoint(endpoint.id)
    before = [call.headers["webhook-id"] for call in crm.calls]
    assert deliveries_replay(endpoint, deliveries_chosen(endpoint, status="failed")) == 0
    assert deliveries_replay(endpoint, deliveries_chosen(endpoint, until=now() - timedelta(hours=1))) == 0
    chosen = deliveries_chosen(endpoint, status="delivered", since=endpoint.created_at, types=["chat.message.*"])
    assert deliveries_replay(endpoint, chosen) == 2
    call_endpoint(endpoint.id)
    assert [call.headers["webhook-id"] for call in crm.calls[3:]] == before[:2]


def test_a_removed_endpoint_takes_its_calls_along(endpoint, crm, happen) -> None:
    happen()
    publish_all()
    endpoint_id = str(endpoint.id)
    endpoint_delete(endpoint)
    happen()
    publish_all()
    tasks.call_endpoint(endpoint_id)
    assert (WebhookDelivery.objects.count(), crm.calls) == (0, [])


def test_the_example_in_the_documentation_verifies(endpoint, crm) -> None:
    ping(endpoint)
    (call,) = crm.calls
    source = DOCS.read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(source, str(DOCS), "exec"), names)
    assert names["verify"](call.body, call.headers, [secret_of(endpoint)])["type"] == "chat.system.ping"
    for headers, body in (
        (call.headers, call.body + b" "),
        ({**call.headers, "webhook-timestamp": "1"}, call.body),
        ({**call.headers, "webhook-signature": "v1,AAAA"}, call.body),
        ({}, call.body),
    ):
        with pytest.raises(ValueError):
            names["verify"](body, headers, [secret_of(endpoint)])
