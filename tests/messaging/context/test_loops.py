"""An autoresponder or another bot is not answered for ever: after a bounded number of answers a human is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender
from channels_app.words.automatic import is_automatic
from conversations.models import Conversation, Event, Message
from messaging.accept import accept
from messaging.models import Turn
from messaging.respond import respond
from messaging.rules import loops
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import hand_back, take_over
from messaging.turns import thinking
from tenants.storage.db import now

pytestmark = pytest.mark.django_db(transaction=True)

AWAY = "Thank you for your message. We will get back to you!"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine was asked; it answers everything."""
    heard: list[str] = []

    class Polite:
        name = "polite"

        def respond(self, request: Any) -> EngineReply:
            heard.append(request.contents[-1].text)
            return EngineReply((text("You are welcome!"),), engine="polite")

    monkeypatch.setattr(thinking, "engine_for", lambda settings: Polite())
    return heard


@pytest.fixture
def hear(scope, whatsapp, asked):
    """``hear("a", Content(…))`` accepts each and answers it. The conversation."""
    count = iter(range(1000))

    def one(*said: str | Content) -> Conversation:
        for words in said:
            content = text(words) if isinstance(words, str) else words
            accept(whatsapp, InboundMessage(f"m{next(count)}", Sender("wa", "15550107777"), content))
            Turn.objects.filter(status__in=Turn.OPEN).update(due_at=now())
            for turn in Turn.objects.filter(status__in=Turn.OPEN):
                respond(turn.id)
        return Conversation.objects.get()

    return one


def test_the_same_words_are_answered_five_times_and_then_a_human_is_asked_for(hear, asked) -> None:
    assert hear(*[AWAY] * loops.SAME).control_owner == "bot"
    conversation = hear(AWAY.upper(), AWAY, AWAY)
    assert (conversation.control_owner, conversation.held_by) == ("human", "queue")
    assert len(asked) == loops.SAME
    assert Message.objects.filter(role="bot").count() == loops.SAME
    told = Event.objects.filter(type="chat.conversation.updated").latest("seq").payload
    assert (told["control_owner"], told["reason"]) == ("human", "loop")


MACHINES = (
    "Automatic reply: I am out of the office until 5 January.",
    "Automatische Antwort: Ich bin bis 5. Januar nicht im Büro.",
    "Ich bin derzeit nicht erreichbar und habe keinen Zugriff auf meine E-Mails.",
    "Réponse automatique : je suis absent du bureau jusqu'au 5 janvier.",
    "Respuesta automática: estoy fuera de la oficina hasta el 5 de enero.",
    "Resposta automática: estou ausente do escritório até 5 de janeiro.",
    "Message not delivered: the address was not found.",
    "Mail delivery failed: returning message to sender",
    "Undeliverable: Your order",
    "Ihre Nachricht konnte nicht zugestellt werden.",
    "I'm sorry, I didn't understand that. Please choose an option.",
    "Sorry, I did not get that. Please select one of the options.",
    "Das habe ich leider nicht verstanden. Bitte wählen Sie eine Option.",
)


@pytest.mark.parametrize("said", MACHINES)
def test_a_machine_is_known_by_its_words(said: str) -> None:
    assert is_automatic(said)


@pytest.mark.parametrize(
    "said",
    [
        "My order was not delivered", "my parcel has not been delivered yet", "Ich bin nicht zufrieden", "I am on holiday, can you deliver later?",
        "sorry, I don't understand", "mein paket wurde nicht zugestellt", "je suis à Lyon", "estou à espera", "is there an automatic refund?",
        "I work in an office", "no he recibido el pedido", "can I choose the option express?",
    ],
)  # fmt: skip
def test_a_person_is_none(said: str) -> None:
    assert not is_automatic(said)


def test_machines_that_say_it_in_ever_other_words_are_answered_twice(hear, asked) -> None:
    """Each was new, and answered: sixty times in ten minutes."""
    assert hear(*MACHINES[:2]).control_owner == "bot"
    conversation = hear(MACHINES[6])
    assert (conversation.control_owner, conversation.held_by) == ("human", "queue")
    assert len(asked) == loops.AUTOMATIC


def test_one_report_of_a_machine_among_a_persons_words_ends_nothing(hear) -> None:
    assert hear("hello", MACHINES[6], "what does that mean?", "where is my order?").control_owner == "bot"


def test_other_words_between_are_no_way_out(hear) -> None:
    assert hear(AWAY, "a", AWAY, "b", AWAY, "c", AWAY, "d", AWAY).control_owner == "bot"
    assert hear(AWAY).control_owner == "human"


def test_words_of_an_hour_ago_and_picked_buttons_do_not_count(hear) -> None:
    hear(*[AWAY] * loops.SAME)
    Message.objects.update(created_at=now() - timedelta(hours=1))
    assert hear(AWAY).control_owner == "bot"
    pick = Content.model_validate({"type": "text", "text": "Next", "choice": {"value": "next", "title": "Next"}})
    assert hear(*[pick] * (loops.SAME + 2)).control_owner == "bot"


def test_what_a_colleague_said_ends_a_loop(hear, asked) -> None:
    conversation = hear(*[AWAY] * (loops.SAME + 1))
    take_over(conversation.id, None)
    agent_reply(conversation.id, None, text("Hello?"))
    hand_back(conversation.id)
    assert hear(AWAY).control_owner == "bot"
    assert len(asked) == loops.SAME + 1


def test_two_bots_that_say_ever_new_things_end_too(hear, asked, monkeypatch) -> None:
    monkeypatch.setattr(loops, "MOST", 9)
    assert hear(*[f"number {n}" for n in range(9)]).control_owner == "bot"
    assert hear("number 10").control_owner == "human"
    assert len(asked) == 9


def test_a_talk_of_a_whole_day_has_no_bound(hear, monkeypatch) -> None:
    monkeypatch.setattr(loops, "MOST", 9)
    hear(*[f"number {n}" for n in range(9)])
    Message.objects.update(created_at=now() - timedelta(hours=1))
    assert hear("number 10").control_owner == "bot"


def test_programs_of_the_tenants_own_may_say_the_same_again(scope, web, asked) -> None:
    for n in range(loops.SAME + 3):
        accept(web, InboundMessage(f"w{n}", Sender("user", "probe"), text(AWAY)))
        Turn.objects.filter(status__in=Turn.OPEN).update(due_at=now())
        respond(Turn.objects.get(status__in=Turn.OPEN).id)
    assert len(asked) == loops.SAME + 3
