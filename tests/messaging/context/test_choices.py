"""Buttons beyond a channel's limit become a numbered list; the typed number is the choice (CH-10, MSG-5)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.adapters.sms import Sms
from channels_app.content.options import payloads_apart
from channels_app.content.types import Capabilities, Choice, Content, ListRow, ListSection, QuickReply, text
from channels_app.contract import InboundMessage, Sender, SendResult
from channels_app.models import Channel
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.models import Turn
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import hand_back
from messaging.turns import thinking
from tenants.storage.db import now
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
TITLES = ("Track order", "Return", "Invoice", "Opening hours", "Something else")
OFFER = text("What is it about?", quick_replies=[QuickReply(title=t, payload=f"go:{t}") for t in TITLES])


class Engine:
    """Offers five things, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Content, ...]] = []
        self.says: Content = OFFER

    def respond(self, request: Any) -> EngineReply:
        self.told.append(request.contents)
        return EngineReply(contents=(self.says,))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


@pytest.fixture
def texts(scope, monkeypatch) -> Channel:
    """An SMS channel; what it sends ends up in ``channel.sent``."""
    config = {"account_sid": f"AC{'0' * 32}", "from_number": "+15550100002"}
    channel = ChannelFactory(tenant=scope, kind="sms", config=config, secrets={"auth_token": "token-0123456789"})
    channel.sent = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        channel.sent.append(payload.form["Body"])
        return SendResult(f"SM{len(channel.sent)}")

    monkeypatch.setattr(Sms, "send", send)
    return channel


def says(channel: Channel, *lines: str) -> Any:
    """The person writes, and the bot answers when they have finished."""
    for line in lines:
        stored = accept(channel, InboundMessage("", Sender("phone", "+4915112345678"), text(line)))
    Turn.objects.filter(status="waiting").update(due_at=now())
    respond(Turn.objects.get(status="waiting").id)
    deliver(stored.conversation.id)
    return stored.conversation


def test_the_typed_number_is_the_choice(texts, engine) -> None:
    says(texts, "hello")
    assert texts.sent == [
        "What is it about?\n\n1. Track order\n2. Return\n3. Invoice\n4. Opening hours\n5. Something else"
    ]
    says(texts, "4")
    [picked] = engine.told[-1]
    assert picked.choice is not None
    assert (picked.choice.value, picked.text) == ("go:Opening hours", "4")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (["2."], "go:Return"),
        ([" ４） "], "go:Opening hours"),
        (["track ORDER"], "go:Track order"),
        (["hm", "3"], "go:Invoice"),
        (["6"], None),
        (["0"], None),
        (["4 pieces"], None),
    ],
    ids=["with a stop", "full width", "its title", "after a thought", "too high", "nothing", "more than a number"],
)
def test_what_counts_as_a_pick(texts, engine, typed, value) -> None:
    says(texts, "hello")
    says(texts, *typed)
    choice = engine.told[-1][-1].choice
    assert (choice and choice.value) == value


def test_a_pick_of_a_former_offer_is_not_one_of_the_last_that_has_the_same_title(texts, engine) -> None:
    """Two questions that each want a yes: the button of the first says nothing about the second."""
    engine.says = Content(type="text", text="Two?", quick_replies=(QuickReply(title="Yes", payload="yes:two"),))
    says(texts, "hello")
    former = Content(type="text", text="Yes", choice=Choice(value="yes:one", title="Yes"))
    accept(texts, InboundMessage("", Sender("phone", "+4915112345678"), former))
    says(texts, "yes")
    assert [said.choice and said.choice.value for said in engine.told[-1]] == ["yes:one", "yes:two"]


def test_an_offer_counts_until_something_else_was_said(texts, engine) -> None:
    says(texts, "hello")
    engine.says = text("How many do you want?")
    says(texts, "nothing of that")
    says(texts, "4")
    assert engine.told[-1][0].choice is None


def test_a_colleagues_question_is_no_offer(texts, engine) -> None:
    conversation = says(texts, "hello")
    accept(texts, InboundMessage("", Sender("phone", "+4915112345678"), text("a human please")))
    agent_reply(conversation.id, None, text("How many pieces?"))
    hand_back(conversation.id)
    says(texts, "4")
    assert engine.told[-1][-1].choice is None


@pytest.mark.parametrize("caps", [Capabilities(max_buttons=3, button_types=frozenset({"postback"}))], ids=["buttons"])
def test_where_nothing_is_numbered_a_number_is_a_number(scope, engine, caps) -> None:
    """On the widget the person sees buttons: "4" may be an amount."""
    web = ChannelFactory(tenant=scope, kind="web")
    says(web, "hello")
    says(web, "4")
    assert engine.told[-1][0].choice is None
    says(web, "opening hours")
    assert engine.told[-1][0].choice.value == "go:Opening hours"


def test_rows_beyond_a_list_are_numbered_too(texts, engine) -> None:
    rows = tuple(ListRow(title=f"Row {n}", payload=f"r{n}") for n in range(1, 11))
    engine.says = Content(type="list", text="Pick", sections=(ListSection(rows=rows), ListSection(rows=rows[:1])))
    says(texts, "hello")
    says(texts, "10")
    assert engine.told[-1][0].choice.value == "r10"


def test_a_pick_is_stored_as_it_was_meant_not_as_the_platform_had_to_carry_it(texts, engine) -> None:
    twice = text("?", quick_replies=(QuickReply(title="Red", payload="x"), QuickReply(title="Blue", payload="x")))
    engine.says = twice
    says(texts, "hello")
    carried = payloads_apart(["x", "x"])[1]
    picked = Content(type="quick_reply", text="Blue", choice=Choice(value=carried, title="Blue"))
    accepted = accept(texts, InboundMessage("", Sender("phone", "+4915112345678"), picked))
    assert accepted.message.content["choice"]["value"] == "x"
    assert carried != "x"
