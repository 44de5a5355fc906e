"""What is like a message or a conversation, by REST: of the caller's tenant, as it is said now (AI-8)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from assistant.models import Vector, VectorLane
from assistant.vectors.lanes import vectors_go_on
from conversations.models import Conversation, Message
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.assistant.vectors.conftest import FakeQdrant
from tests.factories import ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v2/chat"


def go_on() -> None:
    VectorLane.objects.unscoped().update(due_at=now())
    vectors_go_on(lambda: True, [])


@pytest.fixture
def lost(scope, other_tenant) -> Message:
    """Asked here twice and by another tenant's person; beside it something else."""
    first = MessageFactory(tenant=scope, text="where is my lost parcel")
    MessageFactory(tenant=scope, conversation=first.conversation, text="where is my lost parcel now")
    MessageFactory(tenant=scope, text="my parcel is lost")
    MessageFactory(tenant=scope, text="do you sell garden chairs")
    with tenant_scope(other_tenant.id):
        MessageFactory(tenant=other_tenant, text="where is my lost parcel")
    go_on()
    return first


def items(client: Any, path: str, noun: str) -> list[Any]:
    data = client.data_of(client.get(f"{ROOT}/{path}"))
    assert data["ready"]
    return [one[noun] for one in data["items"]]


def test_messages_of_other_conversations_that_say_the_like(api, tenant, lost, vector_store) -> None:
    go_on_anew()
    found = items(api(tenant), f"messages/{lost.id}/similar", "message")
    assert [one["content"]["text"] for one in found] == ["my parcel is lost"]


def go_on_anew() -> None:
    """For the store that the test has chosen after the messages were made."""
    Vector.objects.unscoped().all().delete()
    VectorLane.objects.unscoped().all().delete()
    go_on()


def test_conversations_that_are_about_the_like(api, tenant, lost) -> None:
    found = items(api(tenant), f"conversations/{lost.conversation_id}/similar", "conversation")
    other = Message.objects.get(text="my parcel is lost")
    assert [one["id"] for one in found] == [str(other.conversation_id)]
    assert found[0]["last_message"] is not None
    without = api(tenant, "conversations:read")
    assert items(without, f"conversations/{lost.conversation_id}/similar", "conversation")[0]["last_message"] is None


def test_what_was_changed_since_is_found_no_more(api, tenant, lost) -> None:
    Message.objects.filter(text="my parcel is lost").update(text="never mind that")
    assert items(api(tenant), f"messages/{lost.id}/similar", "message") == []


def test_threads_between_people_are_no_part_of_it(api, tenant, lost) -> None:
    Conversation.objects.exclude(id=lost.conversation_id).update(kind="thread")
    assert items(api(tenant), f"messages/{lost.id}/similar", "message") == []


def test_what_is_not_known_as_a_vector_yet_says_so(api, tenant, scope, lost) -> None:
    fresh = MessageFactory(tenant=scope, text="I have just written this")
    data = api(tenant).data_of(api(tenant).get(f"{ROOT}/messages/{fresh.id}/similar"))
    assert data == {"ready": False, "items": []}
    empty = ConversationFactory(tenant=scope)
    assert not api(tenant).data_of(api(tenant).get(f"{ROOT}/conversations/{empty.id}/similar"))["ready"]


def test_no_encoder_and_no_store_have_their_codes(api, tenant, lost, settings, server: FakeQdrant, caplog) -> None:
    settings.ENV = {**settings.ENV, "VECTOR_STORE": "qdrant", "QDRANT_URL": server.url}
    server.broken = 500
    answer = api(tenant).get(f"{ROOT}/messages/{lost.id}/similar")
    assert (answer.status_code, api().error_of(answer)["code"]) == (503, "unavailable")
    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": False}
    caplog.clear()
    answer = api(tenant).get(f"{ROOT}/messages/{lost.id}/similar")
    assert (answer.status_code, api().error_of(answer)["code"]) == (501, "not_available")
    assert [
        line.name for line in caplog.records if line.levelno >= logging.ERROR
    ] == []  # what is not set up is no fault
    assert api(tenant).get(f"{ROOT}/messages/{lost.id}/similar?limit=51").status_code == 400
