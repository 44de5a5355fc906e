"""People among very many: found by an index on each engine, in order, and no search reads them all (ADM-1, NFR-5)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection

from conversations.models import Contact
from conversations.search import people, people_index
from conversations.search.forget import words_forget
from conversations.search.people_index import FOUND, people_index_drop, people_index_make
from messaging.agents.inbox import found as looked_for
from messaging.agents.inbox.found import conversations_found
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import now
from tests.factories import ContactFactory, IdentityFactory
from tests.messaging.contacts.test_searched import ASKED, PEOPLE, always, found, talks_with

pytestmark = pytest.mark.django_db(transaction=True)


def crowded(tenant, count: int) -> None:
    """People who were active later than all others."""
    names = [Contact(tenant=tenant, name=f"Ana {number}", phone=f"+4917{number:08}") for number in range(count)]
    Contact.objects.bulk_create(names)


@pytest.fixture
def few_are_read(monkeypatch):
    """The first two rows alone are read one by one, of a page of any size."""
    monkeypatch.setattr(people, "_walked", lambda size: 2)
    monkeypatch.setattr(people, "RECENT", 2)
    monkeypatch.setattr(looked_for, "NAMELESS_AMONG", 2)


@pytest.mark.parametrize(
    ("search", "name"),
    {key: row for key, row in ASKED.items() if not key.startswith("a part")}.values(),
    ids=[key for key in ASKED if not key.startswith("a part")],
)
def test_the_index_finds_who_was_active_long_ago(scope, other_tenant, few_are_read, search, name) -> None:
    for one in (scope, other_tenant):
        with tenant_scope(one.id):
            for facts in PEOPLE:
                talks_with(one, last_active_at=now() - timedelta(days=900), **facts)
            crowded(one, 5)
    assert found(search) == {name}
    assert len(conversations_found(search, words=False)) == 1, "the other tenant's"


@pytest.mark.skipif("connection.vendor == 'mongodb'", reason="it finds whole numbers")
@pytest.mark.parametrize("search", ["5678", "12345678", "0151 12345678", "+49 151 12345678", "0049 151 12345678"])
def test_a_number_is_found_by_its_end_among_all(scope, few_are_read, search) -> None:
    talks_with(scope, name="José", phone="+4915112345678", last_active_at=now() - timedelta(days=900))
    crowded(scope, 5)
    assert found(search) == {"José"}


def test_the_latest_of_many_come_first_wherever_they_are_looked_for(scope, few_are_read) -> None:
    times = {f"José {number}": now() - timedelta(days=number) for number in range(6)}
    for name, at in times.items():
        ContactFactory(tenant=scope, name=name, last_active_at=at)
    for most in (1, 2, 4):
        names = dict(Contact.objects.values_list("id", "name"))
        assert [names[id_] for id_ in people.latest_people("jose", most)] == list(times)[:most]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_api_gives_each_of_them_once_in_order_where_the_index_is_asked(
    api, tenant, scope, few_are_read, order
) -> None:
    for number in range(7):
        ContactFactory(tenant=scope, name=f"José {number}", last_active_at=now() - timedelta(days=number))
        ContactFactory(tenant=scope, name=f"Ada {number}", last_active_at=now() - timedelta(days=number))
    client, names, cursor = api(tenant), [], ""
    asked = {"search_query": "jose", "page_size": 3, "sort_by": "last_active_at", "sort_order": order}
    while cursor is not None:
        page = client.data_of(client.get("/api/v2/contacts", {**asked, **({"cursor": cursor} if cursor else {})}))
        names, cursor = [*names, *(row["name"] for row in page["items"])], page["next_cursor"]
    assert (
        names
        == sorted(names, reverse=order == "asc")
        == [f"José {n}" for n in sorted(range(7), reverse=order == "asc")]
    )
    second = client.data_of(client.get("/api/v2/contacts", {**asked, "page": 2}))
    assert ([row["name"] for row in second["items"]], second["total"]) == (names[3:6], 7)


ADDRESSED = {
    "whole": {"email": "Ana.Lopez@firm.example"},
    "from a word on": {"email": "lopez@FIRM"},
    "and a name": {"email": "firm", "search_query": "jose"},
    "and who": {"email": "lopez", "user_id": "user-7"},
    "and who is called so": {"phone": "+4915112345678", "search_query": "jose"},
}


@pytest.mark.parametrize("asked", ADDRESSED.values(), ids=ADDRESSED)
def test_the_api_finds_an_address_among_all(api, tenant, scope, other_tenant, few_are_read, monkeypatch, asked) -> None:
    monkeypatch.setattr(people, "READ", 2)
    for one in (scope, other_tenant):
        with tenant_scope(one.id):
            facts = {"name": "José", "email": "ana.lopez@firm.example", "phone": "+4915112345678"}
            row = ContactFactory(tenant=one, last_active_at=now() - timedelta(days=900), **facts)
            IdentityFactory(tenant=one, contact=row, value="user-7")
            crowded(one, 5)
    ContactFactory(tenant=scope, name="José", email="other@firm2.example", last_active_at=now() - timedelta(days=901))
    page = api(tenant).data_of(api(tenant).get("/api/v2/contacts", {**asked, "page": 1}))
    wanted = [("José", "ana.lopez@firm.example")] + [("José", "other@firm2.example")] * (asked.get("email") == "firm")
    assert [(row["name"], row["email"]) for row in page["items"]] == wanted
    assert page["total"] == len(wanted)


def test_who_is_gone_or_called_otherwise_is_found_no_more(scope, few_are_read) -> None:
    long_ago = now() - timedelta(days=900)
    one, other = (ContactFactory(tenant=scope, name=name, last_active_at=long_ago) for name in ("José", "Zoë"))
    crowded(scope, 5)
    Contact.objects.filter(id=one.id).update(name="Peter")
    other.delete()
    assert [people.latest_people(name, 5) for name in ("jose", "zoe", "peter")] == [[], [], [one.id]]


ON_SQLITE = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="of SQLite's full-text table")


@ON_SQLITE
def test_bare_names_of_who_is_gone_are_wiped_from_the_index(scope) -> None:
    row = ContactFactory(tenant=scope, name="Quetzalcoatl")
    assert kept_in_the_index(b"quetzalcoatl")
    row.delete()
    assert words_forget(always, pause_s=0) == 1
    assert not kept_in_the_index(b"quetzalcoatl")


def kept_in_the_index(word: bytes) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT block FROM {FOUND}_data")
        return any(word in bytes(block) for (block,) in cursor.fetchall())


@ON_SQLITE
def test_the_index_is_filled_in_batches_beside_those_who_write(scope, few_are_read, monkeypatch) -> None:
    monkeypatch.setattr(people_index, "TOGETHER", 2)
    for name in ("José", "Zoë", "Ada", "Li", "Max"):
        talks_with(scope, name=name, last_active_at=now() - timedelta(days=900))
    crowded(scope, 3)
    people_index_drop()
    people_index_make()
    people_index_make()
    assert [found(name) for name in ("jose", "zoe", "max")] == [{"José"}, {"Zoë"}, {"Max"}]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), count(DISTINCT contact_id) FROM {people_index.PLACES}")
        assert cursor.fetchone() == (8, 8)
        cursor.execute(f"INSERT INTO {FOUND} ({FOUND}) VALUES ('integrity-check')")


@ON_SQLITE
def test_a_person_who_writes_again_leaves_the_index_alone(scope) -> None:
    row = ContactFactory(tenant=scope, name="José")
    with connection.cursor() as cursor:
        cursor.execute("SELECT total_changes()")
        before = cursor.fetchone()[0]
        prepared.update(Contact, {"id": row.id}, {"last_active_at": now()})
        row.save()
        cursor.execute("SELECT total_changes()")
        assert cursor.fetchone()[0] == before + 2, "the row alone, twice"


@pytest.mark.skipif("connection.vendor == 'mongodb'", reason="reads plans of SQL")
@pytest.mark.parametrize("search", ["garcia", "5678", "gar jos"])
def test_no_look_reads_all_people(scope, few_are_read, search) -> None:
    """SQLite read every row of a tenant for each search, also where the index had given a handful."""
    crowded(scope, 3_000)
    talks_with(scope, name="José García", phone="+4915112345678", last_active_at=now() - timedelta(days=900))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "postgresql" else "SELECT 1")
    asked: list[tuple[str, tuple[object, ...]]] = []
    with connection.execute_wrapper(
        lambda execute, sql, given, *rest: asked.append((sql, given)) or execute(sql, given, *rest)
    ):
        assert found(search) == {"José García"}
    for sql, given in asked if connection.vendor == "sqlite" else ():
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", given)
            steps = [row[-1] for row in cursor.fetchall()]
        whole = [step for step in steps if step.endswith("(tenant_id=?)") or re.match("SCAN (?!.*VIRTUAL TABLE)", step)]
        assert not whole or "OFFSET" in sql, (whole, sql)
