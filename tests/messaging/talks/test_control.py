"""Who is in control: every change goes through one door, is told once, and loses no words."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from assistant.port import EngineReply, Person
from channels_app.content.surroundings import Quote
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender, Signal
from channels_app.models import Channel
from conversations.models import Conversation, Event, Message, Note
from messaging import respond as respond_module
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.models import Turn
from messaging.reports.contact_signals import signal_apply
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.turns import request, thinking
from tenants.errors import Conflict
from tenants.storage.db import now
from tests.factories import ChannelFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

UPDATED = "chat.conversation.updated"


class Engine:
    """Answers each turn with the words that it was asked; may hand over, or do something first."""

    name = "test"

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.handover = False

    def respond(self, request: Any) -> EngineReply:
        self.asked.append(request)
        return EngineReply(
            contents=(text("re: " + " + ".join(str(c.text) for c in request.contents)),), context={}, intent="",
            confidence=1.0, engine="test", handover=self.handover, handover_reason="asked" if self.handover else "",
        )  # fmt: skip


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


def answer_all() -> None:
    """Every turn that waits is answered, as workers would."""
    Turn.objects.filter(status__in=Turn.OPEN).update(due_at=now())
    for turn in Turn.objects.filter(status__in=Turn.OPEN):
        respond(turn.id)


def story() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("seq").values_list("role", "text"))


def updates() -> list[Any]:
    return [event.payload for event in Event.objects.filter(type=UPDATED).order_by("seq")]


def talk() -> Conversation:
    return Conversation.objects.get()


def dense() -> bool:
    """Neither transcript nor timeline has a gap."""
    seqs = list(Event.objects.order_by("seq").values_list("seq", flat=True))
    entries = list(Message.objects.order_by("seq").values_list("seq", flat=True))
    return seqs == list(range(1, talk().event_seq + 1)) and entries == list(range(1, talk().last_seq + 1))


# ---------------------------------------------------------------------- asked for by a hint

BYPASS = {"bypass_automation": True}


def test_bypass_is_told_once_and_makes_the_running_answer_void(scope, web, said, engine) -> None:
    accept(web, said("one"), Entrance(client_message_id="c1"))
    running = respond_module.turn_claim(Turn.objects.get().id)
    accept(web, said("a human please"), Entrance(client_message_id="c2", hints=BYPASS))
    accept(web, said("hello?"), Entrance(client_message_id="c3", hints=BYPASS))
    assert respond_module.answer(running).outcome == "human"
    assert story() == [
        ("visitor", "one"),
        ("visitor", "a human please"),
        ("system", "A colleague will be with you as soon as possible."),
        ("visitor", "hello?"),
    ]
    assert [(told["control_owner"], told["status"], told["reason"]) for told in updates()] == [
        ("human", "escalated", "bypass_automation")
    ]
    assert (talk().control_epoch, talk().held_by, talk().waiting_since is not None) == (1, "queue", True)
    assert not Turn.objects.filter(status__in=Turn.OPEN).exists()
    assert dense()


def test_bypass_with_the_first_message_too(scope, web, said) -> None:
    accept(web, said("a human please"), Entrance(client_message_id="c1", hints=BYPASS))
    assert [role for role, _ in story()] == ["visitor", "system"]
    assert list(Event.objects.order_by("seq").values_list("type", flat=True)) == [
        "chat.conversation.started", "chat.session.started", "chat.message.received", UPDATED, "chat.message.sent",
    ]  # fmt: skip
    assert dense()


def test_what_was_handed_over_is_answered_when_it_is_handed_back(scope, web, said, engine) -> None:
    accept(web, said("a human please"), Entrance(client_message_id="c1", hints=BYPASS))
    hand_back(talk().id)
    answer_all()
    assert story()[-1] == ("bot", "re: a human please")


# ------------------------------------------------------------------------------- hand-back


@pytest.fixture
def answered(scope, web, said, engine) -> Conversation:
    accept(web, said("one"))
    answer_all()
    return talk()


def test_handing_back_what_the_bot_has_changes_nothing(answered, web, said) -> None:
    accept(web, said("where is my order?"))
    before, entries, events = talk(), story(), Event.objects.count()
    assert hand_back(answered.id).repeated
    assert (story(), Event.objects.count(), talk().control_epoch) == (entries, events, before.control_epoch)
    answer_all()
    assert story()[-1] == ("bot", "re: where is my order?")


def test_what_was_asked_of_the_human_is_answered_by_the_bot(answered, web, said) -> None:
    take_over(answered.id, None)
    accept(web, said("where is my order?"))
    accept(web, said("are you there?"))
    hand_back(answered.id)
    assert talk().waiting_since is not None
    answer_all()
    assert story()[-2:] == [("system", "The assistant is back."), ("bot", "re: where is my order? + are you there?")]
    assert talk().waiting_since is None


def test_what_the_human_has_answered_is_not_asked_again(answered, web, said, engine) -> None:
    take_over(answered.id, None)
    accept(web, said("where is my order?"))
    agent_reply(answered.id, None, text("on its way"))
    hand_back(answered.id)
    answer_all()
    assert [role for role, _ in story()[-2:]] == ["agent", "system"]
    accept(web, said("thanks"))
    answer_all()
    assert story()[-1] == ("bot", "re: thanks")


def test_a_message_under_review_is_not_lost_by_handing_back(scope, web, said, engine) -> None:
    accept(web, said("refund me"), Entrance(client_message_id="c1", hints={"require_human_review": True}))
    answer_all()
    assert [told["reason"] for told in updates()] == ["review"]
    assert Note.objects.get().text.endswith("re: refund me")
    hand_back(talk().id)
    assert Turn.objects.get(status=Turn.Status.WAITING).last_seq == 1


def test_an_engines_hand_over_is_told_once(scope, web, said, engine) -> None:
    engine.handover = True
    accept(web, said("human!"))
    answer_all()
    assert [role for role, _ in story()] == ["visitor", "bot", "system"]
    assert [told["reason"] for told in updates()] == ["asked"]
    assert (talk().held_by, Turn.objects.get().status) == ("queue", "answered")
    assert dense()


# ------------------------------------------------------------------------------ take-over


def test_the_owners_own_take_over_changes_nothing(answered) -> None:
    ana = UserFactory()
    take_over(answered.id, ana)
    entries = story()
    assert take_over(answered.id, ana).repeated
    assert take_over(answered.id, ana, expected_epoch=0).repeated
    assert story() == entries
    assert len(updates()) == 1


def test_an_agent_is_not_replaced_without_knowing(answered) -> None:
    ana, ben = UserFactory(username="ana"), UserFactory(username="ben")
    seen = take_over(answered.id, ana)
    stale = answered.control_epoch
    for blind in ({}, {"expected_epoch": stale}):
        with pytest.raises(Conflict) as refused:
            take_over(answered.id, ben, **blind)
        assert refused.value.code == "control_changed"
        assert refused.value.details["assignee"] == {"id": ana.id, "name": "ana"}
    assert talk().assignee == ana
    take_over(answered.id, ben, expected_epoch=seen.control_epoch)
    assert talk().assignee == ben
    assert [told["assignee_id"] for told in updates()] == [str(ana.id), str(ben.id)]


@pytest.mark.parametrize("act", [hand_back, conversation_end], ids=lambda act: act.__name__)
def test_acts_on_a_state_that_has_moved_on_are_refused(answered, act) -> None:
    taken = take_over(answered.id, UserFactory())
    with pytest.raises(Conflict) as refused:
        act(answered.id, expected_epoch=taken.control_epoch - 1)
    assert refused.value.code == "control_changed"
    assert (talk().is_open, talk().control_owner) == (True, "human")
    act(answered.id, expected_epoch=taken.control_epoch)


def test_an_end_is_told_once(answered) -> None:
    conversation_end(answered.id)
    again = conversation_end(answered.id, reason="idle")
    assert (again.repeated, again.status, again.ended_reason) == (True, "completed", "completed")
    assert Event.objects.filter(type="chat.conversation.ended").count() == 1


# ---------------------------------------------------------------------------- agent's words


def test_the_first_reply_assigns_who_writes_it(answered) -> None:
    ana, ben = UserFactory(), UserFactory()
    agent_reply(answered.id, ana, text("I am Ana"))
    assert (talk().assignee, talk().held_by) == (ana, "staff")
    agent_reply(answered.id, ben, text("and Ben"))
    assert talk().assignee == ana
    assert [told["assignee_id"] for told in updates()] == [str(ana.id)]


def test_a_reply_to_what_was_handed_over_assigns_too(answered, web, said) -> None:
    accept(web, said("a human please"), Entrance(client_message_id="c9", hints=BYPASS))
    agent_reply(answered.id, ana := UserFactory(), text("here I am"))
    assert (talk().assignee, talk().held_by) == (ana, "staff")


@pytest.mark.parametrize("held_by", ["queue", "outside"])
def test_a_reply_of_an_unnamed_desk_is_a_change_of_hands_as_well(answered, held_by) -> None:
    """With its event, and who takes over has to know of it."""
    Conversation.objects.update(held_by=held_by, control_owner="human", status="escalated")
    seen, told = talk().control_epoch, len(updates())
    agent_reply(answered.id, None, text("here we are"))
    agent_reply(answered.id, None, text("and we stay"))
    assert (talk().held_by, talk().control_epoch, len(updates())) == ("staff", seen + 1, told + 1)
    with pytest.raises(Conflict) as refused:
        take_over(answered.id, UserFactory(), expected_epoch=seen)
    assert refused.value.code == "control_changed"


def test_what_came_after_the_agent_had_read_goes_on_waiting(answered, web, said) -> None:
    ana = UserFactory()
    take_over(answered.id, ana)
    accept(web, said("hello"))
    seen = talk().last_seq
    newest = accept(web, said("my order never arrived and I want my money back")).message
    agent_reply(answered.id, ana, text("Have a nice day!"), seen_seq=seen, anyway=True)
    assert talk().waiting_since == newest.created_at
    assert talk().answered_seq == seen
    hand_back(answered.id)
    answer_all()
    assert story()[-1] == ("bot", "re: my order never arrived and I want my money back")


def test_the_start_of_the_waiting_stays_when_nothing_of_it_was_read(answered, web, said) -> None:
    take_over(answered.id, None)
    seen = talk().last_seq
    accept(web, said("anybody?"))
    before = talk().waiting_since
    agent_reply(answered.id, None, text("Have a nice day!"), seen_seq=seen, anyway=True)
    assert talk().waiting_since == before


def test_a_reply_to_all_there_is_ends_the_waiting(answered, web, said) -> None:
    take_over(answered.id, None)
    accept(web, said("hello"))
    agent_reply(answered.id, None, text("hi"), seen_seq=talk().last_seq)
    assert (talk().waiting_since, talk().answered_seq) == (None, talk().last_seq)


def test_the_same_id_with_other_words_is_a_conflict(answered) -> None:
    first = agent_reply(answered.id, None, text("20 euros"), client_message_id="m-1")
    again = agent_reply(answered.id, None, text("20 euros"), client_message_id="m-1")
    assert (again.id, again.repeated, first.repeated) == (first.id, True, False)
    with pytest.raises(Conflict) as refused:
        agent_reply(answered.id, None, text("200 euros"), client_message_id="m-1")
    assert refused.value.code == "message_id_conflict"
    assert Message.objects.filter(role="agent").count() == 1


def test_an_id_counts_for_its_author_and_conversation(answered, web, said) -> None:
    ana, ben = UserFactory(), UserFactory()
    agent_reply(answered.id, ana, text("20 euros"), client_message_id="m-1")
    agent_reply(answered.id, ben, text("200 euros"), client_message_id="m-1")
    conversation_end(answered.id)
    following = accept(web, said("again"), Entrance(client_message_id="m-1")).conversation
    agent_reply(following.id, ana, text("20 euros"), client_message_id="m-1")
    assert list(Message.objects.filter(role="agent").order_by("created_at", "id").values_list("text", flat=True)) == [
        "20 euros", "200 euros", "20 euros",
    ]  # fmt: skip


# -------------------------------------------------------------------------------- history


def test_the_engine_knows_what_was_said_before(answered, web, said, engine) -> None:
    def history() -> list[tuple[str, str]]:
        return [(entry.role, entry.text) for entry in engine.asked[-1].history]

    assert history() == []
    accept(web, said("two"))
    answer_all()
    assert history() == [("visitor", "one"), ("bot", "re: one")]
    take_over(answered.id, None)
    accept(web, said("three"))
    agent_reply(answered.id, None, text("I am Ana"))
    accept(web, said("four"))
    hand_back(answered.id)
    answer_all()
    assert history() == [
        ("visitor", "one"), ("bot", "re: one"), ("visitor", "two"), ("bot", "re: two"), ("visitor", "three"),
        ("agent", "I am Ana"),
    ]  # fmt: skip
    assert [content.text for content in engine.asked[-1].contents] == ["four"]


def test_a_human_who_spoke_after_the_open_question_is_in_the_history(answered, web, said, engine) -> None:
    take_over(answered.id, None)
    seen = talk().last_seq
    accept(web, said("and the price?"))
    agent_reply(answered.id, None, text("We open at nine."), seen_seq=seen, anyway=True)
    hand_back(answered.id)
    answer_all()
    assert [entry.text for entry in engine.asked[-1].history] == ["one", "re: one", "We open at nine."]
    assert [content.text for content in engine.asked[-1].contents] == ["and the price?"]


def test_the_history_has_words_for_what_is_no_text(answered, web, said, engine) -> None:
    shown = {"type": "carousel", "cards": [{"title": "Blue shoe", "subtitle": "40 EUR"}, {"title": "Red shoe"}]}
    take_over(answered.id, None)
    agent_reply(answered.id, None, Content.model_validate(shown))
    hand_back(answered.id)
    place = {"type": "location", "location": {"latitude": 52.5, "longitude": 13.4, "name": "My door"}}
    accept(web, replace(said("x"), content=Content.model_validate(place)))
    answer_all()
    accept(web, said("two"))
    answer_all()
    cards, door = engine.asked[-1].history[2].text, engine.asked[-1].history[3].text
    assert cards == "Blue shoe\n40 EUR\n\nRed shoe"
    assert door.startswith("My door\n")


def test_the_engine_knows_who_writes_and_what_it_answers(answered, web, said, engine) -> None:
    stored = accept(web, said("two"))
    answer_all()
    asked, identity = engine.asked[-1], stored.message.identity
    assert asked.person == Person(str(identity.contact_id), identity.scheme, identity.value, identity.verified)
    assert asked.message_ids == (str(stored.message.id),)
    assert asked.control_epoch == talk().control_epoch


@pytest.mark.parametrize(("age_s", "left"), [(0, (9.5, 10)), (4, (5.5, 6)), (9.5, (1, 1)), (60, (10, 10))])
def test_the_time_of_an_engine_counts_from_the_stored_message(answered, web, said, engine, age_s, left) -> None:
    stored = accept(web, said("two"))
    Message.objects.filter(id=stored.message.id).update(created_at=now() - timedelta(seconds=age_s))
    answer_all()
    assert left[0] <= engine.asked[-1].deadline_s <= left[1]


@pytest.mark.parametrize("age_s", [2, 9.5])
def test_an_engine_has_its_whole_time_after_a_worker_was_lost(answered, web, said, engine, age_s) -> None:
    stored = accept(web, said("two"))
    Message.objects.filter(id=stored.message.id).update(created_at=now() - timedelta(seconds=age_s))
    Turn.objects.filter(status__in=Turn.OPEN).update(leases=1, attempts=1, claim=uuid.uuid4())
    answer_all()
    assert engine.asked[-1].deadline_s == 10


@pytest.mark.parametrize(("loads_s", "left"), [(4, (5.5, 6)), (60, (10, 10))])
def test_a_new_process_is_ready_before_its_engine_is_asked(
    answered, web, said, engine, monkeypatch, loads_s, left
) -> None:
    """A turn whose worker was killed is taken up by a process that has loaded nothing: what it loads is not taken off the time
    that an engine gets where the promise is broken already."""
    accept(web, said("two"))
    loads = timedelta(seconds=loads_s)
    engine.prepare = lambda: monkeypatch.setattr(request, "now", lambda: now() + loads)
    answer_all()
    assert left[0] <= engine.asked[-1].deadline_s <= left[1]


def test_an_engine_is_told_of_answers_that_were_not_sent(answered, web, said, engine) -> None:
    told: list[tuple[str, str, str]] = []
    engine.refused = lambda request, code, where: told.append((request.message_ids[-1], code, where))
    stored = accept(web, said("two"))
    real = engine.respond
    engine.respond = lambda request: (take_over(answered.id, None), real(request))[1]
    answer_all()
    assert told == [(str(stored.message.id), "human", "")]
    unknown = text("x").model_copy(update={"quote": Quote(message_id=uuid.uuid4())})
    engine.respond = lambda request: EngineReply((text("a"), unknown))
    hand_back(answered.id)
    third = accept(web, said("three"))
    answer_all()
    assert told[1:] == [(str(third.message.id), "quote_unknown", "response_content[1]: quote_unknown")]


def test_no_word_of_a_long_wait_is_cut(answered, web, said, engine) -> None:
    take_over(answered.id, None)
    for number in range(30):
        accept(web, said(f"line {number}"))
    hand_back(answered.id)
    answer_all()
    assert [content.text for content in engine.asked[-1].contents] == [f"line {number}" for number in range(30)]
    assert [entry.text for entry in engine.asked[-1].history] == ["one", "re: one"]


# ------------------------------------------------------------------------ the platform's app

PERSON = Sender("psid", "6600000000000001", scope="200000000000002")


@pytest.fixture
def messenger(tenant) -> Channel:
    config = {"page_id": "200000000000002", "app_id": "111", "api_base": "http://127.0.0.1:9"}
    secrets = {"access_token": "token-0123456789", "app_secret": "twin-app-secret", "verify_token": "verify-0123456789"}
    return ChannelFactory(tenant=tenant, kind="messenger", config=config, secrets=secrets)


def write(channel: Channel, words: str, id: str) -> Conversation:
    return accept(channel, InboundMessage(platform_id=id, sender=PERSON, content=text(words))).conversation


def test_a_thread_given_back_is_the_bots_again(scope, messenger, engine) -> None:
    conversation = write(messenger, "one", "m1")
    answer_all()
    assert signal_apply(messenger, Signal("human_took_over", PERSON, "echo1")) == ""
    write(messenger, "for the colleague", "m2")
    assert signal_apply(messenger, Signal("human_took_over", PERSON, "echo2")) == ""
    write(messenger, "and for the bot", "m3")
    assert signal_apply(messenger, Signal("handed_back", PERSON)) == ""
    assert signal_apply(messenger, Signal("handed_back", PERSON)) == "repeated"
    answer_all()
    assert story()[-1] == ("bot", "re: and for the bot")
    write(messenger, "next", "m4")
    answer_all()
    assert story()[-1] == ("bot", "re: next")
    assert [told["control_owner"] for told in updates()] == ["human", "bot"]
    assert Conversation.objects.get(id=conversation.id).held_by == "bot"


@pytest.mark.parametrize("ours", ["taken", "replied", "queued"])
def test_what_our_staff_hold_is_not_given_away_from_outside(scope, messenger, engine, ours) -> None:
    engine.handover = ours == "queued"
    conversation = write(messenger, "one", "m1")
    answer_all()
    {
        "taken": lambda: take_over(conversation.id, UserFactory()),
        "replied": lambda: (
            signal_apply(messenger, Signal("human_took_over", PERSON, "echo1")),
            agent_reply(conversation.id, None, text("from the console")),
        ),
        "queued": lambda: None,
    }[ours]()
    assert signal_apply(messenger, Signal("handed_back", PERSON)) == "held by staff"
    assert talk().control_owner == "human"


def test_a_thread_given_back_is_no_consent(scope, messenger, engine) -> None:
    conversation = write(messenger, "one", "m1")
    answer_all()
    signal_apply(messenger, Signal("stopped", PERSON))
    signal_apply(messenger, Signal("human_took_over", PERSON, "echo1"))
    signal_apply(messenger, Signal("handed_back", PERSON))
    assert Conversation.objects.get(id=conversation.id).identity.stopped_at is not None
