"""A value that the database refuses is an error of its own, never "the conversation is busy": no repetition helps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import DatabaseError

from channels_app.contract import RawRequest
from conversations.models import Message
from messaging import accept as accepting
from messaging.accept import accept
from messaging.models import InboundEvent
from messaging.receive import receipt_store
from tenants.storage.db import on_mongo, server_trouble

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_mongo(), reason="MongoDB keeps NaN"),
]


def test_a_message_with_a_refused_value_is_not_tried_again(scope, web, said, monkeypatch):
    tries: list[int] = []
    store = accepting.store
    monkeypatch.setattr(accepting, "store", lambda *given: (tries.append(1), store(*given))[1])
    with pytest.raises(DatabaseError) as raised:
        accept(web, replace(said("hello", by="u1", scheme="user"), metadata={"a": float("nan")}))
    assert not server_trouble(raised.value)
    assert (len(tries), Message.objects.count()) == (1, 0)


def test_a_receipt_with_a_refused_value_is_not_called_a_repeat(scope, web, monkeypatch):
    monkeypatch.setattr(RawRequest, "to_stored", lambda raw: {"a": float("nan")})
    with pytest.raises(DatabaseError):
        receipt_store(web, RawRequest("POST", "/x", body=b"{}"))
    assert not InboundEvent.objects.exists()
