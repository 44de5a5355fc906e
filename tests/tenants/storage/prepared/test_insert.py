"""A kept INSERT: rows as they are, numbers behind those that are there, errors as Django tells them."""

from __future__ import annotations

from types import ModuleType

import pytest
from django.db import DataError, IntegrityError, connection

from channels_app.contract import RawRequest
from conversations.models import Contact, Conversation, Identity, Note
from messaging.models import InboundEvent
from messaging.receive import receipt_store
from tenants.scope import tenant_scope
from tenants.storage import db, prepared
from tenants.storage.prepared import kept, orm
from tests.factories import ChannelFactory, ContactFactory, ConversationFactory, IdentityFactory
from tests.tenants.storage.prepared.ways import BOTH, SQL, facts

pytestmark = pytest.mark.django_db(transaction=True)


@BOTH
@pytest.mark.parametrize("count", [1, 2, 7])
def test_rows_are_written_as_they_are(scope, way: ModuleType, looked_at: None, count: int) -> None:
    into = ConversationFactory(tenant=scope)
    rows = [Note(tenant=scope, conversation=into, text=f"%s {n} ü") for n in range(count)]
    way.insert(rows)
    assert [facts(row) for row in Note.objects.order_by("id")] == [facts(row) for row in rows]
    assert {(row._state.adding, row._state.db) for row in rows} == {(False, "default")}


@BOTH
def test_many_rows_are_all_written_or_none(scope, way: ModuleType) -> None:
    into = ConversationFactory(tenant=scope)
    rows = [Note(tenant=scope, conversation=into, text=str(n)) for n in range(kept.MOST_ROWS + 3)]
    with db.atomic():
        way.insert(rows)
    assert Note.objects.count() == len(rows)
    way.insert([])
    rows = [Note(tenant=scope, conversation=into, text="again") for _ in rows]
    rows[-1].id = rows[0].id
    with pytest.raises(IntegrityError), db.atomic():
        way.insert(rows)
    assert not Note.objects.filter(text="again").exists()


@BOTH
def test_a_key_that_is_taken_is_told_as_by_django(scope, way: ModuleType, looked_at: None) -> None:
    known = IdentityFactory(tenant=scope)
    twin = Identity(tenant=scope, contact=known.contact, channel=known.channel, scheme=known.scheme, value=known.value)
    with pytest.raises(IntegrityError) as caught, db.atomic():
        ContactFactory(tenant=scope, name="goes with it")
        way.insert([twin])
    assert db.key_taken(caught.value)
    assert not Contact.objects.filter(name="goes with it").exists()


@SQL
def test_a_row_that_is_gone_is_a_lost_race(scope, looked_at: None) -> None:
    into = ConversationFactory(tenant=scope)
    with pytest.raises(IntegrityError) as caught, db.atomic():
        prepared.insert([Note(tenant=scope, conversation_id=db.new_id(), text="x")])
    assert db.lost_race(caught.value)
    assert not db.key_taken(caught.value)
    assert Conversation.objects.get() == into


@SQL
def test_a_refused_value_is_no_lost_race_and_ends_the_transaction(scope, looked_at: None) -> None:
    """Also where its error is caught inside: nothing of it is committed, as with Django's own writes."""
    made = ConversationFactory(tenant=scope)
    with db.atomic():
        prepared.update(Conversation, {"id": made.id}, {"subject": "goes with it"})
        with pytest.raises((IntegrityError, DataError)) as caught:
            prepared.update(Conversation, {"id": made.id}, {"last_seq": -1})
        assert connection.needs_rollback
    assert not db.lost_race(caught.value)
    assert Conversation.objects.get().subject == ""


@BOTH
def test_a_number_is_behind_those_that_are_there(scope, other_tenant, way: ModuleType, looked_at: None) -> None:
    """Of the same rows by what the look is given, and of the tenant in scope alone."""
    here, there = (ChannelFactory(tenant=scope) for _ in range(2))
    number = way.Next(InboundEvent, "place", lambda rows, channel: rows.filter(channel=channel))
    with tenant_scope(other_tenant.id):
        InboundEvent.objects.create(
            tenant=other_tenant, channel=ChannelFactory(tenant=other_tenant), place=70, request={}
        )
    InboundEvent.objects.create(tenant=scope, channel=there, digest="there", place=7, request={})
    for n in range(3):
        place = number.behind(channel=here.id)
        way.insert([InboundEvent(tenant=scope, channel=here, digest=f"{n} %s", place=place, request={})])
    place = number.behind(channel=there.id)
    way.insert([InboundEvent(tenant=scope, channel=there, digest="next", place=place, request={})])
    way.insert([InboundEvent(tenant=scope, channel=there, digest="told", place=3, request={})])
    places = list(InboundEvent.objects.order_by("created_at", "id").values_list("digest", "place"))
    assert places == [("there", 7), ("0 %s", 1), ("1 %s", 2), ("2 %s", 3), ("next", 8), ("told", 3)]


@SQL
def test_rows_that_are_numbered_and_rows_that_are_not_go_together(scope) -> None:
    here = ChannelFactory(tenant=scope)
    number = kept.Next(InboundEvent, "place", lambda rows, channel: rows.filter(channel=channel))
    rows = [
        InboundEvent(tenant=scope, channel=here, digest="told", place=4, request={}),
        InboundEvent(tenant=scope, channel=here, digest="asked", place=number.behind(channel=here.id), request={}),
    ]
    kept.insert(rows)
    assert set(InboundEvent.objects.values_list("digest", "place")) == {("told", 4), ("asked", 1)}


@SQL
def test_no_receipt_of_a_webhook_has_its_statement_compiled_anew(scope, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be kept goes through the ORM, at ten times the cost."""
    channel = ChannelFactory(tenant=scope, kind="whatsapp")
    monkeypatch.setattr(orm, "write", None)
    for n in range(2):
        body = str(n).encode()
        receipt_store(channel, RawRequest(method="POST", path="/", headers={}, query={}, body=body, url="/"))
    assert list(InboundEvent.objects.order_by("id").values_list("place", flat=True)) == [1, 2]
