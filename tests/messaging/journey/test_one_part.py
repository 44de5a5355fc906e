"""A message of one part: the part, the message's state and the try are written at once, and nothing that came before
is missed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import Reaction, Sender, SendResult, StatusUpdate
from channels_app.models import Channel
from conversations.models import Event
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.models import Delivery, DeliveryAttempt, DeliveryPart
from messaging.reports.delivery_status import status_apply
from messaging.reports.revise import reaction_take
from messaging.rules.agent_replies import agent_reply
from messaging.sends import settling
from tenants.storage.db import new_id

pytestmark = pytest.mark.django_db(transaction=True)
MIRA = Sender(scheme="phone", value="+4915112345678")


@pytest.fixture
def delivery(scope, whatsapp, said) -> Delivery:
    conversation = accept(whatsapp, said("one", id="wamid.1")).conversation
    agent_reply(conversation.id, None, text("answer"))
    return Delivery.objects.get()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], list[Any]]:
    """``meanwhile(work)``: done when the platform has the message and we have no answer yet; what was sent."""

    def set_up(work: Callable[[], object]) -> list[Any]:
        heard: list[Any] = []

        def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
            heard.append(payload)
            work()
            return SendResult("wamid.OUT")

        monkeypatch.setattr(WhatsApp, "send", send)
        return heard

    return set_up


def state(delivery: Delivery) -> tuple[Any, ...]:
    delivery.refresh_from_db()
    tries = DeliveryAttempt.objects.filter(outcome="accepted").count()
    return delivery.status, delivery.parts_sent, list(DeliveryPart.objects.values_list("platform_id", flat=True)), tries


def report(whatsapp: Channel, status: str, reference: str = "") -> None:
    status_apply(whatsapp, StatusUpdate("wamid.OUT", status, client_ref=reference))


@pytest.mark.parametrize("with_reference", [True, False], ids=["names-our-reference", "names-its-id-alone"])
def test_a_report_that_is_quicker_than_the_answer_counts(delivery, whatsapp, meanwhile, with_reference) -> None:
    """One that names our reference has written the part before us."""
    heard = meanwhile(lambda: report(whatsapp, "delivered", f"{delivery.id}.0" if with_reference else ""))
    assert deliver(delivery.conversation_id) == 1
    assert state(delivery) == ("delivered", 1, ["wamid.OUT"], 1)
    assert (deliver(delivery.conversation_id), len(heard)) == (0, 1)


@pytest.mark.parametrize("status", ["delivered", "read", "failed"])
def test_a_report_that_told_us_of_the_part_counts_though_the_worker_ends_once_it_has_settled(
    delivery, whatsapp, meanwhile, monkeypatch: pytest.MonkeyPatch, status
) -> None:
    """The report will not come again: the message goes as far as its part in the transaction that settles it."""
    meanwhile(lambda: report(whatsapp, status, f"{delivery.id}.0"))
    monkeypatch.setattr(settling, "early_statuses_apply", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        deliver(delivery.conversation_id)
    assert Delivery.objects.get().status == status
    assert Event.objects.filter(type=f"chat.message.{status}").count() == 1


def test_a_reaction_that_is_quicker_than_the_answer_is_told(delivery, whatsapp, meanwhile) -> None:
    meanwhile(lambda: reaction_take(whatsapp, Reaction("wamid.R", "wamid.OUT", MIRA, "👍")))
    deliver(delivery.conversation_id)
    assert Event.objects.filter(type="chat.message.reacted").count() == 1


def test_a_worker_that_has_lost_its_lease_tells_of_the_part(delivery, whatsapp, meanwhile) -> None:
    """It ends nothing, and the other worker does not send the part again."""
    meanwhile(lambda: Delivery.objects.update(claim=new_id()))
    assert deliver(delivery.conversation_id) == 0
    assert state(delivery) == ("sending", 1, ["wamid.OUT"], 1)


def test_a_message_that_is_queued_meanwhile_goes_out_after_it(delivery, meanwhile) -> None:
    queued: list[Any] = []

    def once() -> None:
        if not queued:
            queued.append(agent_reply(delivery.conversation_id, None, text("second")))

    heard = meanwhile(once)
    assert (deliver(delivery.conversation_id), len(heard)) == (2, 2)


def test_a_worker_that_ends_before_it_has_written_leaves_a_lease(delivery, meanwhile, monkeypatch) -> None:
    """The outcome is unknown then, as it was with a transaction for each: the lease ends, and it is sent again."""

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    meanwhile(lambda: None)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(settling, "try_record", killed)
        deliver(delivery.conversation_id)
    assert state(delivery) == ("sending", 0, [], 0)
    assert delivery.claim is not None
