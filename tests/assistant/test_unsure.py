"""A person who has not what they are asked for, who asks what was meant, who says no more than "it" or a number (AI-3, AI-10)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from assistant.builtin.dialogue import Dialogue
from assistant.builtin.phrases.delivery import delivery_asked
from assistant.builtin.phrases.signs import signs_in
from assistant.builtin.phrases.unsure import asks_what, lacks_it
from assistant.builtin.turn import Options
from assistant.intents.learning.training import Classification
from assistant.intents.lessons import Lessons
from assistant.intents.recognised import MEANING, Recognised
from assistant.intents.tongues import tongue_of
from assistant.port import EngineReply, EngineRequest, Told
from channels_app.content.types import text
from tests.assistant.test_dialogue import said, titles

LANGUAGES = ("en", "de", "fr", "es", "pt")
#: language → (asks for an order's number, does not know it, has lost it, another way)
TALKS = {
    "en": ("where is my order?", "I don't know the number", "I lost the email", "can't you look it up by my name?"),
    "de": ("wo ist meine Bestellung?", "Ich weiß die Nummer nicht", "die Mail hab ich gelöscht", "geht das auch mit meinem Namen?"),
    "fr": ("où est ma commande ?", "je ne connais pas le numéro", "aucune idée", "vous pouvez chercher avec mon nom ?"),
    "es": ("¿dónde está mi pedido?", "no sé el número", "perdí el correo", "¿puedes buscarlo por mi nombre?"),
    "pt": ("onde está a minha encomenda?", "não sei o número", "perdi o e-mail", "pode procurar pelo meu nome?"),
}  # fmt: skip
LACKING = (
    "no idea", "dunno", "I haven't got it with me", "I can't find it", "no clue", "I forgot it", "sorry, I don't remember",
    "I never got an email", "is there another way?", "I'm not sure", "could you search with my phone number?",
    "keine Ahnung", "weiß nicht", "das weiß ich leider nicht", "ich habe keine Nummer", "ich finde sie nicht", "hab ich nicht",
    "kann ich gerade nicht finden", "Können Sie das mit meiner E-Mail finden?",
    "je ne sais pas", "je ne l'ai pas", "je n'ai pas le numéro", "j'ai oublié", "je ne m'en souviens plus", "j'en sais rien",
    "ni idea", "no lo sé", "no lo tengo", "no me acuerdo", "se me olvidó",
    "não faço ideia", "não sei", "não tenho", "não me lembro", "esqueci", "não consigo encontrar", "sei lá",
)  # fmt: skip
OTHERWISE = (
    "AC-10042", "it is too small", "I don't like the colour", "I don't know where my parcel is", "I do not want it any more",
    "yes", "no", "ich kann die Hose nicht mehr leiden", "gefällt mir nicht", "Ich weiß nicht, wo mein Paket bleibt",
    "je n'ai pas aimé la couleur", "je ne veux plus", "je ne peux pas la porter", "me queda pequeño", "no me gusta", "no quiero",
    "no sé dónde está mi paquete", "não gosto", "não quero", "não acho bonito",
)  # fmt: skip


@pytest.mark.parametrize("line", LACKING)
def test_not_to_have_it_is_known(line):
    assert lacks_it(line)
    assert not asks_what(line)


@pytest.mark.parametrize("line", OTHERWISE)
def test_what_is_said_otherwise_is_not_taken_for_it(line):
    assert not lacks_it(line)
    assert not asks_what(line)


@pytest.mark.parametrize(
    "line",
    ["what do you mean", "which number?", "where do I find it?", "was meinst du", "welche Nummer?", "comment ça ?",
     "quel numéro ?", "¿qué quieres decir?", "¿dónde lo encuentro?", "como assim?", "qual número?"],
)  # fmt: skip
def test_a_question_back_is_known(line):
    assert asks_what(line)
    assert not lacks_it(line)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lacking", [1, 2, 3])
def test_a_colleague_is_offered_to_who_has_not_the_number(visitor, language, lacking):
    """It was answered by an article of another subject, by "all right, we leave that", or by the question for ever."""
    person = visitor(languages=LANGUAGES)
    person.says(TALKS[language][0], language=language)
    reply = person.says(TALKS[language][lacking], language=language)
    human, _ = (one.payload for one in reply.contents[-1].quick_replies)
    assert (human, reply.intent, reply.next_expected) == ("human", "order_status", ("slot:order_number",))
    assert reply.context["conversation_stage"] == "collecting"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_second_time_a_colleague_takes_over(visitor, language):
    person = visitor(languages=LANGUAGES)
    asked, first, second, _ = TALKS[language]
    person.says(asked, language=language)
    assert not person.says(first, language=language).handover
    assert person.says(second, language=language).handover


def test_a_yes_gets_the_colleague_and_the_number_is_still_taken(visitor):
    for word, handed_over in (("yes please", True), ("AC-10042", False)):
        person = visitor()
        person.says("where is my order?")
        person.says("I don't know the number")
        reply = person.says(word)
        assert reply.handover is handed_over
        assert handed_over or "AC-10042" in said(reply)


def test_the_choices_stay_where_there_are_some(visitor):
    person = visitor()
    person.says("i want to return something")
    reply = person.says("dunno")
    assert titles(reply) == ["Wrong size", "Faulty", "Changed my mind", "Talk to a human", "Something else"]
    assert person.says("Faulty").context["slots"] == {"reason": "faulty"}


def test_a_question_back_is_no_misunderstanding(visitor):
    person = visitor()
    person.says("where is my order?")
    for _ in range(3):
        reply = person.says("which number?")
        assert "looks like AC-10042" in said(reply)
        assert not reply.handover


def test_the_third_time_that_a_question_is_put_it_offers_a_human(visitor):
    person = visitor()
    assert titles(person.says("where is my order?")) == []
    assert titles(person.says("are you a bot?")) == []
    assert titles(person.says("how are you?")) == ["Talk to a human"]


@pytest.mark.parametrize(
    ("language", "questions", "told"),
    [
        ("en", ("when does it come?", "how long would that take?"), "Standard delivery takes"),
        ("de", ("wann kommt sie?", "und wie lange dauert das?"), "Der Standardversand dauert"),
        ("fr", ("elle arrive quand ?", "ça prend combien de temps ?"), "La livraison standard prend"),
        ("es", ("¿cuándo llega?", "¿y cuánto tardaría?"), "El envío normal tarda"),
        ("pt", ("quando chega?", "quanto tempo demoraria?"), "A entrega normal demora"),
    ],
)
def test_after_a_price_the_delivery_is_meant(shop, language, questions, told):
    """It was told when money comes back."""
    goods = Told("Lino", (text("Lino costs €129."),), memory={"kind": "price", "ids": ["lino"]})
    context = _asked(shop, "Lino", language, {}, goods).context
    for words in questions:
        reply = _asked(shop, words, language, context, None)
        assert told in said(reply)
        context = reply.context


@pytest.mark.parametrize(
    ("language", "asks", "words", "told"),
    [
        ("en", "where is my order?", "and when does it come?", "Order AC-10042 left"),
        ("de", "wo ist meine Bestellung?", "und wann kommt sie?", "Die Bestellung AC-10042 hat"),
        ("fr", "où est ma commande ?", "et elle arrive quand ?", "La commande AC-10042 a quitté"),
        ("es", "¿dónde está mi pedido?", "¿y cuándo llega?", "El pedido AC-10042 ya salió"),
        ("pt", "onde está a minha encomenda?", "e quando chega?", "A encomenda AC-10042 já saiu"),
    ],
)
def test_after_an_order_the_order_is_meant(visitor, language, asks, words, told):
    """It was told of confirmations, returns and refunds, or asked for the number again."""
    person = visitor(languages=LANGUAGES)
    for line in (asks, "AC-10042", words):
        reply = person.says(line, language=language)
    assert told in said(reply)


def test_a_products_name_is_no_complaint(shop):
    """Two words that were never taught are near to something: "Lino" was taken for a complaint."""
    goods = Told("Lino", (text("This is what we have:"),), memory={"kind": "search", "ids": ["lino"]})
    request = EngineRequest(uuid.UUID(int=1), uuid.UUID(int=1), "web", (text("Lino"),), language="en")
    asked: list[str] = []

    def ask(_request: Any, _memory: Any, of: str) -> Told | None:
        asked.append(of)
        return goods if of == "name" else None

    dialogue = Dialogue(Options(), shop, request, None, ask)
    sure = Classification((("complaint", 0.9),))
    dialogue.looked_at = Recognised(sure, MEANING, dialogue.looked_at.row)  # type: ignore[misc]
    assert (said(dialogue.reply()), asked) == ("This is what we have:", ["question", "name"])


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("Rabatt?", "Wer den Newsletter"), ("horario", "Nuestras tiendas"), ("horaires", "Nos magasins"),
        ("desconto?", "Quem subscreve"), ("réduction ?", "Les abonnés"), ("discount?", "Subscribers"),
    ],
)  # fmt: skip
def test_one_word_is_answered_in_the_language_of_the_tenants_texts(visitor, word, told):
    """No detector tells the language of one word: it was answered in English."""
    assert told in said(visitor(languages=LANGUAGES).says(word))


def test_a_word_of_several_languages_tells_none():
    tongues = {"garantie": frozenset({"de", "fr"}), "dauer": frozenset({"de"}), "lino": frozenset({"en"})}
    told = [tongue_of(text, tongues) for text in ("Garantie", "Garantie Dauer", "garantie lino", "etwas", "a b", "")]
    assert told == ["", "de", "", "", "", ""]


@pytest.mark.parametrize(
    ("language", "asks", "words"),
    [
        ("en", "cancel my order AC-10042", "no, wait!"),
        ("de", "Bestellung AC-10042 stornieren", "nein warte"),
        ("fr", "annuler ma commande AC-10042", "non attendez"),
        ("es", "cancelar mi pedido AC-10042", "no espera"),
        ("pt", "cancelar a minha encomenda AC-10042", "não, espere"),
    ],
)
def test_what_begins_with_no_is_a_no_to_a_question(visitor, language, asks, words):
    person = visitor(languages=LANGUAGES)
    assert person.says(asks, language=language).next_expected == ("yes", "no")
    assert person.says(words, language=language).intent == "cancel"


def test_without_a_product_it_is_not(visitor):
    assert "Standard delivery takes" not in said(visitor().says("when does it come?"))
    assert delivery_asked("When does my order come?") == ""


def test_what_a_number_alone_is_for_is_asked(visitor):
    """It was not understood: in the form that was taught it was."""
    person = visitor()
    reply = person.says("AC10042.")
    assert said(reply) == "What shall I do with AC10042?"
    assert titles(reply) == ["Where is my order", "Cancel an order", "Return an item", "Something else"]
    assert "Order AC10042 left" in said(person.picks(reply.contents[-1].quick_replies[0].payload))
    assert "Order AC-10042 left" in said(visitor().says("AC-10042"))


@pytest.mark.parametrize("words", ["2", "12 345", "1234567"])
def test_a_number_that_nothing_asks_for_is_not(visitor, words):
    assert "What shall I do with" not in said(visitor().says(words))


def _asked(shop: Lessons, words: str, language: str, context: dict[str, Any], goods: Told | None) -> EngineReply:
    request = EngineRequest(
        uuid.UUID(int=1), uuid.UUID(int=1), "web", (text(words),), context=context, language=language
    )
    return Dialogue(Options(languages=LANGUAGES), shop, request, None, lambda *_: goods).reply()


@pytest.mark.parametrize(
    ("said", "first", "later"),
    [
        ("🙂", "greeting", "thanks"),
        ("❤️❤️", "greeting", "thanks"),
        (":-)", "greeting", "thanks"),
        ("😡", "upset", "upset"),
        (":(", "upset", "upset"),
    ],
)
def test_a_face_is_an_answer_to_nothing_and_not_misunderstood(visitor, said, first, later) -> None:
    """Two of them brought a colleague: "I do not seem to get it"."""
    person = visitor()
    assert person.says(said).intent == first
    again = person.says(said)
    assert (again.intent, again.handover, again.context["assistant"]["missed"]) == (later, False, 0)


@pytest.mark.parametrize("said", ["🦊", "???", "10:30", "XS", "...", "AC-10042 🙂"])
def test_other_signs_are_no_faces(said) -> None:
    assert signs_in(said) == ""


def test_a_face_beside_an_open_question_leaves_it_open(visitor) -> None:
    person = visitor()
    person.says("where is my order?")
    assert person.says("🙂").next_expected == ("slot:order_number",)


@pytest.mark.parametrize("word", ["ciao", "servus", "salut"])
def test_a_word_that_greets_and_bids_farewell_greets_at_first(visitor, word) -> None:
    person = visitor(languages=("en", "de", "fr"))
    assert person.says(word).intent == "greeting"
    person.says("opening hours")
    assert person.says("ciao").intent == "goodbye"


@pytest.mark.parametrize(
    ("language", "said"),
    [("de", "für 3 personen?"), ("de", "für 4 Personen"), ("en", "for three persons"), ("es", "para 3 personas")],
)
def test_who_counts_persons_is_not_handed_over(visitor, language, said) -> None:
    """Likeness to "a human" is asked about, not acted on."""
    assert not visitor(languages=LANGUAGES).says(said, language=language).handover
