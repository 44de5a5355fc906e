"""A webhook of which a part is not what the platform promises: staff are told, the rest is taken, and once (CH-6, EVT-5)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from conversations.models import Event, Message
from messaging.models import InboundEvent
from messaging.receive import receipt_process
from tenants.storage.db import now
from tests.messaging.arrivals import arrives, whatsapp_body

pytestmark = pytest.mark.django_db(transaction=True)


def told() -> list[str]:
    return [row.payload["receipt_id"] for row in Event.objects.filter(type="chat.system.webhook_malformed")]


def odd(body: dict[str, Any], part: str) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    change = changed["entry"][0]["changes"][0]
    match part:
        case "entry":
            changed["entry"] = {"0": changed["entry"]}
        case "changes":
            changed["entry"][0]["changes"] = "x"
        case "value":
            change["value"] = []
        case "messages":
            change["value"]["messages"] = {"0": change["value"]["messages"]}
        case "message":
            change["value"]["messages"] = ["x"]
    return changed


@pytest.mark.parametrize("part", ["entry", "changes", "value", "messages", "message"])
def test_nothing_can_be_taken_of_it(scope, whatsapp, part) -> None:
    receipt = arrives(whatsapp, odd(whatsapp_body(id="wamid.1", type="text", text={"body": "hi"}), part))
    assert (receipt.status, told()) == (InboundEvent.Status.MALFORMED, [str(receipt.id)])
    assert "malformed:entry" in receipt.reason
    assert not Message.objects.exists()


def test_what_can_be_taken_is_and_the_rest_is_told(scope, whatsapp) -> None:
    body = whatsapp_body(id="wamid.1", type="text", text={"body": "hi"})
    body["entry"].insert(0, "x")
    receipt = arrives(whatsapp, body)
    assert (receipt.status, told()) == (InboundEvent.Status.MALFORMED, [str(receipt.id)])
    assert list(Message.objects.filter(direction="inbound").values_list("text", flat=True)) == ["hi"]
    assert receipt.request["body"], "it stays whole, to be read again"


def test_processed_again_it_takes_nothing_twice(scope, whatsapp) -> None:
    body = whatsapp_body(id="wamid.1", type="text", text={"body": "hi"})
    body["entry"].insert(0, "x")
    receipt = arrives(whatsapp, body)
    InboundEvent.objects.filter(id=receipt.id).update(status=InboundEvent.Status.RECEIVED, due_at=now())
    receipt_process(receipt.id)
    assert Message.objects.filter(direction="inbound").count() == 1
    assert InboundEvent.objects.get().status == InboundEvent.Status.MALFORMED


def test_one_that_holds_all_it_should_is_none(scope, whatsapp) -> None:
    receipt = arrives(whatsapp, whatsapp_body(id="wamid.1", type="text", text={"body": "hi"}))
    assert (receipt.status, told()) == (InboundEvent.Status.PROCESSED, [])
