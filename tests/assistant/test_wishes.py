"""What is not to be done, what is asked before, who may end what the assistant waits for, and several wishes at once (AI-1,
BOT-2)."""

from __future__ import annotations

import pytest

from assistant.builtin.phrases.denials import begins_with_no, denied
from assistant.intents.lessons import learn
from assistant.intents.recognised import recognise
from assistant.intents.skills import skills_of
from assistant.intents.spelling import spelling_of
from assistant.models import Intent
from assistant.port import HistoryEntry
from tests.assistant.test_dialogue import said, titles

BY_COLLEAGUE = (
    HistoryEntry("bot", "What is your order number?"),
    HistoryEntry("agent", "Solved. How many pairs is it?"),
)


@pytest.mark.parametrize(
    "line",
    [
        "please do not cancel my order AC-10042",
        "don't cancel my order AC-10042!!",
        "don’t send it back",
        "I don't want to return it",
        "bitte nicht stornieren",
        "Bitte stornieren Sie meine Bestellung nicht",
        "ich möchte meine Bestellung nicht stornieren",
        "n'annulez pas ma commande",
        "je ne veux pas annuler ma commande",
        "no canceles mi pedido",
        "no quiero devolver nada",
        "não cancele a encomenda",
        "I'd rather not cancel",
        "no need to cancel my order",
        "you shouldn't cancel it",
        "under no circumstances cancel it",
        "cancel nothing",
        "please keep my order, no cancellation",
        "nicht stornieren!",
        "bitte keine Stornierung",
        "Storniert meine Bestellung bloß nicht",
        "pas d'annulation s'il vous plaît",
        "il ne faut pas annuler",
        "ne l'annulez surtout pas",
        "je préfère ne pas annuler",
        "no lo canceles por favor",
        "que no se cancele",
        "prefiero no cancelar",
        "nada de cancelar",
        "prefiro não cancelar",
        "nem pense em cancelar",
        "não é para cancelar",
        "nao cancela meu pedido",
        "não quero devolver",
    ],
)
def test_a_denial_is_known(line):
    assert denied(line)


@pytest.mark.parametrize(
    "line",
    [
        "don't you dare cancel AC-10042",
        "I'd like to keep it rather than return AC-10042",
        "instead of returning AC-10042 I want to exchange it",
        "AC-10042 auf keinen Fall stornieren!",
        "stornier AC-10042 bloß nicht",
        "ich habe AC-10042 nie storniert",
        "ich will AC-10042 doch behalten, keine Rücksendung",
        "statt AC-10042 zurückzugeben will ich umtauschen",
        "je n'ai jamais demandé d'annuler AC-10042",
        "pas besoin d'annuler AC-10042",
        "plutôt que de retourner AC-10042 je veux échanger",
        "nunca pedí cancelar AC-10042",
        "no hace falta cancelar AC-10042",
        "en vez de devolver AC-10042 quiero cambiarlo",
        "nunca pedi para cancelar AC-10042",
        "não é preciso cancelar AC-10042",
        "em vez de devolver AC-10042 quero trocar",
        "desistam de cancelar AC-10042",
    ],
)
def test_a_denial_by_duty_by_what_is_wanted_instead_and_of_the_past_is_known(line):
    assert denied(line)


@pytest.mark.parametrize(
    "line",
    [
        "i would rather have it in blue",
        "statt der jacke kam eine hose",
        "nie kommt mein paket an",
        "instead of the tent i got a lamp",
        "la cambio por otra vez",
        "pela primeira vez aqui",
        "au lieu d'une tente j'ai reçu une lampe",
        "ich habe noch nie bestellt, wie geht das",
        "ich habe die bestellung aufgegeben, aber nie eine bestätigung bekommen",
    ],
)
def test_what_came_instead_or_never_denies_nothing(line):
    assert not denied(line)


@pytest.mark.parametrize(
    "line",
    [
        "my package has not arrived",
        "the shoes do not fit",
        "i don't know my order number",
        "no problem, thanks",
        "i no longer want what i ordered",
        "meine bestellung ist nicht angekommen",
        "der code funktioniert nicht",
        "ma commande n'est pas arrivée",
        "je n'ai pas reçu ma commande",
        "no ha llegado mi pedido",
        "no, gracias",
        "não recebi a encomenda",
        "you shouldn't have cancelled my order",
        "i got no refund",
        "why not cancel it then",
        "warum nicht stornieren",
        "der reißverschluss funktioniert nicht",
        "pourquoi ne pas annuler",
        "pas de nouvelles de mon colis depuis lundi",
        "por qué no lo cancelas",
        "no lo encuentro",
        "não é para mim",
        "nein danke",
    ],
)
def test_a_complaint_about_what_has_not_happened_denies_nothing(line):
    assert not denied(line)


@pytest.mark.parametrize("line", ["please do not cancel my order AC-10042", "don't cancel my order AC-10042!!"])
def test_what_is_forbidden_is_asked_about_and_not_begun(visitor, line):
    reply = visitor().says(line)
    assert said(reply) == "All right, I leave that. Or did you mean “Cancel an order” after all?"
    assert (reply.handover, reply.intent) == (False, "")


def test_a_denial_leaves_what_was_begun(visitor):
    person = visitor()
    person.says("cancel my order")
    reply = person.says("no, please do not cancel it")
    assert (reply.intent, reply.context["conversation_stage"], reply.handover) == ("cancel", "open", False)


def test_what_was_taught_as_a_denial_is_no_denial(visitor):
    assert visitor().says("i don't want to talk to a bot").handover_reason == "requested"


@pytest.mark.parametrize("said", ["no wait", "nope, sorry", "better not"])
def test_a_no_leaves_what_is_asked_for(visitor, said):
    person = visitor()
    person.says("cancel my order")
    assert person.says(said).intent == "cancel"


def test_no_is_in_the_in_portuguese():
    assert begins_with_no("no, obrigado", "pt") and not begins_with_no("no meu e-mail", "pt")
    assert (
        begins_with_no("no meu", "es") and not begins_with_no("not sure", "en") and begins_with_no("lieber nicht", "de")
    )


# ------------------------------------------------------------------------- asked before it is done


@pytest.mark.parametrize("yes", ["yes", "Yes please!", "1"])
def test_what_has_consequences_is_done_after_a_yes_alone(visitor, yes):
    person = visitor()
    question = person.says("cancel my order AC-10042")
    assert said(question) == "Shall I go ahead? Cancel an order: AC-10042"
    assert (titles(question), question.handover) == (["Yes", "No"], False)
    done = person.says(yes)
    assert "stop order AC-10042" in said(done)
    assert done.handover_reason == "intent:cancel_order"


@pytest.mark.parametrize("yes", ["👍", "👍🏽", "yes, thanks", "Yes, cancel my order please", "ok", "yeah, sure"])
def test_a_yes_in_other_words_has_it_done(visitor, yes):
    person = visitor()
    person.says("cancel my order AC-10042")
    assert person.says(yes).handover_reason == "intent:cancel_order"


@pytest.mark.parametrize(
    "said", ["sure, why not", "yes but only if it has not shipped", "yes if it is free", "yes and where is it"]
)
def test_what_is_merely_like_a_yes_is_asked_again(visitor, said):
    person = visitor()
    person.says("cancel my order AC-10042")
    again = person.says(said)
    assert (again.handover, again.context["conversation_stage"]) == (False, "confirming")
    assert titles(again) == ["Yes", "No", "Talk to a human"]  # "only the lamp" is for a colleague
    assert person.says("yes").handover_reason == "intent:cancel_order"


@pytest.mark.parametrize("said", ["maybe", "perhaps", "yesterday", "not yet", "oklahoma"])
def test_what_has_letters_of_a_yes_has_nothing_done(visitor, said):
    """ "Maybe" was taken for a yes by its letters, and had the order stopped."""
    person = visitor()
    person.says("cancel my order AC-10042")
    assert not person.says(said).handover


@pytest.mark.parametrize("no", ["no", "2", "never mind", "👎", "better not", "actually no", "ok thanks but leave it"])
def test_after_a_no_it_is_left(visitor, no):
    person = visitor()
    person.says("cancel my order AC-10042")
    reply = person.says(no)
    assert (reply.intent, reply.handover, reply.context["conversation_stage"]) == ("cancel", False, "open")


def test_an_old_yes_does_nothing(visitor):
    person = visitor()
    person.says("cancel my order AC-10042")
    person.says("when are you open?")
    assert not person.picks("do:cancel_order", "Yes").handover


# ------------------------------------------------------------------------------ a colleague's word


def test_a_colleagues_word_ends_the_question(visitor):
    person = visitor()
    person.says("track my order")
    reply = person.says("yes perfect, thanks a lot", history=BY_COLLEAGUE)
    assert (reply.intent, reply.context["conversation_stage"]) == ("thanks", "open")


def test_a_yes_to_a_colleague_calls_no_further_one(visitor):
    person = visitor()
    person.says("my leg hurts")
    assert not person.says("yes", history=BY_COLLEAGUE).handover


def test_a_number_said_to_a_colleague_picks_nothing(visitor):
    person = visitor()
    person.says("i want to return something")
    assert person.says("2", history=BY_COLLEAGUE).context["slots"] == {}


BY_PROGRAM = (HistoryEntry("bot", "Shall I stop it?"), HistoryEntry("bot", "Do you want our newsletter?", unasked=True))


def test_a_yes_to_what_a_program_said_in_between_does_nothing(visitor):
    """An order was cancelled by the "yes" to a newsletter."""
    person = visitor()
    person.says("cancel my order AC-10042")
    assert not person.says("yes", history=BY_PROGRAM).handover


def test_a_number_that_was_asked_for_is_taken_after_a_program_spoke(visitor):
    person = visitor()
    person.says("track my order")
    assert "Order AC-10042 left" in said(person.says("AC-10042", history=BY_PROGRAM))


def test_what_the_bot_asked_after_the_colleague_counts(visitor):
    person = visitor()
    person.says("track my order")
    reply = person.says("AC-10042", history=(*BY_COLLEAGUE, HistoryEntry("bot", "What is your order number?")))
    assert "Order AC-10042 left" in said(reply)


# --------------------------------------------------------------------------------- several wishes


def test_two_wishes_are_both_answered_in_their_order(visitor):
    reply = visitor().says("when are you open and how long does shipping take?")
    assert [content.text[:17] for content in reply.contents] == ["Our shops are ope", "Standard delivery"]


def test_the_second_wish_follows_once_the_first_is_done(visitor):
    person = visitor()
    assert said(person.says("where is my order? how long does shipping take?")).startswith("What is your order number")
    reply = person.says("AC-10042")
    assert [content.text[:14] for content in reply.contents] == ["Order AC-10042", "Standard deliv"]
    assert "later" not in person.context["assistant"]


def test_a_wish_left_behind_is_forgotten(visitor):
    person = visitor()
    person.says("where is my order? how long does shipping take?")
    person.says("never mind")
    assert "later" not in person.context["assistant"]


def test_a_human_among_the_wishes_comes_first(visitor):
    assert visitor().says("where is my order? i want to speak to a human").handover_reason == "requested"


@pytest.mark.parametrize("line", ["i want to return my order and get a refund", "show me your jackets and boots"])
def test_one_wish_with_an_and_is_one(visitor, line):
    assert "later" not in visitor().says(line).context["assistant"]


# --------------------------------------------------------------------------------------- spelling


@pytest.mark.parametrize(
    ("line", "corrected"),
    [("Wher is my ordr", "where is my order"), ("shiping", "shipping"), ("trakc it", "track it"), ("where is it", ""), ("xyzzy", "")],
)  # fmt: skip
def test_words_mistyped_by_a_letter_are_put_right(line, corrected):
    assert spelling_of(["where is my order", "shipping", "track it"]).corrected(line) == corrected


@pytest.mark.parametrize(
    ("line", "corrected"), [("helo", "hello"), ("heyy", "hey"), ("wich", "which"), ("abre", ""), ("sise", "size")]
)
def test_a_letter_too_many_or_too_few_of_two_is_likeliest_and_a_short_word_is_left(line, corrected):
    assert spelling_of(["help help", "hello", "hey", "are ich ich", "which size"]).corrected(line) == corrected


@pytest.mark.parametrize("line", ["¿A qué hora abre la piscina?", "Zapomniałem hasła"])
def test_a_word_that_is_near_to_a_taught_one_by_chance_is_no_greeting(line):
    """Of a tenant that taught little most words are unknown, and "hora" is not "hola" for that."""
    assert recognise(learn(skills_of([]), []), [line], sure=0.55)[0].classification.confidence < 0.55


@pytest.mark.parametrize("word", ["order", "orders"])
def test_one_letter_is_put_right_wherever_it_stands(word):
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    spoilt = {head + tail[1:] for head, tail in cuts} | {f"{head}q{tail}" for head, tail in cuts}
    spoilt |= {f"{head}q{tail[1:]}" for head, tail in cuts[:-1]}
    spoilt |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts[:-2]}
    assert {spelling_of([word, "deer"]).corrected(one) for one in spoilt - {word}} == {word}
    assert spelling_of([word]).corrected(f"q{word[:-2]}q") == ""


@pytest.mark.parametrize(
    ("line", "intent"), [("Wher is my ordr", "order_status"), ("opning huors", "opening_hours"), ("retrun lable", "return_item")]
)  # fmt: skip
def test_mistyped_texts_are_understood(visitor, line, intent):
    person = visitor()
    reply = person.says(line)
    assert reply.intent == intent or reply.next_expected[0] == f"intent:{intent}"


# -------------------------------------------------------------------------- languages and channels

FIVE = ("en", "de", "es", "fr", "pt")


@pytest.mark.parametrize(
    ("language", "line", "words"),
    [
        ("en", "hi", "welcome to Acorn"), ("de", "Hallo", "Was kann ich für Sie tun?"), ("es", "Hola", "¿En qué puedo ayudarte?"),
        ("fr", "Bonjour", "Que puis-je faire pour vous"), ("pt", "Olá", "Em que posso ajudar?"),
        ("en", "order", "order number"), ("de", "Rückgabe", "Warum geht die Ware zurück?"), ("de", "Bestellung", "Bestellnummer"),
        ("es", "devolución", "¿Por qué lo devuelves?"), ("fr", "retour", "Pourquoi le renvoyez-vous"),
        ("pt", "devolução", "Porque quer devolver?"), ("de", "Öffnungszeiten", "montags bis samstags"),
        ("es", "cómo puedo pagar", "transferencia"), ("pt", "falar com um atendente", "responde aqui mesmo"),
    ],
)  # fmt: skip
def test_the_demo_speaks_five_languages(visitor, language, line, words):
    assert words in said(visitor(languages=FIVE).says(line, language=language))


def test_a_return_in_german_from_the_first_word_to_the_last(visitor):
    person = visitor(languages=FIVE)
    assert titles(person.says("Rückgabe", language="de")) == ["Falsche Größe", "Defekt", "Gefällt nicht"]
    assert said(person.says("sie ist mir zu klein", language="de")).startswith("Wie lautet Ihre Bestellnummer?")
    reply = person.says("AC-10042", language="de")
    assert said(reply).startswith("Notiert: AC-10042, Falsche Größe.")
    assert reply.context["slots"] == {"reason": "wrong size", "order_number": "AC-10042"}


def test_a_number_that_comes_before_its_question_is_kept(visitor):
    person = visitor()
    person.says("i want to return something")
    again = person.says("AC-10042")
    assert said(again).startswith("I am glad to help")
    assert "AC-10042, faulty" in said(person.picks("faulty"))


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Welcome!"), ("es", "¿En qué puedo ayudarte?"), ("pt", "Como posso ajudar?")]
)
def test_the_tenants_greeting_stands_for_its_own_language_alone(visitor, language, words):
    person = visitor(learn(skills_of([]), []), greeting="Welcome!", languages=("en", "es", "pt"))
    assert said(person.says("hello", language=language)).endswith(words)


def test_a_channel_has_its_own_words(visitor):
    replies = ["To all.", {"messages": ["To SMS."], "channels": ["sms"]}, {"messages": ["An alle."], "language": "de"}]
    taught = learn(skills_of([Intent(name="news", examples=["what is new"], responses=replies)]), [])
    person = visitor(taught, languages=("en", "de"))
    assert said(person.says("what is new")) == "To all."
    assert said(person.says("what is new", language="de")) == "An alle."
    person.kind = "sms"
    assert said(person.says("what is new")) == "To SMS."


@pytest.mark.parametrize(
    "said",
    [
        "actually no, leave the return", "forget the refund", "lass die Rückgabe", "laissez tomber le retour",
        "olvida la devolución", "esquece a devolução", "nao quero devolver", "no quiero la devolucion",
    ],
)  # fmt: skip
def test_what_is_to_be_left_is_not_begun(visitor, said: str) -> None:
    """ "Leave the return" began one."""
    reply = visitor(languages=("en", "de", "fr", "es", "pt")).says(said)
    assert reply.intent != "return_item"


def test_a_parcel_that_is_to_be_left_somewhere_is_no_denial() -> None:
    assert not denied("leave the parcel with my neighbour") and not denied("deja la caja en casa")


@pytest.mark.parametrize(
    ("language", "said", "reason"),
    [
        ("pt", "nao serve", "wrong size"), ("pt", "não serve", "wrong size"), ("es", "no me vale", "wrong size"),
        ("es", "no me queda bien", "wrong size"), ("en", "they dont fit", "wrong size"), ("en", "they don’t fit", "wrong size"),
        ("fr", "c'est abime", "faulty"), ("es", "esta danado", "faulty"),
    ],
)  # fmt: skip
def test_a_reason_is_no_no_and_read_as_people_type_it(visitor, language: str, said: str, reason: str) -> None:
    """ "Nao serve", an answer to "why?", was taken for "no", and ended the return; "dont fit" was not found."""
    person = visitor(languages=("en", "de", "fr", "es", "pt"))
    person.picks("intent:return_item")
    assert person.says(said, language=language).context["slots"].get("reason") == reason


@pytest.mark.parametrize(
    ("language", "said"), [("es", "no gracias"), ("pt", "não, obrigado"), ("es", "no, espera"), ("pt", "nao quero")]
)
def test_a_no_stays_a_no(language: str, said: str) -> None:
    assert begins_with_no(said, language)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "can I still cancel it?"), ("en", "then cancel that order"), ("de", "kann ich das noch stornieren"),
        ("fr", "je veux l'annuler"), ("es", "quiero cancelarlo"), ("pt", "quero cancelá-la"), ("pt", "quero cancela-la"),
    ],
)  # fmt: skip
def test_it_is_the_order_that_was_spoken_of(visitor, language: str, said: str) -> None:
    """The number was asked for again, a line after it had been told."""
    person = visitor(languages=("en", "de", "fr", "es", "pt"))
    person.says("AC-10042", language=language)
    person.picks("intent:order_status?order_number=AC-10042")
    reply = person.says(said, language=language)
    assert (reply.intent, reply.context["slots"].get("order_number")) == ("cancel_order", "AC-10042")
    assert reply.next_expected == ("yes", "no")


@pytest.mark.parametrize("said", ["I want to cancel another order", "cancel my order", "cancel it, AC-20001 please"])
def test_another_order_is_not_the_one_that_was_spoken_of(visitor, said: str) -> None:
    person = visitor()
    person.picks("intent:order_status?order_number=AC-10042")
    assert person.says(said).context["slots"].get("order_number") != "AC-10042"


def test_after_a_colleague_it_is_what_they_spoke_of(visitor) -> None:
    person = visitor()
    person.picks("intent:order_status?order_number=AC-10042")
    reply = person.says("can I still cancel it?", history=BY_COLLEAGUE)
    assert reply.context["slots"].get("order_number") is None
