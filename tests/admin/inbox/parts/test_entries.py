"""What the entries of a transcript say: failed, waiting, flagged, changed (ADM-2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channels_app.health import health_forget
from channels_app.models import ChannelHealth
from conversations.models import Message
from messaging.models import Delivery
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import World, rows
from tests.admin.inbox.parts.asking import AGENT, JSON, at, error_of
from tests.factories import DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


def entry_of(client: Client, world: World, seq: int) -> str:
    return str(client.get(at(world, "entries", after=99, changed=seq)).content.decode())


def test_entries_come_page_by_page(staff_of: Any, acme: World) -> None:
    for _ in range(70):
        MessageFactory(tenant=acme.tenant, conversation=acme.conversation)
    client = staff_of(acme.tenant, AGENT)
    older = client.get(at(acme, "entries", before=71)).content.decode()
    assert (older.count("data-seq="), 'data-older="11"' in older) == (60, True)
    oldest = client.get(at(acme, "entries", before=11)).content.decode()
    assert (oldest.count("data-seq="), "data-older" in oldest) == (10, False)
    newer = client.get(at(acme, "entries", after=5))
    assert (newer["X-More"], newer["X-Last-Seq"], newer.content.decode().count("data-seq=")) == ("yes", "65", 60)


def test_an_edit_brings_the_message_that_it_changed(staff_of: Any, acme: World) -> None:
    first = rows(Message).get(conversation=acme.conversation, seq=1)
    rows(Message).filter(pk=first.pk).update(content={"type": "text", "text": "I meant AC-2"}, edited_at=now())
    MessageFactory(
        tenant=acme.tenant, conversation=acme.conversation, role="system", text="A message was edited.", reply_to=first.id,
        metadata={"change": "edited"},
    )  # fmt: skip
    answer = staff_of(acme.tenant, AGENT).get(at(acme, "entries", after=2))
    shown = answer.content.decode()
    assert (answer["X-Last-Seq"], shown.count("data-seq="), 'data-seq="1"' in shown) == ("3", 1, True)
    assert "I meant AC-2" in shown
    assert "A message was edited" not in shown


def test_the_number_of_statements_does_not_grow_with_the_page(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    client.get(at(acme, "entries"))
    with CaptureQueriesContext(connection) as few:
        client.get(at(acme, "entries"))
    for _ in range(10):
        answer = MessageFactory(tenant=acme.tenant, conversation=acme.conversation, direction="outbound", role="bot")
        DeliveryFactory(tenant=acme.tenant, message=answer, status="sent")
    with CaptureQueriesContext(connection) as many:
        assert client.get(at(acme, "entries")).content.decode().count("data-seq=") == 12
    assert len(many) == len(few)


FAULTS = {
    "ours": ("window_closed", "", "The reply window had closed."),
    "the platform's": ("131026", "message undeliverable", "Message undeliverable."),
    "a code that is known": ("131026", "", "This person cannot be reached on this channel"),
    "only a code": ("999999", "", "The platform refused it (999999)."),
}


@pytest.mark.parametrize(("code", "detail", "words"), FAULTS.values(), ids=FAULTS)
def test_a_message_that_failed_says_why(code: str, detail: str, words: str, staff_of: Any, acme: World) -> None:
    rows(Delivery).update(status="failed", error_code=code, error_detail=detail)
    assert words in entry_of(staff_of(acme.tenant, AGENT), acme, 2)


def _held(world: World, state: str = "degraded") -> None:
    rows(ChannelHealth).filter(channel=world.channel).update(held_until=now() + timedelta(minutes=9), state=state)
    health_forget(world.channel.id)


def _behind(world: World) -> None:
    MessageFactory(tenant=world.tenant, conversation=world.conversation)
    rows(Delivery).update(seq=3)
    answer = MessageFactory(
        tenant=world.tenant, conversation=world.conversation, direction="outbound", role="bot", seq=9
    )
    DeliveryFactory(tenant=world.tenant, message=answer, status="queued", seq=1)


WAITS: dict[str, tuple[Callable[[World], Any], str]] = {
    "held": (_held, "waits since 4 min: WhatsApp does not answer"),
    "refused": (lambda world: _held(world, "credential_refused"), "WhatsApp refuses the channel&#x27;s credentials"),
    "switched off": (
        lambda world: type(world.channel).objects.unscoped().filter(pk=world.channel.pk).update(enabled=False),
        "the channel is switched off",
    ),
    "tried": (
        lambda world: rows(Delivery).update(
            attempts=2, error_code="http_503", error_detail="fault of its own", due_at=now() + timedelta(seconds=130)
        ),
        "Fault of its own, next try in 2 min",
    ),
    "behind": (_behind, "an earlier message has to go first"),
}  # fmt: skip


@pytest.mark.parametrize(("happens", "words"), WAITS.values(), ids=WAITS)
def test_a_message_that_waits_says_for_what(happens: Any, words: str, staff_of: Any, acme: World) -> None:
    rows(Delivery).filter(pk=acme.delivery.pk).update(
        status="queued", error_code="", error_detail="", created_at=now() - timedelta(minutes=4, seconds=5)
    )
    with tenant_scope(acme.tenant.id):
        happens(acme)
    assert words in entry_of(staff_of(acme.tenant, AGENT), acme, 2)


def test_a_message_on_its_way_waits_for_nothing(staff_of: Any, acme: World) -> None:
    rows(Delivery).update(status="queued", error_code="", error_detail="")
    assert "waits since" not in entry_of(staff_of(acme.tenant, AGENT), acme, 2)


def test_what_was_flagged_and_what_is_expected_stands_at_the_message(staff_of: Any, acme: World) -> None:
    rows(Message).filter(conversation=acme.conversation, seq=1).update(
        analysis={"flags": ["card"], "masked": ["card"]}, hints={"priority": "urgent", "expected_response_type": "text"}
    )
    shown = entry_of(staff_of(acme.tenant, AGENT), acme, 1)
    assert "Expects words only" in shown
    assert "Urgent" in shown
    assert "masked" in shown


def test_an_agent_sends_a_failed_message_again(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    assert "data-retry" in entry_of(client, acme, 2)
    assert client.post(at(acme, "retry"), {"seq": 2}, **JSON).json() == {"seq": 2}
    assert rows(Delivery).get(pk=acme.delivery.pk).status == "queued"
    assert rows(AuditEntry).filter(action="delivery.retried").exists()
    assert error_of(client.post(at(acme, "retry"), {"seq": 77}, **JSON)) == "message_not_found"


def test_without_a_script_retry_leads_back_to_the_page(staff_of: Any, acme: World) -> None:
    page = f"http://testserver{at(acme, 'change')}"
    client = staff_of(acme.tenant, AGENT)
    assert client.post(at(acme, "retry"), {"seq": 2}, headers={"Referer": page}).url == at(acme, "change")
    for evil in ("https://evil.example/admin/", "http://[", "//evil.example/admin/"):
        answer = client.post(at(acme, "retry"), {"seq": 2}, headers={"Referer": evil})
        assert answer.url == at(acme, "change")


def _change(world: World, kind: str, **delivery: Any) -> Delivery:
    """An answer that went out, and its edit or deletion on its way."""
    answer = rows(Message).get(conversation=world.conversation, seq=2)
    rows(Message).filter(pk=answer.pk).update(**{f"{kind}_at": now()})
    rows(Delivery).filter(message=answer).update(status="sent", error_code="", error_detail="", parts_sent=1)
    entry = MessageFactory(
        tenant=world.tenant, conversation=world.conversation, role="system", direction="outbound", reply_to=answer.id,
        metadata={"change": kind},
    )  # fmt: skip
    action = {"edited": "edit", "deleted": "delete"}[kind]
    row: Delivery = DeliveryFactory(tenant=world.tenant, message=entry, action=action, **delivery)
    return row


CHANGES = {
    "edit waits": ("edited", {"status": "queued"}, "the edit is on its way"),
    "deletion waits": ("deleted", {"status": "sending"}, "the deletion is on its way"),
    "edit failed": (
        "edited", {"status": "failed", "error_code": "edit_window_closed", "error_detail": "too old"},
        "<b>The person does not see the edit.</b> Too old.",
    ),
    "deletion failed": (
        "deleted", {"status": "failed", "error_code": "cant_delete_message"},
        "<b>The person may still read it.</b> The platform refused it (cant_delete_message).",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "delivery", "words"), CHANGES.values(), ids=CHANGES)
def test_a_message_says_whether_its_change_arrived(
    kind: str, delivery: Any, words: str, staff_of: Any, acme: World
) -> None:
    change = _change(acme, kind, **delivery)
    client = staff_of(acme.tenant, AGENT)
    assert words in entry_of(client, acme, 2)
    assert words in client.get(at(acme, "entries", after=99, changed=change.seq)).content.decode(), (
        "told of by its entry"
    )
    rows(Delivery).filter(pk=change.pk).update(status="sent")
    shown = entry_of(client, acme, 2)
    assert (words in shown, "chat-fault" in shown) == (False, False)


def test_a_change_that_failed_is_tried_again(staff_of: Any, acme: World) -> None:
    change = _change(acme, "edited", status="failed", error_code="x", dead_at=now())
    client = staff_of(acme.tenant, AGENT)
    assert f'name="seq" value="{change.seq}"' in entry_of(client, acme, 2)
    assert client.post(at(acme, "retry"), {"seq": change.seq}, **JSON).json() == {"seq": change.seq}
    assert rows(Delivery).get(pk=change.pk).status == "queued"


def test_what_was_deleted_here_only_says_so(staff_of: Any, acme: World) -> None:
    rows(Delivery).filter(pk=_change(acme, "deleted").pk).delete()
    assert "the person&#x27;s app still shows it" in entry_of(staff_of(acme.tenant, AGENT), acme, 2).replace(
        "'", "&#x27;"
    )
