"""``/api/v2/contacts``: people of a tenant, found, entered, changed, merged and parted (API-2, CONV-4)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Contact, Conversation, Identity, Message
from tenants.models import AuditEntry
from tenants.storage.db import new_id
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    ConversationFactory,
    DeliveryFactory,
    IdentityFactory,
    MessageFactory,
    SessionFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)
WHERE = "/api/v2/contacts"


@pytest.fixture
def client(tenant, api) -> Any:
    return api(tenant)


def found(client: Any, where: str = WHERE, **query: Any) -> Any:
    answer = client.get(where, query)
    assert answer.status_code == 200, answer.content
    return client.data_of(answer)


def test_a_contact_is_entered_read_and_changed(client) -> None:
    facts = {"name": "Mira", "email": "mira@example.com", "phone": "+4915112345678", "profile": {"tier": "gold"}}
    answer = client.post(WHERE, facts)
    made = client.data_of(answer)
    assert (answer.status_code, made["decided"]) == (201, ["email", "name", "phone", "profile"])
    where = f"{WHERE}/{made['id']}"
    changed = client.data_of(client.patch(where, {"name": "Mira B", "profile": {"size": "M", "tier": None}}))
    assert (changed["name"], changed["email"], changed["profile"]) == ("Mira B", facts["email"], {"size": "M"})
    assert found(client, where) == changed
    acts = AuditEntry.objects.unscoped().order_by("id").values_list("action", "changes")  # unscoped: the test's own
    assert list(acts) == [
        ("contact.created", {"fields": ["email", "name", "phone", "profile"]}),
        ("contact.updated", {"fields": ["name", "profile"]}),
        ("contact.read", {}),
    ]


def test_what_was_not_changed_is_not_decided(client, scope) -> None:
    row = ContactFactory(tenant=scope, name="Mira", language="de")
    changed = client.data_of(client.patch(f"{WHERE}/{row.id}", {"name": "Mira", "language": "en"}))
    assert changed["decided"] == ["language"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"email": "nowhere"}, "email"),
        ({"phone": "0151 123"}, "phone"),
        ({"language": "German"}, "language"),
        ({"name": "x" * 201}, "name"),
        ({"profile": {"x": "y" * 501}}, "profile.x"),
        ({"profile": {str(n): 1 for n in range(51)}}, "profile"),
        ({"nickname": "M"}, "nickname"),
    ],
    ids=["email", "phone", "language", "name", "fact", "facts", "unknown"],
)
def test_what_cannot_be_is_refused_by_its_field(client, facts, field) -> None:
    for answer in (client.post(WHERE, facts), client.patch(f"{WHERE}/{new_id()}", facts)):
        assert answer.status_code == 400
        assert client.error_of(answer)["details"][0]["field"].startswith(field)


def test_no_more_facts_than_are_kept(client, scope) -> None:
    row = ContactFactory(tenant=scope, profile={str(n): n for n in range(50)})
    answer = client.patch(f"{WHERE}/{row.id}", {"profile": {"one": "more"}})
    assert (answer.status_code, client.error_of(answer)["code"]) == (422, "too_many_facts")
    assert client.patch(f"{WHERE}/{row.id}", {"profile": {"one": "more", "0": None}}).status_code == 200


def test_they_are_found_by_what_is_known_of_them(client, scope) -> None:
    mira = ContactFactory(tenant=scope, name="Mira Braun", email="Mira@example.com", phone="+4915112345678")
    ContactFactory(tenant=scope, name="Ben")
    IdentityFactory(tenant=scope, contact=mira, value="mira-1")
    for query in (
        {"search_query": "braun"}, {"search_query": "15112"}, {"email": "mira@example.com"}, {"search_query": "+4915"},
        {"phone": "+4915112345678"}, {"user_id": "mira-1"},
    ):  # fmt: skip
        assert [row["id"] for row in found(client, **query)["items"]] == [str(mira.id)]
    assert found(client, search_query="nowhere")["items"] == []


def test_preferences_are_changed_one_by_one(client, scope) -> None:
    where = f"{WHERE}/{ContactFactory(tenant=scope, preferences={'news': True, 'sms': False}).id}/preferences"
    changed = client.data_of(client.patch(where, {"preferences": {"news": None, "time": "evening"}}))
    assert changed == found(client, where) == {"preferences": {"sms": False, "time": "evening"}}


@pytest.fixture
def mira(scope) -> Contact:
    """A person who was talked with on two channels, one after the other."""
    person = ContactFactory(tenant=scope, name="Mira")
    for kind, satisfaction in (("sms", 5), ("web", None)):
        channel = ChannelFactory(tenant=scope, kind=kind)
        identity = IdentityFactory(tenant=scope, contact=person, channel=channel, scheme="phone")
        talk = ConversationFactory(
            tenant=scope, contact=person, channel=channel, identity=identity, satisfaction=satisfaction,
            is_open=satisfaction is None, status="active" if satisfaction is None else "completed",
        )  # fmt: skip
        MessageFactory(tenant=scope, conversation=talk, text=f"hello by {kind}")
        answer = MessageFactory(tenant=scope, conversation=talk, role="bot", direction="outbound", text="good day")
        DeliveryFactory(tenant=scope, message=answer, status="read")
    SessionFactory(tenant=scope, contact=person)
    return person


def test_what_was_said_on_all_channels_is_one_history(client, scope, mira) -> None:
    other = MessageFactory(tenant=scope, text="hello by another person")
    page = found(client, f"{WHERE}/{mira.id}/history", page_size=3)
    rest = found(client, f"{WHERE}/{mira.id}/history", page_size=3, cursor=page["next_cursor"])
    told = [(row["channel"]["kind"], row["content"]["text"], row["status"]) for row in page["items"] + rest["items"]]
    assert told == [
        ("web", "good day", "read"), ("web", "hello by web", None), ("sms", "good day", "read"), ("sms", "hello by sms", None),
    ]  # fmt: skip
    assert [row["role"] for row in found(client, f"{WHERE}/{mira.id}/history", role="bot")["items"]] == ["bot"] * 2
    said = found(client, f"{WHERE}/{mira.id}/history", search_query="BY SMS")["items"]
    assert [row["content"]["text"] for row in said] == ["hello by sms"]
    assert other.conversation.contact_id != mira.id


def test_who_they_are_and_what_there_was(client, scope, mira) -> None:
    ids = found(client, f"{WHERE}/{mira.id}/identities")["items"]
    assert [row["channel"]["kind"] for row in ids] == ["sms", "web"]
    Conversation.objects.update(last_message_at="2026-01-31T12:00:00Z")
    talks = found(client, f"{WHERE}/{mira.id}/conversations")
    assert [row["channel"]["kind"] for row in talks["items"]] == ["web", "sms"]
    told = found(client, f"{WHERE}/{mira.id}/statistics")
    assert (told["conversations"], told["open_conversations"], told["messages"], told["sessions"]) == (2, 1, 4, 1)
    assert (told["by_channel"], told["by_status"]) == ({"sms": 1, "web": 1}, {"active": 1, "completed": 1})
    assert (told["average_satisfaction"], told["rated"]) == (5.0, 1)
    none = found(client, f"{WHERE}/{ContactFactory(tenant=scope).id}/statistics")
    assert (none["conversations"], none["messages"], none["average_satisfaction"]) == (0, 0, None)


def test_a_person_is_written_to_no_more_until_it_is_allowed(client, scope, mira) -> None:
    where = f"{WHERE}/{mira.id}"
    stopped = client.data_of(client.post(f"{where}/stop"))["identities"]
    assert {(one["channel"]["kind"], one["stopped_by"]) for one in stopped if one["stopped_at"]} >= {("sms", "staff")}
    client.post(f"{where}/stop")
    allowed = client.data_of(client.post(f"{where}/allow"))["identities"]
    assert [one["stopped_at"] for one in allowed] == [None, None]
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["contact.stopped", "contact.allowed"]


def test_two_are_merged_listed_and_parted(client, scope, mira) -> None:
    other = IdentityFactory(tenant=scope, contact__name="M. Braun").contact
    answer = client.post(f"{WHERE}/{mira.id}/merges", {"contact_id": str(other.id)})
    done = client.data_of(answer)
    assert (answer.status_code, len(done["contact"]["identities"])) == (201, 3)
    gone = client.get(f"{WHERE}/{other.id}")
    assert (gone.status_code, client.error_of(gone)["code"]) == (404, "contact_merged")
    assert client.error_of(gone)["details"] == {"contact_id": str(mira.id)}
    entries = f"{WHERE}/{mira.id}/merges"
    assert found(client, entries, undone="false")["items"] == [done["merge"]]
    undone = client.data_of(client.post(f"{entries}/{done['merge']['id']}/undo"))
    assert undone["undone_at"] is not None
    assert found(client, entries, undone="false")["items"] == []
    assert found(client, f"{WHERE}/{other.id}")["name"] == "M. Braun"
    again = client.post(f"{entries}/{done['merge']['id']}/undo")
    assert (again.status_code, client.error_of(again)["code"]) == (409, "merge_undone")
    acts = AuditEntry.objects.order_by("id").values_list("action", "target")
    assert list(acts) == [
        ("contact.merged", f"contact:{mira.id}"), ("contact.read", f"contact:{mira.id}"),
        ("contact.parted", f"contact:{mira.id}"), ("contact.read", f"contact:{other.id}"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("patch", "", {"name": "Eve"}),
        ("get", "/preferences", None),
        ("patch", "/preferences", {"preferences": {"x": 1}}),
        ("get", "/identities", None),
        ("get", "/conversations", None),
        ("get", "/history", None),
        ("get", "/statistics", None),
        ("get", "/merges", None),
        ("post", "/stop", None),
        ("post", "/allow", None),
        ("post", "/merges", {"contact_id": "0192f0d0-7b1a-7c3e-9a55-00000000000d"}),
        ("post", "/merges/0192f0d0-7b1a-7c3e-9a55-00000000000d/undo", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_tenant_reaches_anothers(other_tenant, api, mira, method, path, body) -> None:
    theirs = api(other_tenant)
    answer = getattr(theirs, method)(f"{WHERE}/{mira.id}{path}", body)
    assert (answer.status_code, theirs.error_of(answer)["code"] in ("contact_not_found", "merge_not_found")) == (
        404,
        True,
    )
    assert Contact.objects.get(id=mira.id).name == "Mira"
    assert (Identity.objects.count(), Message.objects.count()) == (2, 4)
    assert found(theirs)["items"] == []


def test_a_list_costs_the_same_whatever_its_length(client, scope, django_assert_num_queries) -> None:
    for _ in range(5):
        ContactFactory(tenant=scope)
    found(client)
    with django_assert_num_queries(1):
        assert len(found(client)["items"]) == 5
    with django_assert_num_queries(2):
        assert found(client, page=2, page_size=2)["total"] == 5
