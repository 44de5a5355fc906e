"""Events carry the facts that integrators need, and the words of people only where a tenant wants them (EVT-3, EVT-6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import text
from channels_app.contract import InboundMessage, Revision, SendResult, StatusUpdate
from channels_app.models import Channel
from conversations.event_schemas import SCHEMAS
from conversations.models import Contact, Conversation, Event, Identity, Message
from conversations.timeline import AWAITED, VERSIONS
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.deliver import deliver
from messaging.models import Delivery, DeliveryPart, Turn
from messaging.rating.taken import conversation_rate
from messaging.reports.delivery_status import status_apply
from messaging.reports.revise import revision_take
from messaging.respond import respond, turn_work, turns_replay
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.turns import thinking
from tenants.models import Tenant
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.factories import ConversationFactory, UserFactory

MIND = {
    "current_intent": "order_status",
    "conversation_stage": "open",
    "slots": {"order_number": "AC-10042"},
    "entities": {"email": "ana@example.com"},
    "user_profile": {"tier": "gold"},
    "assistant": {"turn": 1},
}


class Engine:
    name = "test"
    usage: Mapping[str, Any] = {"input_tokens": 12, "output_tokens": 3}

    def __init__(self) -> None:
        self.context: dict[str, Any] = {}
        self.broken = False

    def respond(self, request: Any) -> EngineReply:
        assert not self.broken
        return EngineReply(
            contents=(text("It left this morning."),), context=self.context or dict(request.context),
            intent="order_status", confidence=0.9, confidence_scores={"order_status": 0.9, "stock": 0.1},
            engine=self.name, model="m-1", usage=self.usage,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


@pytest.fixture
def chooses(scope: Tenant) -> Callable[..., None]:
    """``chooses(event_words=True)``: the tenant's settings."""

    def choose(**settings: Any) -> None:
        scope.settings = settings
        scope.save()
        invalidate(scope.id)

    return choose


def told(type: str) -> dict[str, Any]:
    payload: dict[str, Any] = Event.objects.filter(type=type).latest("id").payload
    return payload


def answered(channel: Channel, message: InboundMessage, **entrance: Any) -> Conversation:
    stored = accept(channel, message, Entrance(**entrance))
    Turn.objects.filter(status=Turn.Status.WAITING).update(due_at=now())
    respond(Turn.objects.latest("id").id)
    return stored.conversation


def test_every_declared_type_has_a_writer() -> None:
    assert (AWAITED, set(VERSIONS) - {type for type, _ in SCHEMAS}) == ({}, set())


def test_a_conversation_begins_with_who_where_and_what_it_has_in_mind(scope, whatsapp, said, chooses) -> None:
    chooses(event_words=True)
    accept(whatsapp, said("hello", id="wamid.1"), Entrance(device={"kind": "phone"}))
    started, session, received = (
        told(f"chat.{name}") for name in ("conversation.started", "session.started", "message.received")
    )
    assert (started["user_id"], started["channel"]) == ("+4915112345678", "whatsapp")
    assert (started["flow_id"], started["initial_context"]) == (None, {})
    assert (session["device_info"], session["user_id"], len(session["session_id"])) == (
        {"kind": "phone"}, "+4915112345678", 36,
    )  # fmt: skip
    assert received["user_id"] == "+4915112345678"


@pytest.mark.parametrize(
    ("scheme", "value", "opaque"),
    [
        ("phone", "+4915112345678", True),
        ("user", "ana@example.com", True),
        ("user", "u-1", False),
        ("psid", "66001", False),
    ],
)
def test_who_is_known_by_an_address_is_told_by_an_opaque_id(scope, whatsapp, said, scheme, value, opaque) -> None:
    answered(whatsapp, said("hello", by=value, scheme=scheme, id="wamid.1"))
    identity = str(Identity.objects.get().id)
    for type, name in (
        ("message.received", "user_id"),
        ("conversation.started", "user_id"),
        ("message.sent", "recipient"),
    ):
        assert told(f"chat.{type}")[name] == (identity if opaque else value)


def test_what_was_found_in_a_message_is_told_without_its_words(scope, whatsapp, said) -> None:
    accept(whatsapp, said("please write to ana@example.com about order AC-10042", id="wamid.1"))
    received = told("chat.message.received")
    assert received["processing_result"] == {"language": "en", "entities": ["email", "order"], "flags": []}
    assert "ana@" not in str(Event.objects.values_list("payload", flat=True))


def test_an_answer_is_told_with_its_recipient_its_intent_and_what_made_it(scope, whatsapp, said) -> None:
    answered(whatsapp, said("where is it", id="wamid.1"))
    sent, made, found = (told(f"chat.{name}") for name in ("message.sent", "response.generated", "intent.classified"))
    assert (sent["recipient"], sent["delivery_status"]) == (str(Identity.objects.get().id), "queued")
    assert sent["channel_response"] == {"code": "", "attempts": 0}
    assert (made["engine"], made["model"], made["parts"], made["usage"]) == ("test", "m-1", 1, dict(Engine.usage))
    assert (found["intent"], found["confidence"], found["alternatives"]) == ("order_status", 0.9, {"stock": 0.1})
    assert found["message_id"] == str(Message.objects.get(role="visitor").id)


def test_the_fallback_reply_is_no_answer_of_an_engine(scope, whatsapp, said, engine) -> None:
    engine.broken = True
    answered(whatsapp, said("where is it", id="wamid.1"))
    assert told("chat.message.processed")["degraded"] is True
    assert not Event.objects.filter(type__in=["chat.response.generated", "chat.intent.classified"]).exists()


@pytest.mark.parametrize(
    ("status", "code"), [("delivered", ""), ("read", ""), ("failed", "131026")], ids=["delivered", "read", "failed"]
)
def test_a_report_says_when_and_under_which_id(scope, whatsapp, said, monkeypatch, status, code) -> None:
    monkeypatch.setattr(type(whatsapp.adapter), "send", lambda self, *_: SendResult("wamid.OUT1"))
    deliver(answered(whatsapp, said("where is it", id="wamid.1")).id)
    at = now().replace(microsecond=0) - timedelta(seconds=3)
    status_apply(whatsapp, StatusUpdate("wamid.OUT1", status, at, code=code, detail="Ana has blocked you"))
    report = told(f"chat.message.{status}")
    assert (report["platform_message_id"], report["delivery_status"], report["code"]) == ("wamid.OUT1", status, code)
    assert report["channel_response"] == {"code": code, "attempts": 1}
    assert report["delivery_timestamp"].startswith(f"{at:%Y-%m-%dT%H:%M:%S}")


def test_a_dead_letter_says_what_the_platform_said(scope, whatsapp, said) -> None:
    conversation = answered(whatsapp, said("where is it", id="wamid.1"))
    Delivery.objects.update(expires_at=now())
    deliver(conversation.id)
    failed = told("chat.message.failed")
    assert (failed["delivery_status"], failed["channel_response"]) == ("failed", {"code": "expired", "attempts": 1})
    assert not DeliveryPart.objects.exists()


# ------------------------------------------------------------------------------- context


def test_a_change_of_the_context_is_told_with_what_it_was(scope, whatsapp, said, engine) -> None:
    engine.context = MIND
    answered(whatsapp, said("where is it", id="wamid.1"))
    update = told("chat.conversation.updated")
    hidden = {"slots": {"order_number": None}, "entities": {"email": None}, "user_profile": {"tier": None}}
    assert (update["trigger"], update["previous_context"]) == ("message", {})
    assert update["new_context"] == {"current_intent": "order_status", "conversation_stage": "open", **hidden}
    assert update["context_changes"] == update["new_context"]
    engine.context = {**MIND, "slots": {"order_number": "AC-2"}, "assistant": {"turn": 2}}
    answered(whatsapp, said("and this", id="wamid.2"))
    assert told("chat.conversation.updated")["context_changes"] == {"slots": {"order_number": None}}


def test_what_the_engine_learnt_is_the_persons_from_the_answer_on(scope, whatsapp, said, engine) -> None:
    engine.context = MIND
    conversation = answered(whatsapp, said("where is it", id="wamid.1"))
    conversation_end(conversation.id)
    engine.context = {}
    anew = answered(whatsapp, said("hello again", id="wamid.2"))
    assert (anew.id == conversation.id, Contact.objects.get().profile) == (False, {"tier": "gold"})


def test_what_only_the_engine_keeps_is_no_news(scope, whatsapp, said, engine) -> None:
    engine.context = {"assistant": {"turn": 1}}
    answered(whatsapp, said("where is it", id="wamid.1"))
    assert not Event.objects.filter(type="chat.conversation.updated").exists()


def test_words_are_told_where_the_tenant_wants_them(scope, whatsapp, said, engine, chooses) -> None:
    chooses(event_words=True)
    engine.context = MIND
    answered(whatsapp, said("where is it", id="wamid.1"))
    assert told("chat.message.received")["content"]["text"] == "where is it"
    assert told("chat.message.sent")["content"]["text"] == "It left this morning."
    assert told("chat.conversation.updated")["new_context"]["slots"] == {"order_number": "AC-10042"}


def test_words_that_were_deleted_are_in_no_event(scope, whatsapp, said, chooses) -> None:
    chooses(event_words=True)
    message = said("my secret", id="wamid.1")
    accept(whatsapp, message)
    revision_take(whatsapp, Revision("wamid.2", "wamid.1", message.sender))
    assert "my secret" not in str(list(Event.objects.values_list("payload", flat=True)))
    assert Event.objects.filter(type="chat.message.received").exists()


# ---------------------------------------------------------------------------------- ends


def test_an_end_says_how_long_how_much_and_how_well(scope) -> None:
    conversation = ConversationFactory(
        tenant=scope, created_at=now() - timedelta(minutes=5), message_count=7, satisfaction=4
    )
    conversation_end(conversation.id)
    ended = told("chat.conversation.ended")
    assert 300 <= ended["duration_seconds"] < 310
    assert (ended["status"], ended["satisfaction"]) == ("completed", 4)
    assert ended["message_count"] == Conversation.objects.get().message_count == 8


def test_a_rating_after_the_end_is_told_once(scope) -> None:
    conversation = ConversationFactory(tenant=scope)
    conversation_end(conversation.id)
    conversation_rate(conversation.id, 5)
    conversation_rate(conversation.id, 5)
    [rated] = Event.objects.filter(type="chat.conversation.updated")
    assert (rated.payload["trigger"], rated.payload["satisfaction"]) == ("rated", 5)
    assert Conversation.objects.get().satisfaction == 5


def test_changes_of_control_say_what_made_them(scope) -> None:
    conversation = ConversationFactory(tenant=scope)
    take_over(conversation.id, UserFactory())
    hand_back(conversation.id)
    triggers = [event.payload["trigger"] for event in Event.objects.filter(type="chat.conversation.updated")]
    assert triggers == ["agent", "hand_back"]


# ------------------------------------------------------------------------------- in error


def given_up(channel: Channel, said: Callable[..., InboundMessage]) -> Conversation:
    conversation = accept(channel, said("where is it", id="wamid.1")).conversation
    turn = Turn.objects.select_related("conversation").get()
    turn.leases = 1000
    turn_work(turn)
    return Conversation.objects.get(id=conversation.id)


def test_a_conversation_that_could_not_be_answered_is_in_error(scope, whatsapp, said) -> None:
    conversation = given_up(whatsapp, said)
    update = told("chat.conversation.updated")
    assert (conversation.status, conversation.is_open, conversation.waiting_since is None) == ("error", True, False)
    assert (update["status"], update["trigger"], update["reason"]) == ("error", "failed", "worker_lost")


def test_an_answer_ends_the_error(scope, whatsapp, said) -> None:
    given_up(whatsapp, said)
    turns_replay(Turn.objects.all())
    respond(Turn.objects.get().id)
    assert (Conversation.objects.get().status, told("chat.conversation.updated")["trigger"]) == ("active", "recovered")


def test_an_error_that_no_human_looks_at_ends_as_one(scope, whatsapp, said) -> None:
    conversation_end(given_up(whatsapp, said).id, reason="idle")
    assert (Conversation.objects.get().status, told("chat.conversation.ended")["status"]) == ("error", "error")


def test_a_human_who_has_taken_over_has_no_error(scope, whatsapp, said) -> None:
    conversation = accept(whatsapp, said("where is it", id="wamid.1")).conversation
    turn = Turn.objects.select_related("conversation").get()
    take_over(conversation.id, UserFactory())
    Turn.objects.update(status=Turn.Status.RUNNING, claim=turn.claim)
    turn.leases = 1000
    turn_work(turn)
    assert Conversation.objects.get().status == "escalated"
