"""The note of a hand-over is the model's, where the tenant has one; else the digest stays (AI-10)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.twin import server as twins
from conversations.models import Event, Note
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import tasks, wake
from messaging.assist import summary
from messaging.assist.summary import note_rewritten
from messaging.outbox import handlers
from messaging.outbox.handlers import events_handle
from tenants.models import Tenant
from tests.assistant.llm import model, provider, reachable
from tests.factories import ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
HEADING = "Summary at the hand-over (asked twice)"


@pytest.fixture
def twin(tenant: Tenant, scope):
    with twins.start() as twin, reachable(twin):
        yield twin


@pytest.fixture
def note(scope: Tenant) -> Note:
    row = ConversationFactory(tenant=scope)
    MessageFactory(tenant=scope, conversation=row, text="My parcel has not come")
    words = f"{HEADING}\nAsked: “My parcel has not come”"
    return Note.objects.create(tenant_id=scope.id, conversation=row, text=words)


def said(note: Note) -> str:
    return Note.objects.get(id=note.id).text


def test_the_model_s_words_take_the_place_of_the_digest(twin, tenant, note, monkeypatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(summary, "note_written", lambda *ids: told.append(ids))
    model(provider(tenant, twin))
    twin.llm.say("The parcel is late.")
    tasks.sum_up.apply(args=[str(note.id)])
    assert said(note) == f"{HEADING}, by openai/gpt-twin\nThe parcel is late."
    assert told == [(tenant.id, note.conversation_id, note.id)]


def test_the_digest_stays_without_a_model_or_an_answer(twin, tenant, note) -> None:
    before = said(note)
    assert note_rewritten(note.id) is False
    model(provider(tenant, twin))
    twin.llm.say("It broke", stop="length")
    assert note_rewritten(note.id) is False
    assert said(note) == before


def test_what_was_written_or_erased_meanwhile_is_left_alone(twin, tenant, note, monkeypatch) -> None:
    model(provider(tenant, twin))

    def slow(conversation: Any) -> Any:
        Note.objects.update(text="A colleague's")
        return None, "The parcel is late.", "openai/gpt-twin"

    monkeypatch.setattr(summary, "summary_told", slow)
    assert (note_rewritten(note.id), said(note)) == (False, "A colleague's")
    Note.objects.all().delete()
    assert note_rewritten(note.id) is False


def test_a_hand_over_calls_for_it_where_there_is_a_model(twin, tenant, scope, monkeypatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(wake, "sum_up", called.append)
    for has in (False, True):
        monkeypatch.setattr(handlers, "has_models", lambda purpose, has=has: has and purpose == "summary")
        row = ConversationFactory(tenant=scope)
        MessageFactory(tenant=scope, conversation=row, text="My parcel has not come")
        facts = {"control_owner": "human", "status": "escalated", "trigger": "handover", "reason": "asked_twice"}
        events_append(conversation_advance({"id": row.id}, events=1), [NewEvent("chat.conversation.updated", facts)])
        events_handle(list(Event.objects.filter(conversation=row)))
    assert called == [Note.objects.order_by("-id").first().id]
    assert Note.objects.count() == 2
