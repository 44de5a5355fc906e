"""A receipt of one message is not leased before: the message and the end of its receipt are one transaction, and what
goes wrong there is counted as ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Revision, Sender, StatusUpdate
from channels_app.models import Channel
from conversations.models import Message
from messaging import receive, tasks
from messaging.models import InboundEvent
from messaging.receipts import together
from messaging.reports.revise import revision_take
from tenants.storage.db import new_id, now
from tenants.work import leases
from tests.messaging.arrivals import accept_replaced
from tests.messaging.receipts.test_receipt_lanes import ANA
from tests.messaging.receipts.test_receipt_lanes import wrote as request

pytestmark = pytest.mark.django_db(transaction=True)
Status = InboundEvent.Status


def wrote(channel: Channel) -> InboundEvent:
    return request(channel, (ANA, "Where is my order?"))


def seen(receipt: InboundEvent) -> tuple[Any, ...]:
    receipt.refresh_from_db()
    return receipt.status, receipt.reason, receipt.attempts, receipt.leases, receipt.claim, Message.objects.count()


def test_the_receipt_ends_with_its_message(scope, whatsapp) -> None:
    receipt = wrote(whatsapp)
    assert receive.receipt_take(receipt.id) == 1
    assert seen(receipt) == (Status.PROCESSED, "", 0, 0, None, 1)
    assert receipt.processed_at


def test_a_message_that_is_known_ends_its_receipt_too(scope, whatsapp) -> None:
    receive.receipt_take(wrote(whatsapp).id)
    Message.objects.update(platform_message_id="wamid.1.0")  # of the request that comes next
    again = wrote(whatsapp)
    assert receive.receipt_take(again.id) == 1
    assert seen(again) == (Status.IGNORED, "repeated", 0, 0, None, 1)


@pytest.mark.parametrize(("error", "tries"), [(ValueError(), 1), (OperationalError(), 0)], ids=["ours", "servers"])
def test_what_goes_wrong_is_tried_again_in_its_place(scope, whatsapp, monkeypatch, error, tries) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    receipt = wrote(whatsapp)
    with monkeypatch.context() as broken:
        accept_replaced(broken, fails)
        assert receive.receipt_take(receipt.id) == 0
    assert seen(receipt) == (Status.RECEIVED, type(error).__name__, tries, 0, None, 0)


def test_what_the_message_is_refused_for_is_the_receipt_s_reason(scope, whatsapp, monkeypatch) -> None:
    receipt = wrote(whatsapp)
    said = InboundMessage("wamid.1", Sender("phone", ANA), text("\u200b"))
    monkeypatch.setattr(type(whatsapp.adapter), "parse", lambda *_: [said])
    assert receive.receipt_take(receipt.id) == 1
    assert seen(receipt) == (Status.IGNORED, "empty_message", 1, 0, None, 0)


class Killed(BaseException):
    pass


def killed(*_: Any, **__: Any) -> None:
    raise Killed


def test_a_receipt_that_ends_its_workers_is_given_up(scope, whatsapp, monkeypatch) -> None:
    """The first call leaves nothing behind; those of the sweep are counted."""
    receipt = wrote(whatsapp)
    accept_replaced(monkeypatch, killed)
    with pytest.raises(Killed):
        receive.receipt_take(receipt.id)
    assert seen(receipt) == (Status.RECEIVED, "", 0, 0, None, 0)
    for _ in range(leases.MOST_LEASES):
        with pytest.raises(Killed):
            tasks.parse(str(receipt.id))
        InboundEvent.objects.update(due_at=receipt.created_at)
    tasks.parse(str(receipt.id))
    assert seen(receipt)[:2] == (Status.FAILED, leases.WORKER_LOST)


def test_a_receipt_that_was_tried_is_leased(scope, whatsapp, monkeypatch) -> None:
    receipt = wrote(whatsapp)
    InboundEvent.objects.update(leases=1)
    accept_replaced(monkeypatch, killed)
    with pytest.raises(Killed):
        receive.receipt_take(receipt.id)
    assert seen(receipt)[2:4] == (1, 2)


def test_nothing_is_stored_when_another_worker_has_the_receipt(scope, whatsapp, monkeypatch) -> None:
    receipt, real = wrote(whatsapp), together.accept

    def taken_meanwhile(*args: Any, **how: Any) -> Any:
        InboundEvent.objects.update(claim=new_id(), leases=1, due_at=now() + timedelta(minutes=1))
        return real(*args, **how)

    accept_replaced(monkeypatch, taken_meanwhile)
    assert receive.receipt_take(receipt.id) == 0
    assert seen(receipt)[-1] == 0


def test_the_next_of_the_lane_follows_and_others_wait(scope, whatsapp) -> None:
    first, second = wrote(whatsapp), wrote(whatsapp)
    assert receive.receipt_take(second.id) == 0
    assert receive.receipt_take(first.id) == 2
    assert seen(second) == (Status.PROCESSED, "", 0, 0, None, 2)


def test_an_edit_that_was_quicker_is_applied(scope, whatsapp) -> None:
    receipt = wrote(whatsapp)
    _, message = together.only_message(receipt) or (None, None)
    assert message
    revision_take(whatsapp, Revision("e1", message.platform_id, message.sender, text("Where is my parcel?")))
    receive.receipt_take(receipt.id)
    assert Message.objects.order_by("seq").first().text == "Where is my parcel?"


def test_the_work_of_a_tenant_that_is_held_waits(scope, whatsapp, monkeypatch) -> None:
    receipt = wrote(whatsapp)
    monkeypatch.setattr(leases, "_may_go_on", lambda tenant_id: tenant_id != scope.id)
    assert receive.receipt_take(receipt.id) == 0
    assert seen(receipt) == (Status.RECEIVED, "", 0, 0, None, 0)


def test_what_is_no_message_is_leased(scope, whatsapp, monkeypatch) -> None:
    receipt = wrote(whatsapp)
    monkeypatch.setattr(type(whatsapp.adapter), "parse", lambda *_: [StatusUpdate("wamid.OUT", "read")])
    assert receive.receipt_take(receipt.id) == 1
    assert seen(receipt) == (Status.PROCESSED, "", 1, 0, None, 0)
