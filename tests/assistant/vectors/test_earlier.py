"""What was said long before and is like the question, for a model's prompt (AI-6)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.language import material
from assistant.language.material import earlier_of
from assistant.models import VectorLane
from assistant.port import EngineRequest, HistoryEntry
from assistant.vectors.lanes import vectors_go_on
from channels_app.content.types import text
from conversations.models import Conversation, Message
from tenants.storage.db import now
from tests.factories import ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db
ASKED = "is my parcel lost again"


def asked_in(conversation: Conversation, history: int = 1) -> EngineRequest:
    told = tuple(HistoryEntry("visitor", f"number {place}") for place in range(history))
    return EngineRequest(conversation.tenant_id, conversation.id, "web", (text(ASKED),), history=told)


def vectors_made() -> None:
    VectorLane.objects.unscoped().update(due_at=now())
    vectors_go_on(lambda: True, [])


@pytest.fixture
def before(scope: Any) -> Message:
    """In a conversation that has ended, beside another person's."""
    ended = ConversationFactory(tenant=scope, is_open=False)
    said = MessageFactory(tenant=scope, conversation=ended, text="my parcel is lost")
    MessageFactory(tenant=scope, text="my parcel is lost indeed")
    vectors_made()
    return said


def test_what_the_person_said_in_a_former_conversation_is_found(scope, before) -> None:
    former = before.conversation
    present = ConversationFactory(
        tenant=scope, identity=former.identity, contact=former.contact, channel=former.channel
    )
    assert earlier_of(asked_in(present), ASKED) == [HistoryEntry("visitor", "my parcel is lost")]


def test_where_the_history_is_the_whole_nothing_is_looked_for(scope, before, monkeypatch) -> None:
    """Most conversations: neither a vector nor a search."""
    looked: list[Any] = []
    monkeypatch.setattr(material, "vectors_like", lambda *given: looked.append(given) or [])
    assert earlier_of(asked_in(before.conversation, history=material.LONG - 1), ASKED) == []
    assert looked == []
    earlier_of(asked_in(before.conversation, history=material.LONG), ASKED)
    assert len(looked) == 1
