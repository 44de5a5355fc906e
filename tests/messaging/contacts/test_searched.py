"""People are found by the words of their names and addresses whatever writes them, however many there are (ADM-1)."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F, QuerySet
from django.http import QueryDict

from channels_app.contract import Sender
from channels_app.words.folding import folded
from conversations.contacts.changes import contact_change, contact_create
from conversations.contacts.people import contact_touch, contacts_merge, contacts_part, identity_resolve
from conversations.models import Contact, ContactMerge, Conversation
from conversations.search import people
from conversations.search.people_index import people_index_drop, people_index_make
from messaging.admin.inbox.contact import person_change
from messaging.agents.inbox.found import conversations_found
from messaging.context.profile import profile_keep
from messaging.housekeeping import STEPS
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import atomic, now, row_change
from tests.factories import ContactFactory, ConversationFactory, UserFactory

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
