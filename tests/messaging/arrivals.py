"""Webhooks of WhatsApp as they arrive, understood at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from channels_app.contract import RawRequest
from channels_app.models import Channel
from messaging.models import InboundEvent
from messaging.receipts import applying, together
from messaging.receive import receipt_process, receipt_store
from tenants.storage.db import now


def arrives(channel: Channel, body: Any) -> InboundEvent:
    """A webhook of the platform, understood."""
    raw = RawRequest("POST", "/", {"content-type": "application/json"}, body=json.dumps(body).encode())
    receipt = receipt_store(channel, raw)
    assert receipt is not None
    receipt_process(receipt.id)
    return InboundEvent.objects.get(id=receipt.id)


def accept_replaced(patch: pytest.MonkeyPatch, accept: Callable[..., Any]) -> None:
    """What a receipt's message is stored by: with its receipt, or after it was leased."""
    for room in (together, applying):
        patch.setattr(room, "accept", accept)


def whatsapp_body(**message: Any) -> dict[str, Any]:
    value = {
        "metadata": {"display_phone_number": "15550100001", "phone_number_id": "400000000000001"},
        "contacts": [{"wa_id": "15550107701", "profile": {"name": "Rita Sol"}}],
        "messages": [{"from": "15550107701", "timestamp": str(int(now().timestamp())), **message}],
    }
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "9", "changes": [{"field": "messages", "value": value}]}],
    }


def change(field: str, **value: Any) -> dict[str, Any]:
    """A webhook of the topic ``field``."""
    number = {"metadata": {"phone_number_id": "400000000000001"}}
    changes = [{"field": field, "value": {**number, **value}}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "9", "changes": changes}]}
