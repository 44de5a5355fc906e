"""What the owner of a channel switched off, or wants written otherwise, is so wherever it counts (CH-9)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.adapters.config import NARROWING, ChannelConfig, narrowed
from channels_app.adapters.sms import Sms
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Capabilities, Card, Content, Media, QuickReply, text
from channels_app.contract import InboundMessage, Payload, Sender, SendResult, Signal
from channels_app.models import Channel
from channels_app.registry import KINDS, adapter_for
from conversations.models import Conversation, Message
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.live import attending, push
from messaging.models import Turn
from messaging.reports.contact_signals import signal_apply
from messaging.reports.typing_marks import show_typing
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import hand_back
from messaging.turns import thinking
from tenants.errors import Conflict
from tenants.storage.db import now
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
ANA = Sender("phone", "+4915112345678")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    made: list[Any] = []

    def send(self: Any, payload: Payload, config: Any, http: Any) -> SendResult:
        made.append(payload.json or payload.form)
        return SendResult(f"out-{len(made)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    monkeypatch.setattr(Sms, "send", send)
    return made


@pytest.fixture
def ruled(whatsapp: Channel):
    """``ruled(plain_text=True)`` → the channel with that setting."""

    def rule(**settings: Any) -> Channel:
        Channel.objects.unscoped().filter(id=whatsapp.id).update(config={**whatsapp.config, **settings})
        return Channel.objects.unscoped().get(id=whatsapp.id)

    return rule


def told(channel: Channel, content: Content) -> None:
    conversation = accept(channel, InboundMessage("wamid.IN1", ANA, text("hello"))).conversation
    agent_reply(conversation.id, None, content)
    deliver(conversation.id)


REPLIES = (QuickReply(title="Red", payload="r"), QuickReply(title="Blue", payload="b"))
IMAGE = Media(url="https://cdn.example/i.png", type="image/png", alt_text="A room")


def body(words: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": words, "preview_url": "https://" in words}}


@pytest.mark.parametrize(
    ("settings", "content", "bodies"),
    [
        ({"plain_text": True}, text("**Hello** you", format="markdown"), [body("Hello you")]),
        ({"rich_replies": False}, text("Which?", quick_replies=REPLIES), [body("Which?\n\n1. Red\n2. Blue")]),
        ({"send_files": False}, Content(type="image", media=IMAGE), [body("A room\nhttps://cdn.example/i.png")]),
        ({"longest_text": 40}, text("one two three four five six seven eight nine ten"), None),
        (
            {"rich_replies": False},
            Content(type="carousel", cards=(Card(title="Red", url="https://a.de/r"),)),
            [body("Red\nhttps://a.de/r")],
        ),
    ],
    ids=["plain text", "no buttons", "no files", "short texts", "no cards"],
)
def test_what_is_written_obeys(scope, ruled, sent, settings, content, bodies) -> None:
    told(ruled(**settings), content)
    shown = [{name: one[name] for name in ("type", "text")} for one in sent]
    assert shown == (bodies or shown)
    assert all(len(one["text"]["body"]) <= settings.get("longest_text", 4096) for one in shown)
    assert len(shown) == (len(bodies) if bodies else 2)


class Engine:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    def respond(self, request: Any) -> EngineReply:
        self.asked.append(request)
        return EngineReply(contents=(text("Which?", quick_replies=REPLIES),))


def test_a_typed_number_picks_what_was_numbered_by_a_rule(scope, ruled, sent, monkeypatch) -> None:
    """The engine is told as well which of several channels it is."""
    channel, engine = ruled(rich_replies=False), Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: engine)
    for number, words in enumerate(("hello", "2")):
        accept(channel, InboundMessage(f"wamid.IN{number}", ANA, text(words)))
        Turn.objects.filter(status="waiting").update(due_at=now())
        respond(Turn.objects.latest("id").id)
    assert engine.asked[1].contents[0].choice.value == "b"
    assert (engine.asked[1].channel_id, engine.asked[1].channel_name) == (channel.id, "WhatsApp")


# ------------------------------------------------------------------------------- features


@pytest.mark.parametrize(
    ("settings", "statuses"),
    [
        ({}, [{"status": "read", "typing_indicator": {"type": "text"}}]),
        ({"show_typing": False}, [{"status": "read"}]),
        ({"show_read": False}, []),
    ],
    ids=["both", "no typing", "no read marks, which typing would set"],
)
def test_marks_are_shown_as_wanted(scope, ruled, sent, settings, statuses) -> None:
    conversation = accept(ruled(**settings), InboundMessage("wamid.IN1", ANA, text("hello"))).conversation
    show_typing(conversation.id)
    assert [{k: one[k] for k in ("status", "typing_indicator") if k in one} for one in sent] == statuses


@pytest.mark.parametrize("settings", [{}, {"show_typing": False, "show_read": False}], ids=["shown", "not shown"])
def test_visitors_see_of_staff_what_the_channel_shows(scope, monkeypatch, settings) -> None:
    web = ChannelFactory(tenant=scope, kind="web", config=settings)
    conversation = accept(web, InboundMessage("", Sender("web", "v1"), text("hello"))).conversation
    pushed: list[str] = []
    monkeypatch.setattr(attending, "push_read", lambda *_: pushed.append("read"))
    monkeypatch.setattr(attending, "push_typing", lambda *_, **__: pushed.append("typing"))
    monkeypatch.setattr(push, "push_typing", lambda *_, **__: pushed.append("typing"))
    attending.staff_read(conversation.id, 1)
    attending.staff_typing(conversation.id, None, on=True)
    assert pushed == ([] if settings else ["read", "typing"])
    conversation.refresh_from_db()
    assert conversation.agent_read_seq == 1


def test_where_no_assistant_answers_every_message_waits_for_a_human(scope, ruled) -> None:
    channel = ruled(bot_answers=False)
    conversation = accept(channel, InboundMessage("wamid.IN1", ANA, text("hello"))).conversation
    accept(channel, InboundMessage("wamid.IN2", ANA, text("anyone?")))
    conversation.refresh_from_db()
    assert (conversation.control_owner, conversation.held_by, conversation.status) == ("human", "queue", "escalated")
    assert not Turn.objects.exists()
    assert Message.objects.filter(role="system").count() == 1
    with pytest.raises(Conflict) as caught:
        hand_back(conversation.id)
    assert caught.value.code == "bot_off"


def test_a_stop_is_no_question_to_a_human(scope, ruled) -> None:
    conversation = accept(ruled(bot_answers=False), InboundMessage("wamid.IN1", ANA, text("STOP"))).conversation
    conversation.refresh_from_db()
    assert conversation.control_owner == "bot"


def test_a_thread_that_the_platforms_app_gives_back_waits_for_our_staff(scope, ruled) -> None:
    channel = ruled(bot_answers=False)
    conversation = accept(channel, InboundMessage("wamid.IN1", ANA, text("hello"))).conversation
    Conversation.objects.update(held_by="outside")
    signal_apply(channel, Signal("handed_back", ANA))
    conversation.refresh_from_db()
    assert (conversation.control_owner, conversation.held_by) == ("human", "queue")
    assert not Turn.objects.exists()


# --------------------------------------------------------------------------------- the data


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_settings_as_by_default_change_nothing(kind) -> None:
    fields = ChannelConfig.model_fields
    assert narrowed(adapter_for(kind).capabilities, {name: fields[name].default for name in NARROWING}) is (
        adapter_for(kind).capabilities
    )


@pytest.mark.parametrize("name", NARROWING)
def test_no_rule_widens_what_a_channel_can(name) -> None:
    for caps in [Capabilities(), *(adapter_for(kind).capabilities for kind in KINDS)]:
        value = {"longest_text": 100, "plain_text": True}.get(name, False)
        less = narrowed(caps, {name: value})
        assert less.types <= caps.types
        assert less.max_text <= caps.max_text
        assert (less.typing, less.read_marks) <= (caps.typing, caps.read_marks)
