"""Values of kept statements: prepared and read as by their fields."""

from __future__ import annotations

import datetime
import uuid
import zoneinfo
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat

from conversations.models import Contact, Conversation
from messaging.models import WebhookEndpoint
from tenants.models import Tenant
from tenants.storage import db, prepared
from tenants.storage.prepared import driver, kept
from tenants.storage.prepared.driver import Statement
from tenants.storage.prepared.shapes import Given
from tests.factories import ContactFactory, ConversationFactory
from tests.tenants.storage.prepared.ways import AT, BOTH, SQL

pytestmark = pytest.mark.django_db(transaction=True)
VALUES: list[tuple[str, Any]] = [
    ("subject", "ü %s"), ("subject", ""), ("subject", 5), ("status", Conversation.Status.ERROR), ("assignee_id", None),
    ("satisfaction", None), ("satisfaction", 4), ("satisfaction", "4"), ("is_open", False), ("is_open", 1),
    ("ended_at", AT), ("ended_at", None), ("ended_at", AT.replace(microsecond=0)),
    ("ended_at", AT.astimezone(datetime.timezone(datetime.timedelta(hours=5)))),
    ("ended_at", datetime.datetime(2026, 5, 4, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))),
    ("context", {"a": None}), ("context", {}), ("context", {"ä": [1, 2.5, float("inf")]}), ("context", ["a"]), ("context", []), ("identity_id", uuid.UUID(int=7)), ("identity_id", str(uuid.UUID(int=7))),
]  # fmt: skip


@SQL
@pytest.mark.parametrize(("name", "value"), VALUES)
@pytest.mark.parametrize("saved", [True, False])
def test_a_value_is_prepared_as_by_its_field(db: None, name: str, value: Any, saved: bool) -> None:
    field: Any = Conversation._meta.get_field(name)
    wanted = field.get_db_prep_save(value, connection) if saved else field.get_db_prep_value(value, connection)
    [ours] = Statement("%s", [Given(0, field, saved=saved)], returns=False, writes=False).prepared([value], connection)
    assert (type(ours), getattr(ours, "obj", ours)) == (type(wanted), getattr(wanted, "obj", wanted))


@SQL
def test_a_statement_remembers_so_many_combinations_of_kinds(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept grows with no value, and what was let go is prepared as before."""
    monkeypatch.setattr(driver, "MOST_KINDS", 4)
    subject, satisfaction = (Conversation._meta.get_field(name) for name in ("subject", "satisfaction"))
    statement = Statement("%s, %s, %s", [Given(0, subject), 1, Given(1, satisfaction)], returns=False, writes=False)
    kinds = [(said, mark) for said in ("5", 5, None) for mark in (4, None, "4")]
    for said, mark in kinds * 2:
        first, fixed, second = statement.prepared([said, mark], connection)
        wanted = subject.get_db_prep_value(said, connection), satisfaction.get_db_prep_value(mark, connection)
        assert (first, fixed, getattr(second, "obj", second)) == (wanted[0], 1, getattr(wanted[1], "obj", wanted[1]))
        assert len(statement.ways) <= 4


@SQL
@pytest.mark.parametrize(("name", "value"), [one for one in VALUES if "inf" not in str(one)])
def test_a_value_comes_back_as_by_its_field(scope, name: str, value: Any) -> None:
    made = ConversationFactory(tenant=scope, **({} if name == "identity_id" else {name: value}))
    row = kept.update_where(Conversation, {"id": made.id}, {"priority": "high"})
    ours, wanted = getattr(row, name), getattr(Conversation.objects.get(), name)
    assert (type(ours), ours) == (type(wanted), wanted)
    assert getattr(ours, "tzinfo", None) is getattr(wanted, "tzinfo", None)


@SQL
def test_a_time_without_a_zone_is_warned_of_as_ever(db: None) -> None:
    with pytest.warns(RuntimeWarning, match="naive"):
        Given(0, Conversation._meta.get_field("ended_at")).prepared(AT.replace(tzinfo=None), connection)


@SQL
def test_a_secret_is_encrypted_on_its_way(scope) -> None:
    endpoint = WebhookEndpoint(tenant=scope, url="https://example.com", secrets=[{"secret": "s3cret"}])
    prepared.insert([endpoint])
    row = prepared.update_where(WebhookEndpoint, {"id": endpoint.id}, {"secrets": [{"secret": "other"}]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM messaging_webhookendpoint")
        assert "other" not in cursor.fetchone()[0]
    assert row.secrets == [{"secret": "other"}]


@pytest.mark.skipif(db.on_mongo(), reason="an insert there takes no expression")
@BOTH
def test_a_column_that_the_database_works_out(scope, way: ModuleType) -> None:
    way.insert([made := Contact(tenant=scope, phone=Concat(Value("a"), Value("b")))])
    assert Contact.objects.get(id=made.id).phone == "ab"
    assert way.update(Contact, {"phone": Concat(Value("a"), Value("b"))}, {"phone": "c"}) == 1


@SQL
def test_a_statement_is_over_when_those_who_look_at_it_go_on(scope) -> None:
    """SQLite does not commit an UPDATE … RETURNING before its rows are read, nor anything else meanwhile."""
    made, seen = ContactFactory(tenant=scope), []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        with db.atomic():
            Contact.objects.filter(id=made.id).update(email="a@example.com")
        seen.append((sql.split()[0], Contact.objects.get().name, kept.update(Contact, {"id": made.id}, {"phone": "1"})))
        return result

    with connection.execute_wrapper(once(look)):
        row = kept.update_where(Contact, {"id": made.id}, {"name": "after"})
    assert (row.name, row.phone, seen) == ("after", "", [("UPDATE", "after", 1)])
    assert Contact.objects.values_list("name", "email", "phone").get() == ("after", "a@example.com", "1")


def once(look: Callable[..., Any]) -> Callable[..., Any]:
    """``look`` at the first statement only, and not at its own."""
    left = [look]
    return lambda execute, *given: left.pop()(execute, *given) if left else execute(*given)


@BOTH
def test_a_column_that_is_set_when_its_row_is_saved(db: None, way: Any) -> None:
    way.insert([row := Tenant(name="New", slug="new")])
    assert Tenant.objects.get(id=row.id).updated_at == row.updated_at is not None
