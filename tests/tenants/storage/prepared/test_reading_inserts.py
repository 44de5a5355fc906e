"""A kept INSERT that reads what stands beside its row."""

from __future__ import annotations

import uuid
from types import ModuleType
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.models import Exists

from conversations.models import Contact, Conversation, Note
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage import db, prepared
from tenants.storage.prepared import kept, orm, reading
from tenants.storage.prepared.owner import OtherTenant
from tests.factories import ContactFactory, ConversationFactory
from tests.tenants.storage.prepared.ways import BY_NAME, SQL, facts

pytestmark = pytest.mark.django_db(transaction=True)
READING = pytest.mark.parametrize(
    "way", [pytest.param(orm, id="orm"), *([] if db.on_mongo() else [pytest.param(reading, id="kept")])]
)
ABOUT = prepared.Select(
    Contact,
    lambda rows, id, conversation: rows.filter(id=id).values_list(
        "id",
        "created_at",
        "name",
        "profile",
        "last_active_at",
        Exists(Note.objects.unscoped().filter(conversation=conversation)),
    ),
)


def about_values(conversation: Conversation) -> dict[str, uuid.UUID]:
    return {"id": conversation.contact_id, "conversation": conversation.id}


@READING
def test_what_stands_beside_a_new_row_is_read_behind_it(scope, way: ModuleType, looked_at: None) -> None:
    into = ConversationFactory(tenant=scope, contact=ContactFactory(tenant=scope, name="it's %s", profile={"a": [1]}))
    of = into.contact
    Note.objects.create(tenant=scope, conversation=into, text="before")  # the new row itself may not be seen yet
    for number in range(2):
        note = Note(tenant=scope, conversation=into, text=f"%s {number}")
        found = way.insert_reading(note, ABOUT, **about_values(into))
        assert found == (of.id, of.created_at, "it's %s", {"a": [1]}, of.last_active_at, True)
        assert (facts(Note.objects.get(id=note.id)), note._state.adding) == (facts(note), False)
    assert Note.objects.count() == 3


@READING
def test_of_a_row_that_is_not_there_or_anothers_nothing_is_read(
    scope: Tenant, other_tenant: Tenant, way: ModuleType, looked_at: None
) -> None:
    into = ConversationFactory(tenant=scope)
    with tenant_scope(other_tenant.id):
        theirs = ContactFactory(tenant=other_tenant)
    for contact_id in (theirs.id, db.new_id()):
        note = Note(tenant=scope, conversation=into, text="kept")
        assert way.insert_reading(note, ABOUT, id=contact_id, conversation=into.id) is None
    assert Note.objects.count() == 2
    with pytest.raises(OtherTenant):
        way.insert_reading(Note(tenant=other_tenant, conversation=into, text="x"), ABOUT, **about_values(into))


@READING
def test_a_row_that_cannot_be_written_reads_nothing(scope, way: ModuleType, looked_at: None) -> None:
    into = ConversationFactory(tenant=scope)
    note = Note(tenant=scope, conversation=into, text="first")
    way.insert_reading(note, ABOUT, **about_values(into))
    with pytest.raises(IntegrityError), db.atomic():
        way.insert_reading(Note(id=note.id, tenant=scope, conversation=into, text="x"), ABOUT, **about_values(into))
    assert Note.objects.get().text == "first"


@SQL
@pytest.mark.parametrize("returns", [True, False], ids=["returning", "as-old-sqlite"])
def test_a_row_that_reads_is_one_statement_where_it_can_be(
    scope, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any, returns: bool
) -> None:
    into = ConversationFactory(tenant=scope)
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", returns)
    monkeypatch.setattr(kept, "_shapes", {})
    with django_assert_num_queries(1 if returns else 2):
        note = Note(tenant=scope, conversation=into, text="x")
        found = reading.insert_reading(note, ABOUT, **about_values(into))
    assert found is not None and found[0] == into.contact_id
    assert not note._state.adding


@READING
def test_a_gathered_row_is_written_at_the_end_and_the_read_is_at_once(scope, way: ModuleType) -> None:
    into = ConversationFactory(tenant=scope)
    with db.atomic(), (prepared if way is reading else orm).gathered(Note):
        found = way.insert_reading(Note(tenant=scope, conversation=into, text="x"), ABOUT, **about_values(into))
    assert found is not None and found[0] == into.contact_id
    assert Note.objects.count() == 1


@SQL
def test_a_value_that_cannot_be_kept_is_refused() -> None:
    """Compared with nothing, a column gives nothing: the ORM would ask ``IS NULL``."""
    with pytest.raises(AssertionError):
        kept.Select(Contact, BY_NAME["rows"]).run(name=None)
