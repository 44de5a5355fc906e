"""Contacts that are merged and parted: nothing is lost, doubled or given to another (CONV-4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels_app.contract import Signal
from channels_app.models import Channel
from conversations.contacts import merges, people
from conversations.contacts.merges import partings_follow
from conversations.contacts.people import contacts_merge, contacts_part
from conversations.models import Contact, ContactMerge, Conversation, Event, Identity, Message, Session
from messaging.accept import accept
from messaging.reports.contact_signals import signal_apply
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ContactFactory, IdentityFactory, SessionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two(scope, whatsapp, web, said) -> tuple[Contact, Contact]:
    """A person who wrote on WhatsApp, and as another one on the site."""
    accept(whatsapp, said("from my phone", id="w1"))
    accept(web, said("from the site", by="visitor-1", scheme="visitor"))
    phone, site = Contact.objects.order_by("id")
    return phone, site


def picture() -> Any:
    """All that is known of people and what they said, as the database has it."""
    return {
        "contacts": sorted(Contact.objects.values_list("id", "name", "email", "phone", "language", "decided")),
        "facts": {row.id: (row.profile, row.preferences) for row in Contact.objects.all()},
        "identities": sorted(Identity.objects.values_list("id", "contact_id", "value")),
        "conversations": sorted(Conversation.objects.values_list("id", "contact_id", "identity_id", "last_seq")),
        "messages": sorted(Message.objects.values_list("conversation_id", "seq", "identity_id", "text")),
        "sessions": sorted(Session.objects.values_list("id", "contact_id", "key")),
    }


def merged(kept: Contact, joined: Contact) -> ContactMerge:
    contacts_merge(kept.id, joined.id, "key:ab")
    return ContactMerge.objects.latest("id")


def test_what_was_said_stays_as_it_is_under_one_contact(two) -> None:
    phone, site = two
    before = picture()
    merged(phone, site)
    after = picture()
    assert after["messages"] == before["messages"]
    assert {row[1] for row in after["identities"]} == {row[1] for row in after["conversations"]} == {phone.id}
    assert [row[0] for row in after["conversations"]] == [row[0] for row in before["conversations"]]
    assert {row[1] for row in after["sessions"]} == {phone.id}
    assert list(Contact.objects.values_list("id", flat=True)) == [phone.id]


def test_undone_it_is_all_as_it_was(two) -> None:
    phone, site = two
    Contact.objects.filter(id=phone.id).update(name="", profile={"tier": "gold"}, preferences={"news": True})
    Contact.objects.filter(id=site.id).update(
        name="Mira", email="m@example.com", profile={"tier": "none", "size": "M"}, decided="name"
    )
    SessionFactory(tenant=phone.tenant, contact=phone, channel=Channel.objects.get(kind="web"), key="default")
    before = picture()
    entry = merged(phone, site)
    kept = Contact.objects.get()
    assert (kept.name, kept.email, kept.profile) == ("Mira", "m@example.com", {"tier": "gold", "size": "M"})
    assert contacts_part(entry.id, "user:ana") == site.id
    assert picture() == before
    entry.refresh_from_db()
    assert (entry.undone_by, entry.undone_at is not None) == ("user:ana", True)


def told_of_contacts() -> list[tuple[str, Any]]:
    events = Event.objects.filter(type__startswith="chat.contact.", conversation=None).order_by("id")
    return list(events.values_list("type", "payload"))


def test_integrators_are_told_of_both_by_opaque_ids(two) -> None:
    phone, site = two
    moved = list(map(str, Identity.objects.filter(contact=site).values_list("id", flat=True)))
    entry = merged(phone, site)
    ids = {"merge_id": str(entry.id), "contact_id": str(phone.id), "former_id": str(site.id), "identity_ids": moved}
    assert told_of_contacts() == [("chat.contact.merged", ids)]
    contacts_part(entry.id, "user:ana")
    assert told_of_contacts() == [("chat.contact.merged", ids), ("chat.contact.parted", ids)]


def test_a_merge_that_is_refused_is_not_told(two) -> None:
    phone, site = two
    entry = merged(phone, site)
    contacts_part(entry.id, "user:ana")
    before = told_of_contacts()
    with pytest.raises(Conflict):
        contacts_part(entry.id, "user:ana")
    with pytest.raises(NotFound):
        contacts_merge(phone.id, entry.id, "key:ab")
    assert told_of_contacts() == before


def test_what_came_since_goes_with_whom_it_came_from(two, whatsapp, web, said) -> None:
    phone, site = two
    entry = merged(phone, site)
    accept(web, said("once more", by="visitor-1", scheme="visitor"))
    Conversation.objects.filter(channel=web).update(is_open=False)
    accept(web, said("and anew", by="visitor-1", scheme="visitor"))
    accept(whatsapp, said("me too", id="w2"))
    assert set(Conversation.objects.values_list("contact_id", flat=True)) == {phone.id}
    contacts_part(entry.id, "user:ana")
    of = {
        contact: list(
            Message.objects.filter(conversation__contact=contact, role="visitor")
            .order_by("id")
            .values_list("text", flat=True)
        )
        for contact in two
    }
    assert of == {phone: ["from my phone", "me too"], site: ["from the site", "once more", "and anew"]}
    accept(web, said("still me", by="visitor-1", scheme="visitor"))
    assert Message.objects.latest("id").conversation.contact_id == site.id


def test_facts_that_were_changed_since_stay(two) -> None:
    phone, site = two
    Contact.objects.filter(id=phone.id).update(name="")
    Contact.objects.filter(id=site.id).update(name="Mira", profile={"size": "M", "pet": "cat"})
    entry = merged(phone, site)
    Contact.objects.filter(id=phone.id).update(name="Mira Braun", profile={"size": "L", "pet": "cat", "new": 1})
    contacts_part(entry.id, "user:ana")
    phone.refresh_from_db()
    assert (phone.name, phone.profile) == ("Mira Braun", {"size": "L", "new": 1})
    assert Contact.objects.get(id=site.id).profile == {"size": "M", "pet": "cat"}


def test_one_that_went_into_another_since_is_parted_from_the_outside_in(two) -> None:
    phone, site = two
    outer = ContactFactory(tenant=phone.tenant)
    before = picture()
    first, second = merged(phone, site), merged(outer, phone)
    assert set(Identity.objects.values_list("contact_id", flat=True)) == {outer.id}
    with pytest.raises(Conflict) as refused:
        contacts_part(first.id, "user:ana")
    assert (refused.value.code, refused.value.details) == ("merge_covered", {"merge_id": str(second.id)})
    contacts_part(second.id, "user:ana")
    contacts_part(first.id, "user:ana")
    assert picture() == before


def test_two_that_went_into_one_are_parted_in_any_order(two) -> None:
    phone, site = two
    third = IdentityFactory(tenant=phone.tenant, value="another one").contact
    before = picture()
    first, second = merged(phone, site), merged(phone, third)
    contacts_part(first.id, "user:ana")
    assert Identity.objects.get(value="visitor-1").contact_id == site.id
    contacts_part(second.id, "user:ana")
    assert picture() == before


def test_it_is_undone_once(two) -> None:
    entry = merged(*two)
    contacts_part(entry.id, "user:ana")
    before = picture()
    with pytest.raises(Conflict, match="undone before"):
        contacts_part(entry.id, "user:ana")
    assert picture() == before


def test_a_platform_s_word_is_in_the_ledger(two) -> None:
    phone, site = two
    people.contacts_join(phone.id, [site.id])
    assert ContactMerge.objects.get().by == "platform"


def test_no_contact_of_another_tenant_is_reached(two, other_tenant) -> None:
    phone, site = two
    foreign = ContactFactory(tenant=other_tenant)
    for kept, joined in ((phone.id, foreign.id), (foreign.id, phone.id)):
        with pytest.raises(NotFound):
            contacts_merge(kept, joined, "key:ab")
    entry = merged(phone, site)
    with tenant_scope(other_tenant.id), pytest.raises(NotFound):
        contacts_part(entry.id, "key:ab")
    assert ContactMerge.objects.get().undone_at is None


def test_no_contact_goes_into_itself(two) -> None:
    with pytest.raises(Unprocessable, match="itself"):
        contacts_merge(two[0].id, two[0].id, "key:ab")


def test_a_merge_is_told_of_the_one_that_went(two) -> None:
    phone, site = two
    merged(phone, site)
    assert merges.contact_missing(site.id).details == {"contact_id": str(phone.id)}


def test_a_person_who_writes_in_the_moment_of_a_merge_is_not_lost(two, web, said, monkeypatch) -> None:
    """Another process begins a conversation with the joined contact between the moving and the deleting: again."""
    phone, site = two
    real, late = Contact.save, [True]

    def save(contact: Contact, **options: Any) -> None:
        real(contact, **options)
        if late and late.pop():
            Conversation.objects.filter(channel=web).update(contact=site)

    monkeypatch.setattr(Contact, "save", save)
    contacts_merge(phone.id, site.id, "key:ab")
    assert set(Conversation.objects.values_list("contact_id", flat=True)) == {phone.id}
    assert ContactMerge.objects.count() == 1


def test_what_a_process_began_in_the_second_of_a_parting_follows(two, web) -> None:
    """By what it remembered: the contact that was kept is still there, and no foreign key fails."""
    phone, site = two
    entry = merged(phone, site)
    contacts_part(entry.id, "user:ana")
    Conversation.objects.filter(channel=web).update(contact=phone)
    assert partings_follow() == 1
    assert Conversation.objects.get(channel=web).contact_id == site.id
    assert partings_follow() == 0
    ContactMerge.objects.update(undone_at=now() - 2 * merges.REMEMBERED)
    Conversation.objects.filter(channel=web).update(contact=phone)
    assert partings_follow() == 0


# ----------------------------------------------------------------- what staff have parted


def of_both_ids(whatsapp: Channel, said: Any, by: str, id: str) -> Message:
    """The person writes under one id, and the platform vouches for the other, too."""
    people.forget_touches()
    message = said("hello", by=by, id=id)
    other = {"+4915112345678": "+4915100000000", "+4915100000000": "+4915112345678"}[by]
    sender = replace(message.sender, aliases=((message.sender.scheme, message.sender.scope, other),))
    return accept(whatsapp, replace(message, sender=sender)).message


@pytest.fixture
def parted(scope, whatsapp, said) -> tuple[Contact, Contact]:
    """Two who wrote on WhatsApp, whom the platform called one and staff have parted."""
    for number, id in (("+4915112345678", "w1"), ("+4915100000000", "w2")):
        accept(whatsapp, said("hello", by=number, id=id))
    of_both_ids(whatsapp, said, "+4915112345678", "w3")
    entry = ContactMerge.objects.get(by="platform")
    contacts_part(entry.id, "user:ana")
    kept, former = Contact.objects.get(id=entry.contact_id), Contact.objects.get(id=entry.former_id)
    return kept, former


@pytest.mark.parametrize("by", ["+4915112345678", "+4915100000000"])
def test_what_staff_have_parted_no_platform_makes_one_again(parted, whatsapp, said, by: str) -> None:
    """CONV-11: the platform goes on to vouch for both ids with every message, by whichever of them it comes."""
    owner = Identity.objects.get(value=by).contact_id
    for number in (4, 5):
        message = of_both_ids(whatsapp, said, by, f"w{number}")
        assert message.conversation.contact_id == owner
    assert Contact.objects.count() == 2
    assert set(Identity.objects.values_list("contact_id", flat=True)) == {contact.id for contact in parted}
    sender = replace(said("x", by=by).sender, aliases=((message.identity.scheme, "", "+4915112345678"),))
    signal_apply(whatsapp, Signal("identity_changed", sender))
    assert Contact.objects.count() == 2


def test_staff_may_make_one_of_those_they_have_parted(parted, whatsapp, said) -> None:
    kept, former = parted
    merged(kept, former)
    of_both_ids(whatsapp, said, "+4915100000000", "w4")
    assert set(Identity.objects.values_list("contact_id", flat=True)) == {kept.id}
