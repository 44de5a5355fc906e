"""The demo's assistant converses sensibly in five languages with no language model (AI-3, AI-9)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.builtin.dialogue import Dialogue
from assistant.builtin.turn import Options
from assistant.port import EngineReply, EngineRequest, HistoryEntry
from assistant.products.models import ProductSource
from assistant.products.plain import product_told
from channels_app.content.types import text
from chatsvc.demo import GOODS, SETTINGS
from tests.assistant.demo_talks import HEAD, LINES, NAMES, TALKS, section, taken_for

pytestmark = pytest.mark.django_db
BY_COLLEAGUE = ("Can you mend my stove?",)  # what a colleague answers
PAGE = Path(__file__).parents[2] / "docs" / "demo-talks.md"


@pytest.fixture
def talk(scope: Any, shop: Any) -> Callable[[str, list[str]], list[EngineReply]]:
    """What is answered to a conversation of the demo, its products in place."""
    ProductSource.objects.create(tenant=scope, products=GOODS)
    options = Options(bot_name=SETTINGS["bot_name"], languages=tuple(SETTINGS["languages"]))

    def held(language: str, said: list[str]) -> list[EngineReply]:
        context: dict[str, Any] = {}
        history: tuple[HistoryEntry, ...] = ()
        replies = []
        for words in said:
            request = EngineRequest(
                scope.id, uuid.UUID(int=1), "web", (text(words),), history=history, context=context, language=language,
                at_once=True,
            )  # fmt: skip
            replies.append(Dialogue(options, shop, request, None, product_told).reply())
            context = replies[-1].context
            history += (HistoryEntry("visitor", words), HistoryEntry("agent" if words in BY_COLLEAGUE else "bot", "…"))
        return replies

    return held


@pytest.mark.parametrize("language", TALKS)
def test_a_conversation_in_each_language(talk: Any, language: str) -> None:
    said = [words for words, _ in TALKS[language]]
    replies = talk(language, said)
    seen = [(words, taken_for(reply)) for words, reply in zip(said, replies, strict=True)]
    assert seen == list(TALKS[language])
    shown = section(language, list(zip(said, replies, strict=True)))
    if os.environ.get("DEMO_TALKS") == "write":
        parts = PAGE.read_text().partition(HEAD)[2].split("\n## ")[1:] if PAGE.exists() else []
        known = {part.partition("\n")[0]: part.rstrip() for part in parts} | {NAMES[language]: shown.strip("\n# ")}
        PAGE.write_text(HEAD + "".join(f"\n## {known[name]}\n" for name in NAMES.values() if name in known))
    assert shown.strip() in PAGE.read_text()


@pytest.mark.parametrize(("language", "said", "meant"), LINES)
def test_a_line_is_taken_for_what_it_says(talk: Any, language: str, said: str, meant: str) -> None:
    assert [taken_for(reply) for reply in talk(language, [said])] == [meant]


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("en", ["Opening hours", "And on Christmas?", "What about tomorrow?"], "opening_hours"),
        ("de", ["Öffnungszeiten", "Und an Weihnachten?"], "opening_hours"),
        ("fr", ["Vos horaires d'ouverture ?", "Et à Noël ?"], "opening_hours"),
        ("es", ["Horario de apertura", "¿Y en Navidad?"], "opening_hours"),
        ("pt", ["Horário de abertura", "E no Natal?"], "opening_hours"),
        ("en", ["Opening hours", "And gift cards?"], "knowledge Gift cards"),
        ("en", ["Opening hours", "And where is my order?"], "order_status asks order_number"),
        ("de", ["Kann ich auf Rechnung zahlen?", "Und in Raten?"], "knowledge Zahlungsarten"),
        ("en", ["Do you have tents?", "How heavy is it?"], "products oak-2"),
        ("en", ["Do you have tents?", "How many people fit in?"], "products oak-2"),
        ("de", ["Habt ihr Rucksäcke?", "Wie schwer ist der?"], "products ridge-40"),
        ("fr", ["Vous avez des sacs à dos ?", "Il pèse combien ?"], "products ridge-40"),
        ("es", ["¿Tenéis mochilas?", "¿Cuánto pesa?"], "products ridge-40"),
        ("pt", ["Têm mochilas?", "Que tamanho tem?"], "products ridge-40"),
        ("de", ["Habt ihr Rucksäcke?", "Und wie viel?"], "products ridge-40"),
    ],
)
def test_what_goes_on_from_the_question_before(talk: Any, language: str, said: list[str], meant: str) -> None:
    """ "And on Christmas?" was not understood, "e no Natal?" taken for a no, "how heavy is it?" for a means of payment."""
    assert taken_for(talk(language, said)[-1]) == meant


def test_a_bare_how_much_means_the_product_only_while_it_is_spoken_of(talk: Any) -> None:
    said = ["Do you have tents?", "How much?", "Opening hours", "How much?"]
    assert [taken_for(reply) == "products oak-2" for reply in talk("en", said)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "that's too late"), ("de", "das ist zu spät"), ("fr", "c'est trop tard"), ("es", "es muy tarde"),
        ("pt", "é tarde demais"), ("en", "it takes too long"), ("de", "das dauert mir zu lange"),
    ],
)  # fmt: skip
def test_who_says_that_it_is_too_late_is_neither_greeted_nor_bid_farewell(talk: Any, language: str, said: str) -> None:
    number = "AC-10042"
    assert taken_for(talk(language, [number, "Where is AC-10042?", said])[-1]) == "upset"


@pytest.mark.parametrize(
    ("before", "after", "never"),
    [
        ("Opening hours", "And on Christmas?", "opening_hours"),
        ("Do you have tents?", "How much?", "products oak-2"),
        ("Do you have tents?", "What colours?", "products oak-2"),
        ("Do you have tents?", "And when does it come?", "shipping_times"),
    ],
)
def test_after_a_colleague_nothing_goes_on_from_what_the_bot_had_said(
    talk: Any, before: str, after: str, never: str
) -> None:
    """What the person goes on from then is the colleague's answer, which the assistant has not given."""
    assert taken_for(talk("en", [before, after])[-1]) == never  # without one it does
    assert taken_for(talk("en", [before, BY_COLLEAGUE[0], after])[-1]) != never


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("en", ["What is your return policy", "how long do i have"], "knowledge Return policy"),
        ("en", ["Opening hours", "until when"], "opening_hours"),
        ("de", ["Rückgabefrist", "ist das kostenlos?"], "knowledge Rückgaberecht"),
        ("de", ["Habt ihr Geschenkgutscheine", "wie lange"], "knowledge Geschenkkarten"),
        ("es", ["Puedo alquilar una tienda", "cuanto es"], "knowledge Alquiler"),
        ("pt", ["Horário", "e no Natal?"], "opening_hours"),
        ("en", ["Opening hours", "also on Christmas?"], "opening_hours"),
        ("de", ["Öffnungszeiten", "auch an Feiertagen?"], "opening_hours"),
        ("es", ["AC-10042", "Dónde está AC-10042", "pero cuando llega"], "order_status"),
        ("de", ["Wo ist AC-10042", "aber wann kommt es"], "order_status"),
        ("en", ["Where is AC-10042", "but when will it come"], "order_status"),
        ("fr", ["Vous avez des sacs à dos ?", "il pese combien"], "products ridge-40"),
        ("fr", ["Vous avez des tentes ?", "elle coute combien"], "products oak-2"),
        ("en", ["Do you have tents?", "price?"], "products oak-2"),
        ("en", ["Do you have tents?", "how many do you have"], "products oak-2"),
    ],
)  # fmt: skip
def test_what_says_nothing_by_itself_is_read_with_the_question_before(
    talk: Any, language: str, said: list[str], meant: str
) -> None:
    """ "How long do I have?" after returns was about delivery, "until when" a farewell, "pero cuando llega" a new order."""
    assert taken_for(talk(language, said)[-1]) == meant


def test_what_that_would_cost_is_no_product_that_the_shop_lacks(talk: Any) -> None:
    """ "I cannot find “be” in our shop"."""
    assert "products none" not in taken_for(talk("en", ["can you repair a zip", "how much would that be"])[-1])


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("en", ["the birk one"], "products birk"), ("en", ["show me lamps"], "products birk lino glim"),
        ("en", ["is the lino waterproof"], "products lino"),
        ("en", ["is the drizzle waterproof"], "knowledge Waterproof jackets"),
        ("en", ["do you speak german?"], "knowledge Languages"), ("de", ["muss ich zoll zahlen"], "knowledge Zoll"),
        ("es", ["tienda rota"], "complaint asks problem"), ("en", ["are you real"], "who_are_you"),
        ("de", ["hab ne frage"], "help"), ("fr", ["slt"], "greeting"), ("en", ["sorry"], "apology"),
        ("de", ["hab ich doch gesagt"], "upset"), ("es", ["y la etiqueta"], "knowledge Sin impresora"),
        ("en", ["I want to return my boots", "they dont fit"], "return_item asks order_number"),
        ("en", ["sorry, are you real?"], "who_are_you"), ("en", ["Hey there, are you a real person?"], "who_are_you"),
        ("de", ["bist du echt?"], "who_are_you"), ("de", ["Entschuldigung, sind Sie echt?"], "who_are_you"),
        ("fr", ["t'es un robot ?"], "who_are_you"), ("fr", ["pardon, tu es une vraie personne ?"], "who_are_you"),
        ("es", ["¿eres una persona?"], "who_are_you"), ("es", ["perdona, ¿eres de verdad?"], "who_are_you"),
        ("pt", ["és real?"], "who_are_you"), ("pt", ["desculpe, você é uma pessoa?"], "who_are_you"),
        ("es", ["quiero devolver unas botas que me quedan pequeñas"], "return_item asks order_number"),
        ("en", ["what do you recommend for winter", "how much is it"], "products oak-2 drizzle ridge-40"),
        ("en", ["what is your return policy", "I am a student"], "discount"),
        ("en", ["can i rent a tent", "how much for 3 days"], "knowledge Renting equipment"),
        ("fr", ["louez-vous du matériel", "combien par jour"], "knowledge Location"),
        ("fr", ["où est AC-10042", "ok mais quand"], "order_status"), ("de", ["wo ist AC-10042", "aber wann genau"], "order_status"),
        ("fr", ["où est ma commande ?", "j'ai pas le numéro"], "order_status asks order_number"),
        ("de", ["wo ist meine bestellung", "die mail ist weg"], "order_status asks order_number"),
        ("es", ["dónde está mi pedido", "y con mi correo?"], "order_status asks order_number"),
        ("fr", ["c'est long ?"], "shipping_times"), ("fr", ["il me faut une facture"], "knowledge Facture"),
        ("en", ["I paid 59.90 € on 12/11, when will it be here"], "order_status asks order_number"),
        ("en", ["return my tent", "actually i'll keep it"], "cancel"),
        ("en", ["cancel that", "no thanks"], "goodbye"), ("de", ["vielen dank", "nein"], "goodbye"),
        ("es", ["¿Tienen tiendas de campaña?", "no gracias"], "goodbye"), ("pt", ["quero uma lanterna"], "products lino"),
        ("de", ["Ich hätte gern einen Rucksack"], "products ridge-40"), ("en", ["I need a refund"], "return_item asks reason"),
        ("pt", ["Têm tendas?", "enviam para espanha?", "quanto custa"], "shipping_times"),
        ("es", ["genial"], "thanks"), ("pt", ["fixe"], "thanks"), ("es", ["necesito ayuda con mi compra"], "help"),
    ],
)  # fmt: skip
def test_what_visitors_of_the_demo_said(talk: Any, language: str, said: list[str], meant: str) -> None:
    """Each was not understood, or answered by something else."""
    assert taken_for(talk(language, said)[-1]) == meant


@pytest.mark.parametrize(
    "said", [["tell me a joke", "What's the weather like tomorrow?"], ["raconte une blague", "quel temps fait il"]]
)
def test_talk_of_the_weather_calls_no_colleague(talk: Any, said: list[str]) -> None:
    """Two such questions, and a human was called; without accents they were answered by articles."""
    replies = talk("fr" if "blague" in said[0] else "en", [*said, *said])
    assert [(taken_for(reply), reply.handover) for reply in replies] == [("unknown", False)] * 4
