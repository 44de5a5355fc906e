"""The inbox by REST: lists, claims, marks, colleagues, canned replies, each with its permission and its trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tenants.models import AuditEntry, Membership, Role, Tenant, User
from tenants.storage.db import now
from tests.factories import ChannelFactory, MembershipFactory, RoleFactory

pytestmark = pytest.mark.django_db(transaction=True)

CHAT = "/api/v2/chat"


@pytest.fixture
def client(api: Any, tenant: Tenant) -> Any:
    return api(tenant)


@pytest.fixture
def staff(tenant: Tenant) -> None:
    for name in ("ana", "ben"):
        MembershipFactory(tenant=tenant, user__username=name)


@pytest.fixture
def place(client: Any, staff: None) -> str:
    """The address of a conversation in which a human was asked for."""
    body = {"user_id": "mira", "channel": "web", "content": {"type": "text", "text": "my violin"},
            "processing_hints": {"bypass_automation": True}}  # fmt: skip
    return f"{CHAT}/conversations/{client.data_of(client.post(f'{CHAT}/message', body))['conversation_id']}"


def trail(tenant: Tenant) -> list[str]:
    # unscoped: the test's own look at the trail
    return list(AuditEntry.objects.unscoped().filter(tenant=tenant).order_by("id").values_list("action", flat=True))


@pytest.fixture(autouse=True)
def a_web_channel(tenant: Tenant) -> None:
    ChannelFactory(tenant=tenant, kind="web")


@pytest.mark.parametrize("view", ["mine", "mentions"])
def test_a_view_of_one_colleague_asks_whose_it_is(client, staff, view) -> None:
    refused = client.get(f"{CHAT}/inbox", {"view": view})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "agent_required")
    assert client.data_of(client.get(f"{CHAT}/inbox", {"view": view, "agent": "ben"}))["items"] == []


def test_from_the_queue_to_an_answer(client, place, tenant) -> None:
    waiting = client.data_of(client.get(f"{CHAT}/inbox"))["items"]
    assert [(row["unread"], row["team"], row["labels"]) for row in waiting] == [(1, None, [])]
    given = client.data_of(client.post(f"{place}/assign", {"agent": "ben"}))
    assert (given["assignee"]["name"], given["held_by"]) == ("ben", "staff")
    mine = client.data_of(client.get(f"{CHAT}/inbox", {"view": "mine", "agent": "ben"}))["items"]
    assert [row["id"] for row in mine] == [waiting[0]["id"]]
    said = {"content": {"type": "text", "text": "Ben here"}, "agent": "ben", "seen_seq": mine[0]["last_seq"]}
    assert client.post(f"{place}/messages", said).status_code == 201
    counts = client.data_of(client.get(f"{CHAT}/inbox/counts", {"agent": "ana"}))
    assert counts == {"waiting": 0, "mine": 0, "colleagues": 1, "bot": 0, "snoozed": 0, "mentions": 0}
    assert client.post(f"{place}/unassign", {}).status_code == 409
    free = client.data_of(client.post(f"{place}/unassign", {"expected_epoch": given["control_epoch"]}))
    assert (free["assignee"], free["held_by"]) == (None, "queue")
    assert trail(tenant)[-3:] == ["conversation.assigned", "conversation.replied", "conversation.unassigned"]


ANSWERS = [
    ("messages", {"content": {"type": "text", "text": "Carl here"}}),
    ("take-over", {}),
    ("assign", {}),
    ("scheduled", {"content": {"type": "text", "text": "Carl here"}, "at": "in an hour"}),
]


@pytest.mark.parametrize(("act", "body"), ANSWERS, ids=[act for act, _ in ANSWERS])
def test_who_may_not_answer_is_named_in_vain(client, place, tenant, act, body) -> None:
    reader = RoleFactory(tenant=tenant, permissions=["conversations:read", "messages:read"])
    MembershipFactory(tenant=tenant, user__username="carl", role=reader)
    at = {"at": (now() + timedelta(hours=1)).isoformat()} if "at" in body else {}
    refused = client.post(f"{place}/{act}", {**body, **at, "agent": "carl"})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "agent_unknown")
    assert client.data_of(client.get(place))["held_by"] == "queue"
    assert client.data_of(client.get(f"{place}/scheduled"))["items"] == []


def first_words(tenant: Tenant) -> tuple[str, dict[str, Any]]:
    ChannelFactory(
        tenant=tenant, kind="sms", config={"account_sid": f"AC{'0' * 32}", "from_number": "+15550100002"},
        secrets={"auth_token": "SECRET-0123456789"},
    )  # fmt: skip
    return f"{CHAT}/conversations", {"channel": "sms", "user_id": "+15550100001", "by": "agent"}


def test_after_the_end_a_reply_begins_a_new_conversation_where_that_is_wanted(client, place, tenant) -> None:
    client.post(f"{place}/end", {})
    said = {"content": {"type": "text", "text": "Ana here"}, "agent": "ana", "message_id": "m-1"}
    refused = client.post(f"{place}/messages", said)
    assert (refused.status_code, client.error_of(refused)["code"]) == (409, "conversation_closed")
    sent, again = (client.data_of(client.post(f"{place}/messages", {**said, "again": True})) for _ in range(2))
    assert (sent["id"], sent["seq"]) == (again["id"], 1)
    begun = client.data_of(client.get(f"{CHAT}/conversations/{sent['conversation_id']}"))
    assert (begun["ended_at"], begun["held_by"], begun["assignee"]["name"]) == (None, "staff", "ana")
    assert trail(tenant).count("conversation.replied") == 1


def test_first_words_are_not_those_of_who_may_not_answer(client, tenant) -> None:
    reader = RoleFactory(tenant=tenant, permissions=["conversations:read"])
    MembershipFactory(tenant=tenant, user__username="carl", role=reader)
    address, said = first_words(tenant)
    refused = client.post(address, {**said, "content": {"type": "text", "text": "Hello"}, "agent": "carl"})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "agent_unknown")
    assert client.data_of(client.get(f"{CHAT}/conversations"))["items"] == []


LOST: dict[str, Callable[[Membership], object]] = {
    "role": lambda one: Role.objects.unscoped().filter(id=one.role_id).update(permissions=["conversations:read"]),
    "membership": lambda one: one.delete(),
    "account": lambda one: User.objects.filter(id=one.user_id).update(is_active=False),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
@pytest.mark.parametrize("first", [True, False], ids=["first words", "a reply"])
def test_what_was_said_before_is_given_again_to_who_may_not_answer_any_more(client, place, tenant, lost, first) -> None:
    member = MembershipFactory(tenant=tenant, user__username="carl")
    address, said = first_words(tenant) if first else (f"{place}/messages", {})
    said |= {"content": {"type": "text", "text": "Carl here"}, "agent": "carl"}
    sent = client.post(address, {**said, "message_id": "c-1"})
    assert sent.status_code == 201
    lost(member)
    again = client.post(address, {**said, "message_id": "c-1"})
    assert (again.status_code, client.data_of(again)) == (201, client.data_of(sent))
    refused = client.post(address, {**said, "message_id": "c-2"})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "agent_unknown")


def test_what_is_so_already_leaves_no_trail(client, place, tenant) -> None:
    for _ in range(2):
        assert client.post(f"{place}/assign", {"agent": "ben"}).status_code == 200
    assert trail(tenant).count("conversation.assigned") == 1


def test_it_is_given_to_one(client, place) -> None:
    for body in ({}, {"agent": "ben", "team": "0192f0d0-7b1a-7c3e-9a55-000000000001"}):
        assert client.error_of(client.post(f"{place}/assign", body))["code"] == "assign_to_one"
    refused = client.post(f"{place}/assign", {"team": "0192f0d0-7b1a-7c3e-9a55-000000000001"})
    assert (refused.status_code, client.error_of(refused)["code"]) == (404, "team_not_found")


def test_teams(client, place, tenant) -> None:
    body = {"name": "Billing", "members": ["ben"], "languages": ["de"], "skills": ["invoices"]}
    made = client.data_of(client.post("/api/v2/teams", body))
    assert client.error_of(client.post("/api/v2/teams", body))["code"] == "team_exists"
    assert [member["name"] for member in made["members"]] == ["ben"]
    given = client.data_of(client.post(f"{place}/assign", {"team": made["id"]}))
    assert (given["team"]["name"], given["held_by"]) == ("Billing", "queue")
    changed = client.data_of(client.patch(f"/api/v2/teams/{made['id']}", {"members": ["ana"]}))
    assert ([member["name"] for member in changed["members"]], changed["skills"]) == (["ana"], ["invoices"])
    assert client.data_of(client.get("/api/v2/teams"))["items"] == [changed]
    assert client.delete(f"/api/v2/teams/{made['id']}").status_code == 204
    assert client.data_of(client.get(place))["team"] is None
    assert trail(tenant).count("team.created") == trail(tenant).count("team.deleted") == 1


def test_members(client, staff) -> None:
    shown = client.data_of(client.put("/api/v2/members/presence", {"agent": "ben", "state": "online"}))
    assert (shown["presence"], shown["capacity"], "email" in shown) == ("online", 10, False)
    shown = client.data_of(client.patch(f"/api/v2/members/{shown['id']}/desk", {"capacity": 0, "skills": ["sales"]}))
    assert (shown["capacity"], shown["skills"]) == (0, ["sales"])
    listed = client.data_of(client.get("/api/v2/members"))["items"]
    assert [(row["name"], row["presence"]) for row in listed] == [("ana", "offline"), ("ben", "online")]
    assert client.error_of(client.put("/api/v2/members/presence", {"state": "away"}))["code"] == "agent_required"


def test_labels(client, place) -> None:
    label = client.data_of(client.post("/api/v2/labels", {"name": "Refund", "color": "red"}))
    assert client.error_of(client.post("/api/v2/labels", {"name": "Refund"}))["code"] == "label_exists"
    put = client.data_of(client.put(f"{place}/labels/{label['id']}"))
    assert put["labels"] == [label]
    assert client.data_of(client.get(f"{CHAT}/inbox", {"label": label["id"]}))["items"][0]["labels"] == [label]
    renamed = client.data_of(client.patch(f"/api/v2/labels/{label['id']}", {"name": "Money"}))
    assert client.data_of(client.get("/api/v2/labels"))["items"] == [renamed]
    assert client.data_of(client.delete(f"{place}/labels/{label['id']}"))["labels"] == []
    assert client.delete(f"/api/v2/labels/{label['id']}").status_code == 204


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v2/labels", {"name": " "}),
        ("/api/v2/teams", {"name": "\t "}),
        (f"{CHAT}/inbox/filters", {"name": "\u3000", "shared": True}),
        ("/api/v2/canned-replies", {"shortcut": "hi", "title": " ", "content": {"type": "text", "text": "Hello"}}),
    ],
    ids=["label", "team", "filter", "canned reply"],
)  # fmt: skip
def test_a_name_of_blanks_is_none(client, path, body) -> None:
    refused = client.post(path, body)
    assert (refused.status_code, client.error_of(refused)["code"]) == (400, "validation_error")


def test_a_snooze(client, place) -> None:
    until = (now() + timedelta(hours=2)).isoformat()
    assert client.data_of(client.post(f"{place}/snooze", {"until": until}))["snoozed_until"] is not None
    assert client.data_of(client.get(f"{CHAT}/inbox"))["items"] == []
    assert client.data_of(client.delete(f"{place}/snooze"))["snoozed_until"] is None
    assert len(client.data_of(client.get(f"{CHAT}/inbox"))["items"]) == 1


def test_notes_call_colleagues(client, place) -> None:
    note = client.data_of(client.post(f"{place}/notes", {"text": "@ben please", "agent": "ana"}))
    assert (note["author"]["name"], [user["name"] for user in note["mentioned"]]) == ("ana", ["ben"])
    assert [row["id"] for row in client.data_of(client.get(f"{place}/notes"))["items"]] == [note["id"]]
    unread = {"view": "mentions", "agent": "ben"}
    assert len(client.data_of(client.get(f"{CHAT}/inbox", unread))["items"]) == 1
    looks = client.data_of(client.post(f"{place}/looking", {"agent": "ben", "typing": True}))["items"]
    assert [(look["name"], look["typing"]) for look in looks] == [("ben", True)]
    assert client.data_of(client.get(f"{CHAT}/inbox", unread))["items"] == []
    assert client.data_of(client.post(f"{place}/looking", {"agent": "ben", "gone": True}))["items"] == []
    assert client.data_of(client.get(f"{place}/looking"))["items"] == []


def test_canned_replies(client, place) -> None:
    body = {"shortcut": "hi", "title": "Greeting", "content": {"type": "text", "text": "Hello {{who}}"}}
    row = client.data_of(client.post("/api/v2/canned-replies", body))
    assert row["variables"] == ["who"]
    use = {"conversation_id": place.rpartition("/")[2]}
    assert client.data_of(client.post(f"/api/v2/canned-replies/{row['id']}/fill", use))["missing"] == ["who"]
    filled = client.post(f"/api/v2/canned-replies/{row['id']}/fill", {**use, "variables": {"who": "Mira"}})
    assert client.data_of(filled)["content"]["text"] == "Hello Mira"
    client.patch(f"/api/v2/canned-replies/{row['id']}", {"title": "Hello"})
    assert [one["title"] for one in client.data_of(client.get("/api/v2/canned-replies", {"search": "h"}))["items"]] == [
        "Hello"
    ]
    bad = client.post("/api/v2/canned-replies", {**body, "shortcut": "with blank"})
    assert (bad.status_code, client.error_of(bad)["code"]) == (400, "validation_error")
    assert client.delete(f"/api/v2/canned-replies/{row['id']}").status_code == 204


def test_filters_are_kept_for_one_or_for_all(client, staff) -> None:
    own = client.data_of(
        client.post(f"{CHAT}/inbox/filters", {"name": "Mine", "agent": "ana", "filter": {"channel": "sms"}})
    )
    shared = client.data_of(client.post(f"{CHAT}/inbox/filters", {"name": "Ours", "view": "bot", "shared": True}))

    def seen(agent: str) -> list[str]:
        return [row["name"] for row in client.data_of(client.get(f"{CHAT}/inbox/filters", {"agent": agent}))["items"]]

    assert (own["filter"], own["shared"], shared["view"]) == ({"channel": "sms"}, False, "bot")
    assert (seen("ana"), seen("ben")) == (["Mine", "Ours"], ["Ours"])
    place = f"{CHAT}/inbox/filters/{own['id']}"
    assert client.delete(f"{place}?agent=ben").status_code == 404
    client.put(place, {"name": "All of ours", "agent": "ana", "shared": True})
    assert seen("ben") == ["All of ours", "Ours"]
    assert client.delete(place).status_code == 204


def test_without_the_right_to_messages_none_is_shown(api, tenant, place) -> None:
    blind = api(tenant, "conversations:read", "conversations:write")
    row = blind.data_of(blind.get(f"{CHAT}/inbox"))["items"][0]
    assert row["last_message"] is None
    assert blind.data_of(blind.get(f"{CHAT}/inbox", {"search": "violin"}))["items"] == []
    late = {"content": {"type": "text", "text": "hi"}, "seen_seq": 0}
    assert "entries" not in blind.error_of(blind.post(f"{place}/messages", late))["details"]


def test_nothing_of_another_tenant_is_reached(api, other_tenant, place) -> None:
    stranger = api(other_tenant)
    MembershipFactory(tenant=other_tenant, user__username="spy")
    assert stranger.data_of(stranger.get(f"{CHAT}/inbox"))["items"] == []
    for act, body in (("assign", {"agent": "spy"}), ("unassign", {}), ("notes", {"text": "x"}),
                      ("snooze", {"until": (now() + timedelta(hours=1)).isoformat()}),
                      ("looking", {"agent": "spy"})):  # fmt: skip
        assert stranger.post(f"{place}/{act}", body).status_code == 404


def test_the_person_who_writes_again_is_unread_again(client, place) -> None:
    client.post(f"{place}/messages", {"content": {"type": "text", "text": "Ben here"}, "agent": "ben"})
    mine = {"view": "mine", "agent": "ben"}
    assert [row["unread"] for row in client.data_of(client.get(f"{CHAT}/inbox", mine))["items"]] == [0]
    client.post(f"{CHAT}/message", {"user_id": "mira", "channel": "web", "content": {"type": "text", "text": "hello?"}})
    assert [row["unread"] for row in client.data_of(client.get(f"{CHAT}/inbox", mine))["items"]] == [1]
