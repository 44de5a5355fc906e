"""`send_message` and `stats`: what operators type to write to a person, and to see how tenants fare (OPS-4)."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversations.models import Message
from messaging.figures.asked import today
from messaging.figures.facts import NONE
from messaging.models import DaySheet, Delivery
from tenants.models import AuditEntry, Tenant
from tenants.storage.db import new_id
from tests.factories import ChannelFactory, DeliveryFactory

pytestmark = pytest.mark.django_db(transaction=True)
TO = "+15550100001"


def run(name: str, *words: str, as_json: bool = True) -> Any:
    out = StringIO()
    call_command(name, *words, *(["--json"] if as_json else []), stdout=out)
    return json.loads(out.getvalue()) if as_json else out.getvalue()


def refused(name: str, *words: str) -> str:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command(name, *words, "--json", stdout=out)
    return str(json.loads(out.getvalue())["error"]["code"])


@pytest.fixture
def sms(scope: Tenant) -> Any:
    return ChannelFactory(
        tenant=scope, kind="sms", config={"account_sid": "AC" + "0" * 32, "from_number": "+15550100000"},
        secrets={"auth_token": "t" * 32},
    )  # fmt: skip


def say(*words: str) -> tuple[str, ...]:
    return ("It is ready.", "--tenant", "acme", "--channel", "sms", "--to", TO, *words)


def test_a_message_is_stored_for_delivery_and_stands_in_the_trail(sms: Any) -> None:
    told = run("send_message", *say())
    message = Message.objects.get(id=told["message_id"])
    assert (message.text, message.role, str(message.conversation_id)) == (
        "It is ready.",
        "bot",
        told["conversation_id"],
    )
    assert Delivery.objects.filter(message=message).count() == 1
    assert AuditEntry.objects.get().target == f"conversation:{message.conversation_id}"


def test_the_same_id_is_said_once(sms: Any) -> None:
    first, second = (run("send_message", *say("--message-id", "order-7")) for _ in range(2))
    assert (first["message_id"], first["repeated"], second["repeated"]) == (second["message_id"], False, True)
    assert (Message.objects.count(), AuditEntry.objects.count()) == (1, 1)


def test_a_channel_is_named_by_its_key_too_and_a_human_may_answer(sms: Any) -> None:
    told = run("send_message", "Hello", "--tenant", "acme", "--channel", sms.key, "--to", TO, "--by-agent")
    assert Message.objects.get(id=told["message_id"]).role == "agent"


def test_a_dry_run_says_nothing_to_the_person(sms: Any) -> None:
    assert run("send_message", *say("--dry-run"))["message_id"] is None
    assert "can be written to" in run("send_message", *say("--dry-run"), as_json=False)
    assert Message.objects.count() == 0


REFUSED = {
    "unknown tenant": (("Hi", "--tenant", "nope", "--channel", "sms", "--to", TO), "unknown_tenant"),
    "unknown channel": (("Hi", "--tenant", "acme", "--channel", "telegram", "--to", TO), "channel_not_configured"),
    "no address": (("Hi", "--tenant", "acme", "--channel", "sms", "--to", "ana"), "recipient_invalid"),
    "no address, tried": (("Hi", "--tenant", "acme", "--channel", "sms", "--to", "ana", "--dry-run"), "recipient_invalid"),
    "nothing said": ((" ", "--tenant", "acme", "--channel", "sms", "--to", TO), "text_length"),
    "too much said": (("x" * 4097, "--tenant", "acme", "--channel", "sms", "--to", TO), "text_length"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_has_a_code(sms: Any, words: tuple[str, ...], code: str) -> None:
    assert refused("send_message", *words) == code
    assert Message.objects.count() == 0


def test_a_channel_that_is_switched_off_sends_nothing(sms: Any) -> None:
    type(sms).objects.update(enabled=False)
    assert refused("send_message", *say()) == "channel_not_configured"


# ------------------------------------------------------------------------------------- stats


@pytest.fixture
def sheets(scope: Tenant, other_tenant: Tenant) -> None:
    for tenant, started in ((scope, 3), (other_tenant, 5)):
        figures = {"counts": {"started": started, "received": 1200}}
        # unscoped: a sheet of each tenant
        DaySheet.objects.unscoped().create(
            tenant=tenant, day=today(), channel=new_id(), team=NONE, agent=NONE, figures=figures
        )


def test_figures_of_every_tenant_and_of_the_service(sheets: None, scope: Tenant) -> None:
    DeliveryFactory(tenant=scope, status="failed", dead_at="2026-01-01T00:00:00Z")
    told = run("stats", "--from", "7d")
    assert {slug: figures["started"] for slug, figures in told["tenants"].items()} == {"acme": 3, "globex": 5}
    assert told["service"]["given_up"]["deliveries"] == 1


def test_of_one_tenant_alone(sheets: None) -> None:
    told = run("stats", "--tenant", "acme")
    assert (list(told), list(told["tenants"])) == (["first", "last", "tenants"], ["acme"])


def test_words_for_a_terminal(sheets: None) -> None:
    told = run("stats", as_json=False)
    assert "         3  Conversations started" in told
    assert "     1,200  Messages received" in told
    assert "nothing waits, nothing was given up" in told


def test_days_that_do_not_exist_are_refused() -> None:
    for words in (["--from", "2026-02-01", "--to", "2026-01-01"], ["--from", "2020-01-01"], ["--tenant", "nope"]):
        with pytest.raises(CommandError):
            run("stats", *words)
