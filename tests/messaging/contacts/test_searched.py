"""People are found by the words of their names and addresses whatever writes them, however many there are (ADM-1)."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F, QuerySet
from django.http import QueryDict

from channels_app.contract import Sender
from channels_app.words.folding import folded
from conversations.contacts.changes import contact_change, contact_create
from conversations.contacts.people import contact_touch, contacts_merge, contacts_part, identity_resolve
from conversations.models import Contact, ContactMerge, Conversation
from conversations.search import people, people_index
from conversations.search.forget import words_forget
from conversations.search.people_index import FOUND, people_index_drop, people_index_make
from messaging.admin.inbox.contact import person_change
from messaging.agents.inbox import found as looked_for
from messaging.agents.inbox.found import conversations_found
from messaging.context.profile import profile_keep
from messaging.housekeeping import STEPS
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import atomic, now, row_change
from tests.factories import ContactFactory, ConversationFactory, IdentityFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = {"name": "", "email": "", "phone": "", "language": "", "profile": {}, "preferences": {}}


def always() -> bool:
    return True


def found(search: str) -> set[str]:
    """The names of the people whose conversations the inbox finds."""
    talks = Conversation.objects.filter(id__in=conversations_found(search, words=False))
    return set(talks.values_list("contact__name", flat=True))


def talks_with(tenant, **facts) -> Contact:
    talk = ConversationFactory(tenant=tenant, last_message_at=now(), contact=ContactFactory(tenant=tenant, **facts))
    return talk.contact


def words_of(contact: Contact) -> list[str]:
    """As the row has them, in the form of SQL."""
    row = Contact.objects.values_list("name_words", "email_words").get(id=contact.id)
    return [f" {' '.join(one)} " if isinstance(one, list) and one else one or "" for one in row]


# ---------------------------------------------------------------------------------- questions

PEOPLE = (
    {"name": "José García"},
    {"name": "Jürgen Müller", "email": "Buchhaltung@firma.example"},
    {"name": "مُحَمَّد علي"},
    {"name": "王小明"},
)
ASKED = {
    "without accents": ("jose", "José García"),
    "with accents": ("GARCÍA", "José García"),
    "apart": ("Jose\u0301", "José García"),
    "words begun, in any order": ("gar jos", "José García"),
    "umlaut": ("muller", "Jürgen Müller"),
    "of an address": ("buchhaltung", "Jürgen Müller"),
    "name and address": ("jurgen firma", "Jürgen Müller"),
    "a whole address": ("buchhaltung@firma.example", "Jürgen Müller"),
    "Arabic, without vowels": ("محمد", "مُحَمَّد علي"),
    "Chinese, from its middle": ("小明", "王小明"),
    "Chinese, one sign": ("王", "王小明"),
    "a part of a word, where no word begins so": ("arcía", "José García"),
    "a part of an address": ("mple", "Jürgen Müller"),
}


@pytest.mark.parametrize(("search", "name"), ASKED.values(), ids=ASKED)
def test_a_person_is_found_by(scope, other_tenant, search, name) -> None:
    for one in (scope, other_tenant):
        with tenant_scope(one.id):
            for facts in PEOPLE:
                talks_with(one, **facts)
    assert found(search) == {name}
    assert len(conversations_found(search, words=False)) == 1, "the other tenant's"


@pytest.mark.parametrize("search", ["%", "_", "' | a", ":*", "jose peter", "&", "\\"])
def test_what_is_no_word_of_theirs_finds_no_one(scope, search) -> None:
    talks_with(scope, name="José García")
    assert found(search) == set()


def test_the_one_who_was_active_last_long_ago_is_found_among_thousands(scope) -> None:
    talks_with(scope, name="José García", last_active_at=now() - timedelta(days=900))
    Contact.objects.bulk_create([Contact(tenant=scope, name=f"Person {number}") for number in range(1_200)])
    assert found("garcia") == {"José García"}


def test_a_part_that_begins_no_word_is_looked_for_among_those_who_were_active_last(scope, monkeypatch) -> None:
    """All contacts were read whenever no name fits: with each search for words of messages."""
    monkeypatch.setattr(people, "RECENT", 2)
    for days, (name, phone) in enumerate(
        [("Ada", ""), ("José García", "+4915112340000"), ("Lucía Arcía", "+493055511")]
    ):
        talks_with(scope, name=name, phone=phone, last_active_at=now() - timedelta(days=days))
    assert found("rcí") == {"José García"}
    assert found("12340") == {"José García"}
    assert found("5551") == set()
    assert found("+49 30 55511") == {"Lucía Arcía"}


def test_a_visitor_without_a_name_is_found_by_the_number_that_stands_for_it(scope) -> None:
    visitor = talks_with(scope, name="")
    talks_with(scope, name="Ada")
    assert found(f"Visitor {str(visitor.id)[-6:]}") == found(str(visitor.id)[-6:]) == {""}


def test_the_api_finds_all_of_them_page_after_page(api, tenant, scope) -> None:
    for number in range(5):
        ContactFactory(tenant=scope, name=f"José {number}")
    ContactFactory(tenant=scope, name="Josef")
    client, names, cursor = api(tenant), [], ""
    while cursor is not None:
        asked = {"search_query": "josé", "page_size": 2, **({"cursor": cursor} if cursor else {})}
        page = client.data_of(client.get("/api/v2/contacts", asked))
        names, cursor = [*names, *(row["name"] for row in page["items"])], page["next_cursor"]
    assert sorted(names) == ["Josef", *(f"José {number}" for number in range(5))]


def test_the_list_of_people_in_the_console_does_so_too(scope, client) -> None:
    client.force_login(UserFactory(is_superuser=True))
    for name in ("José García", "Peter"):
        ContactFactory(tenant=scope, name=name)
    shown = client.get("/admin/conversations/contact/", {"q": "garcia"}).content.decode()
    assert "José García" in shown
    assert "Peter" not in shown


# ----------------------------------------------------------------------------------- writers


def by_first_word(channel):
    Contact.objects.get(id=identity_resolve(channel, Sender("phone", "+491", name="José")).contact_id)


def by_profile_update(channel):
    known = identity_resolve(channel, Sender("phone", "+491", name="Peter"))
    contact_touch(channel, known, Sender("phone", "+491", name="José"), session_key="", device={})


def by_profile_update_after_a_decision(channel):
    known = identity_resolve(channel, Sender("phone", "+491"))
    contact_change(known.contact_id, {"language": "es"})
    contact_touch(channel, known, Sender("phone", "+491", name="José"), session_key="", device={})


def by_api_created(channel):
    contact_create({**PLAIN, "name": "José", "email": "jose@example.com"})


def by_api_changed(channel):
    contact_change(ContactFactory(tenant=channel.tenant).id, {"name": "José"})


def by_inbox(channel):
    person_change(ContactFactory(tenant=channel.tenant), QueryDict("name=José&was_name=Visitor"))


def by_engine(channel):
    profile_keep(ContactFactory(tenant=channel.tenant, name=""), {"name": "José", "email": "j@example.com"})


def by_merge(channel):
    kept, joined = ContactFactory(tenant=channel.tenant, name=""), ContactFactory(tenant=channel.tenant, name="José")
    contacts_merge(kept.id, joined.id, "key:ab")


def by_parting(channel):
    by_merge(channel)
    contacts_part(ContactMerge.objects.get().id, "key:ab")


def by_update(channel):
    Contact.objects.filter(id=ContactFactory(tenant=channel.tenant).id).update(name="José")


def by_update_of_all_tenants(channel):
    Contact.objects.unscoped().filter(id=ContactFactory(tenant=channel.tenant).id).update(name="José")


def by_kept_update(channel):
    prepared.update(
        Contact, {"id": ContactFactory(tenant=channel.tenant).id}, {"name": "José", "email": "j@example.com"}
    )


def by_kept_update_that_reads(channel):
    prepared.update_where(Contact, {"id": ContactFactory(tenant=channel.tenant).id}, {"name": "José"})


def by_kept_insert(channel):
    with atomic():
        prepared.insert([Contact(tenant_id=channel.tenant_id, name="José", email="j@example.com")])


def by_bulk_create(channel):
    Contact.objects.bulk_create([Contact(tenant=channel.tenant, name="José")])


def by_row_change(channel):
    row_change(ContactFactory(tenant=channel.tenant), {"name": "José"})


def by_save_of_some_fields(channel):
    row = ContactFactory(tenant=channel.tenant)
    row.name = "José"
    row.save(update_fields=["name"])


def by_update_or_create(channel):
    row = ContactFactory(tenant=channel.tenant)
    Contact.objects.update_or_create(id=row.id, defaults={"name": "José"})


WRITERS = [value for name, value in dict(globals()).items() if name.startswith("by_")]


@pytest.mark.parametrize("write", WRITERS, ids=lambda one: one.__name__[3:])
def test_the_words_follow_what_is_written(scope, whatsapp, write) -> None:
    write(whatsapp)
    rows = list(Contact.objects.all())
    assert "José" in [row.name for row in rows]
    assert [words_of(row) for row in rows] == [[folded(row.name), folded(row.email)] for row in rows]


def test_a_change_of_something_else_leaves_them(scope) -> None:
    row = ContactFactory(tenant=scope, name="José", email="j@example.com")
    row.language = "es"
    row.save(update_fields=["language"])
    Contact.objects.filter(id=row.id).update(phone="+491")
    assert words_of(row) == [" jose ", " j example com "]


def test_what_only_the_database_knows_is_refused(scope) -> None:
    row = ContactFactory(tenant=scope, name="José")
    with pytest.raises(TypeError, match="name_words"):
        Contact.objects.filter(id=row.id).update(name=F("email"))
    with pytest.raises(TypeError, match="row by row"):
        Contact.objects.bulk_update([row], ["name"])


# ------------------------------------------------------------------------------ older releases


def as_an_older_release(where: str, **values: object) -> None:
    """Write what knows no words."""
    rows = Contact.objects.filter(name=where)
    QuerySet.update(rows, **values)


def test_people_whom_an_older_release_has_written_get_their_words_from_house_keeping(scope) -> None:
    talks_with(scope, name="José García")
    as_an_older_release("José García", name_words=None, email_words=None)
    assert found("garcia") == set()
    assert (STEPS["contact_words"](always), STEPS["contact_words"](always)) == (1, 0)
    assert found("garcia") == {"José García"}


def test_a_name_that_an_older_release_has_changed_is_put_right_by_command(scope) -> None:
    talks_with(scope, name="Peter")
    as_an_older_release("Peter", name="José")
    out = StringIO()
    call_command("index_messages", stdout=out)
    assert "1 contacts looked at, 1 indexed." in out.getvalue()
    assert (found("jose"), found("peter")) == ({"José"}, set())


def test_the_index_can_be_made_again_and_taken_away(scope) -> None:
    talks_with(scope, name="José")
    people_index_drop()
    people_index_make()
    people_index_make()
    assert found("jose") == {"José"}


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
