"""Which words count as STOP, START and HELP, in which languages, and what they are answered with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.content.types import Content, text
from conversations.models import Contact, Conversation
from messaging.accept import accept
from messaging.consent.heard import _folded, word_of
from messaging.consent.words import PHRASES
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import take_over
from tenants import tenant_settings
from tests.messaging.consent.ana import answer_due, bot_said, said, stopped

pytestmark = pytest.mark.django_db(transaction=True)


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


@given(st.text(alphabet=[chr(code) for code in range(128)], max_size=60))
def test_english_letters_are_read_as_all_others_are(said: str) -> None:
    """Text of ASCII alone is folded by a table. An accent behind it has it folded sign by sign, and counts for nothing."""
    assert _folded(f"{said}x") == _folded(f"{said}x\u0301")
