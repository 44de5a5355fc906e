"""Rows of one lane that wait together are worked on together: one look, one transaction, one call for what follows; and
whatever is wrong with one of them harms no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from assistant.port import EngineReply
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import RawRequest, Rejected, SendResult
from channels_app.models import Channel
from chatsvc.processes.crews import Crews
from conversations.models import Conversation, Event, Message, Review
from messaging import receive, respond, tasks, wake
from messaging.many import respond as many_respond
from messaging.models import Delivery, DeliveryAttempt, DeliveryPart, InboundEvent, Turn
from messaging.receipts import together as at_once
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import take_over
from messaging.tasks import RowWork
from messaging.turns import thinking
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.storage.db import new_id, now, on_mongo
from tenants.work.crew import Lane, Told
from tests.factories import UserFactory
from tests.messaging.journey.test_stages import counted
from tests.messaging.receipts.test_receipt_lanes import words, wrote

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("remembered"),
    pytest.mark.skipif(on_mongo(), reason="one by one there"),
]
REAL_CALL = wake._call
PEOPLE = [f"1555010000{number}" for number in range(5)]


class Engine:
    name, instant = "test", True

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text(f"Gladly: {request.contents[-1].text}"),), engine=self.name)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the platform was given, by whom."""
    taken: list[str] = []

    def send(self: Any, payload: Any, *_: Any) -> SendResult:
        if "refused" in payload.json["text"]["body"]:
            raise Rejected("131000", "Refused.")
        taken.append(payload.json["to"].strip("+"))
        return SendResult(f"wamid.OUT.{payload.json['to']}.{len(taken)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    monkeypatch.setattr(thinking, "engine_for", lambda _: Engine())
    return taken


@pytest.fixture
def called(tenant: Any, whatsapp: Channel) -> Callable[..., tuple[int, int]]:
    """``called(task, ids)``: one call that names them all; statements and commits."""

    def call(task: Any, ids: list[Any]) -> tuple[int, int]:
        first, *others = map(str, ids)
        task.push_request(headers=wake.headers_of(Lane(tenant.id, whatsapp.id), None, [(one, {}) for one in others]))
        try:
            return counted(lambda: task.run(first))
        finally:
            task.pop_request()

    return call


@pytest.fixture
def known(scope: Any, whatsapp: Channel, called: Any, calls: Any) -> None:
    """Everybody has been answered once; the tenant and the channel are remembered."""
    called(tasks.parse, [wrote(whatsapp, (person, "hello")).id for person in PEOPLE])
    Conversation.objects.update(reply_window_expires_at=now() + timedelta(hours=1))  # the messages are of old
    turns_due()
    called(tasks.respond, list(Turn.objects.values_list("id", flat=True)))
    called(tasks.deliver, list(Conversation.objects.values_list("id", flat=True)))


def turns_due() -> list[Any]:
    open_ones = Turn.objects.filter(status=Turn.Status.WAITING)
    open_ones.update(due_at=now())
    return list(open_ones.order_by("id").values_list("id", flat=True))


def receipts(whatsapp: Channel) -> list[Any]:
    return [wrote(whatsapp, (person, f"I am {person}")).id for person in PEOPLE]


def test_messages_of_many_people_cost_one_transaction_a_stage(known, whatsapp, called, sent) -> None:
    del sent[:]
    people = len(PEOPLE)
    assert called(tasks.parse, receipts(whatsapp)) == (6 + 2 * people, 1)
    assert called(tasks.respond, turns_due()) == (4 + 3 * people, 1)
    assert called(tasks.deliver, list(Conversation.objects.values_list("id", flat=True))) == (6, 2)
    assert sorted(sent) == PEOPLE
    assert [words(person) for person in PEOPLE] == [["hello", f"I am {person}"] for person in PEOPLE]
    assert set(InboundEvent.objects.values_list("status", "leases", "claim")) == {("processed", 0, None)}
    assert set(Turn.objects.values_list("status", "outcome")) == {("answered", "replied")}
    assert set(Delivery.objects.values_list("status", "parts_sent", "claim", "leases")) == {("sent", 1, None, 0)}
    assert DeliveryPart.objects.count() == DeliveryAttempt.objects.count() == 2 * people
    for talk in Conversation.objects.all():
        assert list(talk.messages.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4]
        numbers = list(Event.objects.filter(conversation=talk).order_by("seq").values_list("seq", flat=True))
        assert numbers == list(range(1, talk.event_seq + 1))


def test_one_call_names_all_that_follows(known, whatsapp, called, monkeypatch) -> None:
    ids, made = receipts(whatsapp), Counter[tuple[str, int]]()

    def sent_off(together: Any, _: float) -> bool:
        made[together[0].task.rpartition(".")[2], len(together)] += together[0].row_id is not None
        return True

    monkeypatch.setattr(wake, "_call", REAL_CALL)
    monkeypatch.setattr(wake, "_send", sent_off)
    called(tasks.parse, ids)
    assert +made == {("respond", len(PEOPLE)): 1, ("show_typing", len(PEOPLE)): 1}


def test_one_that_another_worker_has_is_left_to_it_and_the_others_are_stored(known, whatsapp, called) -> None:
    ids = receipts(whatsapp)
    InboundEvent.objects.filter(id=ids[1]).update(claim=new_id(), leases=1, due_at=now() + timedelta(minutes=1))
    called(tasks.parse, ids)
    assert [len(words(person)) for person in PEOPLE] == [2, 1, 2, 2, 2]
    assert InboundEvent.objects.get(id=ids[1]).status == "received"


def test_one_that_another_worker_takes_meanwhile_is_stored_once(known, whatsapp, called, monkeypatch) -> None:
    """The transaction of all is undone, and each goes by itself."""
    ids, real, taken = receipts(whatsapp), at_once.accept_many, []

    def taken_meanwhile(*given: Any, **how: Any) -> Any:
        later = now() + timedelta(minutes=1)
        taken.append(InboundEvent.objects.filter(id=ids[2]).update(claim=new_id(), leases=1, due_at=later))
        return real(*given, **how)

    monkeypatch.setattr(at_once, "accept_many", taken_meanwhile)
    called(tasks.parse, ids)
    assert taken == [1]
    assert [len(words(person)) for person in PEOPLE] == [2, 2, 1, 2, 2]
    assert InboundEvent.objects.get(id=ids[2]).status == "received"


def test_two_receipts_of_one_person_are_stored_in_their_order(known, whatsapp, called) -> None:
    ids = receipts(whatsapp)
    second = wrote(whatsapp, (PEOPLE[0], "and again"))
    called(tasks.parse, [second.id, *ids])
    assert words(PEOPLE[0]) == ["hello", f"I am {PEOPLE[0]}", "and again"]
    assert set(InboundEvent.objects.values_list("status", flat=True)) == {"processed"}


def test_a_turn_that_a_human_has_taken_is_void_and_the_others_are_answered(known, whatsapp, called) -> None:
    called(tasks.parse, receipts(whatsapp))
    talk = Conversation.objects.order_by("id")[2]
    take_over(talk.id, UserFactory())
    called(tasks.respond, turns_due())
    answered = Turn.objects.filter(status=Turn.Status.ANSWERED).values_list("conversation_id", flat=True)
    assert sorted(answered)[-1] and list(answered).count(talk.id) == 1
    assert Turn.objects.filter(status=Turn.Status.ANSWERED).count() == 2 * len(PEOPLE) - 1


def test_a_message_that_joins_while_the_engine_thinks_is_answered_too(known, whatsapp, called, monkeypatch) -> None:
    called(tasks.parse, receipts(whatsapp))
    real, joined = many_respond.asked_of, []

    def asked(turn: Any) -> Any:
        found = real(turn)
        if not joined:
            joined.append(wrote(whatsapp, (PEOPLE[3], "and then?")))
            called(tasks.parse, [joined[0].id])
        return found

    monkeypatch.setattr(many_respond, "asked_of", asked)
    called(tasks.respond, turns_due())
    called(tasks.respond, turns_due() or [new_id()])
    for talk in Conversation.objects.all():
        assert talk.answered_seq == talk.messages.filter(role="visitor").order_by("-seq")[0].seq
    assert Message.objects.filter(role="bot").count() == 2 * len(PEOPLE)


def test_one_that_the_platform_refuses_is_a_dead_letter_and_the_others_are_sent(known, called, sent) -> None:
    del sent[:]
    talks = list(Conversation.objects.order_by("id"))
    for number, talk in enumerate(talks):
        take_over(talk.id, UserFactory())
        agent_reply(talk.id, None, text("refused" if number == 1 else "gladly"))
        agent_reply(talk.id, None, text("and more"))
    called(tasks.deliver, [talk.id for talk in talks])
    assert len(sent) == 2 * len(talks) - 1
    states = list(Delivery.objects.filter(conversation=talks[1]).order_by("seq").values_list("status", flat=True))
    assert states == ["sent", "failed", "sent"]
    assert Delivery.objects.exclude(conversation=talks[1]).exclude(status="sent").count() == 0


def test_a_lane_that_another_worker_has_is_left_to_it(known, called, sent) -> None:
    del sent[:]
    talks = list(Conversation.objects.order_by("id"))
    for talk in talks:
        take_over(talk.id, UserFactory())
        agent_reply(talk.id, None, text("gladly"))
    Delivery.objects.filter(conversation=talks[0], status="queued").update(
        claim=new_id(), status="sending", due_at=now() + timedelta(minutes=1)
    )
    called(tasks.deliver, [talk.id for talk in talks])
    assert len(sent) == len(talks) - 1
    assert Delivery.objects.filter(status="sending").count() == 1


def test_nothing_is_kept_of_requests_where_personal_data_is_hidden(known, whatsapp, called) -> None:
    Tenant.objects.filter(id=whatsapp.tenant_id).update(settings={"safety": {"mask": ["email"]}})
    tenant_settings.invalidate(whatsapp.tenant_id)
    ids = receipts(whatsapp)
    called(tasks.parse, ids)
    kept = InboundEvent.objects.filter(id__in=ids)
    assert {receipt.status for receipt in kept} == {"processed"}
    assert all(RawRequest.from_stored(receipt.request).is_erased for receipt in kept)


def test_every_row_of_a_call_is_logged_as_its_own(scope, whatsapp, monkeypatch) -> None:
    """By a worker's threads as well: the call's headers carry the trail of each."""
    crews, lane, made, seen = Crews(["inbound"], 2), Lane(scope.id, whatsapp.id), list[Any](), dict[str, str]()

    def noting(told: Any) -> Any:
        for one in told:
            seen[str(one.row_id)] = one.context.run(lambda: structlog.contextvars.get_contextvars()["correlation_id"])
        return receive.receipts_take(told)

    ids = receipts(whatsapp)
    monkeypatch.setattr(wake, "_call", REAL_CALL)
    monkeypatch.setattr(wake, "_send", lambda together, _: bool(made.append(together) or 1))
    with wake.gathered():
        for number, row in enumerate(ids):
            with structlog.contextvars.bound_contextvars(correlation_id=f"request {number}"):
                wake.parse(row, lane=lane)
    [together] = made
    works = [RowWork(scope.id, receive.receipt_process, Told(one.row_id), noting, one.trail()) for one in together]
    assert crews.share_all("messaging.tasks.parse", lane, works)
    assert crews.stop(10)
    assert seen == {str(row): f"request {number}" for number, row in enumerate(ids)}


def test_every_turn_is_logged_with_its_own_message(known, whatsapp, called, monkeypatch) -> None:
    done: dict[str, str] = {}

    def noting(event: str, **facts: Any) -> None:
        known = structlog.contextvars.get_contextvars()
        done[known["conversation_id"]] = known["message_id"]

    called(tasks.parse, receipts(whatsapp))
    monkeypatch.setattr(respond, "log", SimpleNamespace(debug=noting))
    called(tasks.respond, turns_due())
    assert done == {str(talk.id): str(talk.messages.get(seq=3).id) for talk in Conversation.objects.all()}


def test_safety_rules_hold_for_what_is_worked_on_together(known, whatsapp, called) -> None:
    rules = {
        "mask": ["card_number"],
        "review": ["card_number"],
        "replies": {"review": ["profanity"]},
        "words": ["gladly"],
    }
    Tenant.objects.filter(id=whatsapp.tenant_id).update(settings={"safety": rules})
    tenant_settings.invalidate(whatsapp.tenant_id)
    said = [wrote(whatsapp, (person, f"I am {person}, 4111 1111 1111 1111")).id for person in PEOPLE]
    called(tasks.parse, said)
    called(tasks.respond, turns_due())
    assert [words(person)[-1] for person in PEOPLE] == [f"I am {person}, •••• 1111" for person in PEOPLE]
    replies = Message.objects.filter(role="bot", text__contains="•••• 1111")
    assert [reply.analysis["flags"] for reply in replies] == [["profanity"]] * len(PEOPLE)
    assert Review.objects.filter(message__role="visitor").count() == len(PEOPLE)
    assert Review.objects.filter(message__role="bot").count() == len(PEOPLE)
    for talk in Conversation.objects.all():
        numbers = list(Event.objects.filter(conversation=talk).order_by("seq").values_list("seq", flat=True))
        assert numbers == list(range(1, talk.event_seq + 1))
