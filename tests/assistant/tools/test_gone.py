"""What a tool said to a person goes with their conversation, and with them (PRIV-2)."""

from __future__ import annotations

import uuid

import pytest

from assistant.tools.agreed import called_once
from assistant.tools.calling import Outcome
from assistant.tools.models import AgreedCall
from conversations.models import Conversation
from messaging.privacy import tables
from messaging.talks.remove import conversation_delete
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(scope) -> Conversation:
    talk = ConversationFactory(tenant=scope, is_open=False)
    for id in (talk.id, uuid.UUID(int=7)):
        called_once(
            id, "m" * 32, "cancel_order", lambda: Outcome("ok", "AC-1 of Mira is cancelled"), lasts_s=5, wait_s=5
        )
    return talk


def test_with_the_conversation_that_is_deleted(talk) -> None:
    conversation_delete(talk.id)
    assert [row.conversation_id for row in AgreedCall.objects.all()] == [uuid.UUID(int=7)]


def test_it_is_found_by_the_person(talk) -> None:
    person = tables.Person.of(talk.contact_id)
    found = AgreedCall.objects.filter(tables.rows_of("assistant.AgreedCall", person))
    assert [row.conversation_id for row in found] == [talk.id]
