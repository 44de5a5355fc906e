"""A message that its author changes into STOP stops, and no edit lets anything be sent again (CONV-11)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels_app.content.types import text
from channels_app.contract import Revision
from conversations.models import Conversation
from messaging.accept import accept
from messaging.consent.rules import staff_allow, staff_stop
from messaging.receipts.applying import item_apply
from messaging.rules.control import take_over
from tests.messaging.consent.ana import ANA, START, answer_due, bot_said, events, said, stopped

pytestmark = pytest.mark.django_db(transaction=True)


def edited(words: str, second: int, message: int = 0) -> Revision:
    at = START + timedelta(seconds=second)
    return Revision(f"e{second}", f"m{message}:{ANA.value}", ANA, text(words), at)


def test_a_typing_error_put_right(scope, whatsapp, engine) -> None:
    accept(whatsapp, said("STPO", 0))
    assert item_apply(whatsapp, edited("STOP", 5)) == ""
    assert stopped()
    assert events() == ["stopped"]
    answer_due()
    assert engine.asked == []
    assert len(bot_said()) == 1, "the confirmation"


def test_it_stops_as_of_the_edit_and_what_is_written_later_lifts_it(scope, whatsapp) -> None:
    accept(whatsapp, said("STPO", 0))
    item_apply(whatsapp, edited("STOP", 5))
    accept(whatsapp, said("where is my parcel?", 3))
    assert stopped(), "that came late"
    accept(whatsapp, said("where is my parcel?", 9))
    assert not stopped()


def test_an_edit_that_comes_late_stops_nothing(scope, whatsapp) -> None:
    accept(whatsapp, said("STPO", 0))
    accept(whatsapp, said("no, do send it", 9))
    item_apply(whatsapp, edited("STOP", 5))
    assert not stopped()


def test_the_same_edit_is_confirmed_once(scope, whatsapp) -> None:
    accept(whatsapp, said("STPO", 0))
    item_apply(whatsapp, edited("STOP", 5))
    item_apply(whatsapp, edited("STOP", 5))
    item_apply(whatsapp, edited("Stop!", 6))
    assert (events(), len(bot_said())) == (["stopped"], 1)


@pytest.mark.parametrize("words", ["START", "stop sending me the blue ones", "hello"])
def test_no_edit_lifts_a_stop(scope, whatsapp, words) -> None:
    accept(whatsapp, said("STOP", 0))
    item_apply(whatsapp, edited(words, 5))
    assert stopped()


def test_it_holds_when_staff_allow_the_person_again(scope, whatsapp) -> None:
    """As a STOP that is written while staff have stopped them: their own word is kept."""
    accept(whatsapp, said("STPO", 0))
    contact = Conversation.objects.get().contact_id
    staff_stop(contact)
    item_apply(whatsapp, edited("STOP", 5))
    assert bot_said() == []
    staff_allow(contact)
    assert not stopped()


def test_with_a_human_too(scope, whatsapp) -> None:
    accept(whatsapp, said("STPO", 0))
    take_over(Conversation.objects.get().id, None)
    item_apply(whatsapp, edited("STOP", 5))
    assert stopped()


def test_words_of_a_web_chat_are_words(scope, web) -> None:
    accept(web, said("STPO", 0))
    item_apply(web, edited("STOP", 5))
    assert not stopped()
