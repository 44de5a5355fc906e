"""The person beside a conversation: what staff enter stays and is audited; what is known is shown (CONV-11, ADM-2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assistant.models import Intent
from conversations.models import Contact, Conversation, Identity
from messaging.admin.inbox import parts
from tenants.models import AuditEntry
from tests.admin.conftest import World, rows
from tests.factories import ChannelFactory, ConversationFactory

pytestmark = pytest.mark.django_db(transaction=True)
PART = {"headers": {"Accept": "text/x-part"}}


def person_at(world: World) -> str:
    return reverse("admin:conversations_conversation_person", args=[world.conversation.pk])


def change(client: Client, world: World, **fields: Any) -> Any:
    return client.post(person_at(world), fields, **PART)


def contact_of(world: World) -> Contact:
    contact: Contact = rows(Contact).get(pk=world.conversation.contact_id)
    return contact


def test_what_staff_enter_stays_and_is_audited(staff_of: Any, acme: World) -> None:
    answer = change(staff_of(acme.tenant), acme, name="Ana Sousa", phone="0049 (30) 123-4567", email="ana@example.com")
    assert "Ana Sousa" in answer.content.decode()
    contact = contact_of(acme)
    assert (contact.name, contact.phone, contact.email) == ("Ana Sousa", "+49301234567", "ana@example.com")
    assert contact.decisions == {"name", "phone", "email"}
    entry = rows(AuditEntry).get(action="contact.updated")
    assert entry.changes == {"fields": ["email", "name", "phone"]}


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"held_by": "queue", "control_owner": "human", "status": "escalated"}, "Waiting for one of us"),
        ({"held_by": "bot", "control_owner": "bot"}, "The bot answers"),
        ({"held_by": "staff", "control_owner": "human", "status": "escalated"}, "A colleague answers"),
        ({"is_open": False, "status": "completed"}, "Ended"),
        ({"is_open": False, "status": "abandoned"}, "Ended (abandoned)"),
    ],
    ids=["queue", "bot", "colleague", "ended", "abandoned"],
)
def test_who_answers_now_is_said_in_words_that_staff_use(staff_of: Any, acme: World, facts: Any, told: str) -> None:
    rows(Conversation).filter(pk=acme.conversation.pk).update(**facts)
    page = staff_of(acme.tenant).get(f"/admin/inbox/{acme.conversation.pk}/").content.decode()
    assert f"<dt>Now</dt><dd>{told}</dd>" in page
    assert "Escalated" not in page


def test_a_form_that_changes_nothing_decides_nothing(staff_of: Any, acme: World) -> None:
    change(staff_of(acme.tenant), acme, name="acme contact", email="", phone="", language="")
    assert contact_of(acme).decisions == set()
    assert not rows(AuditEntry).filter(action="contact.updated").exists()


def test_facts_are_added_changed_and_taken_away_and_keep_their_type(staff_of: Any, acme: World) -> None:
    deep = {"kind": "ad", "id": "1"}
    kept = {"customer number": 7, "vip": True, "city": "Lisbon", "came_from": deep}
    rows(Contact).filter(pk=acme.conversation.contact_id).update(profile=kept)
    change(
        staff_of(acme.tenant),
        acme,
        fact=["customer number", "vip", "city", "size", ""],
        value=["7", "yes", "", "M", "x"],
    )
    contact = contact_of(acme)
    assert contact.profile == {"customer number": 7, "vip": True, "size": "M", "came_from": deep}
    assert contact.decisions == {"profile"}


WRONG = {
    "no address": ({"email": "ana@"}, "email"),
    "no number": ({"phone": "12"}, "phone"),
    "no country": ({"phone": "030 1234567"}, "phone"),
    "digits of another alphabet": ({"phone": "+4٩٣٠١٢٣٤٥٦٧"}, "phone"),
    "no language": ({"language": "german!"}, "language"),
    "long name": ({"name": "x" * 201}, "name"),
    "NUL": ({"name": "a\0b"}, "name"),
    "name of a column": ({"fact": "email", "value": "x"}, "profile"),
    "long fact": ({"fact": "note", "value": "x" * 501}, "profile"),
    "many facts": ({"fact": [f"f{n}" for n in range(60)], "value": ["x"] * 60}, "profile"),
}


def test_what_a_colleague_entered_meanwhile_stays(staff_of: Any, acme: World) -> None:
    person = rows(Contact).filter(pk=acme.conversation.contact_id)
    person.update(name="Ana", email="new@example.com", profile={"city": "Porto", "tier": "gold", "age": 7})
    shown = {"was_name": "Ana", "was_email": "", "was_fact": ["city", "size", "age"], "was_value": ["Lisbon", "M", "7"]}
    entered = {"name": "Ana Sousa", "email": "", "fact": ["city", "size", "age"], "value": ["Lisbon", "M", "8"]}
    change(staff_of(acme.tenant), acme, **shown, **entered)
    contact = contact_of(acme)
    assert (contact.name, contact.email) == ("Ana Sousa", "new@example.com")
    assert contact.profile == {"city": "Porto", "tier": "gold", "age": "8"}
    assert contact.decisions == {"name", "profile"}


def test_two_who_enter_at_once_are_both_kept(staff_of: Any, acme: World, monkeypatch: Any) -> None:
    """The second one comes after the first has found the conversation, and before it writes."""
    client, write = staff_of(acme.tenant), parts.person_change

    def later(contact: Contact, given: Any) -> list[str]:
        monkeypatch.setattr(parts, "person_change", write)
        change(client, acme, fact=["size"], value=["M"])
        return write(contact, given)

    monkeypatch.setattr(parts, "person_change", later)
    change(client, acme, name="Ana Sousa", email="")
    contact = contact_of(acme)
    assert (contact.name, contact.profile, contact.decisions) == ("Ana Sousa", {"size": "M"}, {"name", "profile"})


@pytest.mark.parametrize(("fields", "where"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_at_its_field(fields: Any, where: str, staff_of: Any, acme: World) -> None:
    answer = change(staff_of(acme.tenant), acme, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]) == (400, "contact_invalid", {"field": where})
    assert contact_of(acme).decisions == set()


def test_the_pane_shows_other_conversations_of_the_person_over_all_channels(staff_of: Any, acme: World) -> None:
    sms = ChannelFactory(tenant=acme.tenant, kind="sms", name="By text")
    contact = acme.conversation.contact
    ConversationFactory(
        tenant=acme.tenant, channel=sms, contact=contact, is_open=False, status="completed", satisfaction=4
    )
    ConversationFactory(tenant=acme.tenant, contact__name="Another person", channel__name="Elsewhere")
    page = staff_of(acme.tenant).get(person_at(acme)).content.decode()
    assert "By text" in page
    assert "4 / 5" in page
    assert "Elsewhere" not in page


def test_the_pane_shows_what_was_understood_once(staff_of: Any, acme: World) -> None:
    rows(Conversation).filter(pk=acme.conversation.pk).update(
        context={
            "current_intent": "order_status", "slots": {"order_number": "AC-1"},
            "entities": {"order": "AC-1", "email": "a@example.com"}, "assistant": {"turn": 3},
        }
    )  # fmt: skip
    page = staff_of(acme.tenant).get(person_at(acme)).content.decode()
    assert (page.count("AC-1"), page.count("a@example.com"), "order_status" in page) == (1, 1, False)


@pytest.mark.parametrize(("title", "told"), [("Where is my order", True), ("", False)])
def test_what_it_is_about_is_told_by_its_title_and_never_by_its_name(
    staff_of: Any, acme: World, title: str, told: bool
) -> None:
    rows(Intent).filter(pk=acme.intent.pk).update(title=title)
    rows(Conversation).filter(pk=acme.conversation.pk).update(context={"current_intent": acme.intent.name})
    page = staff_of(acme.tenant).get(person_at(acme)).content.decode()
    assert (("Where is my order" in page), acme.intent.name in page) == (told, False)


def test_people_without_contacts_see_the_conversation_alone(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("conversations:read", "messages:read"))
    pane = client.get(person_at(acme), **PART)  # a note of a colleague comes to them, too
    assert (pane.status_code, "person-form" in pane.content.decode(), "acme note" in pane.content.decode()) == (
        200,
        False,
        True,
    )
    assert client.post(person_at(acme), {"name": "Ana"}, **PART).status_code == 403
    page = client.get(reverse("admin:conversations_conversation_change", args=[acme.conversation.pk])).content.decode()
    assert ("person-form" in page, "acme note" in page) == (False, True)


def test_without_a_script_the_form_leads_back(staff_of: Any, acme: World) -> None:
    answer = staff_of(acme.tenant).post(person_at(acme), {"name": "Ana"})
    assert answer.url == reverse("admin:conversations_conversation_change", args=[acme.conversation.pk])
    assert contact_of(acme).name == "Ana"


@pytest.mark.parametrize(("scheme", "sign"), [("web", "a browser"), ("user", "verified")])
def test_a_browser_is_no_proof_of_a_persons_name(scheme: str, sign: str, staff_of: Any, acme: World) -> None:
    """Its token is its own; only a user of the site is vouched for."""
    rows(Identity).filter(pk=acme.conversation.identity_id).update(scheme=scheme, verified=True)
    page = staff_of(acme.tenant).get(person_at(acme), **PART).content.decode()
    assert [word for word in ("a browser", "verified") if f">{word}</span>" in page] == [sign]
    token = rows(Identity).get(pk=acme.conversation.identity_id).value
    assert (f">{token}</span>" in page) == (scheme != "web")
