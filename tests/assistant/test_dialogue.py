"""How the built-in assistant converses, without a database."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.conf import settings

from assistant.builtin.turn import Options, Turn
from assistant.intents.lessons import learn
from assistant.intents.skills import skills_of
from assistant.knowledge.search import Passage
from assistant.models import Intent
from assistant.port import EngineRequest
from channels_app.content.types import Content, Location, Media, text

WIDGET = sorted((settings.BASE_DIR / "static/widget/strings").glob("*.json"))


def said(reply: Any) -> str:
    return " ".join(content.text or content.type for content in reply.contents)


def titles(reply: Any) -> list[str]:
    return [option.title for option in reply.contents[-1].quick_replies or ()]


@pytest.mark.parametrize(
    ("line", "intent"),
    [
        ("hello", "greeting"),
        ("Thank you so much!", "thanks"),
        ("ok bye", "goodbye"),
        ("are you open on sundays?", "opening_hours"),
        ("how much is delivery", "shipping_times"),
        ("do you have any coupons", "discount"),
        ("looking for new boots", "recommend"),
        ("my parcel arrived damaged", "complaint"),
        ("Wich backpak is best", "recommend"),
    ],
)
def test_recognises_an_intent_in_words_it_was_not_taught(visitor, line, intent):
    reply = visitor().says(line)
    assert reply.intent == intent
    assert reply.confidence >= 0.55
    assert reply.engine == "builtin"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("can I pay with mastercard", "PayPal"),
        ("how long is your guarantee", "five-year"),
        ("forgot password", "sign-in page"),
        ("can I hire a tent", "12 euros a day"),
        ("do your shoes run small", "true to size"),
    ],
)
def test_answers_from_the_knowledge(visitor, line, words):
    reply = visitor().says(line)
    assert reply.intent == "knowledge"
    assert words in said(reply)


def test_knowledge_comes_with_the_way_to_its_source(visitor):
    (button,) = visitor().says("how can i pay").contents[0].buttons
    assert (button.type, button.title, button.url) == ("url", "Read more", "https://acorn-outdoor.example/help/payment")


@pytest.mark.parametrize("line", ["do you believe in god", "xkcd 123", "my leg hurts", "i love you", "???", "🦊"])
def test_says_when_it_does_not_know_and_offers_a_human(visitor, line):
    reply = visitor().says(line)
    assert "do not know" in said(reply)
    assert titles(reply) == ["Talk to a human"]
    assert (reply.intent, reply.handover) == ("", False)


# ------------------------------------------------------------------------------- asking back


@pytest.mark.parametrize("answer", ["yes", "Yes please!", "Where is my order", "1"])
def test_asks_back_when_unsure_and_takes_the_answer(visitor, answer):
    person = visitor(high=0.9, known=2)
    question = person.says("where's my stuff??")
    assert said(question) == "Did you mean “Where is my order”?"
    assert titles(question) == ["Where is my order", "Something else"]
    assert question.context["conversation_stage"] == "confirming"
    reply = person.says(answer)
    assert reply.intent == "order_status"
    assert reply.next_expected == ("slot:order_number",)


@pytest.mark.parametrize("answer", ["no", "nope", "2"])
def test_no_to_a_question_back_counts_only_once(visitor, answer):
    person = visitor(high=0.9, known=2)
    person.says("where's my stuff??")
    reply = person.says(answer)
    assert ("other words" in said(reply), reply.intent, reply.unanswered) == (True, "no", True)
    assert person.says("what time do you close tonight").intent == "opening_hours"


def test_offers_several_when_several_are_likely(visitor):
    question = visitor(high=1.1, medium=0.001, known=2).says("cancel my order")
    assert len(titles(question)) > 2
    assert question.next_expected[0] == "intent:cancel_order"


def test_a_yes_without_a_question_starts_nothing(visitor):
    reply = visitor().says("yes")
    assert (reply.intent, reply.handover) == ("yes", False)


# ------------------------------------------------------------------------------------- slots


def test_a_slot_in_the_first_message_is_not_asked_for(visitor):
    reply = visitor().says("where is my order AC-12345?")
    assert "Order AC-12345 left" in said(reply)
    assert reply.context["slots"] == {"order_number": "AC-12345"}


def test_collects_slots_over_turns(visitor):
    person = visitor()
    assert titles(person.says("i want to return something")) == ["Wrong size", "Faulty", "Changed my mind"]
    assert person.picks("faulty").next_expected == ("slot:order_number",)
    reply = person.says("it is AC-10042")
    assert "Noted: AC-10042, faulty." in said(reply)
    assert reply.context["conversation_stage"] == "open"


@pytest.mark.parametrize("answer", ["Faulty", "2", "it is faulty, sadly"])
def test_a_choice_may_be_written(visitor, answer):
    person = visitor()
    person.says("i want to return something")
    assert person.says(answer).context["slots"] == {"reason": "faulty"}


def test_a_wrong_value_is_asked_for_again_and_then_a_human_helps(visitor):
    person = visitor()
    person.says("track my order")
    again = person.says("number twelve or so")
    assert "looks like AC-10042" in said(again)
    assert not again.handover
    reply = person.says("i really can't tell")
    assert (reply.handover, reply.handover_reason) == (True, "misunderstood")


def test_a_right_value_after_a_wrong_one_clears_the_count(visitor):
    person = visitor()
    person.says("track my order")
    person.says("number twelve or so")
    person.says("AC-10042")
    assert not person.says("my leg hurts").handover


def test_another_intent_interrupts_the_question(visitor):
    person = visitor()
    person.says("track my order")
    reply = person.says("when are you open?")
    assert reply.intent == "opening_hours"
    assert reply.context["conversation_stage"] == "open"


def test_a_fact_in_between_comes_back_to_the_question(visitor):
    person = visitor()
    person.says("track my order")
    reply = person.says("how long is the warranty?")
    assert "five-year" in reply.contents[0].text
    assert "order number" in reply.contents[1].text
    assert "AC-10042" in said(person.says("AC-10042"))


@pytest.mark.parametrize(
    ("line", "words"), [("are you a bot?", "a program"), ("thanks", "welcome"), ("how are you", "")]
)
def test_talk_in_between_is_answered_and_comes_back_to_the_question(visitor, line, words):
    person = visitor()
    person.says("track my order")
    reply = person.says(line)
    assert words in reply.contents[0].text
    assert ("order number" in reply.contents[1].text, reply.next_expected) == (True, ("slot:order_number",))
    assert reply.context["assistant"]["missed"] == 0
    assert "AC-10042" in said(person.says("AC-10042"))


def test_who_is_upset_by_questions_twice_gets_a_human(visitor):
    person = visitor()
    person.says("track my order")
    first = person.says("you are useless")
    assert ("sorry" in first.contents[0].text, first.handover) == (True, False)
    assert person.says("stupid bot").handover


@pytest.mark.parametrize(("line", "intent"), [("no", "cancel"), ("bye", "goodbye")])
def test_a_no_and_a_farewell_leave_the_question(visitor, line, intent):
    person = visitor()
    person.says("track my order")
    reply = person.says(line)
    assert (reply.intent, reply.context["conversation_stage"]) == (intent, "open")


def test_what_is_not_to_be_begun_is_no_question_about_articles(visitor):
    person = visitor()
    person.says("i want to return something")
    reply = person.says("please do not cancel my order")
    assert (reply.intent, reply.next_expected) == ("", ("intent:cancel_order",))


@pytest.mark.parametrize(("line", "asked"), [("AC-1O042", 0), ("12 34", 0), ("warranty", 1)])
def test_a_code_asks_no_article(shop, line, asked):
    looks: list[str] = []

    def look(question: str, language: str, most: int) -> list[Passage]:
        looks.append(question)
        return []

    request = EngineRequest(uuid.UUID(int=0), uuid.UUID(int=1), "web", (text(line),))
    assert (Turn(Options(), shop, request, look).passage, len(looks)) == (None, asked)


@pytest.mark.parametrize("line", ["never mind", "forget it"])
def test_cancel_leaves_the_question(visitor, line):
    person = visitor()
    person.says("i want to complain")
    reply = person.says(line)
    assert (reply.intent, reply.context["conversation_stage"]) == ("cancel", "open")


def test_a_free_slot_takes_any_words(visitor):
    person = visitor()
    person.says("i want to complain")
    reply = person.says("how long is the warranty? my tent tore")
    assert reply.context["slots"] == {"problem": "how long is the warranty? my tent tore"}
    assert (reply.handover, reply.handover_reason) == (True, "intent:complaint")


def test_an_option_may_bring_its_slots(visitor):
    assert "Oak 2 is in stock" in said(visitor().picks("intent:stock?product=Oak+2"))


def test_an_option_brings_no_slots_that_the_intent_has_not(visitor):
    assert visitor().picks("intent:opening_hours?product=Oak").context["slots"] == {}


# ---------------------------------------------------------------------------------- handover


@pytest.mark.parametrize("words", WIDGET, ids=lambda path: path.stem)
def test_the_widgets_button_for_a_person_is_understood_in_each_of_its_languages(visitor, words):
    reply = visitor().says(json.loads(words.read_text(encoding="utf-8"))["ask"])
    assert (reply.handover, reply.handover_reason) == (True, "requested")


@pytest.mark.parametrize("line", ["can i speak with a person", "give me a human", "real agent now", "human"])
def test_hands_over_on_request(visitor, line):
    reply = visitor().says(line)
    assert (reply.handover, reply.handover_reason) == (True, "requested")
    assert reply.context["conversation_stage"] == "handover"
    assert said(reply)


@pytest.mark.parametrize(("after", "handed_over"), [(0, [False] * 4), (1, [True] * 4), (2, [False, True] * 2)])
def test_hands_over_after_misunderstandings_in_a_row(visitor, after, handed_over):
    person = visitor(handover_after=after)
    assert [person.says(line).handover for line in ("foo", "my leg hurts", "bar", "i love you")] == handed_over


def test_an_answer_in_between_clears_the_count(visitor):
    person = visitor()
    assert [person.says(line).handover for line in ("foo", "hello", "my leg hurts")] == [False] * 3


def test_yes_to_the_offer_of_a_human_hands_over(visitor):
    person = visitor()
    person.says("my leg hurts")
    assert person.says("yes").handover_reason == "requested"


def test_a_human_may_be_asked_for_in_the_middle_of_a_question(visitor):
    person = visitor()
    person.says("i want to complain")
    assert person.says("talk to a human").handover_reason == "requested"


# --------------------------------------------------------------------------- what people send


def test_messages_of_one_turn_are_answered_once(visitor):
    reply = visitor().says("hi", "i have a question", "where is my order", "it is AC-10042")
    assert "AC-10042" in said(reply)
    assert len(reply.contents) == 1


IMAGE = Content(type="image", media=Media(url="https://example.org/a.png", type="image/png"))
PLACE = Content(type="location", location=Location(latitude=1, longitude=2))


@pytest.mark.parametrize(("content", "words"), [(IMAGE, "picture"), (PLACE, "location")], ids=["image", "location"])
def test_acknowledges_what_it_cannot_read(visitor, content, words):
    reply = visitor().says(content)
    assert words in said(reply)
    assert not reply.handover


def test_a_picture_does_not_lose_the_open_question(visitor):
    person = visitor()
    person.says("track my order")
    assert person.says(IMAGE).next_expected == ("slot:order_number",)
    assert "AC-10042" in said(person.says("AC-10042"))


def test_a_caption_is_read(visitor):
    assert visitor().says(IMAGE.model_copy(update={"text": "when are you open"})).intent == "opening_hours"


def test_nothing_said_nothing_answered(visitor):
    assert visitor().says().contents == ()


@pytest.mark.parametrize("payload", ["intent:unknown", "knowledge:unknown", "SHOP_NOW", ":", "intent:"])
def test_an_unknown_payload_falls_back_to_its_title(visitor, payload):
    assert visitor().picks(payload, "when are you open").intent == "opening_hours"


def test_an_option_offered_earlier_counts_only_until_the_next_reply(visitor):
    person = visitor()
    assert titles(person.says("hello"))[0] == "Where is my order"
    person.says("thanks")
    assert person.says("1").intent != "order_status"


def test_carousels_and_places_are_among_the_replies(visitor):
    assert [content.type for content in visitor().says("show me tents").contents] == ["text", "carousel"]
    assert [content.type for content in visitor().says("store locations").contents] == ["text", "location", "location"]


def test_a_number_picks_a_button_of_a_carousel(visitor):
    person = visitor()
    person.says("show me tents")
    assert "Ridge 40 is in stock" in said(person.says("3"))


def test_help_lists_what_the_tenant_taught(visitor):
    reply = visitor().says("what can you do")
    assert {"Opening hours", "Talk to a human"} <= set(titles(reply))
    assert "Greeting" not in titles(reply)


# ------------------------------------------------------------------------------- words, memory


def test_replies_are_the_same_for_the_same_turn_and_vary_between_turns(visitor):
    one, other = visitor(), visitor()
    lines = ["thanks", "thank you"]
    assert [said(one.says(line)) for line in lines] == [said(other.says(line)) for line in lines]
    assert said(one.says("thanks")) != said(one.says("thanks"))


@pytest.mark.parametrize(
    ("language", "languages", "words"),
    [
        ("de", ("en", "de"), "Ich übergebe"),
        ("de", ("en",), "I am handing"),
        ("", ("fr", "en"), "Je vous mets"),
        ("de", ("en", "de-AT"), "Ich übergebe"),
        ("zz", ("es",), "Te paso"),
    ],
)
def test_speaks_the_persons_language_if_the_tenant_does(visitor, language, languages, words):
    assert words in said(visitor(languages=languages).says("human", language=language))


def test_names_are_put_in_where_known(visitor):
    assert "Hello Ann, welcome" in said(visitor().says("hello", profile={"name": "Ann"}))
    assert "Hello there, welcome" in said(visitor().says("hello"))


def test_the_tenants_greeting_replaces_the_common_one(visitor):
    assert said(visitor(learn(skills_of([]), []), greeting="Welcome, I am {bot}.", bot_name="Oak").says("hi")) == (
        "Welcome, I am Oak."
    )


def test_remembers_in_the_context_what_json_can_hold(visitor):
    person = visitor()
    person.says("where's my stuff? write to ann@example.org")
    assert json.loads(json.dumps(person.context)) == person.context
    assert person.context["entities"] == {"email": "ann@example.org"}
    assert set(person.context) >= {"current_intent", "entities", "slots", "user_profile", "conversation_stage"}


def test_keeps_what_others_put_into_the_context(visitor):
    person = visitor()
    person.context = {"campaign": "spring", "user_profile": {"tier": "gold"}}
    context = person.says("hello").context
    assert (context["campaign"], context["user_profile"]) == ("spring", {"tier": "gold"})


def test_knows_the_person_and_what_they_told_of_themselves(visitor):
    person = visitor()
    person.says("subscribe to the newsletter", profile={"name": "Ann", "language": ""})
    person.says("ann@example.org", profile={"name": "Ann", "language": ""})
    assert person.context["user_profile"] == {"name": "Ann", "email": "ann@example.org"}


def test_a_reply_made_too_long_by_a_value_still_answers(visitor):
    slot = {"name": "wish", "prompt": "What?"}
    intent = Intent(name="wish", examples=["i have a wish"], responses=["{wish} " * 1000], slots=[slot])
    person = visitor(learn(skills_of([intent]), []))
    person.says("i have a wish")
    assert said(person.says("w" * 300)) == "Thank you, I have noted that."


def test_a_disabled_common_intent_is_off(visitor):
    person = visitor(learn(skills_of([Intent(name="thanks", enabled=False)]), []))
    assert person.says("thanks").intent != "thanks"


def test_an_intent_switched_off_in_the_middle_is_let_go(visitor):
    person = visitor()
    person.says("track my order")
    person.lessons = learn(skills_of([]), [])
    assert person.says("hello").intent == "greeting"


def test_it_says_why_it_answered_so(visitor):
    known = visitor().says("are you open on sundays?")
    assert (known.why["settled"], known.why["intents"][0][0]) == ("letters", "opening_hours")
    told = visitor().says("how long is your guarantee")
    assert told.why["settled"] == "knowledge"
    assert told.why["chunks"][0]["title"] == told.sources[0].title
    assert told.sources[0].kind == "article"
