"""Words of people are for those who may read messages, by whatever way they come out."""

from __future__ import annotations

import pytest

from conversations.models import Conversation
from tenants.storage.db import now
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db


def test_a_key_without_messages_read_sees_and_finds_no_words(api, tenant, scope):
    row = ConversationFactory(tenant=tenant, contact__name="Mira")
    Conversation.objects.filter(id=row.id).update(last_message_preview="where is my parcel", last_message_at=now())
    lists, one = "/api/v2/chat/conversations", f"/api/v2/chat/conversations/{row.id}"
    blind, reader = api(tenant, "conversations:read"), api(tenant, "conversations:read", "messages:read")
    for client, words in ((blind, None), (reader, "where is my parcel")):
        assert client.data_of(client.get(lists))["items"][0]["last_message"] == words
        assert client.data_of(client.get(one))["last_message"] == words
    found = [
        len(c.data_of(c.get(f"{lists}?search={of}"))["items"]) for of in ("parcel", "Mira") for c in (blind, reader)
    ]
    assert found == [0, 1, 1, 1]


@pytest.mark.parametrize("act", ["take-over", "hand-back", "end"])
def test_nor_does_an_act_on_the_conversation_tell_them(api, tenant, scope, act):
    row = ConversationFactory(tenant=tenant)
    Conversation.objects.filter(id=row.id).update(last_message_preview="where is my parcel", last_message_at=now())
    client = api(tenant, "conversations:read", "conversations:write")
    answer = client.post(f"/api/v2/chat/conversations/{row.id}/{act}", {})
    assert answer.status_code == 200
    assert client.data_of(answer)["last_message"] is None
