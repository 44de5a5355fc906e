"""STOP, START and HELP: what people write, what is still sent to them, and who is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from assistant.port import EngineReply
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Choice, Content, text
from channels_app.contract import ContactBlocked, ContactRefuses, InboundMessage, Sender, SendResult, Signal
from conversations.models import Contact, Conversation, Event, Identity, Message
from messaging import respond as respond_module
from messaging.accept import accept
from messaging.consent.heard import _folded, word_of
from messaging.consent.words import PHRASES
from messaging.deliver import deliver
from messaging.models import Delivery, Turn
from messaging.receive import _item_apply as apply
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import take_over
from tenants import tenant_settings
from tenants.errors import Conflict
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory, IdentityFactory

pytestmark = pytest.mark.django_db(transaction=True)

ANA, BEN = Sender("phone", "+4915100000001"), Sender("phone", "+4915100000002")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def said(words: str, second: int, by: Sender = ANA) -> InboundMessage:
    return InboundMessage(f"m{second}:{by.value}", by, text(words), sent_at=START + timedelta(seconds=second))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the platform was given; it takes everything."""
    bodies: list[str] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        bodies.append(payload.json["text"]["body"])
        return SendResult(f"wamid.OUT{len(bodies)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    return bodies


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Engine:
        def __init__(self) -> None:
            self.before, self.asked = lambda: None, []

        def respond(self, request: Any) -> EngineReply:
            self.asked.append([content.text for content in request.contents])
            before, self.before = self.before, lambda: None
            before()
            return EngineReply(
                contents=(text("answer"),), context=dict(request.context), intent="t", confidence=1.0, engine="test"
            )

    made = Engine()
    monkeypatch.setattr(respond_module, "engine_for", lambda settings: made)
    return made


def stopped() -> bool:
    return Identity.objects.get(value=ANA.value).stopped_at is not None


def bot_said() -> list[str]:
    return list(Message.objects.filter(role="bot").order_by("seq").values_list("text", flat=True))


def events() -> list[str]:
    found = Event.objects.filter(type__startswith="chat.contact.").order_by("id").values_list("type", flat=True)
    return [type.rsplit(".", 1)[1] for type in found]


def answer_due() -> None:
    for turn in Turn.objects.filter(status__in=Turn.OPEN):
        Turn.objects.filter(id=turn.id).update(due_at=now())
        respond(turn.id)


# -------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("STOP", "stop"), ("stop", "stop"), ("  Stop!! ", "stop"), ("«STOP»", "stop"), ("Stop.", "stop"),
        ("stop 🛑", "stop"), ("Stop\nall", "stop"), ("UNSUBSCRIBE", "stop"), ("Stopp", "stop"), ("abmelden", "stop"),
        ("ARRET", "stop"), ("arrêt", "stop"), ("Désabonner", "stop"), ("BAJA", "stop"), ("pare", "stop"),
        ("annulla iscrizione", "stop"), ("AFMELDEN", "stop"), ("DURDUR", "stop"), ("ÜYELİKTEN ÇIK", "stop"),
        ("إيقاف", "stop"), ("توقّف", "stop"), ("START", "start"), ("unstop", "start"), ("başla", "start"),
        ("BAŞLA", "start"), ("HELP", "help"), ("Hilfe?", "help"), ("aide", "help"), ("yardım", "help"),
        ("YARDIM", "help"), ("مساعدة", "help"),
        ("Stop. Thank you", "stop"), ("please stop", "stop"), ("Hi, stop please, thanks!", "stop"),
        ("STOP\n\nSent from my iPhone", "stop"), ("Stop – Sent from my iPhone", "stop"), ("Stop please\nI have moved", "stop"),
        ("Please stop texting me.", "stop"), ("Bitte keine Nachrichten mehr, danke", "stop"), ("Désabonner, merci", "stop"),
        ("Pare, por favor", "stop"), ("please unsubscribe me", "stop"),
        ("please cancel", ""), ("Cancel\nAC-10042", ""), ("Alto\ny delgado", ""), ("do not stop", ""), ("don't stop", ""),
        ("please stop my order", ""), ("stop the order please", ""), ("help please", ""), ("thanks", ""),
        ("please do not stop", ""), ("the bus stop", ""), ("I cannot find the bus stop\nSent from my iPhone", ""),
        ("stop sending me the blue ones", ""), ("non-stop", ""), ("can you help", ""), ("", ""),
        ("stopover", ""), ("stop" * 100, ""), ("🛑", ""),
    ],
)  # fmt: skip
def test_a_word_counts_when_it_is_the_whole_message(words, meant) -> None:
    assert word_of(words)[0] == meant


@pytest.mark.parametrize("language", PHRASES)
def test_every_phrase_of_every_language_is_known_and_means_one_thing(language) -> None:
    phrases = PHRASES[language]
    for word in ("stop", "start", "help"):
        for phrase in getattr(phrases, word):
            assert (word_of(phrase)[0], language in word_of(phrase)[1]) == (word, True), phrase


@pytest.mark.parametrize(("kind", "counts"), [("whatsapp", True), ("sms", True), ("web", False), ("slack", False)])
def test_which_channels_know_the_words(kind, counts) -> None:
    from channels_app.registry import adapter_for

    assert adapter_for(kind).consent_words is counts


# --------------------------------------------------------------------------------- stop


def test_stop_is_stored_confirmed_once_and_not_answered(scope, whatsapp, sent, engine) -> None:
    stored = accept(whatsapp, said("STOP", 1))
    answer_due()
    deliver(stored.conversation.id)
    assert (stored.message.text, stopped()) == ("STOP", True)
    assert Turn.objects.count() == 0
    assert engine.asked == []
    assert sent == [PHRASES["en"].stopped] == bot_said()
    assert events() == ["stopped"]


def test_stop_again_is_not_confirmed_again(scope, whatsapp, sent) -> None:
    accept(whatsapp, said("STOP", 1))
    accept(whatsapp, said("STOP", 1))
    accept(whatsapp, said("stop!", 2))
    assert len(bot_said()) == 1
    assert events() == ["stopped"]
    assert Conversation.objects.get().waiting_since is None


def test_what_is_queued_fails_and_only_the_confirmation_goes_out(scope, whatsapp, sent, calls) -> None:
    stored = accept(whatsapp, said("hello", 1))
    answer_due()
    agent_reply(stored.conversation.id, None, text("offer"))
    Delivery.objects.update(due_at=now() + timedelta(minutes=10))  # waiting to be tried again
    accept(whatsapp, said("STOP", 2))
    assert stored.conversation.id in calls.of("deliver")
    assert deliver(stored.conversation.id) == 3
    assert sent == [PHRASES["en"].stopped]
    assert list(Delivery.objects.order_by("seq").values_list("status", "error_code")) == [
        ("failed", "contact_stopped"), ("failed", "contact_stopped"), ("sent", ""),
    ]  # fmt: skip


def test_the_bot_says_nothing_that_it_was_about_to_say(scope, whatsapp, sent, engine) -> None:
    accept(whatsapp, said("hello", 1))
    engine.before = lambda: accept(whatsapp, said("STOP", 2))
    answer_due()
    answer_due()
    assert bot_said() == [PHRASES["en"].stopped]
    assert engine.asked == [["hello"]]
    assert not Turn.objects.filter(status__in=Turn.OPEN).exists()


def test_a_waiting_turn_is_void(scope, whatsapp) -> None:
    accept(whatsapp, said("hello", 1))
    accept(whatsapp, said("STOP", 2))
    assert Turn.objects.get().status == Turn.Status.VOID


def test_staff_are_refused(scope, whatsapp, tenant, api) -> None:
    stored = accept(whatsapp, said("STOP", 1))
    with pytest.raises(Conflict) as caught:
        agent_reply(stored.conversation.id, None, text("one more thing"))
    assert caught.value.code == "contact_stopped"
    address = f"/api/v2/chat/conversations/{stored.conversation.id}/messages"
    response = api(tenant).post(address, {"content": {"type": "text", "text": "one more thing"}})
    assert (response.status_code, api(tenant).error_of(response)["code"]) == (409, "contact_stopped")


def test_a_reply_that_was_sent_before_is_given_again(scope, whatsapp) -> None:
    stored = accept(whatsapp, said("hello", 1))
    first = agent_reply(stored.conversation.id, None, text("hi"), client_message_id="a1")
    accept(whatsapp, said("STOP", 2))
    assert agent_reply(stored.conversation.id, None, text("hi"), client_message_id="a1") == first


def test_a_human_in_control_sees_the_stop_and_the_confirmation_goes_out(scope, whatsapp, sent) -> None:
    stored = accept(whatsapp, said("hello", 1))
    take_over(stored.conversation.id, None)
    accept(whatsapp, said("STOP", 2))
    deliver(stored.conversation.id)
    assert sent == [PHRASES["en"].stopped]
    assert Conversation.objects.get().control_owner == "human"


def test_no_other_person_is_stopped(scope, whatsapp, other_tenant) -> None:
    accept(whatsapp, said("hello", 1, BEN))
    accept(whatsapp, said("STOP", 1))
    theirs = ChannelFactory(tenant=other_tenant, kind="whatsapp", config=whatsapp.config, secrets=whatsapp.secrets)
    with tenant_scope(other_tenant.id):
        accept(theirs, said("hello", 1))
        assert not stopped()
    assert list(Identity.objects.filter(stopped_at=None).values_list("value", flat=True)) == [BEN.value]


def test_a_button_that_is_called_stop_is_a_pick(scope, whatsapp) -> None:
    picked = Content(type="quick_reply", text="Stop", choice=Choice(value="stop_playing", title="Stop"))
    accept(whatsapp, InboundMessage("m1", ANA, picked))
    assert not stopped()
    assert Turn.objects.count() == 1


def test_where_the_words_do_not_count_they_are_words(scope, web) -> None:
    accept(web, InboundMessage("", Sender("web", "v1"), text("STOP")))
    assert not Identity.objects.get().stopped_at
    assert Turn.objects.count() == 1


# ----------------------------------------------------------------------------- and again


@pytest.mark.parametrize(
    ("words", "confirmed", "turns"),
    [("START", [PHRASES["en"].resumed], 0), ("where is my order", [], 1)],
    ids=["START", "any other"],
)
def test_writing_again_reopens(words, confirmed, turns, scope, whatsapp) -> None:
    accept(whatsapp, said("STOP", 1))
    accept(whatsapp, said(words, 2))
    assert not stopped()
    assert bot_said()[1:] == confirmed
    assert Turn.objects.filter(status__in=Turn.OPEN).count() == turns
    assert events() == ["stopped", "resumed"]


def test_the_bot_answers_only_what_was_said_since(scope, whatsapp, engine) -> None:
    for second, words in enumerate(("old question", "STOP", "new question")):
        accept(whatsapp, said(words, second))
    answer_due()
    assert engine.asked == [["new question"]]


def test_start_without_a_stop_is_a_word(scope, whatsapp) -> None:
    accept(whatsapp, said("START", 1))
    assert (Turn.objects.count(), events()) == (1, [])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_persons_own_clock_decides_in_every_order(order, scope, whatsapp) -> None:
    items = [said("hello", 1), said("STOP", 2), said("I am back", 3)]
    for index in order:
        apply(whatsapp, items[index])
    assert not stopped()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_stop_holds_in_every_order_when_it_was_the_last(order, scope, whatsapp) -> None:
    items = [said("hello", 1), said("are you there", 2), said("STOP", 3)]
    for index in order:
        apply(whatsapp, items[index])
    assert stopped()
    assert not Turn.objects.filter(status__in=Turn.OPEN).exists()
    assert len(bot_said()) == 1


# ----------------------------------------------------- words that mean something else, too


def ask(conversation: Conversation, content: Content) -> None:
    agent_reply(conversation.id, None, content)


@pytest.mark.parametrize(
    ("words", "languages", "stops"),
    [
        ("Dur", ["en", "de", "es", "fr"], False), ("Ret", ["en", "de", "es", "fr"], False), ("Dur", ["tr"], True),
        ("Pare", ["en", "de", "es", "fr"], False), ("Pare", ["en", "pt-BR"], True), ("Basta", ["es"], False),
        ("Baja", ["en", "es"], True), ("Alto", ["en"], False), ("STOP", ["ja"], True), ("Stopp", ["en"], True),
    ],
)  # fmt: skip
def test_everyday_words_count_in_the_tenants_languages_alone(words, languages, stops, scope, whatsapp, tenant) -> None:
    tenant.settings = {"languages": languages}
    tenant.save()
    tenant_settings.invalidate(tenant.id)
    accept(whatsapp, said(words, 1))
    assert stopped() is stops


def test_everyday_words_count_in_the_contacts_language(scope, whatsapp) -> None:
    stored = accept(whatsapp, said("hello", 1))
    Contact.objects.filter(id=stored.conversation.contact_id).update(language="es")
    accept(whatsapp, said("Baja", 2))
    assert stopped()


CHOICES = Content.model_validate(
    {
        "type": "quick_reply",
        "text": "Prioridad:",
        "quick_replies": [{"title": "Alta", "payload": "a"}, {"title": "Baja", "payload": "b"}],
    }
)


@pytest.mark.parametrize(
    ("asked", "words", "stops"),
    [
        (text("¿Prioridad alta o baja?"), "Baja", False), (text("Is he tall?"), "Alto", False), (CHOICES, "baja", False),
        (text("Gracias."), "Baja", True), (text("¿Algo más?"), "STOP", True), (CHOICES, "darme de baja", True),
    ],
    ids=["question", "other language", "choices", "no question", "STOP", "phrase"],
)  # fmt: skip
def test_the_answer_to_a_question_is_no_stop_unless_it_is_unmistakable(
    asked, words, stops, scope, whatsapp, tenant
) -> None:
    tenant.settings = {"languages": ["es"]}
    tenant.save()
    tenant_settings.invalidate(tenant.id)
    ask(accept(whatsapp, said("hola", 1)).conversation, asked)
    accept(whatsapp, said(words, 2))
    assert stopped() is stops


# ------------------------------------------------------------------ one person, several ids

ANA_BY_ID = Sender("wa_user", "US.A", address=ANA.value, aliases=(("phone", "", ANA.value),))


def stops_by_value() -> dict[str, bool]:
    return {row.value: row.stopped_at is not None for row in Identity.objects.filter(verified=True)}


def test_a_stop_holds_for_every_proved_id_on_the_channel_and_only_there(scope, whatsapp, tenant) -> None:
    sms = ChannelFactory(tenant=tenant, kind="sms")
    accept(sms, said("hello", 0, BEN))
    accept(whatsapp, said("hello", 1))
    accept(whatsapp, said("hello", 2, ANA_BY_ID))
    accept(whatsapp, said("STOP", 3, ANA_BY_ID))
    assert stops_by_value() == {ANA.value: True, "US.A": True, BEN.value: False}
    accept(whatsapp, said("hello again", 4, ANA))
    assert stops_by_value() == {ANA.value: False, "US.A": False, BEN.value: False}


def test_an_id_that_is_learnt_of_later_is_stopped_too(scope, whatsapp) -> None:
    accept(whatsapp, said("STOP", 1))
    apply(whatsapp, Signal("identity_changed", ANA_BY_ID, "s1"))
    assert stops_by_value() == {ANA.value: True, "US.A": True}


# --------------------------------------------------------------------------------- help


def test_help_is_answered_without_the_engine(scope, whatsapp, engine) -> None:
    accept(whatsapp, said("HELP", 1))
    answer_due()
    assert bot_said() == [PHRASES["en"].helped]
    assert engine.asked == []
    assert Conversation.objects.get().waiting_since is None


def test_help_leaves_what_was_asked_before_to_the_engine(scope, whatsapp, engine) -> None:
    accept(whatsapp, said("where is my order", 1))
    accept(whatsapp, said("HELP", 2))
    answer_due()
    assert bot_said() == [PHRASES["en"].helped, "answer"]
    assert engine.asked[0][0] == "where is my order"


def test_help_is_left_to_the_human_in_control(scope, whatsapp) -> None:
    stored = accept(whatsapp, said("hello", 1))
    take_over(stored.conversation.id, None)
    accept(whatsapp, said("HELP", 2))
    assert bot_said() == []
    assert Conversation.objects.get().waiting_since is not None


@pytest.mark.parametrize(
    ("words", "languages", "chosen", "answer"),
    [
        ("HILFE", ["en"], {}, PHRASES["de"].helped),
        ("STOP", ["de", "en"], {}, PHRASES["de"].stopped),
        ("STOP", ["ja"], {}, PHRASES["en"].stopped),
        ("arrêt", ["en"], {}, PHRASES["fr"].stopped),
        ("HELP", ["en"], {"help_reply": "Call 0800 1"}, "Call 0800 1"),
        ("STOP", ["en"], {"stop_reply": "Bye."}, "Bye."),
    ],
    ids=["the word's", "the tenant's", "English", "accents", "own help", "own stop"],
)
def test_the_answer_is_in_the_right_language(words, languages, chosen, answer, scope, whatsapp, tenant) -> None:
    tenant.settings = {"languages": languages, **chosen}
    tenant.save()
    tenant_settings.invalidate(tenant.id)
    accept(whatsapp, said(words, 1))
    assert bot_said() == [answer]


# ------------------------------------------------------------------- told by the platform


def test_what_the_platform_answered_itself_is_not_confirmed(scope, whatsapp) -> None:
    stored = accept(whatsapp, said("hello", 1))
    signal = Signal("stopped", ANA, "s1", data={"answered_by_platform": True})
    assert apply(whatsapp, signal) == ""
    assert apply(whatsapp, signal) == "repeated"
    assert (stopped(), bot_said(), events()) == (True, [], ["stopped"])
    assert Turn.objects.get().status == Turn.Status.VOID
    assert Event.objects.get(type="chat.contact.stopped").conversation == stored.conversation


def test_a_stranger_may_stop(scope, whatsapp) -> None:
    apply(whatsapp, Signal("stopped", ANA, "s1"))
    assert stopped()
    event = Event.objects.get(type="chat.contact.stopped")
    assert (event.conversation, event.payload["channel_id"]) == (None, str(whatsapp.id))


def test_the_platform_may_reopen(scope, whatsapp) -> None:
    apply(whatsapp, Signal("stopped", ANA, "s1"))
    assert apply(whatsapp, Signal("reopened", ANA, "s2")) == ""
    assert apply(whatsapp, Signal("reopened", ANA, "s2")) == "repeated"
    assert not stopped()
    assert events() == ["stopped", "resumed"]
    assert apply(whatsapp, Signal("reopened", BEN, "s3")) == "no conversation"


# -------------------------------------------------------------------------- clocks that are wrong


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START + timedelta(hours=1), tick=False) as traveller:
        yield traveller


def heard(words: str, name: str, at: datetime | None = None) -> InboundMessage:
    """By default from a platform that says nothing of the time, like SMS."""
    return InboundMessage(name, ANA, text(words), sent_at=at)


@pytest.mark.parametrize("at", [None, START + timedelta(hours=1, seconds=3)], ids=["no time", "the platform's"])
def test_a_stop_counts_after_our_clock_was_set_back(at, scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("hello", "m1"))
    clock.shift(timedelta(hours=-2))
    accept(whatsapp, heard("STOP", "m2", at))
    assert stopped()
    assert bot_said() == [PHRASES["en"].stopped]


def test_a_start_counts_after_our_clock_was_set_back(scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("STOP", "m1"))
    clock.shift(timedelta(hours=-2))
    accept(whatsapp, heard("START", "m2"))
    assert not stopped()
    accept(whatsapp, heard("STOP", "m3"))
    assert stopped()


@pytest.mark.parametrize(("first", "then", "ends"), [("STOP", "START", False), ("hello", "STOP", True)])
def test_without_a_platforms_time_the_order_of_arrival_decides(first, then, ends, scope, whatsapp, clock) -> None:
    """The second arrived while our clock was behind, and is understood when it is right again."""
    accept(whatsapp, replace(heard(first, "m1", now()), dated=False))
    arrived = now() - timedelta(minutes=50)
    clock.shift(timedelta(minutes=10))
    accept(whatsapp, replace(heard(then, "m2", arrived), dated=False))
    assert stopped() is ends


def test_a_message_from_the_future_does_not_undo_a_stop(scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("hello", "m1", START + timedelta(days=30)))
    clock.shift(timedelta(seconds=5))
    accept(whatsapp, heard("STOP", "m2", START + timedelta(hours=1, seconds=4)))
    assert stopped()


def test_a_stop_from_the_future_does_not_silence_what_follows(scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("STOP", "m1", START + timedelta(days=30)))
    assert Identity.objects.get().stopped_at == now()
    clock.shift(timedelta(seconds=5))
    accept(whatsapp, heard("START", "m2", START + timedelta(hours=1, seconds=4)))
    assert not stopped()


def test_a_platforms_stop_from_the_future_is_one_of_now(scope, whatsapp, clock) -> None:
    apply(whatsapp, Signal("stopped", ANA, "s1", at=START + timedelta(days=30)))
    assert Identity.objects.get().stopped_at == now()


# -------------------------------------------------------------------------- per channel


def test_a_consent_is_that_of_one_channel(scope, whatsapp, tenant) -> None:
    """One contact on two channels: STOP and START count where they were said."""
    here = accept(whatsapp, said("hello", 1)).conversation.identity
    elsewhere = ChannelFactory(tenant=tenant, kind="sms")
    there = IdentityFactory(tenant=tenant, channel=elsewhere, contact=here.contact, scheme="phone", verified=True)

    def stopped_at() -> list[bool]:
        return [Identity.objects.get(id=one.id).stopped_at is not None for one in (here, there)]

    accept(whatsapp, said("STOP", 2))
    assert stopped_at() == [True, False]
    Identity.objects.filter(id=there.id).update(stopped_at=now())
    accept(whatsapp, said("START", 3))
    assert stopped_at() == [False, True]


# ---------------------------------------------------------------- who has blocked us


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``refusing(error)``: the platform refuses every message for that."""
    errors: list[Exception] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        raise errors[-1]

    monkeypatch.setattr(WhatsApp, "send", send)
    return errors.append


def refused_once(channel: Any) -> Any:
    """A conversation whose answer was refused."""
    talk = accept(channel, replace(said("hello", 1), sent_at=now() - timedelta(minutes=5))).conversation
    take_over(talk.id, None)
    agent_reply(talk.id, None, text("one"))
    agent_reply(talk.id, None, text("two"))
    deliver(talk.id)
    return talk


def test_who_has_blocked_us_is_not_written_to_until_they_write(scope: Any, whatsapp: Any, refusing: Any) -> None:
    refusing(ContactRefuses("21610", "opted out"))
    talk = refused_once(whatsapp)
    codes = list(Delivery.objects.order_by("seq").values_list("error_code", flat=True))
    assert codes == ["21610", "contact_stopped"], "the second is not tried"
    assert Event.objects.filter(type="chat.contact.stopped").count() == 1
    with pytest.raises(Conflict) as caught:
        agent_reply(talk.id, None, text("three"))
    assert (caught.value.code, stopped()) == ("contact_stopped", True)
    accept(whatsapp, replace(said("I am back", 2), sent_at=now()))
    assert (stopped(), Event.objects.filter(type="chat.contact.resumed").count()) == (False, 1)
    agent_reply(talk.id, None, text("welcome back"))


def test_another_reason_not_to_reach_a_person_is_not_remembered(scope: Any, whatsapp: Any, refusing: Any) -> None:
    refusing(ContactBlocked("131026", "undeliverable"))
    refused_once(whatsapp)
    assert list(Delivery.objects.values_list("error_code", flat=True)) == ["131026"] * 2
    assert not stopped()


def test_a_refusal_in_a_group_stops_no_person(scope: Any, whatsapp: Any, refusing: Any, monkeypatch: Any) -> None:
    refusing(ContactRefuses("gone"))
    monkeypatch.setattr(WhatsApp, "personal", lambda self, thread: False)
    refused_once(whatsapp)
    assert not stopped()


def test_who_wrote_while_a_message_was_refused_is_not_stopped(
    scope: Any, whatsapp: Any, refusing: Any, monkeypatch: Any
) -> None:
    """They are back: the refusal is of the time before."""

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        accept(whatsapp, replace(said("I am back", 2), sent_at=now()))
        raise ContactRefuses("gone")

    monkeypatch.setattr(WhatsApp, "send", send)
    talk = accept(whatsapp, replace(said("hello", 1), sent_at=now() - timedelta(minutes=5))).conversation
    take_over(talk.id, None)
    agent_reply(talk.id, None, text("one"))
    deliver(talk.id)
    assert (Delivery.objects.get().error_code, stopped()) == ("gone", False)


@given(st.text(alphabet=[chr(code) for code in range(128)], max_size=60))
def test_english_letters_are_read_as_all_others_are(said: str) -> None:
    """Text of ASCII alone is folded by a table. An accent behind it has it folded sign by sign, and counts for nothing."""
    assert _folded(f"{said}x") == _folded(f"{said}x\u0301")
