"""A platform that answers slowly: of messages that were leased together the last ones are sent long after their lease began.
No call begins that the lease may not outlive, and what has happened while a message waited counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import HttpAnswer
from channels_app.http.client import HttpClient
from channels_app.models import Channel
from conversations.models import Conversation, Identity, Message
from messaging import deliver
from messaging.accept import accept
from messaging.consent.rules import staff_stop
from messaging.many import deliver as deliver_many
from messaging.models import Delivery, DeliveryAttempt
from messaging.rules.agent_replies import agent_reply
from messaging.sends.due import lane_head
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.storage.db import now, on_mongo
from tenants.work import crew
from tenants.work.crew import Told
from tenants.work.leases import claim

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_mongo(), reason="lanes are not leased together there"),
]
PEOPLE = [f"+1555010000{number}" for number in range(5)]
ANSWERS_IN = timedelta(seconds=16)  # the platform


class Platform:
    """Takes messages, each ANSWERS_IN; ``meanwhile``: number of a call → what happens before its answer."""

    def __init__(self, clock: Any):
        self.taken: list[str] = []
        self.meanwhile: dict[int, Callable[[], object]] = {}
        self._clock = clock

    def request(self, _: Any, method: str, url: str, *, json: Any = None, **__: Any) -> HttpAnswer:
        self.taken.append(json["to"])
        number = len(self.taken)
        self._clock.shift(ANSWERS_IN)
        self.meanwhile.pop(number, lambda: None)()
        return HttpAnswer(200, {}, answer(number))


def answer(number: int) -> bytes:
    return json.dumps({"messages": [{"id": f"wamid.OUT.{number}"}]}).encode()


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> Platform:
    time_machine.move_to(now(), tick=False)
    made = Platform(time_machine)
    monkeypatch.setattr(HttpClient, "request", lambda *given, **parts: made.request(*given, **parts))
    monkeypatch.setattr(crew, "SIDE_BY_SIDE", 1)
    return made


@pytest.fixture
def lanes(scope: Tenant, whatsapp: Channel, said: Any) -> list[Any]:
    """Of each person; in each a message waits."""
    ids = []
    for person in PEOPLE:
        conversation = accept(whatsapp, said("hello", by=person)).conversation
        agent_reply(conversation.id, None, text("Good news."))
        ids.append(conversation.id)
    Conversation.objects.update(reply_window_expires_at=now() + timedelta(hours=1))
    return ids


def worked(lanes: list[Any]) -> None:
    deliver_many.lanes_deliver([Told(lane) for lane in lanes])


def states() -> set[tuple[Any, ...]]:
    return set(Delivery.objects.values_list("status", "attempts", "leases", "claim"))


def test_what_was_said_first_is_sent_first(lanes, platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order the database gives the rows."""
    read = deliver_many.HEADS.run
    monkeypatch.setattr(deliver_many, "HEADS", SimpleNamespace(run=lambda **given: read(**given)[::-1]))
    worked(lanes)
    assert platform.taken == PEOPLE


def test_what_another_worker_has_taken_over_is_not_sent_again(lanes, platform) -> None:
    platform.meanwhile[4] = lambda: deliver.deliver(lanes[4])  # 64 s: leases of 60 s have ended
    worked(lanes)
    assert sorted(platform.taken) == PEOPLE
    assert set(Delivery.objects.values_list("status", "claim")) == {("sent", None)}
    assert DeliveryAttempt.objects.count() == len(PEOPLE)


def test_a_lease_that_a_call_may_outlive_is_made_longer(lanes, platform) -> None:
    platform.meanwhile[5] = lambda: deliver.deliver(lanes[4])  # finds it leased
    worked(lanes)
    assert (platform.taken, states()) == (PEOPLE, {("sent", 1, 0, None)})


def test_who_stops_our_messages_while_one_waits_does_not_get_it(lanes, platform) -> None:
    stopped = Identity.objects.get(value=PEOPLE[3])
    platform.meanwhile[1] = lambda: staff_stop(stopped.contact_id)
    worked(lanes)
    assert platform.taken == [*PEOPLE[:3], PEOPLE[4]]
    assert Delivery.objects.get(message__identity=stopped).error_code == "contact_stopped"


def test_a_message_that_is_deleted_while_it_waits_is_not_sent(lanes, platform) -> None:
    deleted = Message.objects.filter(role="agent").get(conversation_id=lanes[2])
    platform.meanwhile[1] = lambda: Message.objects.filter(id=deleted.id).update(deleted_at=now())
    worked(lanes)
    assert platform.taken == [*PEOPLE[:2], *PEOPLE[3:]]
    assert Delivery.objects.get(message=deleted).error_code == "message_deleted"


def suspend(tenant: Tenant, status: str = "suspended") -> None:
    Tenant.objects.filter(id=tenant.id).update(status=status)
    tenant_settings.invalidate(tenant.id)


def test_what_waits_for_a_tenant_that_is_suspended_meanwhile_is_kept(lanes, platform, scope) -> None:
    platform.meanwhile[1] = lambda: suspend(scope)
    worked(lanes)
    assert platform.taken == PEOPLE[:1]
    assert states() == {("sent", 1, 0, None), ("queued", 0, 0, None)}
    suspend(scope, "active")
    Delivery.objects.update(due_at=now())
    worked(lanes)
    assert sorted(platform.taken) == PEOPLE


def test_an_answer_that_was_leased_with_it_is_kept_as_well(lanes, platform, scope) -> None:
    """Suspended between the answer's commit and its send."""
    head = lane_head(lanes[0])
    claim(head, timedelta(seconds=60))
    suspend(scope)
    assert deliver.deliver_leased(head) == 0
    assert (platform.taken, states()) == ([], {("queued", 0, 0, None)})


def test_a_process_that_stood_still_for_longer_than_its_lease_sends_nothing(lanes, platform, time_machine) -> None:
    """It wakes up between the answer's commit and its send; another worker has sent the message."""
    head = lane_head(lanes[0])
    claim(head, timedelta(seconds=60))
    time_machine.shift(timedelta(seconds=61))
    deliver.deliver(lanes[0])
    assert deliver.deliver_leased(head) == 0
    assert platform.taken == PEOPLE[:1]


def test_each_part_of_a_message_has_a_lease_that_outlives_its_call(lanes, platform, monkeypatch) -> None:
    """Eight parts take 128 s, more than two leases."""
    real = WhatsApp.render
    monkeypatch.setattr(WhatsApp, "render", lambda *given: tuple(real(*given)) * 8)
    platform.meanwhile = {number: lambda: deliver.deliver(lanes[0]) for number in range(1, 9)}
    assert deliver.deliver(lanes[0]) == 1
    assert (platform.taken, Delivery.objects.get(conversation_id=lanes[0]).parts_sent) == (PEOPLE[:1] * 8, 8)
