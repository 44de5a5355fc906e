"""An engine speaks on its own, by REST: where it has the conversation, once, in order; else it is told who has (AI-11)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.contract import SendResult
from conversations.models import Conversation, Event, Identity, Message, Note
from messaging.accept import accept
from messaging.models import Delivery, Turn
from messaging.reports.typing_marks import show_unasked
from messaging.respond import respond
from messaging.rules.control import conversation_end, hand_back, take_over
from tenants import tenant_settings
from tenants.models import AuditEntry
from tenants.storage.db import now

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = {"type": "text", "text": "Still there?"}


@pytest.fixture
def calls_to(api: Any, scope: Any) -> Any:
    """``calls_to(talk, "messages", control_epoch=0, …)``: status and answer, or error."""
    client = api(scope, "engine:speak")

    def call(talk: Conversation, what: str, **body: Any) -> tuple[int, Any]:
        headers = {"HTTP_IDEMPOTENCY_KEY": body.pop("key")} if "key" in body else {}
        response = client.post(f"/api/v2/engine/conversations/{talk.id}/{what}", body, **headers)
        return response.status_code, (client.data_of if response.status_code < 400 else client.error_of)(response)

    return call


def transcript() -> list[tuple[int, str, str]]:
    return list(Message.objects.order_by("seq").values_list("seq", "role", "text"))


def answer(engine: Any) -> None:
    """The first turn is answered, as a worker would."""
    Turn.objects.update(due_at=now())
    respond(Turn.objects.order_by("id").values_list("id", flat=True)[0])
    assert len(engine.asked) == 1


def test_what_was_said_unasked_is_told_from_answers(talk, calls_to, engine, whatsapp, said) -> None:
    """A "yes" behind it answers it, and not what was asked before."""
    answer(engine)
    calls_to(talk, "messages", control_epoch=0, message_id="m1", content=HELLO)
    accept(whatsapp, said("yes", id="wamid.IN2"))
    Turn.objects.update(due_at=now())
    respond(Turn.objects.order_by("-id").values_list("id", flat=True)[0])
    history = [(entry.role, entry.text, entry.unasked) for entry in engine.asked[-1].history]
    assert history == [("visitor", "hello", False), ("bot", "the answer", False), ("bot", "Still there?", True)]


def test_what_it_says_is_a_message_of_the_bot_once_under_its_id(talk, calls_to) -> None:
    body = {"control_epoch": 0, "message_id": "m1", "content": HELLO}
    status, said = calls_to(talk, "messages", **body)
    take_over(talk.id, None)  # a repeat is answered all the same
    assert (status, calls_to(talk, "messages", **body)[1]["id"]) == (201, said["id"])
    assert transcript()[:2] == [(1, "visitor", "hello"), (2, "bot", "Still there?")]
    assert list(Delivery.objects.values_list("message_id", "status"))[0] == (uuid.UUID(said["id"]), "queued")
    sent = Event.objects.filter(type="chat.message.sent", payload__message_id=said["id"])
    assert [event.payload["role"] for event in sent] == ["bot"]
    status, error = calls_to(talk, "messages", **{**body, "content": {"type": "text", "text": "Other"}})
    assert (status, error["code"]) == (409, "message_id_conflict")


def test_the_idempotency_key_stands_in_for_an_id_and_one_of_them_there_must_be(talk, calls_to) -> None:
    for _ in range(2):
        assert calls_to(talk, "messages", control_epoch=0, content=HELLO, key="k1")[0] == 201
    assert len(transcript()) == 2
    assert calls_to(talk, "messages", control_epoch=0, content=HELLO)[1]["code"] == "message_id_missing"


def test_without_control_it_does_nothing_and_is_told_who_has_it(talk, calls_to) -> None:
    acts = [
        ("messages", {"content": HELLO, "message_id": "m"}), ("typing", {"on": True}), ("status", {"status": "completed"}),
    ]  # fmt: skip

    def refused(epoch: int) -> set[tuple[int, str, str]]:
        errors = [calls_to(talk, what, control_epoch=epoch, **body) for what, body in acts]
        return {(status, error["code"], (error["details"] or {}).get("held_by", "")) for status, error in errors}

    assert refused(3) == {(409, "control_changed", "bot")}
    take_over(talk.id, None)
    assert refused(1) == {(409, "with_human", "staff")}
    hand_back(talk.id)
    assert refused(1) == {(409, "control_changed", "bot")}
    scope_off(talk)
    assert refused(2) == {(409, "assistant_off", "")}
    conversation_end(talk.id)
    assert [calls_to(talk, what, control_epoch=3, **body)[1].get("code") for what, body in acts] == [
        "conversation_closed", "conversation_closed", None,  # it is over already
    ]  # fmt: skip
    assert Message.objects.filter(role="bot").count() == 0


def scope_off(talk: Conversation) -> None:
    talk.tenant.settings = {"features": {"assistant": False}}
    talk.tenant.save()
    tenant_settings.invalidate(talk.tenant_id)


def test_what_the_channel_or_the_person_would_not_take_is_refused_with_the_place(talk, calls_to) -> None:
    def say(content: Any = HELLO) -> tuple[str, Any]:
        error = calls_to(talk, "messages", control_epoch=0, content=content, message_id="m")[1]
        return error["code"], error["details"]

    assert say({"type": "image"})[1][0] == {
        "field": "content",
        "message": "media is required for type image",
        "code": "media_missing",
    }
    assert say({"type": "list", "text": "x", "sections": [{"rows": [{"title": "A"}]}]})[1][0] | {"message": ""} == {
        "field": "content.sections.0.rows.0.payload", "message": "", "code": "missing",
    }  # fmt: skip
    Conversation.objects.update(reply_window_expires_at=now() - timedelta(seconds=1))
    assert say()[0] == "window_closed"
    Identity.objects.update(stopped_at=now())
    assert say()[0] == "contact_stopped"


def test_another_tenants_key_and_one_that_may_not_speak_reach_nothing(talk, api, scope, other_tenant) -> None:
    body = {"control_epoch": 0, "content": HELLO, "message_id": "m"}
    url = f"/api/v2/engine/conversations/{talk.id}/messages"
    assert api(other_tenant, "engine:speak").post(url, body).status_code == 404
    assert api(scope, "messages:send", "conversations:write").post(url, body).status_code == 403
    assert len(transcript()) == 1


def test_what_it_says_while_it_thinks_stands_before_its_answer(talk, engine, calls_to) -> None:
    """Asked once: what it says itself is nothing new to answer."""
    engine.first = [
        lambda asked: calls_to(talk, "messages", control_epoch=asked.control_epoch, content=HELLO, message_id="m")
    ]
    answer(engine)
    assert Turn.objects.get().status == Turn.Status.ANSWERED
    assert (len(engine.asked), [words for _, _, words in transcript()]) == (1, ["hello", "Still there?", "the answer"])


@pytest.mark.parametrize("meanwhile", ["person", "human", "human and back", "answered"])
def test_what_others_do_beside_it_makes_the_answer_void(talk, engine, calls_to, whatsapp, said, meanwhile) -> None:
    def person(_: Any) -> None:
        accept(whatsapp, said("and more", id="wamid.IN2"))

    def human(_: Any) -> None:
        take_over(talk.id, None)

    def back(_: Any) -> None:
        take_over(talk.id, None)
        hand_back(talk.id)

    def answered(_: Any) -> None:  # by another worker
        Conversation.objects.filter(id=talk.id).update(answered_seq=1)

    engine.first = [
        lambda asked: calls_to(talk, "messages", control_epoch=asked.control_epoch, content=HELLO, message_id="m"),
        {"person": person, "human": human, "human and back": back, "answered": answered}[meanwhile],
    ]
    answer(engine)
    assert "the answer" not in [words for _, _, words in transcript()]


def test_it_asks_for_a_human_or_ends_the_conversation_once(talk, calls_to) -> None:
    for _ in range(2):
        status, now_ = calls_to(talk, "status", control_epoch=0, status="escalated", reason="no_progress")
        assert (status, now_) == (
            200, {"status": "escalated", "control_owner": "human", "held_by": "queue", "control_epoch": 1},
        )  # fmt: skip
    told = Event.objects.filter(type="chat.conversation.updated", payload__reason="no_progress")
    assert told.count() == 1
    hand_back(talk.id)
    assert calls_to(talk, "status", control_epoch=2, status="completed")[1]["status"] == "completed"
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "conversation.escalate", "conversation.end",
    ]  # fmt: skip


@pytest.mark.parametrize(("event_words", "told"), [(False, "noted"), (True, "Ritaluna is angry")])
def test_its_own_words_are_a_note_and_in_no_event_unless_words_are_wanted_there(
    talk, calls_to, scope, event_words: bool, told: str
) -> None:
    scope.settings = {"event_words": event_words}
    scope.save()
    tenant_settings.invalidate(scope.id)
    calls_to(talk, "status", control_epoch=0, status="escalated", reason="Ritaluna is angry")
    [event] = Event.objects.filter(type="chat.conversation.updated")
    assert event.payload["reason"] == told
    notes = ["The assistant says: Ritaluna is angry"]
    assert list(Note.objects.values_list("text", flat=True)) == ([] if event_words else notes)


def test_typing_goes_to_the_platform_as_often_as_it_wants(talk, calls_to, calls, monkeypatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(WhatsApp, "send", lambda self, payload, *_: sent.append(payload.json) or SendResult("x"))
    Turn.objects.update(status=Turn.Status.ANSWERED)  # nothing else would show it
    assert calls_to(talk, "typing", control_epoch=0, on=True) == (200, {"again_s": 20})
    calls_to(talk, "typing", control_epoch=0, on=True)  # too soon to be handed on
    assert calls.of("show_unasked") == [talk.id]
    show_unasked(talk.id)
    assert sent[0]["typing_indicator"] == {"type": "text"}
    take_over(talk.id, None)
    show_unasked(talk.id)
    assert len(sent) == 1
