"""Who looks at what of a person stands in the audit trail, once an hour (TEN-6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.urls import URLPattern, get_resolver

from conversations.models import Contact, Conversation, Message
from tenants.access.permissions import declared
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.trail import reads
from tests.admin.conftest import rows, url
from tests.factories import ConversationFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db
V2 = "/api/v2"


def an_hour_later() -> None:
    cache.clear()
    reads.HERE.clear()


@pytest.fixture
def talk(tenant: Tenant) -> Conversation:
    message = MessageFactory(tenant=tenant, conversation=ConversationFactory(tenant=tenant), text="said in secret")
    return message.conversation


def looks(tenant: Tenant) -> list[tuple[str, str, str]]:
    found = rows(AuditEntry).filter(tenant=tenant, action__regex=r"\.(read|listed)$").order_by("id")
    return [(row.actor.partition(":")[0], row.action, row.target) for row in found]


@pytest.mark.parametrize(
    ("address", "action", "target"),
    [
        ("contacts", "contact.listed", ""),
        ("contacts/{contact}", "contact.read", "contact:{contact}"),
        ("contacts/{contact}/history", "contact.read", "contact:{contact}"),
        ("contacts/{contact}/identities", "contact.read", "contact:{contact}"),
        ("chat/conversations", "conversation.listed", ""),
        ("chat/conversations/{talk}", "conversation.read", "conversation:{talk}"),
        ("chat/conversations/{talk}/messages", "conversation.read", "conversation:{talk}"),
        ("chat/messages?search_query=secret", "message.listed", ""),
        ("chat/messages/{message}", "conversation.read", "conversation:{talk}"),
        ("chat/messages/{message}/context", "conversation.read", "conversation:{talk}"),
        ("chat/messages/{message}/analysis", "conversation.read", "conversation:{talk}"),
        ("chat/conversations/{talk}/notes", "conversation.read", "conversation:{talk}"),
        ("chat/inbox?view=bot", "conversation.listed", ""),
        ("sessions", "session.listed", ""),
        ("deliveries", "delivery.listed", ""),
        ("deliveries/{delivery}", "delivery.read", "delivery:{delivery}"),
        ("chat/messages/{answer}/delivery", "conversation.read", "conversation:{talk}"),
        ("dead-letters", "delivery.listed", ""),
        ("dead-letters/{delivery}", "delivery.read", "delivery:{delivery}"),
        ("events", "event.listed", ""),
        ("events?conversation_id={talk}", "event.listed", ""),
    ],
)
def test_by_rest(address: str, action: str, target: str, talk: Conversation, tenant: Tenant, api: Any) -> None:
    ids = {"contact": talk.contact_id, "talk": talk.id, "message": rows(Message).get(conversation=talk).id}
    answer = MessageFactory(tenant=tenant, conversation=talk, direction="outbound", role="bot", text="said in secret")
    ids["answer"] = answer.id
    ids["delivery"] = DeliveryFactory(tenant=tenant, message=answer, status="failed", dead_at=now()).id
    client = api(tenant)
    for _ in range(3):
        assert client.get(f"{V2}/{address}".format(**ids)).status_code == 200
    assert looks(tenant) == [("key", action, target.format(**ids))]
    an_hour_later()
    client.get(f"{V2}/{address}".format(**ids))
    assert len(looks(tenant)) == 2
    assert "secret" not in str(list(rows(AuditEntry).values()))


def test_each_who_looks_has_an_entry_and_what_is_refused_has_none(talk: Conversation, tenant: Tenant, api: Any) -> None:
    for client in (api(tenant), api(tenant), api(tenant, "messages:send")):
        client.get(f"{V2}/contacts/{talk.contact_id}")
    assert len(looks(tenant)) == 2
    assert api(tenant).get(f"{V2}/contacts/{talk.id}").status_code == 404
    assert len(looks(tenant)) == 2


@pytest.mark.parametrize("page", ["contact", "contacts", "conversation", "message", "inbox"])
def test_in_the_console(page: str, talk: Conversation, tenant: Tenant, staff_of: Any) -> None:
    message = rows(Message).get(conversation=talk)
    address, entry = {
        "contact": (url(Contact, "change", talk.contact_id), ("contact.read", f"contact:{talk.contact_id}")),
        "contacts": (url(Contact, "changelist"), ("contact.listed", "")),
        "conversation": (url(Conversation, "change", talk.id), ("conversation.read", f"conversation:{talk.id}")),
        "message": (url(Message, "change", message.id), ("message.read", f"message:{message.id}")),
        "inbox": (f"/admin/inbox/{talk.id}/", ("conversation.read", f"conversation:{talk.id}")),
    }[page]
    client = staff_of(tenant)
    for _ in range(2):
        assert client.get(address).status_code == 200
    assert [one for one in looks(tenant) if one[1] != "conversation.listed"] == [("user", *entry)]


def test_a_look_is_no_act_in_the_trail_of_a_conversation(talk: Conversation, tenant: Tenant, api: Any) -> None:
    client = api(tenant)
    client.get(f"{V2}/chat/conversations/{talk.id}")
    told = client.data_of(client.get(f"{V2}/chat/conversations/{talk.id}/trail"))["items"]
    assert [row for row in told if "read" in str(row)] == []


def test_without_redis_an_entry_is_written_once_too(
    talk: Conversation, tenant: Tenant, api: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(reads.cache, "get", lambda *_: None)
    monkeypatch.setattr(reads.cache, "set", lambda *_: None)
    client = api(tenant)
    for _ in range(3):
        client.get(f"{V2}/contacts/{talk.contact_id}")
    assert len(looks(tenant)) == 1


def test_what_could_not_be_noted_is_not_shown_and_noted_at_the_next_look(
    talk: Conversation, tenant: Tenant, monkeypatch: Any
) -> None:
    def broken(*_: Any) -> None:
        raise DatabaseError

    with tenant_scope(tenant.id):
        with monkeypatch.context() as patch, pytest.raises(DatabaseError):
            patch.setattr(reads, "audit", broken)
            reads.read_noted("system", "contact", talk.contact_id)
        reads.read_noted("system", "contact", talk.contact_id)
    assert len(looks(tenant)) == 1


PEOPLE = {
    f"{noun}:read" for noun in ("contacts", "conversations", "deliveries", "messages", "threads", "sessions", "webhooks")
}  # fmt: skip


def views() -> Iterator[tuple[str, Any]]:
    def walk(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            address = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield address, getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            else:
                yield from walk(pattern.url_patterns, address)

    yield from walk(get_resolver("chatsvc.urls").url_patterns)


#: figures, names of colleagues, ids of events and what became of their calls: no person and no words
UNTOLD = {
    "chat/conversations/<uuid:conversation_id>/looking",
    "chat/conversations/<uuid:conversation_id>/metrics",
    "chat/conversations/<uuid:conversation_id>/rating",
    "chat/inbox/counts",
    "chat/inbox/filters",
    "chat/inbox/filters/<uuid:filter_id>",
    "chat/messages/<uuid:message_id>/judgement",
    "events/failed",
    "events/failed/<uuid:failure_id>",
    "webhook-endpoints",
    "webhook-endpoints/<uuid:endpoint_id>",
    "webhook-endpoints/<uuid:endpoint_id>/deliveries",
    "webhook-endpoints/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>",
    "labels",
    "labels/<uuid:label_id>",
    "members",
    "members/<uuid:user_id>/desk",
    "teams",
    "teams/<uuid:team_id>",
}


def test_every_address_that_shows_people_notes_who_looks() -> None:
    untold = {
        address.removeprefix("api/v2/")
        for address, view in views()
        if not PEOPLE.isdisjoint(declared(view, "GET")) and not view.reads
    }
    assert untold == UNTOLD
