"""Safety rules hold for what the assistant and staff write, too; and what is hidden can be kept for those who may see it
(MSG-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assistant.port import EngineReply
from channels_app.content.surroundings import SharedContact
from channels_app.content.types import Card, Content, ListRow, ListSection, TemplateUse, text
from channels_app.contract import Revision
from conversations.models import Conversation, Event, Message, Note, Review
from conversations.models import Revision as RevisionRow
from conversations.safety import SEALED, Hidden, analysis_shown, hidden_in, replies_hidden, reply_hidden, revealed
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.models import StaffAlert, Turn
from messaging.outbox.handlers import events_handle
from messaging.reports.revise import revision_take
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.turns import thinking
from tenants.storage.db import now
from tests.factories import UserFactory
from tests.messaging.kept import everything_stored, flagged
from tests.messaging.safety.test_safety import CARD, DIGITS, ME

pytestmark = pytest.mark.django_db(transaction=True)
sql = pytest.mark.skipif(connection.vendor == "mongodb", reason="reads all tables by SQL")


class Engine:
    """Says what the test wants it to."""

    contents: tuple[Content, ...] = (text(f"You paid with {CARD}."),)

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(self.contents, {}, "paid", 0.9, engine="test")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


def answer() -> None:
    """The person has waited long enough for more of their own words."""
    turn = Turn.objects.latest("id")
    Turn.objects.filter(id=turn.id).update(due_at=now())
    respond(turn.id)


# -------------------------------------------------------------------------- what we say


@sql
def test_what_the_assistant_says_is_hidden_before_it_is_stored_and_sent(rules, whatsapp, said, engine) -> None:
    rules(replies={"mask": ["card_number"]})
    accept(whatsapp, said("how did I pay?", id="wamid.1"))
    answer()
    reply = Message.objects.get(role="bot")
    assert reply.text == "You paid with •••• 1111."
    assert (reply.analysis["flags"], reply.analysis["masked"]) == (["card_number"], ["card_number"])
    assert Conversation.objects.get().last_message_preview == "You paid with •••• 1111."
    assert DIGITS not in everything_stored()
    assert flagged() == [(["card_number"], ["card_number"], "bot")]


def test_each_part_of_an_answer_is_judged_by_itself(rules, whatsapp, said, engine) -> None:
    rules(replies={"mask": ["card_number"], "review": ["email"]})
    engine.contents = (text("Look:"), text(CARD), text("ask ann@example.com"))
    accept(whatsapp, said("how did I pay?", id="wamid.1"))
    answer()
    replies = Message.objects.filter(role="bot").order_by("seq")
    assert [reply.analysis.get("flags") for reply in replies] == [None, ["card_number"], ["email"]]
    assert [reply.analysis["parts"] for reply in replies] == [3, 3, 3]
    assert [review.message.text for review in Review.objects.all()] == ["ask ann@example.com"]
    numbers = Event.objects.filter(conversation__isnull=False).order_by("seq").values_list("seq", flat=True)
    assert list(numbers) == list(range(1, len(numbers) + 1))


def test_a_proposal_for_a_human_is_hidden_too(rules, whatsapp, said, engine) -> None:
    rules(replies={"mask": ["card_number"]})
    accept(whatsapp, said("how did I pay?", id="wamid.1"), Entrance(hints={"require_human_review": True}))
    answer()
    assert "•••• 1111" in Note.objects.get().text


def test_the_tenants_own_fallback_stays_as_it_is(rules, scope, whatsapp, said, engine) -> None:
    rules(words=["sorry"], replies={"mask": ["profanity"]})
    engine.contents = (Content(type="template", template=TemplateUse(name="gone")),)
    accept(whatsapp, said("hello", id="wamid.1"))
    answer()
    assert Message.objects.get(role="bot").text.startswith("Sorry")


@sql
def test_what_staff_write_is_hidden_and_the_same_id_gives_the_same_message(rules, whatsapp, said) -> None:
    rules(words=["fool"], replies={"mask": ["card_number", "profanity"], "review": ["profanity"]})
    conversation = accept(whatsapp, said("hello", id="wamid.1")).conversation
    agent = UserFactory()
    first = agent_reply(conversation.id, agent, text(f"{CARD}, fool"), client_message_id="a-1")
    again = agent_reply(conversation.id, agent, text(f"{CARD}, fool"), client_message_id="a-1")
    assert (first.text, again.id) == ("•••• 1111, ••••", first.id)
    assert DIGITS not in everything_stored()
    assert Review.objects.get().message_id == first.id
    assert flagged() == [(["card_number", "profanity"], ["card_number", "profanity"], "agent")]


def test_without_a_rule_for_replies_what_we_say_is_not_looked_at(rules, whatsapp, said, engine) -> None:
    rules(mask=["card_number"], review=["card_number"], alert=["card_number"])
    accept(whatsapp, said("how did I pay?", id="wamid.1"))
    answer()
    assert Message.objects.get(role="bot").text == f"You paid with {CARD}."
    assert (Review.objects.count(), flagged()) == (0, [])


def test_staff_are_told_of_a_reply_in_words_of_its_own(rules, whatsapp, said) -> None:
    rules(replies={"alert": ["phone"]})
    conversation = accept(whatsapp, said("hello", id="wamid.1")).conversation
    agent_reply(conversation.id, None, text("call 0151 23456780"))
    events_handle(list(Event.objects.filter(type="chat.message.flagged")))
    alert = StaffAlert.objects.get(way="email")
    assert alert.subject == "A reply of ours broke a safety rule"
    assert "a phone number" in alert.text
    assert "23456780" not in f"{alert.text}{alert.facts}"


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (Content(type="carousel", cards=(Card(title=CARD, subtitle=CARD),)), 2),
        (Content(type="list", text=CARD, sections=(ListSection(title=CARD, rows=(ListRow(title=CARD, payload="p", description=CARD),)),)), 4),
        (Content(type="template", text=CARD, template=TemplateUse(name="paid", variables={"card": CARD})), 2),
        (Content(type="location", location={"latitude": 1, "longitude": 1, "name": CARD, "address": CARD}), 2),
    ],
    ids=["cards", "list", "template", "place"],
)  # fmt: skip
def test_every_place_of_words_of_a_reply_is_looked_at(rules, scope, content: Content, left: int) -> None:
    rules(replies={"mask": ["card_number"]})
    hidden, judged = reply_hidden(scope.id, content)
    assert repr(hidden).count("•••• 1111") == left
    assert DIGITS not in repr(hidden)
    assert judged == {"flags": ["card_number"], "masked": ["card_number"]}


def test_what_is_hidden_fits_where_the_words_stood(rules, scope) -> None:
    rules(words=["a"], mask=["email", "phone", "profanity"], replies={"mask": ["email", "phone", "profanity"]})
    full = " ".join(["a@b.co"] * 600)[:4095].rsplit(" ", 1)[0]
    [hidden], _ = replies_hidden(scope.id, [Content(type="text", text=full)])
    assert (len(hidden.text or ""), hidden.full_text) == (len(full), None)


# -------------------------------------------------------------------------- what is kept


@sql
def test_what_is_kept_is_encrypted_and_shown_to_those_who_ask(rules, whatsapp, said) -> None:
    rules(mask=["card_number", "email"], keep=["email"])
    message = accept(whatsapp, said(f"{CARD} of ann@example.com, ann@example.com", id="wamid.1")).message
    assert message.text == "•••• 1111 of •••@example.com, •••@example.com"
    assert revealed(message) == [("email", "ann@example.com")]
    stored = everything_stored()
    assert (DIGITS in stored, "ann@" in stored) == (False, False)
    assert analysis_shown(message.analysis)["kept"] is True
    assert SEALED not in analysis_shown(message.analysis)


def test_of_what_is_not_kept_nothing_is_shown(rules, whatsapp, said) -> None:
    rules(mask=["card_number"], keep=["email"])
    message = accept(whatsapp, said(CARD, id="wamid.1")).message
    assert (revealed(message), "kept" in analysis_shown(message.analysis)) == ([], False)


def test_an_edit_keeps_what_it_says_itself(rules, whatsapp, said) -> None:
    rules(mask=["email"], keep=["email"])
    accept(whatsapp, said("ann@example.com", id="wamid.1"))
    revision_take(whatsapp, Revision("edit-1", "wamid.1", ME, content=text("bob@example.com"), at=now()))
    message = Message.objects.get(role="visitor")
    assert message.analysis["masked"] == ["email"]
    assert revealed(message) == [("email", "bob@example.com")]
    assert RevisionRow.objects.get().previous["text"] == "•••@example.com"


def test_a_deleted_message_keeps_nothing(rules, whatsapp, said) -> None:
    rules(mask=["email"], keep=["email"])
    accept(whatsapp, said("ann@example.com", id="wamid.1"))
    revision_take(whatsapp, Revision("gone-1", "wamid.1", ME, content=None, at=now()))
    message = Message.objects.get(role="visitor")
    assert (message.analysis, revealed(message)) == ({}, [])


def test_hidden_comes_back_from_json() -> None:
    hidden = Hidden(("email",), "token")
    assert Hidden.of(hidden.to_json()) == hidden
    assert Hidden.of({}) == replace(hidden, kinds=(), sealed="")


# ------------------------------------------------------------------------------- costs


def test_a_message_without_a_flag_costs_no_statement_more(rules, whatsapp, said, remembered, engine) -> None:
    engine.contents = (text("hello"),)
    every = ["card_number", "iban", "national_id", "email", "phone", "profanity"]

    def journey(first: int, **chosen: Any) -> int:
        """Statements of a message and its answer, when everything is at hand."""
        rules(**chosen)
        for number in (first, first + 1):
            with CaptureQueriesContext(connection) as seen:
                accept(whatsapp, said("hello", id=f"wamid.{number}"))
                answer()
        return len(seen)

    plain = journey(1)
    assert journey(3, words=["fool"], mask=every, keep=every, alert=every, review=every, hand_over=["profanity"],
                   replies={"mask": every, "alert": every, "review": every}) == plain  # fmt: skip


def test_a_shared_contact_is_hidden_like_the_text_that_names_it(rules, scope) -> None:
    rules(mask=["phone", "email"])
    card = SharedContact(
        name="Rui", phones=("+4915123456789",), emails=("rui@example.com",), addresses=("c/o rui@example.com",)
    )
    hidden, found = hidden_in(scope.id, Content(type="text", text=card.line, contacts=(card,)))
    assert hidden.contacts == (
        SharedContact(
            name="Rui", phones=("•••• 6789",), emails=("•••@example.com",), addresses=("c/o •••@example.com",)
        ),
    )
    assert hidden.text == hidden.contacts[0].line
    assert found.kinds == ("phone", "email")
