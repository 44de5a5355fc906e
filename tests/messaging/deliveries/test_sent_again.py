"""A message that its platform took and then told to have failed: staff replay it, and what failed goes out again, once."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Button, text
from channels_app.contract import OutcomeUnknown, SendResult, StatusUpdate, Unreachable
from channels_app.models import Channel
from conversations.models import Event
from messaging.accept import accept
from messaging.deliver import deliver, redeliver
from messaging.models import Delivery, DeliveryPart
from messaging.reports.delivery_status import status_apply
from messaging.rules.agent_replies import agent_reply
from tenants.storage.db import now

pytestmark = pytest.mark.django_db(transaction=True)
LINKS = tuple(Button(type="url", title=where, url=f"https://example.com/{where}") for where in ("here", "there"))


class Platform:
    """What it took, by the number of the part; ``plan``: errors of the next sends."""

    def __init__(self, channel: Channel, conversation_id: Any) -> None:
        self.channel, self.conversation_id = channel, conversation_id
        self.heard: list[int] = []
        self.plan: list[Exception | None] = []

    def send(self, payload: Any, config: Any, http: Any) -> SendResult:
        reference = payload.json["biz_opaque_callback_data"].partition(".")[2]
        self.heard.append(["0", "0#2", "0#3"].index(reference))
        error = self.plan.pop(0) if self.plan else None
        if error:
            raise error
        return SendResult(f"wamid.{len(self.heard)}")

    def tells(self, id: int, status: str, ref: str = "") -> None:
        status_apply(self.channel, StatusUpdate(f"wamid.{id}", status, client_ref=ref))

    def replayed(self) -> list[int]:
        """Staff replay the dead letter; the parts that the platform hears then."""
        assert redeliver(Delivery.objects.all()) == 1
        return self.sent()

    def sent(self) -> list[int]:
        Delivery.objects.update(due_at=now())
        before = len(self.heard)
        deliver(self.conversation_id)
        return self.heard[before:]


@pytest.fixture
def platform(scope, whatsapp, said, monkeypatch) -> Platform:
    """One message of three parts: its words, and a link each."""
    stored = accept(whatsapp, said("one", id="wamid.in"))
    agent_reply(stored.conversation.id, None, text("look here and there", buttons=LINKS))
    platform = Platform(whatsapp, stored.conversation.id)
    monkeypatch.setattr(WhatsApp, "send", lambda self, *given: platform.send(*given))
    return platform


def delivery() -> Delivery:
    return Delivery.objects.get()


@pytest.mark.parametrize("lost", [[0], [1], [2], [0, 2], [0, 1, 2]])
def test_the_parts_that_failed_are_sent_again_and_no_others(platform, lost) -> None:
    assert platform.sent() == [0, 1, 2]
    for part in lost:
        platform.tells(part + 1, "failed")
    assert delivery().status == "failed"

    assert platform.replayed() == lost
    assert (delivery().status, delivery().parts_again) == ("sent", [])

    ids = [4 + lost.index(part) if part in lost else part + 1 for part in (0, 1, 2)]
    for id in ids:
        platform.tells(id, "read")
    assert delivery().status == "read"


def test_a_report_of_the_time_before_says_nothing_of_the_new_one(platform) -> None:
    platform.sent()
    platform.tells(1, "failed")
    redeliver(Delivery.objects.all())
    for late in ("sent", "failed", "delivered"):
        platform.tells(1, late, ref=f"{delivery().id}.0")  # again and late, before it is sent
    assert platform.sent() == [0]
    for late in ("sent", "failed"):
        platform.tells(1, late, ref=f"{delivery().id}.0")
    assert delivery().status == "sent"


def test_what_fails_again_is_told_again_and_can_be_sent_again(platform) -> None:
    platform.sent()
    platform.tells(2, "failed")
    assert platform.replayed() == [1]
    platform.tells(4, "failed")
    assert delivery().status == "failed"
    assert platform.replayed() == [1]
    assert delivery().status == "sent"


def test_a_replay_that_is_interrupted_goes_on_where_it_was(platform) -> None:
    platform.sent()
    platform.tells(1, "failed")
    platform.tells(3, "failed")
    platform.plan = [None, Unreachable("http_503")]
    assert platform.replayed() == [0, 2]
    assert delivery().status == "queued"
    assert platform.sent() == [2]
    assert delivery().status == "sent"


def test_what_failed_before_the_rest_was_refused_is_sent_with_the_rest(platform, settings) -> None:
    settings.ENV = {**settings.ENV, "DELIVERY_MAX_ATTEMPTS": 1}
    platform.plan = [None, Unreachable("http_503")]
    assert platform.sent() == [0, 1]
    platform.tells(1, "failed")
    assert platform.replayed() == [0, 1, 2]
    assert sorted(DeliveryPart.objects.values_list("index", "status")) == [(0, "sent"), (1, "sent"), (2, "sent")]


def test_a_replay_whose_answer_was_lost_is_not_made_twice_once_it_has_arrived(platform) -> None:
    platform.sent()
    platform.tells(1, "failed")
    platform.plan = [OutcomeUnknown("timeout")]
    assert platform.replayed() == [0]
    platform.tells(99, "delivered", ref=f"{delivery().id}.0")
    assert platform.sent() == []
    assert delivery().status == "sent"


@pytest.mark.parametrize(("part", "during"), [(0, 0), (0, 1), (2, 2)])
def test_why_a_part_failed_is_kept_though_it_is_told_before_the_message_is_finished(
    platform, monkeypatch, part, during
) -> None:
    """Its report is quicker than its own answer, or than the answers of the parts behind it."""
    send = platform.send

    def told(*given: Any) -> SendResult:
        result = send(*given)
        if len(platform.heard) == during + 1:
            report = StatusUpdate(f"wamid.{part + 1}", "failed", client_ref=f"{delivery().id}.{part}", code="131026")
            status_apply(platform.channel, report)
        return result

    monkeypatch.setattr(platform, "send", told)
    platform.sent()
    assert (delivery().status, delivery().error_code) == ("failed", "131026")
    assert platform.heard == [0, 1, 2]
    failed = Event.objects.filter(type="chat.message.failed")
    assert [event.payload["code"] for event in failed] == ["131026"]
    assert platform.replayed() == [part]
