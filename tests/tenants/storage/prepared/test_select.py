"""A kept SELECT: the rows that the ORM reads, and what comes along with them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Exists, OuterRef, Subquery

from conversations.models import Contact, Conversation, Identity
from tenants.storage import db
from tests.factories import ContactFactory, ConversationFactory
from tests.tenants.storage.prepared.ways import AT, BOTH, BY_NAME, facts

pytestmark = pytest.mark.django_db(transaction=True)


@BOTH
@pytest.mark.parametrize("build", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("most", [None, 1, 2, 5])
def test_rows_are_read_as_by_the_orm(scope, way: Any, build: Any, most: int | None, looked_at: None) -> None:
    for email in "cab":
        ContactFactory(tenant=scope, name="it's %s", email=email, profile={"of": [email]})
    ContactFactory(tenant=scope, name="another")
    select = way.Select(Contact, build)
    wanted = list(build(Contact.objects, name="it's %s")[:most])
    assert [select.run(most=most, name="it's %s") for _ in range(2)] == [wanted, wanted]
    assert select.first(name="it's %s") == wanted[0]
    assert (select.first(name="unknown"), select.run(name="unknown")) == (None, [])


@BOTH
def test_places_stand_in_the_queries_inside_too(scope, way: Any, looked_at: None) -> None:
    """Each value is prepared by the field that it is compared with there."""
    meant, other = (ContactFactory(tenant=scope) for _ in range(2))
    talk = ConversationFactory(tenant=scope, contact=meant)

    def build(rows: Any, id: Any, conversation: Any, since: Any) -> Any:
        talks = Conversation.objects.unscoped().filter(contact=OuterRef("id"), created_at__gte=since)
        return rows.filter(id=id).values_list(
            Exists(talks.filter(id=conversation)), Subquery(talks.values("id")[:1]), ~Exists(talks)
        )

    select, asked = way.Select(Contact, build), {"conversation": talk.id, "since": talk.created_at}
    for _ in range(2):
        assert select.first(id=meant.id, **asked) == (True, talk.id, False)
        assert select.first(id=other.id, **asked) == (False, None, True)
    assert select.first(id=meant.id, conversation=talk.id, since=AT.replace(year=2100)) == (False, None, True)


@BOTH
def test_a_row_is_found_by_what_points_to_it(scope, way: Any, looked_at: None) -> None:
    made, other = (ConversationFactory(tenant=scope) for _ in range(2))
    select = way.Select(Contact, lambda rows, conversation: rows.filter(conversations=conversation))
    assert [select.run(conversation=one.id) for one in (made, other)] == [[made.contact], [other.contact]]
    assert select.first(conversation=db.new_id()) is None


@BOTH
def test_related_rows_come_along(scope, way: Any, django_assert_num_queries: Any) -> None:
    made = ConversationFactory(tenant=scope)
    select = way.Select(Identity, lambda rows, id: rows.filter(id=id).select_related("contact", "channel"))
    found = select.first(id=made.identity_id)
    with django_assert_num_queries(0):
        assert (facts(found.contact), found.channel) == (facts(made.contact), made.channel)


@BOTH
def test_rows_along_rows_are_those_of_the_orm(scope, way: Any, django_assert_num_queries: Any) -> None:
    made = ConversationFactory(tenant=scope)
    along = ("assignee", "identity__contact", "identity__channel")
    select = way.Select(Conversation, lambda rows, id: rows.filter(id=id).select_related(*along))
    found, wanted = select.first(id=made.id), Conversation.objects.select_related(*along).get(id=made.id)
    with django_assert_num_queries(0):
        assert found.assignee is wanted.assignee is None
        for ours, theirs in ((found.identity, wanted.identity), (found.identity.contact, wanted.identity.contact)):
            assert facts(ours) == facts(theirs)
            assert (
                (ours._state.adding, ours._state.db) == (theirs._state.adding, theirs._state.db) == (False, "default")
            )
            assert ours._state.fields_cache.keys() == theirs._state.fields_cache.keys()
