"""An answer that stands alone is sent by the worker that wrote it: the delivery is leased in the answer's transaction. What
keeps it from being sent at once leaves it to the workers of the lanes, and a worker that ends in between loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import SendResult, Throttled
from channels_app.health import health_forget
from channels_app.models import Channel, ChannelHealth
from chatsvc.processes.crews import Crews
from conversations.models import Conversation
from messaging import deliver, sweep, tasks, wake
from messaging.many import respond as respond_many
from messaging.models import Delivery, DeliveryAttempt, Turn
from messaging.shutdown import stopping
from messaging.turns import thinking
from tenants.storage.db import now
from tenants.work import crew
from tenants.work.crew import Lane
from tests.messaging.receipts.test_receipt_lanes import wrote

pytestmark = pytest.mark.django_db(transaction=True)
ANA = "15550100001"


class Engine:
    name, instant = "test", True

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(
            contents=tuple(text(said) for said in request.contents[-1].text.split("|")), engine=self.name
        )


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that the platform was given."""
    taken: list[str] = []

    def send(self: Any, payload: Any, *_: Any) -> SendResult:
        taken.append(payload.json["text"]["body"])
        return SendResult(f"wamid.OUT.{len(taken)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    monkeypatch.setattr(thinking, "engine_for", lambda _: Engine())
    return taken


@pytest.fixture
def answer(scope: Any, whatsapp: Channel) -> Callable[[str], Any]:
    """``answer("words")``: Ana writes them, and a worker answers."""
    lane = Lane(scope.id, whatsapp.id)

    def told(task: Any, row_id: Any) -> None:
        task.push_request(headers=wake.headers_of(lane))
        try:
            task.run(str(row_id))
        finally:
            task.pop_request()

    def answered(said: str) -> Any:
        told(tasks.parse, wrote(whatsapp, (ANA, said)).id)
        Conversation.objects.update(reply_window_expires_at=now() + timedelta(hours=1))  # the messages are of old
        turn = Turn.objects.filter(status=Turn.Status.WAITING).order_by("-id")[0]
        Turn.objects.filter(id=turn.id).update(due_at=now())
        told(tasks.respond, turn.id)
        return Turn.objects.get(id=turn.id)

    return answered


def rows() -> list[tuple[Any, ...]]:
    return list(Delivery.objects.order_by("seq").values_list("status", "attempts", "leases", "claim"))


SENT, WAITS = ("sent", 1, 0, None), ("queued", 0, 0, None)


def test_it_leaves_at_once_and_no_other_worker_is_called(answer, sent, calls) -> None:
    assert answer("Hello").status == Turn.Status.ANSWERED
    assert (sent, rows(), calls.of("deliver")) == (["Hello"], [SENT], [])
    assert list(DeliveryAttempt.objects.values_list("number", "outcome")) == [(1, "accepted")]


def test_what_is_said_behind_it_follows_in_its_order(answer, sent) -> None:
    answer("One|Two|Three")
    assert (sent, rows()) == (["One", "Two", "Three"], [SENT] * 3)


def test_a_process_that_does_not_send_calls_one_that_does(answer, sent, calls, monkeypatch) -> None:
    monkeypatch.setattr(respond_many, "sends_here", lambda _: False)
    turn = answer("Hello")
    assert (sent, rows(), calls.of("deliver")) == ([], [WAITS], [turn.conversation_id])


def test_those_who_answer_wait_for_no_platform_that_is_slow(monkeypatch) -> None:
    """Its lane's threads would be missing for the answers of others."""
    slow, quick, go = Lane("tenant", "slow"), Lane("tenant", "quick"), threading.Event()
    monkeypatch.setattr(crew, "SLOW_S", 0.0)
    monkeypatch.setattr(respond_many, "sends_here", respond_many.sends_here)
    both, alone = Crews(["respond", "deliver"], 2), Crews(["respond"], 2)
    both.start()
    assert respond_many.sends_here(slow)
    assert both.share("messaging.tasks.deliver", slow, "a conversation", lambda: go.wait(5))
    assert (respond_many.sends_here(slow), respond_many.sends_here(quick)) == (False, True)
    go.set()
    alone.start()
    assert not respond_many.sends_here(quick)
    assert both.stop(5)
    assert alone.stop(5)


def test_what_was_said_before_goes_first(answer, sent, calls, monkeypatch) -> None:
    monkeypatch.setattr(respond_many, "sends_here", lambda _: False)
    turn = answer("First")
    monkeypatch.undo()
    monkeypatch.setattr(thinking, "engine_for", lambda _: Engine())
    monkeypatch.setattr(wake, "_call", calls)
    answer("Second")
    assert (sent, rows()) == ([], [WAITS, WAITS])
    monkeypatch.setattr(
        WhatsApp, "send", lambda self, payload, *_: sent.append(payload.json["text"]["body"]) or SendResult("o")
    )
    deliver.deliver(turn.conversation_id)
    assert sent == ["First", "Second"]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """``meanwhile(act)``: it happens while the engine thinks."""

    def set_up(act: Callable[[], object]) -> None:
        real = Engine.respond
        monkeypatch.setattr(Engine, "respond", lambda engine, request: (act(), real(engine, request))[1])

    return set_up


def test_a_channel_that_rests_is_waited_for_without_a_try(answer, sent, calls, whatsapp, meanwhile) -> None:
    until = now() + timedelta(minutes=5)

    def hold() -> None:
        ChannelHealth.objects.update_or_create(channel=whatsapp, defaults={"held_until": until})
        health_forget(whatsapp.id)

    meanwhile(hold)
    turn = answer("Hello")
    assert (sent, rows(), calls.of("deliver")) == ([], [WAITS], [turn.conversation_id])
    assert Delivery.objects.get().due_at == until


def test_a_worker_that_is_to_end_leaves_it_to_the_next(answer, sent, calls, meanwhile) -> None:
    meanwhile(stopping.set)
    try:
        turn = answer("Hello")
    finally:
        stopping.clear()
    assert (sent, rows(), calls.of("deliver")) == ([], [WAITS], [turn.conversation_id])
    assert deliver.deliver(turn.conversation_id) == 1
    assert sent == ["Hello"]


def test_a_refusal_is_a_try_and_waits_for_the_next_one(answer, sent, calls, monkeypatch) -> None:
    def refused(*_: Any) -> SendResult:
        raise Throttled("130429", "Slow down.", retry_after=7.0)

    monkeypatch.setattr(WhatsApp, "send", refused)
    turn = answer("Hello")
    assert rows() == [("queued", 1, 0, None)]
    assert [round(delay) for name, row, delay in calls.all if (name, row) == ("deliver", turn.conversation_id)] == [7]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("after", [False, True], ids=["before-the-call", "after-the-call"])
def test_a_worker_that_is_killed_with_it_in_hand_is_followed_by_another(
    answer, sent, calls, monkeypatch, after
) -> None:
    """Nothing is lost; and no second worker sends it while the first may live."""
    name = "settle_try" if after else "send_try"
    real = getattr(deliver, name)

    def killed(_: Any) -> None:
        raise Killed

    monkeypatch.setattr(deliver, name, killed)
    with pytest.raises(Killed):
        answer("Hello")
    monkeypatch.setattr(deliver, name, real)
    [(status, attempts, leases, claim)] = rows()
    assert (status, attempts, leases) == ("sending", 1, 1)
    assert claim is not None
    conversation_id = Delivery.objects.get().conversation_id
    assert deliver.deliver(conversation_id) == 0
    assert len(sent) == after
    Delivery.objects.update(due_at=now() - timedelta(seconds=5))  # the lease has ended
    calls.all.clear()
    sweep.sweep()
    assert calls.of("deliver") == [conversation_id]
    assert deliver.deliver(conversation_id) == 1
    assert sent == ["Hello"] * (1 + after)  # as ever: what was unknown is sent again
    assert rows() == [("sent", 2, 0, None)]
