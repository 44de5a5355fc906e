"""What one person sent is understood in the order it came, whatever the order in which workers take it up (PIPE-1)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from django.db import OperationalError

from channels_app.contract import EVERYBODY, RawRequest
from channels_app.models import Channel
from conversations.models import Identity, Message
from messaging import heads, receive, tasks, wake
from messaging.models import InboundEvent
from messaging.receipts import applying, settling
from tenants.storage.db import now
from tenants.work.crew import Lane
from tests.adapters.kit import kit_for
from tests.factories import ChannelFactory
from tests.messaging.arrivals import accept_replaced

pytestmark = pytest.mark.django_db(transaction=True)
ACCOUNT = f"AC{'0' * 32}"
JSON = {"content-type": "application/json"}
ANA, BEN = "15550100001", "15550100002"


@pytest.fixture(autouse=True, params=["the-first-call", "a-later-call"])
def call(request: pytest.FixtureRequest, tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call of a receipt says whose it is; what holds one message is then not leased before."""
    lane = {"the-first-call": Lane(tenant.id)}.get(request.param)
    monkeypatch.setattr(wake, "lane_of", lambda request: lane)


@pytest.fixture
def sms(tenant: Any) -> Channel:
    return ChannelFactory(
        tenant=tenant,
        kind="sms",
        config={"account_sid": ACCOUNT, "from_number": "+15005550001"},
        secrets={"auth_token": "twin-auth-token"},
    )


def texted(channel: Channel, words: str, by: str = ANA, **more: str) -> InboundEvent:
    number = InboundEvent.objects.count()
    form = {
        "AccountSid": ACCOUNT,
        "MessageSid": f"SM{number:032}",
        "From": f"+{by}",
        "To": "+15005550001",
        "Body": words,
        **more,
    }
    raw = RawRequest("POST", "/x", {"content-type": "application/x-www-form-urlencoded"}, {}, urlencode(form).encode())
    stored = receive.receipt_store(channel, raw)
    assert stored
    return stored


def wrote(channel: Channel, *messages: tuple[str, str]) -> InboundEvent:
    """One WhatsApp webhook with ``(person, words)`` each."""
    number = InboundEvent.objects.count()
    said = [
        {
            "from": by,
            "id": f"wamid.{number}.{place}",
            "timestamp": "1793000000",
            "type": "text",
            "text": {"body": words},
        }
        for place, (by, words) in enumerate(messages)
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "400000000000001"},
        "contacts": [{"wa_id": by, "profile": {"name": by}} for by, _ in messages],
        "messages": said,
    }
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }
    stored = receive.receipt_store(channel, RawRequest("POST", "/x", {}, {}, json.dumps(body).encode()))
    assert stored
    return stored


def words(by: str = ANA) -> list[str]:
    found = Message.objects.filter(role="visitor", identity__value__endswith=by)
    return list(found.order_by("conversation_id", "seq").values_list("text", flat=True))


def test_the_second_taken_up_first_waits_for_the_first(scope, sms, calls) -> None:
    first, second = texted(sms, "one"), texted(sms, "two")
    tasks.parse(str(second.id))
    assert words() == []
    tasks.parse(str(first.id))
    assert words() == ["one", "two"], "the worker of the first goes on with the second"


def test_a_stop_is_not_undone_by_what_was_sent_before_it(scope, sms, calls) -> None:
    before, stop = texted(sms, "and where is my order AC-10042?"), texted(sms, "STOP")
    tasks.parse(str(stop.id))
    tasks.parse(str(before.id))
    assert Identity.objects.get().stopped_at is not None
    assert words() == ["and where is my order AC-10042?", "STOP"]


def test_a_head_that_was_put_off_is_not_overtaken(scope, sms, monkeypatch, calls) -> None:
    first, second = texted(sms, "one"), texted(sms, "two")
    with monkeypatch.context() as broken:
        accept_replaced(broken, fails)
        tasks.parse(str(first.id))
    tasks.parse(str(second.id))
    assert words() == []
    InboundEvent.objects.filter(id=first.id).update(due_at=now())
    tasks.parse(str(first.id))
    assert words() == ["one", "two"]


def test_other_people_do_not_wait(scope, whatsapp, calls) -> None:
    wrote(whatsapp, (ANA, "one"))
    tasks.parse(str(wrote(whatsapp, (BEN, "hello")).id))
    assert (words(ANA), words(BEN)) == ([], ["hello"])


def test_a_request_of_several_people_crosses_the_lanes_of_all(scope, whatsapp, calls) -> None:
    before = wrote(whatsapp, (ANA, "one"))
    both = wrote(whatsapp, (ANA, "two"), (BEN, "hello"))
    after = wrote(whatsapp, (BEN, "and again"))
    assert both.lane == EVERYBODY
    for one in (after, both):
        tasks.parse(str(one.id))
    assert (words(ANA), words(BEN)) == ([], [])
    for one in (before, both, after):
        tasks.parse(str(one.id))
    assert (words(ANA), words(BEN)) == (["one", "two"], ["hello", "and again"])


def test_a_report_about_our_own_message_waits_for_no_other(scope, sms, calls) -> None:
    texted(sms, "one")
    form = {"AccountSid": ACCOUNT, "MessageSid": "SM9", "MessageStatus": "delivered", "To": f"+{ANA}"}
    raw = RawRequest("POST", "/x", {"content-type": "application/x-www-form-urlencoded"}, {}, urlencode(form).encode())
    report = receive.receipt_store(sms, raw)
    assert report.lane == ""
    tasks.parse(str(report.id))
    report.refresh_from_db()
    assert report.status != "received"


def test_the_message_has_the_time_at_which_it_came_not_that_of_its_understanding(scope, sms, calls) -> None:
    receipt = texted(sms, "one")
    came = now() - timedelta(hours=3)
    InboundEvent.objects.filter(id=receipt.id).update(created_at=came)
    tasks.parse(str(receipt.id))
    assert Message.objects.get(role="visitor").sent_at == came


def test_a_platforms_time_in_the_future_is_the_time_at_which_it_came(scope, whatsapp, calls) -> None:
    receipt = wrote(whatsapp, (ANA, "one"))  # of October 2026, as the clock of the sender says
    InboundEvent.objects.filter(id=receipt.id).update(created_at=now() - timedelta(days=365))
    tasks.parse(str(receipt.id))
    receipt.refresh_from_db()
    assert Message.objects.get(role="visitor").sent_at == receipt.created_at


@pytest.mark.parametrize(("long", "code"), [(255, ""), (256, "too_long:platform_id")])
def test_an_id_that_no_row_can_hold_is_told_and_delays_no_other_person(scope, tenant, calls, long, code) -> None:
    """SQLite would take it; PostgreSQL refuses it at every try, for a day."""
    slack = kit_for("slack")
    secret = {name: value for name, value in slack.config.items() if name in slack.adapter.secret_keys}
    plain = {name: value for name, value in slack.config.items() if name not in secret}
    channel = ChannelFactory(tenant=tenant, kind="slack", config=plain, secrets=secret)
    body = slack.stored("dm_text")["body"]
    place = "D" * (long - 1 - len(body["event"]["ts"]))
    odd = {**body, "event": {**body["event"], "channel": place}}
    receipt = receive.receipt_store(channel, RawRequest("POST", "/x", JSON, {}, json.dumps(odd).encode()))
    tasks.parse(str(receipt.id))
    receipt.refresh_from_db()
    assert (receipt.status, receipt.reason) == ("ignored" if code else "processed", code)
    assert Message.objects.filter(role="visitor").count() == (0 if code else 1)


def test_what_cannot_be_read_holds_no_other_up(scope, whatsapp, calls) -> None:
    raw = RawRequest("POST", "/x", {}, {}, b"not json")
    assert receive.receipt_store(whatsapp, raw).lane == ""
    tasks.parse(str(wrote(whatsapp, (ANA, "one")).id))
    assert words() == ["one"]


def test_a_bug_in_reading_the_lane_refuses_no_request(scope, whatsapp, monkeypatch, calls) -> None:
    monkeypatch.setattr(type(whatsapp.adapter), "lane", lambda *_: 1 / 0)
    assert wrote(whatsapp, (ANA, "one")).lane == EVERYBODY


def test_a_head_that_waits_for_our_servers_is_not_overtaken(scope, sms, monkeypatch, calls) -> None:
    first, second = texted(sms, "one"), texted(sms, "two")
    with monkeypatch.context() as away:
        accept_replaced(away, lambda *_, **__: lock_timeout())
        tasks.parse(str(first.id))
    tasks.parse(str(second.id))
    assert words() == []


def fails(*_: Any, **__: Any) -> None:
    raise TypeError


def lock_timeout() -> None:
    raise OperationalError("canceling statement due to lock timeout")


def test_the_lane_goes_on_behind_a_request_that_was_given_up_and_that_one_can_follow_later(
    scope, sms, monkeypatch, calls
) -> None:
    first = texted(sms, "one")
    texted(sms, "two")
    real = applying.accept
    InboundEvent.objects.filter(id=first.id).update(attempts=settling.TRIES.tries - 1)
    with monkeypatch.context() as broken:
        accept_replaced(
            broken,
            lambda channel, item, **how: {"one": fails}.get(item.content.text, real)(channel, item, **how),
        )
        tasks.parse(str(first.id))
    assert words() == ["two"]
    assert receive.receipts_replay(InboundEvent.objects.filter(id=first.id)) == 1
    tasks.parse(str(first.id))
    assert words() == ["two", "one"]


def test_a_request_of_several_people_that_fails_does_not_stop_its_channel(scope, whatsapp, monkeypatch, calls) -> None:
    both, other = wrote(whatsapp, (ANA, "one"), (BEN, "hello")), wrote(whatsapp, ("15550100003", "me too"))
    real = applying.accept
    accept_replaced(
        monkeypatch,
        lambda channel, item, **how: {"hello": fails}.get(item.content.text, real)(channel, item, **how),
    )
    for _ in range(settling.TRIES_OF_ALL):
        tasks.parse(str(other.id))
        assert words("15550100003") == []
        tasks.parse(str(both.id))
        InboundEvent.objects.update(due_at=now())
    tasks.parse(str(other.id))
    assert words("15550100003") == ["me too"]


def test_an_item_that_fails_holds_back_its_own_person_only_until_its_last_try(
    scope, whatsapp, monkeypatch, calls
) -> None:
    batch = wrote(whatsapp, (ANA, "one"), (BEN, "hello"), (BEN, "hello?"), (ANA, "two"))
    real = applying.accept
    accept_replaced(
        monkeypatch,
        lambda channel, item, **how: {"hello": fails}.get(item.content.text, real)(channel, item, **how),
    )
    tasks.parse(str(batch.id))
    assert (words(ANA), words(BEN)) == (["one", "two"], []), "what Ben wrote behind it keeps its order"

    InboundEvent.objects.update(due_at=now(), attempts=settling.TRIES.tries - 1)
    tasks.parse(str(batch.id))
    batch.refresh_from_db()
    assert (batch.status, words(ANA), words(BEN)) == ("failed", ["one", "two"], ["hello?"])


def test_the_next_item_of_a_request_is_logged_as_its_own(scope, whatsapp, monkeypatch, calls) -> None:
    bound: list[bool] = []
    real = applying.accept

    def noting(channel: Any, item: Any, **how: Any) -> Any:
        bound.append("conversation_id" in structlog.contextvars.get_contextvars())
        return real(channel, item, **how)

    accept_replaced(monkeypatch, noting)
    tasks.parse(str(wrote(whatsapp, (ANA, "one"), (BEN, "hello")).id))
    assert bound == [False, False]


@pytest.mark.parametrize("by", [(BEN, "hello"), None])
def test_a_clock_that_was_set_back_changes_no_order(scope, whatsapp, calls, time_machine, by) -> None:
    """Nor do two machines whose clocks disagree: the database counts. ``by``: the first concerns two people."""
    time_machine.move_to("2026-11-02T10:00:00Z", tick=False)
    first = wrote(whatsapp, (ANA, "one"), *filter(None, [by]))
    time_machine.move_to("2026-11-02T08:30:00Z", tick=False)
    second = wrote(whatsapp, (ANA, "two"))
    InboundEvent.objects.update(due_at=now())  # as what a clock that was set back left ahead is brought near

    tasks.parse(str(second.id))
    assert words(ANA) == []
    assert [row.id for row in heads.receipts(InboundEvent.objects.all(), now())] == [first.id]
    tasks.parse(str(first.id))
    tasks.parse(str(second.id))

    assert words(ANA) == ["one", "two"]


def test_places_are_counted_for_each_channel_from_what_it_holds(scope, sms, whatsapp, calls) -> None:
    texted(sms, "one")
    texted(sms, "two")
    wrote(whatsapp, (ANA, "one"))
    assert list(InboundEvent.objects.filter(channel=sms).order_by("id").values_list("place", flat=True)) == [1, 2]
    assert InboundEvent.objects.get(channel=whatsapp).place == 1
