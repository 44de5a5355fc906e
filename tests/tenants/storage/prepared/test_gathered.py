"""Rows that are gathered and written in one statement, of several tenants, or nowhere."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from conversations.models import Contact, Note
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage import db
from tenants.storage.prepared import kept
from tenants.storage.prepared.owner import OtherTenant
from tests.factories import ConversationFactory
from tests.tenants.storage.prepared.ways import BOTH, SQL

pytestmark = pytest.mark.django_db(transaction=True)


@BOTH
def test_gathered_rows_of_two_tenants_are_there_at_the_end(tenant: Tenant, other_tenant: Tenant, way: Any) -> None:
    with db.atomic(), way.gathered(Contact):
        for owner in (tenant, other_tenant, tenant):
            with tenant_scope(owner.id):
                way.insert([Contact(tenant=owner, name=owner.name)])
    for owner, count in ((tenant, 2), (other_tenant, 1)):
        with tenant_scope(owner.id):
            assert list(Contact.objects.values_list("name", flat=True)) == [owner.name] * count


@SQL
def test_gathered_rows_go_in_one_statement_and_others_at_once(scope) -> None:
    into = ConversationFactory(tenant=scope)
    with CaptureQueriesContext(connection) as seen, db.atomic(), kept.gathered(Contact):
        for name in ("a", "b", "c"):
            kept.insert([made := Contact(tenant=scope, name=name)])
            kept.insert([Note(tenant=scope, conversation=into, text=name)])
        assert (Contact.objects.filter(id=made.id).count(), Note.objects.count()) == (0, 3)
    assert len([one for one in seen if 'INTO "conversations_contact"' in one["sql"]]) == 1
    assert set(Contact.objects.filter(name__in="abc").values_list("name", flat=True)) == set("abc")


@BOTH
def test_gathering_takes_no_row_of_another_tenant(scope, other_tenant: Tenant, way: Any) -> None:
    with pytest.raises(OtherTenant), db.atomic(), way.gathered(Contact):
        way.insert([Contact(tenant=other_tenant)])
    with tenant_scope(other_tenant.id):
        assert not Contact.objects.exists()


@BOTH
def test_what_was_gathered_before_a_failure_is_written_nowhere(scope, way: Any) -> None:
    with pytest.raises(ZeroDivisionError), db.atomic(), way.gathered(Contact):
        way.insert([Contact(tenant=scope)])
        raise ZeroDivisionError
    assert not Contact.objects.exists()
    way.insert([Contact(tenant=scope)])
    assert Contact.objects.count() == 1


@SQL
def test_another_threads_rows_are_not_gathered(scope) -> None:
    def insert() -> None:
        with tenant_scope(scope.id):
            kept.insert([Contact(tenant=scope)])
        connections.close_all()

    with kept.gathered(Contact):
        thread = threading.Thread(target=insert)
        thread.start()
        thread.join()
        assert Contact.objects.count() == 1


@SQL
def test_a_gathered_column_that_the_database_works_out(tenant: Tenant, other_tenant: Tenant) -> None:
    with db.atomic(), kept.gathered(Contact):
        for owner in (tenant, other_tenant):
            with tenant_scope(owner.id):
                kept.insert([Contact(tenant=owner, phone=Concat(Value("a"), Value("b")))])
    with tenant_scope(other_tenant.id):
        assert Contact.objects.get().phone == "ab"
