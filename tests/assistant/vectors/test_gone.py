"""With a person, a conversation or a tenant their vectors go, in the store first (AI-8, PRIV-2)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from assistant.models import Unanswered, Vector, VectorLane
from assistant.vectors.lanes import vectors_go_on
from assistant.vectors.rows import store
from conversations.models import Conversation, Message
from messaging.housekeeping.removal import removal_go_on
from messaging.privacy import erase as erase_room
from messaging.privacy.purge import talks_empty
from messaging.reports.revise import erase
from messaging.talks.remove import conversation_delete
from tenants.removal import removal_start
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, now
from tests.factories import MessageFactory
from tests.messaging.privacy.rita import always, erased

pytestmark = pytest.mark.django_db(transaction=True)


def go_on() -> None:
    VectorLane.objects.unscoped().update(due_at=now())
    vectors_go_on(always, [])


@pytest.fixture
def said(scope, vector_store) -> Message:
    """Beside it another person's, which stays; it was not answered."""
    message = MessageFactory(tenant=scope, text="my parcel is lost")
    MessageFactory(tenant=scope, text="when do you open today")
    Unanswered.objects.create(tenant=scope, message_id=message.id, conversation_id=message.conversation_id)
    go_on()
    assert store().count("message") == 2
    return message


def left() -> tuple[int, int, int]:
    return store().count("message"), Vector.objects.count(), Unanswered.objects.count()


def test_with_the_person(said, monkeypatch) -> None:
    monkeypatch.setattr(erase_room, "PAUSE", timedelta(0))
    erased(said.conversation.contact)
    assert left() == (1, 1, 0)


def test_with_the_conversation_that_is_kept_no_longer(said) -> None:
    Conversation.objects.filter(id=said.conversation_id).update(is_open=False)
    talks_empty({said.conversation_id: said.conversation.contact_id}, Counter(), always)
    assert left() == (1, 1, 0)


def test_with_the_conversation_that_is_deleted(said) -> None:
    Conversation.objects.filter(id=said.conversation_id).update(is_open=False)
    conversation_delete(said.conversation_id)
    go_on()
    assert left() == (1, 1, 0)


def test_with_the_words_of_one_message(said) -> None:
    with atomic():
        erase(said.conversation, said, now())
    go_on()
    assert left() == (1, 1, 1)


def test_with_the_tenant(said, tenant, other_tenant, settings, tmp_path, monkeypatch) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("tenants.removal.IN_FLIGHT", timedelta(0))  # what MongoDB waits for
    begun = removal_start(tenant, "system")
    with tenant_scope(other_tenant.id):
        assert removal_go_on(begun.id, always)
    with tenant_scope(tenant.id):
        assert store().count("message") == 0


def test_the_person_waits_for_a_store_that_is_away_and_goes_then(said, monkeypatch, request, vector_store) -> None:
    if vector_store not in ("qdrant", "pinecone"):
        pytest.skip("it is the database itself")
    monkeypatch.setattr(erase_room, "PAUSE", timedelta(0))
    away = request.getfixturevalue("server" if vector_store == "qdrant" else "pinecone")
    away.broken = 503
    begun = erase_room.erasure_start(said.conversation.contact_id, "system")
    assert not any(erase_room.erasure_go_on(begun.id, always) for _ in range(3))
    begun.refresh_from_db()
    assert (begun.table, begun.claim, begun.due_at > now()) == ("assistant.Vector", None, True)
    away.broken = 0
    type(begun).objects.update(due_at=now())
    assert any(erase_room.erasure_go_on(begun.id, always) for _ in range(3))
    assert left() == (1, 1, 0)


def test_the_tenant_waits_for_a_store_that_is_away(
    said, tenant, other_tenant, settings, tmp_path, request, vector_store
) -> None:
    if vector_store != "qdrant":
        pytest.skip("as the person")
    settings.MEDIA_ROOT = tmp_path
    request.getfixturevalue("server").broken = 503
    begun = removal_start(tenant, "system")
    with tenant_scope(other_tenant.id):
        assert not removal_go_on(begun.id, always)
    begun.refresh_from_db()
    assert (begun.table, begun.claim, begun.due_at > now()) == ("assistant.Vector", None, True)
