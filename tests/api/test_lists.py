"""Every list takes the documents' parameters, beside cursors: one place, the same behaviour (API-1, CONV-7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from channels_app.models import MessageTemplate
from conversations.models import ContactMerge, Conversation, Event, Message, Review, Session
from messaging.models import HandledEvent, WebhookDelivery, WebhookEndpoint
from tenants.api import pages
from tenants.models import AuditEntry, Invitation, Tenant
from tenants.storage.db import new_id
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    ConversationFactory,
    DeliveryFactory,
    MessageFactory,
    RoleFactory,
    SessionFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 5
PARAMETERS = {"page", "page_size", "sort_by", "sort_order", "search_query", "start_date", "end_date", "cursor"}
#: walked by other means, by the cursor of what was found, of a view, or of several tables at once
APART = {"/api/v2/chat/messages", "/api/v2/chat/inbox", "/api/v2/chat/conversations/{conversation_id}/trail"}
#: holds the key of the client that asks, too: tests/api/test_work_api.py
OWN = {"/api/v2/api-keys"}

Made = tuple[str, list[Any]]


def at(number: int) -> datetime:
    return FIRST + timedelta(days=number)


def conversations(tenant: Tenant) -> Made:
    rows = [ConversationFactory(tenant=tenant, subject=f"number {n}") for n in range(MANY)]
    for n, row in enumerate(rows):
        Conversation.objects.filter(id=row.id).update(last_message_at=at(n))
    return "", rows


def contacts(tenant: Tenant) -> Made:
    return "", [ContactFactory(tenant=tenant, name=f"number {n}", last_active_at=at(n)) for n in range(MANY)]


def conversations_of(tenant: Tenant) -> Made:
    person = ContactFactory(tenant=tenant)
    rows = [ConversationFactory(tenant=tenant, contact=person, subject=f"number {n}") for n in range(MANY)]
    for n, row in enumerate(rows):
        Conversation.objects.filter(id=row.id).update(last_message_at=at(n))
    return str(person.id), rows


def history(tenant: Tenant) -> Made:
    talk = ConversationFactory(tenant=tenant)
    rows = [MessageFactory(tenant=tenant, conversation=talk, text=f"number {n}") for n in range(MANY)]
    return str(talk.contact_id), dated(Message, rows)


def merges(tenant: Tenant) -> Made:
    person = ContactFactory(tenant=tenant)
    rows = [
        ContactMerge.objects.create(
            tenant=tenant, contact=person, former_id=new_id(), by=f"number {n}", moved={"identities": []}
        )
        for n in range(MANY)
    ]
    return str(person.id), dated(ContactMerge, rows)


def channels(tenant: Tenant) -> Made:
    rows = [ChannelFactory(tenant=tenant, name=f"number {n}") for n in range(MANY)]
    return "", dated(type(rows[0]), rows)


def templates(tenant: Tenant) -> Made:
    rows = [
        MessageTemplate.objects.create(tenant=tenant, name=f"number {n}", variants={"en": {"content": {}}})
        for n in range(MANY)
    ]
    return "", dated(MessageTemplate, rows)


def reviews(tenant: Tenant) -> Made:
    talk = ConversationFactory(tenant=tenant)
    rows = [
        Review.objects.create(
            tenant=tenant,
            conversation=talk,
            message=MessageFactory(tenant=tenant, conversation=talk, text=f"number {n}"),
        )
        for n in range(MANY)
    ]
    return "", dated(Review, rows)


def failures(tenant: Tenant) -> Made:
    rows = [
        HandledEvent.objects.create(tenant=tenant, handler="audit", event=new_id(), error=f"number {n}")
        for n in range(MANY)
    ]
    return "", dated(HandledEvent, rows)


def calls(tenant: Tenant) -> Made:
    where = WebhookEndpoint.objects.create(tenant=tenant, url="https://hooks.example.com")
    rows = [
        WebhookDelivery.objects.create(tenant=tenant, endpoint=where, type="chat.system.ping", error_code=f"number {n}")
        for n in range(MANY)
    ]
    return str(where.id), dated(WebhookDelivery, rows)


def sessions(tenant: Tenant) -> Made:
    rows = [SessionFactory(tenant=tenant, key=f"number {n}") for n in range(MANY)]
    return "", dated(Session, rows)


def events(tenant: Tenant) -> Made:
    rows = [Event.objects.create(tenant=tenant, type=f"chat.number {n}") for n in range(MANY)]
    return "", dated(Event, rows)


def dead_letters(tenant: Tenant) -> Made:
    return "", [
        DeliveryFactory(tenant=tenant, status="failed", dead_at=at(n), error_code=f"number {n}") for n in range(MANY)
    ]


def audit_entries(tenant: Tenant) -> Made:
    rows = [AuditEntry.objects.create(tenant=tenant, actor=f"number {n}", action="x.y") for n in range(MANY)]
    return "", dated(AuditEntry, rows)


def invitations(tenant: Tenant) -> Made:
    role = RoleFactory(tenant=tenant)
    rows = [
        Invitation.objects.create(
            tenant=tenant, role=role, email=f"number {n}@example.com", token_hash=f"{n}", expires_at=at(n)
        )
        for n in range(MANY)
    ]
    return "", dated(Invitation, rows)


def dated(model: Any, rows: list[Any]) -> list[Any]:
    for n, row in enumerate(rows):
        model.objects.filter(id=row.id).update(created_at=at(n))
    return rows


#: path → (rows, the oldest first and each of a day of its own; the column of the days)
LISTS: dict[str, tuple[Callable[[Tenant], Made], str]] = {
    "/api/v2/chat/conversations": (conversations, "last_message_at"),
    "/api/v2/contacts": (contacts, "last_active_at"),
    "/api/v2/contacts/{contact_id}/conversations": (conversations_of, "last_message_at"),
    "/api/v2/contacts/{contact_id}/history": (history, "created_at"),
    "/api/v2/contacts/{contact_id}/merges": (merges, "created_at"),
    "/api/v2/sessions": (sessions, "created_at"),
    "/api/v2/events": (events, "timestamp"),
    "/api/v2/dead-letters": (dead_letters, "dead_at"),
    "/api/v2/audit": (audit_entries, "created_at"),
    "/api/v2/invitations": (invitations, "created_at"),
    "/api/v2/channels": (channels, "created_at"),
    "/api/v2/templates": (templates, "created_at"),
    "/api/v2/reviews": (reviews, "created_at"),
    "/api/v2/events/failed": (failures, "failed_at"),
    "/api/v2/webhook-endpoints/{endpoint_id}/deliveries": (calls, "created_at"),
}


class Listing:
    def __init__(self, client: Any, address: str, rows: list[Any], column: str):
        self.client, self.address, self.column = client, address, column
        self.rows = [str(row.id) for row in rows]

    def get(self, **query: Any) -> Any:
        answer = self.client.get(self.address, query)
        assert answer.status_code == 200, answer.content
        return self.client.data_of(answer)

    def ids(self, **query: Any) -> list[str]:
        return [row["id"] for row in self.get(**query)["items"]]

    def refused(self, **query: Any) -> tuple[int, str]:
        answer = self.client.get(self.address, query)
        return answer.status_code, self.client.error_of(answer)["code"]


@pytest.fixture(params=LISTS)
def listing(request: Any, scope: Tenant, api: Any) -> Listing:
    make, column = LISTS[request.param]
    owner, rows = make(scope)
    return Listing(api(scope), re.sub(r"\{\w+\}", owner, request.param), rows, column)


def test_all_lists_are_tried_here() -> None:
    """What has a cursor has the other parameters too."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    taken = {
        path: {parameter["name"] for parameter in item["get"].get("parameters", ())}
        for path, item in schema["paths"].items()
        if "get" in item
    }
    lists = {path for path, names in taken.items() if "cursor" in names} - APART
    assert lists - OWN == LISTS.keys()
    assert {path: PARAMETERS - taken[path] for path in lists if PARAMETERS - taken[path]} == {}


def test_pages_have_numbers_and_a_total(listing: Listing) -> None:
    order = {"sort_by": listing.column, "sort_order": "asc", "page_size": 2}
    pages_ = [listing.get(page=number, **order) for number in (1, 2, 3)]
    assert [[row["id"] for row in page["items"]] for page in pages_] == [
        listing.rows[:2], listing.rows[2:4], listing.rows[4:],
    ]  # fmt: skip
    told = [(page["page"], page["page_size"], page["total"], page["has_previous"], page["has_next"]) for page in pages_]
    assert told == [(1, 2, 5, False, True), (2, 2, 5, True, True), (3, 2, 5, True, False)]
    assert listing.ids(page=9, **order) == []
    onward = listing.get(cursor=pages_[0]["next_cursor"], **order)
    assert [row["id"] for row in onward["items"]] == listing.rows[2:4]
    assert (onward["page"], onward["total"], onward["has_previous"]) == (None, None, True)


def test_they_are_sorted_either_way_and_by_cursor(listing: Listing) -> None:
    for order, expected in (("asc", listing.rows), ("desc", listing.rows[::-1])):
        given = {"sort_by": listing.column, "sort_order": order, "page_size": 2}
        seen, page = [], listing.get(**given)
        while page["has_next"]:
            seen += page["items"]
            page = listing.get(cursor=page["next_cursor"], **given)
        assert [row["id"] for row in seen + page["items"]] == expected
    assert listing.ids(sort_by=listing.column) == listing.rows[::-1]  # as the documents have it
    assert {tuple(listing.ids(sort_order=order)) for order in ("asc", "desc")} == {
        tuple(listing.rows), tuple(listing.rows[::-1]),
    }  # fmt: skip


def test_days_and_words_choose(listing: Listing) -> None:
    assert sorted(listing.ids(start_date=at(1).isoformat(), end_date=at(2).isoformat())) == sorted(listing.rows[1:3])
    assert listing.ids(search_query="NUMBER 3") == [listing.rows[3]]
    assert listing.ids(search_query="nothing like it") == []
    chosen = listing.get(search_query="number", page=1, page_size=2)
    assert (chosen["total"], len(chosen["items"])) == (5, 2)


def test_what_cannot_be_asked_is_refused_with_a_reason(listing: Listing) -> None:
    assert listing.refused(sort_by="phase_of_the_moon") == (422, "sort_not_offered")
    assert listing.refused(page=501, page_size=20) == (422, "page_too_deep")
    assert listing.ids(page=500, page_size=20) == []
    assert listing.refused(page=1, cursor=str(new_id())) == (400, "page_or_cursor")
    assert listing.refused(cursor="x") == (400, "invalid_cursor")
    assert listing.refused(page=0) == listing.refused(page_size=101) == (400, "validation_error")
    assert listing.refused(sort_order="up") == (400, "validation_error")
    backwards = {"start_date": at(2).isoformat(), "end_date": at(1).isoformat()}
    assert listing.refused(**backwards) == (400, "range_invalid")
    cursor = listing.get(page_size=1, sort_by=listing.column, sort_order="desc")["next_cursor"]
    assert listing.get(page_size=1, cursor=cursor, sort_by=listing.column, sort_order="desc")["items"]


def test_a_total_counts_no_further_than_numbers_reach(listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "NUMBERED", 3)
    assert listing.get(page=1, page_size=1)["total"] == 4  # more than three


def test_what_callers_may_sort_by_has_an_index() -> None:
    """Else a page would sort all that a tenant has."""
    from channels_app.api.channel_views import OLDEST_FIRST
    from channels_app.models import Channel
    from channels_app.templates.store import BY_NAME
    from conversations.api.contact_views import CONTACTS
    from conversations.models import Contact
    from conversations.selectors import CONVERSATIONS

    walks = ((CONVERSATIONS, Conversation), (CONTACTS, Contact), (OLDEST_FIRST, Channel), (BY_NAME, MessageTemplate))
    grown = {Conversation, Contact}  # the others are few per tenant
    bare = [
        (model.__name__, column)
        for walk, model in walks
        for column in walk.sorts.values()
        if column
        and model in grown
        and not any(index.fields[:2] == ["tenant", column] for index in model._meta.indexes)
    ]
    assert bare == []
