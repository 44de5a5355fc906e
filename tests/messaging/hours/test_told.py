"""Who waits for a human outside our hours is told so: once, in their language, through their own channel (TEN-2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels_app.content.types import text
from conversations.models import Conversation, Message
from messaging.accept import accept
from messaging.arrivals.entrance import Accepted, Entrance
from messaging.models import Delivery
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from tests.messaging.hours.conftest import FRIDAY_NIGHT, FRIDAY_NOON, HOURS

pytestmark = pytest.mark.django_db(transaction=True)

OURS = "We are closed right now. We will answer on Monday at 09:00 (CET)."
LATER = "A colleague will answer on Monday at 09:00 (CET)."
ASKS = Entrance(hints={"bypass_automation": True})


def story() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("conversation_id", "seq").values_list("role", "text"))


def replies() -> list[str]:
    return list(Message.objects.filter(metadata__hours="closed").order_by("id").values_list("text", flat=True))


def asks_for_a_human(channel: Any, said: Any, words: str = "a human please", **more: Any) -> Accepted:
    return accept(channel, said(words, **more), ASKS)


def test_a_person_who_asks_for_a_human_at_night_is_told_when_one_answers(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NIGHT)
    accepted = asks_for_a_human(whatsapp, said, id="1")
    assert story() == [("visitor", "a human please"), ("system", LATER), ("bot", OURS)]
    assert Delivery.objects.get().message.text == OURS
    talk = Conversation.objects.get()
    assert (talk.waiting_since, talk.first_reply_at) == (accepted.message.created_at, None)
    assert (talk.last_message_preview, accepted.conversation.last_seq) == ("a human please", 3)


def test_it_is_said_once_however_often_the_person_writes(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NIGHT)
    asks_for_a_human(whatsapp, said, id="1")
    for number in (2, 3):
        accept(whatsapp, said("hello?", id=str(number)))
    hand_back(Conversation.objects.get().id)
    asks_for_a_human(whatsapp, said, id="4")
    assert replies() == [OURS]


def test_who_asked_by_day_is_told_when_they_write_at_night(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NOON)
    asks_for_a_human(whatsapp, said, id="1")
    assert story()[-1] == ("system", "A colleague will be with you as soon as possible.")
    accept(whatsapp, said("still there?", id="2"))
    assert replies() == []
    at(FRIDAY_NIGHT)
    accept(whatsapp, said("hello?", id="3"))
    assert replies() == [OURS]


def test_who_asks_for_a_human_again_at_night_is_told_too(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NOON)
    asks_for_a_human(whatsapp, said, id="1")
    at(FRIDAY_NIGHT)
    asks_for_a_human(whatsapp, said, id="2")
    assert replies() == [OURS]


def test_the_next_conversation_is_told_anew(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NIGHT)
    conversation_end(asks_for_a_human(whatsapp, said, id="1").conversation.id)
    asks_for_a_human(whatsapp, said, id="2")
    assert replies() == [OURS, OURS]


def test_the_bot_answers_at_any_hour_and_says_nothing_of_hours(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NIGHT)
    accept(whatsapp, said("hello", id="1"))
    assert story() == [("visitor", "hello")]


def test_nothing_is_said_over_a_colleague_who_works_late(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NIGHT)
    talk = accept(whatsapp, said("hello", id="1")).conversation
    take_over(talk.id, None)
    agent_reply(talk.id, None, text("I am still here."))
    accept(whatsapp, said("thank you", id="2"))
    assert replies() == []


def test_who_said_stop_is_told_nothing(scope, whatsapp, said, sets, at) -> None:
    sets(features={"assistant": False})
    at(FRIDAY_NOON)
    accept(whatsapp, said("hello", id="1"))
    at(FRIDAY_NIGHT)
    accept(whatsapp, said("STOP", id="2"))
    assert replies() == []


def test_without_an_assistant_every_first_message_at_night_is_told(scope, web, said, sets, at) -> None:
    sets(features={"assistant": False})
    at(FRIDAY_NIGHT)
    accept(web, said("hello"), Entrance(client_message_id="c1"))
    assert replies() == [OURS]


def test_a_repeated_message_is_told_nothing_more(scope, whatsapp, said, sets, at) -> None:
    at(FRIDAY_NIGHT)
    asks_for_a_human(whatsapp, said, id="1")
    assert asks_for_a_human(whatsapp, said, id="1").duplicate
    assert replies() == [OURS]


def test_a_tenant_that_is_open_always_says_nothing(scope, whatsapp, said, at) -> None:
    at(FRIDAY_NIGHT)
    asks_for_a_human(whatsapp, said, id="1")
    assert replies() == []


def test_a_channel_may_have_hours_of_its_own(scope, web, whatsapp, said, sets, at) -> None:
    sets(business_hours_of={whatsapp.key: {}})
    at(FRIDAY_NIGHT)
    asks_for_a_human(whatsapp, said, id="1")
    assert replies() == []
    asks_for_a_human(web, said)
    assert replies() == [OURS]


# ------------------------------------------------------------------------------ the words


def in_german(said: Any, **more: Any) -> Any:
    inbound = said("Ich möchte bitte mit einem Menschen sprechen, und zwar sofort", **more)
    return replace(inbound, content=inbound.content.model_copy(update={"language": "de"}))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Wir haben gerade geschlossen. Wir antworten Ihnen am Montag um 09:00 Uhr (CET)."),
        ({"out_of_hours_reply": "Back {opens}!"}, "Back am Montag um 09:00 Uhr (CET)!"),
        ({"out_of_hours_reply": "Closed.", "out_of_hours_replies": {"de-AT": "Zu."}}, "Zu."),
        ({"out_of_hours_reply": "Closed.", "out_of_hours_replies": {"fr": "Fermé."}}, "Closed."),
    ],
    ids=["ours", "the tenant's", "the tenant's in the language", "another language"],
)
def test_in_the_persons_language(scope, whatsapp, said, sets, at, settings: dict[str, Any], words: str) -> None:
    sets(languages=["en", "de", "fr"], **settings)
    at(FRIDAY_NIGHT)
    accept(whatsapp, in_german(said, id="1"), ASKS)
    assert replies() == [words]


@pytest.mark.parametrize(
    ("night", "when"),
    [
        ("2026-03-04T07:00", "today at 09:00 (CET)"),
        ("2026-03-04T18:00", "tomorrow at 09:00 (CET)"),
        ("2026-03-28T10:00", "on Monday at 09:00 (CEST)"),
        ("2026-12-23T18:00", "on 4 January at 09:00 (CET)"),
    ],
    ids=["this morning", "tomorrow", "when the clocks have changed", "after the holidays"],
)
def test_the_next_opening_in_words(scope, whatsapp, said, sets, at, night: str, when: str) -> None:
    holidays = [{"date": f"2026-12-{day}"} for day in range(24, 32)] + [{"date": "2027-01-01"}]
    sets(business_hours={**HOURS, "holidays": holidays})
    at(night)
    asks_for_a_human(whatsapp, said, id="1")
    assert replies() == [f"We are closed right now. We will answer {when}."]


def test_where_no_opening_is_known_none_is_promised(scope, whatsapp, said, sets, at) -> None:
    sets(business_hours={"days": {"mon": []}})
    at(FRIDAY_NOON)
    asks_for_a_human(whatsapp, said, id="1")
    assert replies() == ["We are closed right now. We will answer as soon as we are open again."]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "one minute"), (45, "45 minutes"), (60, "one hour"), (150, "3 hours"), (1440, "one day"), (4000, "3 days")],
)
def test_who_waits_by_day_is_told_how_long_that_usually_is(
    scope, web, said, sets, at, minutes: int, words: str
) -> None:
    sets(expected_reply_minutes=minutes)
    at(FRIDAY_NOON)
    asks_for_a_human(web, said)
    assert story()[-1] == (
        "system", f"A colleague will be with you as soon as possible. We usually answer within {words}.",
    )  # fmt: skip


def places_told() -> list[str]:
    return list(Message.objects.filter(metadata__hours="place").order_by("id").values_list("text", flat=True))


def test_who_is_handed_over_on_a_platform_is_told_their_place_once(scope, whatsapp, said, sets, at) -> None:
    sets(queue_told_on=["whatsapp"], expected_reply_minutes=5)
    at(FRIDAY_NOON)
    asks_for_a_human(whatsapp, said, by="+4915100000001", id="1")
    at("2026-03-06T12:01")
    asks_for_a_human(whatsapp, said, by="+4915100000002", id="2")
    accept(whatsapp, said("hello?", by="+4915100000001", id="3"))
    asks_for_a_human(whatsapp, said, by="+4915100000002", id="4")
    usual = "We usually answer within 5 minutes."
    assert places_told() == [f"You are number 1 in the queue. {usual}", f"You are number 2 in the queue. {usual}"]
    assert sorted(Delivery.objects.values_list("message__text", flat=True)) == places_told()
    assert set(Conversation.objects.values_list("first_reply_at", flat=True)) == {None}


@pytest.mark.parametrize(
    ("named", "moment"),
    [((), FRIDAY_NOON), (("sms",), FRIDAY_NOON), (("whatsapp",), FRIDAY_NIGHT)],
    ids=["unset", "another channel", "closed"],
)
def test_no_place_is_told_where_it_is_not_wanted_or_of_no_use(
    scope, whatsapp, said, sets, at, named: tuple[str, ...], moment: str
) -> None:
    sets(queue_told_on=list(named))
    at(moment)
    asks_for_a_human(whatsapp, said, id="1")
    assert places_told() == []


def test_the_web_chat_shows_its_place_and_gets_no_message_of_it(scope, web, said, sets, at) -> None:
    sets(queue_told_on=["web"])
    at(FRIDAY_NOON)
    asks_for_a_human(web, said)
    assert places_told() == []


def test_the_place_is_told_in_the_persons_language_by_the_channels_key(scope, whatsapp, said, sets, at) -> None:
    sets(queue_told_on=[whatsapp.key], languages=["de"])
    at(FRIDAY_NOON)
    asks_for_a_human(whatsapp, said, id="1")
    assert places_told() == ["Sie sind Nummer 1 in der Warteschlange."]
