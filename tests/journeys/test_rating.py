"""How it was: asked once at the end, on every channel that can show it, and never taken for another person's (CONV-8)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from conversations.models import Contact, Conversation, Message
from messaging.models import InboundEvent
from messaging.rating.asked import rating_wanted
from messaging.rating.words import RATING_WORDS
from messaging.receive import receipts_replay
from messaging.rules.control import conversation_end
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.factories import ChannelFactory, ConversationFactory
from tests.journeys.connected import Connected

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("messenger", "slack", "sms", "teams", "webhook", "whatsapp")
PRESSED = [kind for kind in KINDS if kind != "sms"]
QUESTION, THANKS = "How was this conversation?", "Thank you for your feedback!"


def wants(tenant: Tenant, **chosen: Any) -> None:
    tenant.settings = {"csat_channels": KINDS, **chosen}
    tenant.save()
    invalidate(tenant.id)


@pytest.fixture
def asked(tenant: Tenant, connected: Any) -> Any:
    """``asked(kind)``: a conversation there has ended, and the person sees the question."""

    def make(kind: str = "whatsapp", **chosen: Any) -> Connected:
        wants(tenant, **chosen)
        line = connected(kind)
        line.ask("What are your opening hours?")
        ended(line)
        return line

    return make


def ended(line: Connected) -> None:
    with tenant_scope(line.tenant.id):
        conversation_end(Conversation.objects.get(is_open=True).id)
    line.settle()


def talks(line: Connected) -> list[tuple[bool, int | None]]:
    """Whether each conversation is open, and its rating; oldest first."""
    with tenant_scope(line.tenant.id):
        return list(Conversation.objects.order_by("created_at", "id").values_list("is_open", "satisfaction"))


def told(line: Connected) -> list[str]:
    with tenant_scope(line.tenant.id):
        return list(
            Message.objects.filter(metadata__csat__in=["asked", "thanked"])
            .order_by("id")
            .values_list("text", flat=True)
        )


@pytest.mark.parametrize("kind", PRESSED)
def test_a_press_rates_and_begins_no_conversation(asked, kind: str) -> None:
    line = asked(kind)
    assert QUESTION in line.heard[-1]
    line.ask(message=line.choices()["Good"])
    assert (talks(line), told(line)) == ([(False, 4)], [QUESTION, THANKS])
    assert THANKS in line.heard[-1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", ["very good", "5"])
def test_an_answer_may_be_typed(asked, kind: str, words: str) -> None:
    line = asked(kind)
    line.ask(words)
    assert (talks(line), told(line)) == ([(False, 5)], [QUESTION, THANKS])


def test_another_press_counts_instead_and_is_not_thanked_again(asked) -> None:
    line = asked()
    choices = line.choices()
    line.ask(message=choices["Good"])
    line.ask(message=choices["Very poor"])
    line.ask(message=choices["Very poor"])
    assert (talks(line), told(line)) == ([(False, 1)], [QUESTION, THANKS])


def test_after_the_thanks_a_number_is_a_message(asked) -> None:
    line = asked()
    line.ask("5")
    line.ask("3")
    assert talks(line) == [(False, 5), (True, None)]


@pytest.mark.parametrize(
    ("words", "score"),
    [("5!", 5), ("4 stars", 4), ("3/5", 3), ("4 out of 5", 4), ("⭐⭐⭐⭐", 4), ("5️⃣", 5), ("５", 5), ("٥", 5), ("5 🙂", 5), ("2, thanks", 2),
     ("5 thank you!!", 5), ("Very good, thank you!", 5), ("good 👍", 4), ("2. Poor", 2)],
)  # fmt: skip
def test_what_people_put_around_it_does_not_hide_an_answer(asked, words: str, score: int) -> None:
    line = asked()
    line.ask(words)
    assert (talks(line), told(line)) == ([(False, score)], [QUESTION, THANKS])


@pytest.mark.parametrize("language", RATING_WORDS)
def test_each_language_is_answered_in_its_own_words(asked, language: str) -> None:
    line = asked(languages=[language])
    words = RATING_WORDS[language]
    assert words.question in line.heard[-1]
    line.ask(f"{words.answers[1]}!")
    assert (talks(line), line.heard[-1]) == ([(False, 2)], words.thanks)


def test_the_languages_are_those_of_the_widget() -> None:
    assert set(RATING_WORDS) == {file.stem for file in (settings.BASE_DIR / "static/widget/strings").glob("*.json")}


@pytest.mark.parametrize(
    "words",
    [
        "Good morning",
        "6",
        "What is 5 times 5?",
        "I need 2 more",
        "5 more, please",
        "2 stars are missing on my tent",
        "⭐⭐⭐⭐⭐⭐",
        "thanks",
        "3,5",
        "15",
        "1-2",
    ],
)
def test_what_is_no_answer_begins_the_next_conversation(asked, words: str) -> None:
    line = asked()
    line.ask(words)
    assert talks(line) == [(False, None), (True, None)]


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_number_in_another_thread_is_a_message(asked, kind: str) -> None:
    line = asked(kind)
    with tenant_scope(line.tenant.id):
        Conversation.objects.update(thread="C0DEMO001:1700000000.000100")
    line.ask("5")
    assert talks(line) == [(False, None), (True, None)]


def test_a_number_rates_what_was_asked_in_its_own_thread(asked) -> None:
    line = asked("slack")
    with tenant_scope(line.tenant.id):
        talk = Conversation.objects.get()
        of_the_same = {name: getattr(talk, name) for name in ("channel", "contact", "identity")}
        ConversationFactory(tenant=line.tenant, thread="C0DEMO001:1700000000.000100", **of_the_same)
    line.ask("5")
    assert talks(line) == [(False, 5), (True, None)]


def test_a_late_press_rates_the_old_conversation_and_not_the_new_one(asked) -> None:
    line = asked()
    choices = line.choices()
    line.ask("One more thing: where are you?")
    line.ask("5")
    line.ask(message=choices["Poor"])
    assert talks(line) == [(False, 2), (True, None)]


def test_a_number_after_a_day_is_a_message(asked, time_machine) -> None:
    line = asked()
    time_machine.move_to(now().timestamp() + 25 * 3600)
    line.ask("5")
    assert talks(line) == [(False, None), (True, None)]


def test_the_same_request_again_rates_once(asked, tenant) -> None:
    line = asked()
    line.ask("5")
    with tenant_scope(tenant.id):
        receipts_replay(InboundEvent.objects.all())
    line.settle()
    assert (talks(line), told(line)) == ([(False, 5)], [QUESTION, THANKS])


def test_a_question_of_another_person_is_not_answered(asked, tenant) -> None:
    line = asked()
    press = line.choices()["Very good"]
    with tenant_scope(tenant.id):
        stranger = Contact.objects.create(tenant=tenant, name="Stranger")
        talk = Conversation.objects.get()
        talk.identity.value, talk.identity.contact = "15550009999", stranger
        talk.identity.save()
        Conversation.objects.update(contact=stranger)
    line.ask(message=press)
    assert talks(line)[0] == (False, None)


def test_it_is_asked_in_the_persons_language(asked) -> None:
    line = asked(languages=["de"])
    assert "Wie war dieses Gespräch?" in line.heard[-1]
    line.ask("sehr gut")
    assert (talks(line), line.heard[-1]) == ([(False, 5)], "Vielen Dank für Ihre Rückmeldung!")


# ------------------------------------------------------------------------- who is not asked


@pytest.mark.parametrize(
    "chosen", [{"csat_enabled": False}, {"csat_channels": ["web", "sms"]}], ids=["off", "elsewhere"]
)
def test_a_tenant_chooses_where_it_is_asked(asked, chosen: dict[str, Any]) -> None:
    assert told(asked(**chosen)) == []


def test_nor_who_had_no_answer_has_rated_said_stop_fell_silent_and_whose_window_is_shut(tenant, connected) -> None:
    wants(tenant)
    line = connected("whatsapp")
    ends = {
        "no answer": {"first_reply_at": None},
        "rated": {"satisfaction": 4},
        "window": {"reply_window_expires_at": now()},
        "silent": {},
        "stopped": {},
    }
    for why, change in ends.items():
        line.ask("What are your opening hours?")
        with tenant_scope(tenant.id):
            talk = Conversation.objects.get(is_open=True)
            Conversation.objects.filter(id=talk.id).update(**change or {"subject": why})
            talk.identity.stopped_at = now() if why == "stopped" else None
            talk.identity.save()
            conversation_end(talk.id, reason="idle" if why == "silent" else "completed")
    assert told(line) == []


def test_a_call_is_over_when_it_has_ended(tenant) -> None:
    wants(tenant, csat_channels=["voice"])
    assert not rating_wanted(ChannelFactory.build(tenant=tenant, kind="voice"))
