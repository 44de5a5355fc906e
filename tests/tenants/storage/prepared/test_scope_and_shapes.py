"""Kept statements see and change only rows of the tenant in scope; what makes a shape, and how many are kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F

from conversations.models import Contact, Conversation
from tenants.models import Tenant
from tenants.scope import NoTenantScope, tenant_scope
from tenants.storage import db
from tenants.storage.prepared import kept
from tenants.storage.prepared.owner import OtherTenant
from tests.factories import ContactFactory, ConversationFactory
from tests.tenants.storage.prepared.ways import AT, BOTH, BY_NAME, SQL

pytestmark = pytest.mark.django_db(transaction=True)


@BOTH
class TestScope:
    def test_other_tenants_rows_are_neither_seen_nor_changed(self, way: Any, tenant, other_tenant) -> None:
        theirs = ContactFactory(tenant=other_tenant, name="theirs")
        select = way.Select(Contact, lambda rows, id: rows.filter(id=id))
        with tenant_scope(tenant.id):
            assert select.first(id=theirs.id) is None
            assert way.update(Contact, {"id": theirs.id}, {"name": "ours"}) == 0
            assert way.update_where(Contact, {"id": theirs.id}, {"name": "ours"}) is None
        with tenant_scope(other_tenant.id):
            assert select.first(id=theirs.id).name == "theirs"

    def test_a_named_tenant_does_not_open_its_scope(self, way: Any, tenant, other_tenant) -> None:
        theirs = ContactFactory(tenant=other_tenant, name="theirs")
        with tenant_scope(tenant.id):
            where = {"id": theirs.id, "tenant_id": other_tenant.id}
            assert way.update(Contact, where, {"name": "ours"}) == 0

    def test_a_row_of_another_tenant_is_not_written(self, way: Any, tenant, other_tenant) -> None:
        with tenant_scope(tenant.id):
            with pytest.raises(OtherTenant):
                way.insert([Contact(tenant=tenant), Contact(tenant=other_tenant)])
            assert not Contact.objects.exists()

    def test_nothing_goes_without_a_scope(self, way: Any, tenant) -> None:
        made = ContactFactory(tenant=tenant)
        calls = (
            lambda: way.update(Contact, {"id": made.id}, {"name": "x"}),
            lambda: way.update_where(Contact, {"id": made.id}, {"name": "x"}),
            lambda: way.insert([Contact(tenant=tenant)]),
            lambda: way.Select(Contact, BY_NAME["rows"]).run(name="x"),
        )
        for call in calls:
            with pytest.raises(NoTenantScope):
                call()

    def test_rows_without_a_tenant_need_no_scope(self, way: Any) -> None:
        way.insert([Tenant(name="One", slug="one")])
        assert way.update(Tenant, {"slug": "one"}, {"name": "Two"}) == 1
        assert way.Select(Tenant, lambda rows, slug: rows.filter(slug=slug)).first(slug="one").name == "Two"


@SQL
class TestShapes:
    @pytest.fixture(autouse=True)
    def empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kept, "_shapes", {})

    def test_values_make_no_shape(self, scope) -> None:
        made = ConversationFactory(tenant=scope)
        for number in range(20):
            changes = {"last_seq": F("last_seq") + number, "subject": str(number), "context": {str(number): number}}
            kept.update(Conversation, {"id": made.id, "event_seq__lte": number}, changes)
        assert len(kept._shapes) == 1

    def test_what_makes_a_shape(self, scope) -> None:
        made = ConversationFactory(tenant=scope)
        changes: list[dict[str, Any]] = [
            {"last_seq": 1}, {"last_seq": F("last_seq")}, {"last_seq": F("event_seq")}, {"last_seq": F("last_seq") + 1},
            {"last_seq": F("last_seq") - 1}, {"waiting_since": None}, {"waiting_since": AT},
        ]  # fmt: skip
        for one in changes:
            kept.update(Conversation, {"id": made.id, "kind": "none"}, one)
        assert len(kept._shapes) == len(changes)

    def test_no_more_are_kept_than_there_is_room_for(self, scope, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kept, "MOST_SHAPES", 5)
        for number in range(12):
            assert kept.update(Contact, {"name__in": [str(n) for n in range(number + 1)]}, {"name": "y"}) == 0
        assert len(kept._shapes) == 5

    def test_the_suite_has_not_filled_the_room(self) -> None:
        """Of one process: the journeys of this module's neighbours have far fewer shapes than there is room for."""
        assert len(STANDING) < kept.MOST_SHAPES / 2


STANDING = {} if db.on_mongo() else kept._shapes
