"""Engines are asked aside: for proposals, comparisons and turns of the past. Nothing comes of it (AI-10)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant import engines
from assistant.evaluations.run import ASIDE
from assistant.intents.common import COMMON
from assistant.port import EngineError, EngineReply, Source
from assistant.tools.confirming import MEMORY
from channels_app.content.types import text
from conversations.models import Conversation, Event, Message
from conversations.safety import WHY
from conversations.summary import CARRY_ON, summary_of
from messaging.models import Delivery, Turn
from tests.factories import ChannelFactory, ConversationFactory, IdentityFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = Source("article", "7", "Returns", "https://shop.example/returns", 0.9)


class Engine:
    name = "test"

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.reply = EngineReply(contents=(text("Within 30 days."),), intent="returns", sources=(PAGE,), engine="test")
        self.error: Exception | None = None

    def respond(self, request: Any) -> EngineReply:
        self.asked.append(request)
        if self.error:
            raise self.error
        return self.reply


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(engines, "engine_for", lambda settings: made)
    return made


def words(of: Conversation, role: str, said: str, **facts: Any) -> Message:
    direction = "inbound" if role == "visitor" else "outbound"
    return MessageFactory(
        tenant=of.tenant, conversation=of, role=role, direction=direction, text=said,
        content={"type": "text", "text": said}, **facts,
    )  # fmt: skip


@pytest.fixture
def talk(scope) -> Conversation:
    channel = ChannelFactory(tenant=scope, name="Shop")
    row = ConversationFactory(tenant=scope, channel=channel, identity=IdentityFactory(tenant=scope, channel=channel))
    first = words(row, "visitor", "I want to send my boots back")
    words(row, "bot", "Which order?", reply_to=first.id, analysis={"intent": "returns"})
    words(row, "visitor", "12345")
    words(row, "agent", "Let me look.")
    words(row, "visitor", "How long do I have?")
    Conversation.objects.filter(id=row.id).update(
        last_seq=5,
        answered_seq=4,
        control_owner="human",
        context={"slots": {"order_number": "12345"}, MEMORY: {"tool": "refund", "arguments": {}}},
    )
    return Conversation.objects.get(id=row.id)


def rows() -> list[int]:
    return [model.objects.count() for model in (Message, Event, Turn, Delivery)]


def test_a_proposal_answers_what_is_open_with_what_is_known_now(talk, engine, tenant, api) -> None:
    before, client = rows(), api(tenant)
    told = client.data_of(client.post(f"/api/v2/chat/conversations/{talk.id}/proposal"))
    assert (told["text"], told["sources"][0]["title"], told["reason"]) == ("Within 30 days.", "Returns", "")
    (asked,) = engine.asked
    assert [content.text for content in asked.contents] == ["How long do I have?"]
    assert [entry.text for entry in asked.history][-1] == "Let me look."
    assert asked.context == {"slots": {"order_number": "12345"}}  # nothing that a "yes" could set off
    assert asked.hints[ASIDE] is True
    assert rows() == before


HUMAN = EngineReply(contents=(text("A colleague helps."),), intent="human", handover=True, handover_reason="requested")


def test_words_that_only_ask_for_a_human_leave_the_proposal_to_those_before(talk, engine, tenant, api) -> None:
    words(talk, "visitor", "A person please", seq=6)
    Conversation.objects.filter(id=talk.id).update(last_seq=6)
    known, engine.respond = (
        engine.respond,
        lambda request: known(request) if request.contents[-1].text != "A person please" else HUMAN,
    )
    client = api(tenant)
    told = client.data_of(client.post(f"/api/v2/chat/conversations/{talk.id}/proposal"))
    assert (told["text"], told["question"], told["reason"]) == ("Within 30 days.", "How long do I have?", "")
    (asked,) = engine.asked
    assert [entry.text for entry in asked.history][-1] == "Let me look."  # as it stood then


def test_an_engine_that_always_wants_a_human_is_asked_three_times_at_most(talk, engine, tenant, api) -> None:
    engine.reply, client = HUMAN, api(tenant)
    told = client.data_of(client.post(f"/api/v2/chat/conversations/{talk.id}/proposal"))
    assert (told["text"], told["question"], told["reason"]) == ("", "", "nothing_fits")
    asked = [[content.text for content in one.contents] for one in engine.asked]
    assert asked == [["How long do I have?"], ["12345"], ["I want to send my boots back"]]


PAID = {"input_tokens": 9, "output_tokens": 9, "cost_usd": 0.01}
WITHHELD = {"degraded": "prompt_withheld"}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (EngineReply(contents=(text("I do not know."),)), "nothing_fits"),
        (EngineReply(contents=(text("A colleague helps."),), intent="human", handover=True), "nothing_fits"),
        (EngineReply(contents=(), intent="returns"), "nothing_fits"),
        (EngineReply(contents=(text("I do not know."),), usage=PAID, why=WITHHELD), "prompt_withheld"),
        (EngineReply(contents=(text("I do not know."),), why={"degraded": "llm_denied"}), "llm_denied"),
        (EngineReply(contents=(text("Shall I do this?"),), usage=PAID, context={MEMORY: {}}), "nothing_fits"),
    ],
    ids=["does not know", "hands over", "is silent", "model was paid", "model was away", "asks to act"],
)
def test_no_proposal_where_the_assistant_has_no_answer(talk, engine, tenant, api, reply, reason: str) -> None:
    """A colleague sent "I do not know" in their own name where a model had been paid for nothing, or "Shall I do this?", to which
    the person's yes did nothing."""
    engine.reply = reply
    client = api(tenant)
    told = client.data_of(client.post(f"/api/v2/chat/conversations/{talk.id}/proposal"))
    assert (told["text"], told["sources"], told["reason"]) == ("", [], reason)


def test_what_stands_in_for_a_model_may_be_proposed(talk, engine, tenant, api) -> None:
    engine.reply = EngineReply(contents=(text("Within 30 days."),), intent="returns", why={"degraded": "llm_denied"})
    client = api(tenant)
    told = client.data_of(client.post(f"/api/v2/chat/conversations/{talk.id}/proposal"))
    assert (told["text"], told["reason"]) == ("Within 30 days.", "")


def test_an_engine_that_fails_is_told_by_its_code(talk, engine, tenant, api) -> None:
    client = api(tenant)
    where = f"/api/v2/chat/conversations/{talk.id}/proposal"
    engine.error = EngineError("engine_unreachable")
    assert client.data_of(client.post(where))["reason"] == "engine_unreachable"
    engine.error = RuntimeError("words of a person")
    assert client.data_of(client.post(where))["reason"] == "engine_crashed"


def test_a_turn_of_the_past_is_asked_as_it_stood(talk, engine, tenant, api) -> None:
    before, client = rows(), api(tenant)
    answer = Message.objects.get(seq=2)
    told = client.data_of(
        client.post(f"/api/v2/chat/messages/{answer.id}/compare", {"engines": ["current", "builtin"]})
    )
    assert [one["engine"] for one in told["answers"]] == ["current", "builtin"]
    assert told["answers"][0]["text"] == "Within 30 days."
    assert told["answers"][1]["why"]["settled"]
    (asked,) = engine.asked
    assert [content.text for content in asked.contents] == ["I want to send my boots back"]
    assert (asked.history, asked.context) == ((), {})
    assert rows() == before


def test_only_words_of_a_person_are_asked_about(talk, engine, tenant, other_tenant, api) -> None:
    client = api(tenant)
    where = f"/api/v2/chat/messages/{Message.objects.get(seq=4).id}/compare"
    refused = client.post(where, {"engines": ["current"]})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "no_words_of_a_person")
    assert client.post(where, {"engines": ["other"]}).status_code == 400
    theirs = api(other_tenant)
    assert theirs.post(where, {"engines": ["current"]}).status_code == 404
    assert theirs.post(f"/api/v2/chat/conversations/{talk.id}/proposal").status_code == 404
    Conversation.objects.update(is_open=False)
    ended = client.post(f"/api/v2/chat/conversations/{talk.id}/proposal")
    assert client.error_of(ended)["code"] == "conversation_closed"
    assert engine.asked == []


def test_a_summary_says_what_was_asked_known_and_tried(talk, tenant, other_tenant, api) -> None:
    client = api(tenant)
    where = f"/api/v2/chat/conversations/{talk.id}/summary"
    told = client.data_of(client.get(where))
    assert told["asked"] == ["I want to send my boots back", "How long do I have?"]
    assert (told["known"], told["tried"], told["waits"]) == ({"order_number": "12345"}, ["returns"], 1)
    assert told["text"].splitlines()[0] == "Asked: “I want to send my boots back” … “How long do I have?”"
    assert api(other_tenant).get(where).status_code == 404


def test_of_a_long_conversation_the_first_words_are_read_too(talk, monkeypatch) -> None:
    from conversations import summary

    monkeypatch.setattr(summary, "MOST_READ", 2)
    found = summary_of(talk)
    assert found.asked == ("I want to send my boots back", "How long do I have?")
    assert (found.messages, found.left_out) == (3, 2)


def test_a_summary_quotes_what_tells_most(scope) -> None:
    row = ConversationFactory(tenant=scope)
    for said in ("hello", "my parcel is late again", "my parcel is late", "it went to the wrong house in Leeds",
                 "my parcel is late again", "the driver was rude", "can you call me tomorrow"):  # fmt: skip
        words(row, "visitor", said)
    asked = summary_of(row).asked
    assert len(asked) == 4
    assert "hello" not in asked
    assert "it went to the wrong house in Leeds" in asked
    assert asked[-1] == "can you call me tomorrow"
    assert len(set(asked)) == 4


def test_a_summary_says_in_words_what_was_tried_and_leaves_out_what_carries_a_talk_on(scope) -> None:
    row = ConversationFactory(tenant=scope, context={"slots": {"order_number": "12345"}})
    words(row, "visitor", "Where is my parcel, order 12345? I want a human")
    for intent in ("greeting", "order_status", "human"):
        words(row, "bot", "Hello", analysis={"intent": intent})
    found = summary_of(row)
    assert found.tried == ("order_status",)
    assert found.text.splitlines()[1:] == ["Known: order number 12345", "The assistant tried: order status"]
    words(row, "bot", "Read this", analysis={WHY: {"sources": [{"title": "snake_case"}]}})
    assert summary_of(row).text.endswith("order status, “snake_case”")


def test_what_carries_a_talk_on_is_what_the_assistant_knows_untaught() -> None:
    assert set(COMMON) == CARRY_ON
