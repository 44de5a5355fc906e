"""Kept statements and connections: good for each of them, with plans on the server or without."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

from conversations.models import Contact
from tenants.scope import tenant_scope
from tenants.storage import db, postgres
from tenants.storage.connections import connection_release
from tenants.storage.prepared import kept
from tests.factories import ContactFactory
from tests.tenants.storage.prepared.ways import SQL

pytestmark = pytest.mark.django_db(transaction=True)


@SQL
def test_a_statement_is_good_for_every_connection(scope) -> None:
    made, names = ContactFactory(tenant=scope), iter(range(100))
    before = kept.update_where(Contact, {"id": made.id}, {"name": "here"})
    connection_release()
    connection.close()
    seen = [before.name]

    def elsewhere() -> None:
        with tenant_scope(scope.id):
            for _ in range(5):
                row = kept.update_where(Contact, {"id": made.id}, {"name": f"there {next(names)}"})
                seen.append(row.name)
        connections.close_all()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == ["here", *(f"there {n}" for n in range(5))]
    assert Contact.objects.get().name == "there 4"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL keeps plans on its side")
@pytest.mark.parametrize(("threshold", "plans"), [(postgres.PREPARE_AFTER, True), (None, False)])
def test_the_server_keeps_plans_unless_a_pooler_stands_between(scope, threshold: int | None, plans: bool) -> None:
    made = ContactFactory(tenant=scope)
    connection.ensure_connection()
    # a statement for each case: the connection has those of former tests
    changed = {"name": "", "email": "a@example.com"} if plans else {"name": "", "language": "de"}
    before, connection.connection.prepare_threshold = connection.connection.prepare_threshold, threshold
    try:
        with db.atomic():
            for n in range(postgres.PREPARE_AFTER + 2):
                kept.update(Contact, {"id": made.id}, {**changed, "name": str(n)})
            with connection.cursor() as cursor:
                named = "%".join(changed)
                cursor.execute(
                    f"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'UPDATE%contact%{named}%WHERE%'"
                )
                assert (cursor.fetchone()[0] > 0) is plans
    finally:
        connection.connection.prepare_threshold = before


def test_the_pooler_is_a_setting() -> None:
    thresholds = [postgres.database({}, 1, 1, prepare)["OPTIONS"]["prepare_threshold"] for prepare in (True, False)]
    assert thresholds == [postgres.PREPARE_AFTER, None]
