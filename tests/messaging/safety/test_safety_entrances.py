"""A card's number that a person writes is stored nowhere, wherever it stands in what any platform tells (MSG-3).

Each payload file of each adapter comes in with the number behind every word of the person's that was understood. Titles and
payloads of choices, names of forms and advertisements are the tenant's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from channels_app.contract import InboundItem, InboundMessage, Revision
from channels_app.registry import KINDS, adapter_for
from conversations.models import Message
from messaging.receive import receipt_process, receipt_store
from tests.adapters.kit import Kit, kit_for, raw_request
from tests.factories import ChannelFactory
from tests.messaging.kept import everything_stored
from tests.messaging.safety.test_safety import CARD, DIGITS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "mongodb", reason="reads all tables by SQL"),
]
#: members in which platforms tell what people wrote
WRITTEN = frozenset({
    "text", "body", "caption", "filename", "address", "formatted_name", "phone", "email", "Body", "SpeechResult", "name",
})  # fmt: skip
NOT_THEIRS = frozenset(
    {"mentioned", "bot", "from", "recipient", "referral", "profile", "interactive", "button", "nfm_reply"}
)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kit_for(kind).payload_files()])
def test_no_platform_brings_it_in(kind: str, rules, scope, reachable) -> None:
    rules(mask=["card_number"])
    kit, hidden = kit_for(kind), adapter_for(kind).secret_keys
    channel = ChannelFactory(
        tenant=scope, kind=kind, config={name: value for name, value in kit.config.items() if name not in hidden},
        secrets={name: value for name, value in kit.config.items() if name in hidden},
    )  # fmt: skip
    receipts = [receipt for raw in changed(kit) if (receipt := receipt_store(channel, raw))]
    for receipt in receipts:
        receipt_process(receipt.id)
    assert Message.objects.filter(role="visitor", text__contains="•••• 1111").exists()
    assert DIGITS not in everything_stored()


def test_the_api_does_not_bring_it_in(rules, web, api) -> None:
    rules(mask=["card_number"])
    client = api(web.tenant)
    body = {"user_id": "u1", "channel": "web", "message_id": "m-1", "content": {"type": "text", "text": f"my {CARD}"}}
    answer = client.post("/api/v2/chat/message", body, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 200
    assert Message.objects.get(role="visitor").text == "my •••• 1111"
    assert DIGITS not in everything_stored()


def changed(kit: Kit) -> Iterator[Any]:
    """The requests of the kit's files with the number in them, of those that bring words of a person."""
    for name in kit.payload_files():
        stored = kit.stored(name)
        try:
            words = set(said(kit.adapter.parse(raw_request(stored), kit.configured)))
        except Exception:  # noqa: BLE001, S112  a file that is malformed on purpose
            continue
        body = with_card(stored.get("body"), words, theirs=False)
        yield from [raw_request({**stored, "body": body})] if body != stored.get("body") else ()


def said(items: Any) -> Iterator[str]:
    """All texts of what was understood."""
    for item in items:
        content = item.content if isinstance(item, InboundMessage | Revision) else None
        yield from texts(content.to_json()) if content else ()


def texts(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from texts(one)
    yield from [value] if isinstance(value, str) else []


def with_card(value: Any, words: set[str], *, theirs: bool) -> Any:
    if isinstance(value, dict):
        return {
            key: one if key in NOT_THEIRS else with_card(one, words, theirs=key in WRITTEN)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [with_card(one, words, theirs=theirs) for one in value]
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(with_card(json.loads(value), words, theirs=theirs))
    known = isinstance(value, str) and len(value) > 1 and any(value in one for one in words)
    return f"{value} {CARD}" if theirs and known else value


def test_the_helper_puts_it_where_people_write() -> None:
    items: list[InboundItem] = []
    assert list(said(items)) == []
    assert with_card({"text": "hi", "id": "hi", "from": {"name": "hi"}}, {"hi"}, theirs=False) == {
        "text": f"hi {CARD}",
        "id": "hi",
        "from": {"name": "hi"},
    }
