"""A kept UPDATE: the row as it is now, or nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Concat, Greatest

from conversations.models import Contact, Conversation, Identity
from tenants.storage import db
from tests.factories import ContactFactory, ConversationFactory, IdentityFactory
from tests.tenants.storage.prepared.ways import AT, BOTH, facts

pytestmark = pytest.mark.django_db(transaction=True)
CHANGES: dict[str, dict[str, Any]] = {
    "plain": {"subject": "It's 100 % %s ?", "priority": "high"},
    "numbers": {"last_seq": F("last_seq") + 2, "event_seq": F("event_seq")},
    "times": {"waiting_since": Coalesce(F("waiting_since"), Value(AT)), "last_message_at": AT},
    "greatest": {"reply_window_expires_at": Greatest(Coalesce(F("reply_window_expires_at"), Value(AT)), Value(AT))},
    "nothing": {"waiting_since": None, "satisfaction": None},
    "json": {"context": {"ä": [1, 2.5, None, True, "\u2028"], "n": 2**63 - 1}, "reference": {}},
    "states": {"is_open": False, "status": Conversation.Status.COMPLETED},
    "not kept": {"subject": Concat(F("subject"), Value("!"))},
}


@BOTH
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_the_row_comes_back_as_it_is_now(scope, way: ModuleType, looked_at: None, changes: dict[str, Any]) -> None:
    one, other = (
        ConversationFactory(tenant=scope, subject="before", waiting_since=AT, satisfaction=3) for _ in range(2)
    )
    row = way.update_where(Conversation, {"id": one.id, "is_open": True, "status__in": Conversation.OPEN}, changes)
    assert facts(row) == facts(Conversation.objects.get(id=one.id)) != facts(one)
    assert (row._state.adding, row._state.db) == (False, "default")
    assert facts(Conversation.objects.get(id=other.id)) == facts(other)


@BOTH
def test_a_row_is_found_though_its_condition_holds_no_more(scope, way: ModuleType) -> None:
    made = ConversationFactory(tenant=scope)
    ended = way.update_where(Conversation, {"identity_id": made.identity_id, "is_open": True}, {"is_open": False})
    assert (ended.id, ended.is_open) == (made.id, False)


@BOTH
@pytest.mark.parametrize("where", [{"last_seq__gt": 0}, {"is_open": False}, {"subject__in": ()}, {"subject": "x"}])
def test_nothing_matches(scope, way: ModuleType, looked_at: None, where: dict[str, Any]) -> None:
    made = ConversationFactory(tenant=scope)
    assert way.update_where(Conversation, {"id": made.id, **where}, {"priority": "high"}) is None
    assert way.update(Conversation, {"id": made.id, **where}, {"priority": "high"}) == 0
    assert Conversation.objects.get().priority == "normal"


@BOTH
def test_update_says_how_many(scope, way: ModuleType, looked_at: None) -> None:
    for _ in range(3):
        ContactFactory(tenant=scope, name="before")
    assert way.update(Contact, {"name": "before"}, {"name": "after"}) == 3


@BOTH
def test_a_condition_that_names_two_rows_changes_none(scope, way: ModuleType) -> None:
    for _ in range(2):
        ContactFactory(tenant=scope, name="before")
    with pytest.raises(Contact.MultipleObjectsReturned), db.atomic():
        way.update_where(Contact, {"name": "before"}, {"email": "a@example.com"})
    assert list(Contact.objects.values_list("email", flat=True)) == ["", ""]


@BOTH
def test_a_row_stands_for_its_key(scope, way: ModuleType) -> None:
    made, contact = IdentityFactory(tenant=scope), ContactFactory(tenant=scope)
    moved = way.update_where(Identity, {"channel": made.channel, "value": made.value}, {"contact": contact})
    assert moved.contact_id == contact.id
