"""An autoresponder or another bot is not answered for ever: after a bounded number of answers a human is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender
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
