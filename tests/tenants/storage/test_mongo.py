"""MongoDB's own troubles: standalone servers, commits that fail, servers that are away (tests/run_mongo.sh)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from chatsvc.web.errors import as_service_error
from tenants.models import Tenant
from tenants.storage import db

pytestmark = [
    pytest.mark.skipif(not db.on_mongo(), reason="MongoDB only: tests/run_mongo.sh"),
    pytest.mark.django_db(transaction=True),
]


def test_a_commit_that_fails_stores_nothing_and_spoils_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from pymongo.client_session import ClientSession
    from pymongo.errors import AutoReconnect

    def lost(session: Any) -> None:
        session.abort_transaction()
        raise AutoReconnect("gone")

    called: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(ClientSession, "commit_transaction", lost)
        with pytest.raises(OperationalError), db.atomic():
            db.on_commit(lambda: called.append(1))
            Tenant.objects.create(name="One", slug="one")
    with db.atomic():
        Tenant.objects.create(name="Two", slug="two")
    assert list(Tenant.objects.values_list("slug", flat=True)) == ["two"]
    assert called == []


def test_what_follows_a_commit_runs_inside_djangos_own_block_too() -> None:
    """The admin opens one around each form; here it is none."""
    called: list[int] = []
    with transaction.atomic():
        with db.atomic():
            db.on_commit(lambda: called.append(1))
        assert called == [1]


def test_a_server_that_is_away_is_a_503_and_not_ready(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymongo.errors import ServerSelectionTimeoutError

    def away(*_: Any, **__: Any) -> None:
        raise ServerSelectionTimeoutError("no server there")

    monkeypatch.setattr("pymongo.collection.Collection.aggregate", away)
    monkeypatch.setattr("pymongo.database.Database.command", away)
    for write in ("update_one", "update_many", "insert_one", "insert_many", "find_one_and_update"):
        monkeypatch.setattr(f"pymongo.collection.Collection.{write}", away)
    with pytest.raises(DatabaseError) as failed:
        Tenant.objects.first()
    assert as_service_error(failed.value).status == 503
    assert browser.get("/health/ready").status_code == 503


@pytest.mark.parametrize(
    ("hello", "codes"),
    [({"setName": "rs0"}, []), ({"msg": "isdbgrid"}, []), ({}, ["chatsvc.E001"])],
    ids=["replica set", "sharded", "standalone"],
)
def test_a_server_without_transactions_is_refused(
    hello: dict[str, str], codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatsvc.mongo.checks import transactions

    monkeypatch.setattr("pymongo.database.Database.command", lambda *_: hello)
    assert [found.id for found in transactions(databases=["default"])] == codes


def test_own_keys_are_the_documents_ids(tenant: Tenant) -> None:
    document = connection.database["tenants_tenant"].find_one({"_id": tenant.id.hex})
    assert document["slug"] == "acme"


@pytest.mark.parametrize(
    ("collection", "where"),
    [
        ("tenants_tenant", {"slug": "acme"}),
        ("tenants_apikey", {"prefix": "x"}),
        ("tenants_idempotencyrecord", {"tenant_id": "x", "key": "x"}),
        ("conversations_identity", {"channel_id": "x", "scheme": "x", "scope": "x", "value": "x"}),
        ("conversations_conversation", {"_id": "x"}),
    ],
)
def test_hot_look_ups_use_an_index(collection: str, where: dict[str, str]) -> None:
    plan = connection.database.command("explain", {"find": collection, "filter": where})
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])
