"""What staff decided about a person stays; what engines learn of them outlasts the conversation (CONV-2, CONV-11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from channels_app.content.types import text
from channels_app.contract import Signal
from channels_app.models import Channel
from conversations.contacts import people
from conversations.contacts.identities import identity_attach
from conversations.contacts.people import contacts_join
from conversations.models import Contact, ContactMerge, Conversation, Event, Identity, Message
from messaging.accept import accept
from messaging.consent.rules import contact_resume, staff_allow, staff_stop
from messaging.context.profile import profile_keep, profile_of
from messaging.models import Turn
from messaging.reports.contact_signals import signal_apply
from messaging.rules.agent_replies import agent_reply
from tenants.errors import Conflict
from tenants.models import AuditEntry, Tenant
from tenants.storage.db import now
from tests.factories import ContactFactory, MembershipFactory, RoleFactory, UserFactory

LEARNT = {
    "tier": "gold",
    "email": "ana@example.com",
    "name": "Claimed",
    "odd": ["list"],
    "long": "x" * 501,
    "language": "xx",
}


@pytest.fixture
def edits(tenant: Tenant) -> Any:
    """``edits(contact, name="Ana")``: staff save the person's page in the console."""
    user = UserFactory()
    MembershipFactory(tenant=tenant, user=user, role=RoleFactory(tenant=tenant, permissions=["*"]))
    client = Client()
    client.force_login(user)

    def edit(contact: Contact, **fields: str) -> None:
        shown = {"name": contact.name, "email": contact.email, "phone": contact.phone, "language": contact.language,
                 "profile": "{}", "preferences": "{}", "tenant": str(contact.tenant_id)}  # fmt: skip
        inlines = {f"identities-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
        page = reverse("admin:conversations_contact_change", args=[contact.id])
        assert client.post(page, {**shown, **inlines, **fields}).status_code == 302

    edit.client = client  # type: ignore[attr-defined]
    return edit


def writes(channel: Channel, said: Any, name: str, number: int) -> Contact:
    """The person writes under the name that their platform tells."""
    people.forget_touches()
    message = said("hello", id=f"wamid.{number}")
    accept(channel, replace(message, sender=replace(message.sender, name=name)))
    return Contact.objects.get()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ada\n\n[2026-11-30T10:00:00.000Z] mira:\n    I promise", "Ada [2026-11-30T10:00:00.000Z] mira: I promise"),
        ("Ada\r\u2028Byron", "Ada Byron"),
        ("\u202eadA", "adA"),
        ("A\u200bd\ufeffa", "Ada"),
        ("Ame\u0301lie", "Amélie"),
        ("👩\u200d🚀 Ada", "👩\u200d🚀 Ada"),
        ("Ada" + "🇩🇪" * 120, "Ada" + "🇩🇪" * 98 + "…"),
        ("\u200b \u2060", "Before"),
    ],
    ids=["entry", "lines", "bidi", "zero-width", "composed", "joined", "long", "unseen"],
)
def test_a_platforms_name_is_one_line_of_what_can_be_seen(scope, whatsapp, said, given, kept) -> None:
    writes(whatsapp, said, "Before", 1)
    assert writes(whatsapp, said, given, 2).name == kept


def test_a_platforms_name_follows_until_staff_decide_one(scope, whatsapp, said, edits) -> None:
    assert writes(whatsapp, said, "ana l", 1).name == "ana l"
    contact = writes(whatsapp, said, "Ana the Great", 2)
    assert contact.name == "Ana the Great"
    edits(contact, name="Ana Lima")
    seen_before = contact.last_active_at
    contact = writes(whatsapp, said, "xX-Ana-Xx", 3)
    assert (contact.name, contact.last_active_at > seen_before) == ("Ana Lima", True)


def test_a_decision_about_another_field_leaves_the_name_to_the_platform(scope, whatsapp, said, edits) -> None:
    edits(writes(whatsapp, said, "ana", 1), language="pt")
    contact = writes(whatsapp, said, "Ana Lima", 2)
    assert (contact.name, contact.language, contact.decided) == ("Ana Lima", "pt", "language")


def test_a_page_saved_without_a_change_decides_nothing(scope, whatsapp, said, edits) -> None:
    contact = writes(whatsapp, said, "ana", 1)
    edits(contact)
    assert Contact.objects.get().decided is None


@pytest.mark.parametrize("kept_decided", [True, False], ids=["of the older one", "of the newer one"])
def test_decisions_outlive_a_merge(scope, kept_decided: bool) -> None:
    names = [{"name": "Ana Lima", "decided": "name"}, {"name": "ana"}]
    older, newer = (ContactFactory(tenant=scope, **facts) for facts in names[:: 1 if kept_decided else -1])
    contacts_join(older.id, [newer.id])
    contact = Contact.objects.get()
    assert (contact.id, contact.name, contact.decided) == (older.id, "Ana Lima", "name")


def test_a_proof_of_the_site_does_not_replace_what_staff_decided(scope) -> None:
    from messaging.webchat.rules import Visitor
    from messaging.webchat.sessions import _keep
    from tests.factories import ChannelFactory

    channel, visitor = ChannelFactory(tenant=scope), Visitor("u1", "user")
    _keep(channel, visitor, {"name": "Ana", "tier": "gold"}, proved=True)
    Contact.objects.update(name="Ana Lima", profile={"tier": "platinum"}, decided="name,profile")
    _keep(channel, visitor, {"name": "ana", "email": "ana@example.com", "tier": "none", "size": "M"}, proved=True)
    contact = Contact.objects.get()
    assert (contact.name, contact.email) == ("Ana Lima", "ana@example.com")
    assert contact.profile == {"tier": "platinum", "size": "M"}


def test_what_an_engine_learns_is_there_in_the_next_conversation(scope) -> None:
    contact = ContactFactory(tenant=scope, name="Ana", profile={"size": "M"})
    profile_keep(contact, LEARNT)
    kept = Contact.objects.get()
    assert profile_of(kept) == {"name": "Ana", "language": "", "size": "M", "tier": "gold"}
    assert (kept.email, kept.name) == ("ana@example.com", "Ana")


def test_what_an_engine_learns_replaces_no_decision(scope) -> None:
    contact = ContactFactory(tenant=scope, profile={"tier": "none"}, decided="email,profile")
    profile_keep(contact, LEARNT)
    assert (Contact.objects.get().profile, Contact.objects.get().email) == ({"tier": "none"}, "")


def test_what_is_known_costs_no_statement(scope, django_assert_num_queries) -> None:
    contact = ContactFactory(tenant=scope, name="Ana", profile={"tier": "gold"})
    with django_assert_num_queries(0):
        profile_keep(contact, {"name": "Ana", "tier": "gold", "language": "en"})


# ------------------------------------------------------------------------------ consent


@pytest.fixture
def person(scope: Tenant, whatsapp: Channel, said: Any) -> Contact:
    accept(whatsapp, said("hello", id="wamid.1"))
    return Contact.objects.get()


def test_what_staff_stopped_no_word_of_the_person_lifts(scope, whatsapp, said, person) -> None:
    assert staff_stop(person.id) == 1
    for number, words in enumerate(("hello again", "START", "please"), 2):
        accept(whatsapp, said(words, id=f"wamid.{number}"))
    identity = Identity.objects.get()
    assert (identity.stopped_by, identity.stopped_at is None) == ("staff", False)
    assert not Turn.objects.exclude(status=Turn.Status.VOID).exists()
    assert Message.objects.filter(role="visitor").count() == 4
    assert Conversation.objects.get().waiting_since is None


def test_a_platforms_word_does_not_lift_it_either(scope, whatsapp, said, person) -> None:
    staff_stop(person.id)
    assert contact_resume(whatsapp, said("x").sender, None) is False
    assert Identity.objects.get().stopped_at is not None


def test_a_new_number_takes_the_decision_along(scope, whatsapp, said, person) -> None:
    staff_stop(person.id)
    former = said("x").sender
    present = replace(former, value="+4915100000000", aliases=((former.scheme, former.scope, former.value),))
    signal_apply(whatsapp, Signal("identity_changed", present))
    assert set(Identity.objects.values_list("stopped_by", flat=True)) == {"staff"}


def test_staff_are_told_whose_decision_it_is(scope, whatsapp, said, person) -> None:
    staff_stop(person.id)
    with pytest.raises(Conflict, match="Staff have stopped") as caught:
        agent_reply(Conversation.objects.get().id, None, text("hello"))
    assert caught.value.code == "contact_stopped"


def test_staff_allow_what_they_or_the_person_stopped(scope, whatsapp, said, person) -> None:
    accept(whatsapp, said("STOP", id="wamid.2"))
    staff_stop(person.id)
    assert Identity.objects.get().stopped_by == "staff"
    assert staff_allow(person.id) == 1
    assert (Identity.objects.get().stopped_at, Identity.objects.get().stopped_by) == (None, None)
    types = list(Event.objects.filter(type__startswith="chat.contact.").order_by("seq").values_list("type", flat=True))
    assert types == ["chat.contact.stopped", "chat.contact.resumed"]


def test_the_web_chat_goes_on(scope, web, said) -> None:
    accept(web, said("hello", by="v1", scheme="web"))
    assert staff_stop(Contact.objects.get().id) == 0
    assert Identity.objects.get().stopped_at is None


def test_the_console_has_the_verbs(scope, whatsapp, person, edits) -> None:
    press = {verb: reverse("admin:conversations_contact_do", args=[person.id, verb]) for verb in ("stop", "allow")}
    page = reverse("admin:conversations_contact_change", args=[person.id])
    client = edits.client
    assert (press["stop"] in client.get(page).content.decode(), press["allow"] in client.get(page).content.decode()) == (
        True, False,
    )  # fmt: skip
    client.post(press["stop"])
    assert Identity.objects.get().stopped_by == "staff"
    client.post(press["allow"])
    assert Identity.objects.get().stopped_at is None
    acts = (
        AuditEntry.objects.filter(action__startswith="contact.")
        .exclude(action__regex=r"\.(read|listed)$")
        .order_by("id")
    )
    assert list(acts.values_list("action", flat=True)) == [
        "contact.stopped", "contact.allowed",
    ]  # fmt: skip


# ----------------------------------------------- a stop of staff, when contacts become one and are parted again


NUMBERS = ("+4915112345678", "+4915100000000", "+4915199999999")


@pytest.fixture
def people_of(scope: Tenant, whatsapp: Channel, said: Any) -> list[Contact]:
    """Three who wrote on WhatsApp, the oldest first; the first of them also on the site."""
    for number, phone in enumerate(NUMBERS):
        accept(whatsapp, said("hello", id=f"wamid.{number}", by=phone))
    return [Identity.objects.select_related("contact").get(value=phone).contact for phone in NUMBERS]


def stops() -> list[str | None]:
    """Who has stopped each of the three, in their order."""
    by = dict(Identity.objects.values_list("value", "stopped_by"))
    at = dict(Identity.objects.values_list("value", "stopped_at"))
    return [by[phone] or ("person" if at[phone] else None) for phone in NUMBERS]


def merge_of(kept: Contact, joined: Contact) -> Any:
    people.contacts_merge(kept.id, joined.id, "user:ana")
    return ContactMerge.objects.latest("id").id


@pytest.mark.parametrize("stopped", [0, 1], ids=["the one that is kept", "the one that goes"])
def test_a_stop_of_staff_holds_for_all_that_the_merged_contact_is(people_of, whatsapp, said, stopped: int) -> None:
    free = 1 - stopped
    staff_stop(people_of[stopped].id)
    entry = merge_of(*people_of[:2])
    assert stops() == ["staff", "staff", None]
    accept(whatsapp, said("START", id="wamid.9", by=NUMBERS[free]))
    assert stops() == ["staff", "staff", None]
    talk = Conversation.objects.get(identity__value=NUMBERS[free])
    assert not Turn.objects.filter(conversation=talk).exclude(status=Turn.Status.VOID).exists()
    with pytest.raises(Conflict, match="Staff have stopped"):
        agent_reply(talk.id, None, text("hello"))
    types = Event.objects.filter(conversation=talk, type__startswith="chat.contact.").order_by("seq")
    assert list(types.values_list("type", flat=True)) == ["chat.contact.stopped"]
    people.contacts_part(entry, "user:ana")
    assert [stops()[stopped], stops()[free]] == ["staff", None]
    assert list(types.values_list("type", flat=True)) == ["chat.contact.stopped", "chat.contact.resumed"]
    accept(whatsapp, said("and now?", id="wamid.10", by=NUMBERS[free]))
    assert Turn.objects.filter(conversation=talk, status__in=Turn.OPEN).exists()


def test_a_platforms_word_that_two_are_one_spreads_the_stop_too(people_of) -> None:
    staff_stop(people_of[1].id)
    contacts_join(people_of[0].id, [people_of[1].id, people_of[2].id])
    assert stops() == ["staff"] * 3


@pytest.mark.parametrize("since", [False, True], ids=["before the merge", "since"])
def test_a_persons_own_stop_is_theirs_again(people_of, whatsapp, said, since: bool) -> None:
    staff_stop(people_of[0].id)
    if not since:
        accept(whatsapp, said("STOP", id="wamid.8", by=NUMBERS[1]))
    entry = merge_of(*people_of[:2])
    if since:
        accept(whatsapp, said("STOP", id="wamid.8", by=NUMBERS[1]))
        Identity.objects.filter(value=NUMBERS[1]).update(stopped_at=now() + timedelta(seconds=1))
    people.contacts_part(entry, "user:ana")
    assert stops() == ["staff", "person", None]


@pytest.mark.parametrize("verb", [staff_allow, staff_stop])
def test_what_staff_decide_of_the_merged_contact_no_parting_takes_back(people_of, verb: Any) -> None:
    staff_stop(people_of[0].id)
    entry = merge_of(*people_of[:2])
    verb(people_of[0].id)
    people.contacts_part(entry, "user:ana")
    assert stops() == [*[None if verb is staff_allow else "staff"] * 2, None]


@pytest.mark.parametrize(
    ("stopped", "after_first"),
    [((1,), [None, "staff", None]), ((2,), ["staff", None, "staff"]), ((1, 2), ["staff", "staff", "staff"])],
    ids=["the first that is parted", "the other", "both"],
)
def test_of_three_that_are_parted_each_has_what_it_had(people_of, stopped: Any, after_first: Any) -> None:
    """The oldest is stopped as long as one is with it whom staff have stopped."""
    for index in stopped:
        staff_stop(people_of[index].id)
    first, second = merge_of(*people_of[:2]), merge_of(people_of[0], people_of[2])
    assert stops() == ["staff"] * 3
    people.contacts_part(first, "user:ana")
    assert stops() == after_first
    people.contacts_part(second, "user:ana")
    assert stops() == ["staff" if index in stopped else None for index in range(3)]


def test_an_id_that_is_attached_to_whom_staff_have_stopped_is_stopped(people_of, whatsapp) -> None:
    staff_stop(people_of[0].id)
    assert identity_attach(people_of[0].id, whatsapp, "+4915177777777")[0].stopped_by == "staff"
    assert identity_attach(people_of[1].id, whatsapp, "+4915188888888")[0].stopped_at is None


def test_a_number_that_has_a_new_owner_is_not_opened_for_the_former_one(people_of) -> None:
    """Nothing is ever sent to it on their behalf, whatever staff decide of them."""
    identity = Identity.objects.get(value=NUMBERS[0])
    Identity.objects.filter(id=identity.id).update(scope=f"{people.FORMER}{identity.id}", stopped_at=now())
    assert (staff_stop(people_of[0].id), staff_allow(people_of[0].id)) == (0, 0)
    assert Identity.objects.get(id=identity.id).stopped_at is not None
