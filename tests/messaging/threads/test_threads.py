"""Threads between people about a learner (API-3, source document 004): opened, written in, changed and deleted, by whom the
roles allow it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from conversations.models import Contact, Conversation, Event, Message
from messaging.privacy.holds import hold_place
from tenants.access import auth
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tests.api.document import document
from tests.conftest import Api
from tests.factories import MembershipFactory, UserFactory
from tests.tenants.access.test_permissions import METHODS, VIEWS

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = "/api/v1/threads"
#: role → the subject of a token that acts as it, for the learner l-1
PEOPLE = {"learner": "l-1", "guardian": "g-1", "teacher": "t-1", "staff": "s-1"}


@pytest.fixture
def acting(tenant: Tenant) -> Callable[..., Api]:
    """``acting("guardian")``: a token limited to l-1, or to ``learners``."""

    def make(role: str, *, learners: tuple[str, ...] = ("l-1",), subject: str = "") -> Api:
        token = auth.issue_access_token(
            tenant, subject or PEOPLE[role], permissions=["threads:read", "threads:write"], learners=learners,
            extra={"acts_as": role},
        )  # fmt: skip
        return Api(token)

    return make


def opened(client: Any, learner_id: str = "l-1", **facts: Any) -> dict[str, Any]:
    answer = client.post(THREADS, {"learner_id": learner_id, **facts})
    assert answer.status_code == 201, answer.content
    return dict(client.data_of(answer))


def wrote(client: Any, thread: dict[str, Any], words: str, **facts: Any) -> dict[str, Any]:
    answer = client.post(f"{THREADS}/{thread['id']}/messages", {"content": words, **facts})
    assert answer.status_code == 201, answer.content
    return dict(client.data_of(answer))


def refused(client: Any, answer: Any) -> tuple[int, str]:
    return answer.status_code, client.error_of(answer)["code"]


def read(client: Any, path: str) -> Any:
    answer = client.get(f"{THREADS}{path}")
    assert answer.status_code == 200, answer.content
    return client.data_of(answer)


def test_a_thread_is_opened_written_in_changed_and_deleted(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    parts = [{"user_id": "g-1", "role": "guardian"}, "t-1"]
    thread = opened(client, subject="Reading", participants=parts, metadata={"class": "3b"})
    assert thread["participants"] == [{"user_id": "g-1", "role": "guardian"}, {"user_id": "t-1", "role": None}]
    first = wrote(client, thread, "Hello, world!", sender_id="g-1", sender_role="guardian", metadata={"via": "app"})
    second = wrote(client, thread, "Hi", message_type="text", sender_id="t-1", sender_role="teacher")
    assert [(one["seq"], one["sender_id"], one["content"]) for one in (first, second)] == [
        (1, "g-1", "Hello, world!"), (2, "t-1", "Hi"),
    ]  # fmt: skip
    where = f"{THREADS}/{thread['id']}"
    changed = client.data_of(client.put(where, {"subject": "Writing"}))
    assert (changed["subject"], changed["metadata"], changed["message_count"]) == ("Writing", {"class": "3b"}, 2)
    edited = client.data_of(client.put(f"{where}/messages/{first['id']}", {"content": "Hello again"}))
    assert (edited["content"], edited["metadata"], edited["sender_id"]) == ("Hello again", {"via": "app"}, "g-1")
    assert edited["updated_at"] > edited["created_at"]
    assert client.data_of(client.delete(f"{where}/messages/{second['id']}")) == {"deleted": True}
    assert client.get(f"{where}/messages/{second['id']}").status_code == 404
    assert [one["content"] for one in read(client, f"/{thread['id']}/messages")["items"]] == ["Hello again"]
    assert read(client, f"/{thread['id']}")["message_count"] == 1
    assert client.data_of(client.delete(where)) == {"messages": 2}
    assert [client.get(path).status_code for path in (where, f"{where}/messages")] == [404, 404]
    with tenant_scope(tenant.id):
        assert not Message.objects.exists()
        done = set(AuditEntry.objects.filter(action__startswith="thread.").values_list("action", flat=True))
    assert done == {"thread.created", "thread.read", "thread.updated", "thread.message_updated", "thread.message_deleted", "thread.deleted"}  # fmt: skip


def test_lists_take_the_documents_parameters(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    first, second, third = (opened(client, f"l-{number % 2}", subject=f"Topic {number}") for number in (1, 2, 3))
    wrote(client, first, "news")
    assert [one["id"] for one in read(client, "")["items"]] == [first["id"], third["id"], second["id"]]
    page = read(client, "?page=2&page_size=2&sort_by=created_at&sort_order=asc")
    assert ([one["id"] for one in page["items"]], page["total"], page["has_previous"]) == ([third["id"]], 3, True)
    assert [one["id"] for one in read(client, "?learner_id=l-0")["items"]] == [second["id"]]
    assert [one["id"] for one in read(client, "?search_query=topic%203")["items"]] == [third["id"]]
    assert read(client, "?end_date=2020-01-01T00:00:00Z")["items"] == []
    for number in range(5):
        wrote(client, second, f"line {number}")
    at = f"/{second['id']}/messages"
    page = read(client, f"{at}?page_size=2")
    rest = read(client, f"{at}?page_size=3&cursor={page['next_cursor']}")
    assert [one["seq"] for one in page["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert [one["content"] for one in read(client, f"{at}?search_query=LINE%203")["items"]] == ["line 3"]
    assert [one["seq"] for one in read(client, f"{at}?sort_by=created_at&sort_order=desc&page_size=2")["items"]] == [
        5,
        4,
    ]


def test_a_thread_takes_so_many_messages(api: Any, tenant: Tenant, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(settings.ENV, "MAX_MESSAGES_PER_THREAD", 2)
    client = api(tenant)
    thread = opened(client)
    _, second = wrote(client, thread, "one"), wrote(client, thread, "two")
    where = f"{THREADS}/{thread['id']}/messages"
    assert refused(client, client.post(where, {"content": "three"})) == (409, "thread_full")
    client.delete(f"{where}/{second['id']}")
    assert wrote(client, thread, "three")["seq"] == 3, "a deleted one leaves its place empty, and makes room"
    with tenant_scope(tenant.id):
        assert Conversation.objects.get().last_seq == 3


def test_a_key_that_comes_again_stores_nothing_twice(api: Any, tenant: Tenant) -> None:
    """Also where the process died between the commit and the answer."""
    from tenants.models import IdempotencyRecord

    client = api(tenant)
    named = {"headers": {"Idempotency-Key": "k-1"}}
    asked = {"learner_id": "l-1", "subject": "x"}
    first = client.data_of(client.post(THREADS, asked, **named))
    where = f"{THREADS}/{first['id']}/messages"
    said = client.data_of(client.post(where, {"content": "once"}, **named | {"headers": {"Idempotency-Key": "k-2"}}))
    with tenant_scope(tenant.id):
        IdempotencyRecord.objects.update(status=0, running_until="2020-01-01T00:00:00Z")
    again = client.data_of(client.post(THREADS, asked, **named))
    said_again = client.data_of(client.post(where, {"content": "once"}, headers={"Idempotency-Key": "k-2"}))
    assert (again["id"], said_again["id"]) == (first["id"], said["id"])
    with tenant_scope(tenant.id):
        assert (Conversation.objects.count(), Message.objects.count()) == (1, 1)


def test_a_key_of_what_was_deleted_brings_nothing_back(api: Any, tenant: Tenant) -> None:
    """Its stored answer is gone, as that of a process that died, or after a week; who writes may be the learner."""
    from tenants.models import IdempotencyRecord

    client = api(tenant)
    asked, said = (
        {"learner_id": "l-1", "subject": "x"},
        {"content": "once", "sender_id": "l-1", "sender_role": "learner"},
    )

    def opens() -> Any:
        return client.post(THREADS, asked, headers={"Idempotency-Key": "k-1"})

    def writes(thread: dict[str, Any], **facts: Any) -> Any:
        where = f"{THREADS}/{thread['id']}/messages"
        return client.post(where, {**said, **facts}, headers={"Idempotency-Key": "k-2"})

    def forgotten() -> None:
        with tenant_scope(tenant.id):
            IdempotencyRecord.objects.all().delete()

    first, other = client.data_of(opens()), opened(client)
    message = client.data_of(writes(first))
    forgotten()
    assert refused(client, writes(other)) == (422, "idempotency_mismatch"), "a learner's key is one in all threads"
    assert client.delete(f"{THREADS}/{first['id']}/messages/{message['id']}").status_code == 200
    forgotten()
    assert refused(client, writes(first)) == (409, "message_deleted")
    assert client.delete(f"{THREADS}/{first['id']}").status_code == 200
    forgotten()
    assert refused(client, opens()) == (409, "thread_deleted")
    with tenant_scope(tenant.id):
        assert Conversation.objects.filter(ended_at=None).get().id.hex == other["id"].replace("-", "")
        assert Message.objects.count() == 0
    assert client.post(THREADS, asked, headers={"Idempotency-Key": "k-3"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "validation_error"), ({"learner_id": ""}, 400, "validation_error"),
        ({"learner_id": "l-1", "metadata": {"a": "x" * 9_000}}, 400, "validation_error"),
        ({"learner_id": "l-1", "participants": [{"user_id": "g", "role": "king"}]}, 400, "validation_error"),
        ({"learner_id": "l-1", "more": 1}, 400, "validation_error"),
    ],
    ids=["nothing", "empty", "long", "role", "unknown"],
)  # fmt: skip
def test_wrong_bodies_are_told(api: Any, tenant: Tenant, body: Any, status: int, code: str) -> None:
    client = api(tenant)
    assert refused(client, client.post(THREADS, body)) == (status, code)


def test_what_is_wrong_is_told_of_the_shape_that_was_sent(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    participants = ["g-1", "\u0083", {"user_id": "\u0083"}, {"user_id": "g", "role": "king"}, 7]
    answer = client.post(THREADS, {"learner_id": "l-1", "participants": participants})
    told = [(one["field"], one["code"]) for one in client.error_of(answer)["details"]]
    assert told == [
        ("participants.1", "string_too_short"),
        ("participants.2.user_id", "string_too_short"),
        ("participants.3.role", "literal_error"),
        ("participants.4", "string_type"),
        ("participants.4", "model_type"),
    ]


def test_a_content_and_its_type_agree(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    thread = opened(client)
    where = f"{THREADS}/{thread['id']}/messages"
    wrong = client.post(where, {"content": "x", "message_type": "image"})
    assert refused(client, wrong) == (422, "message_type_mismatch")
    rich = {"type": "location", "location": {"latitude": 52.5, "longitude": 13.4}}
    told = client.data_of(client.post(where, {"content": rich, "message_type": "location"}))
    assert (told["message_type"], told["content"]["location"]["latitude"]) == ("location", 52.5)


# --------------------------------------------------------------------------------- roles

#: role → what it may do with a thread about its learner in which it takes part, and with another person's message
MAY = {
    "learner": {"read", "write", "own"},
    "guardian": {"read", "write", "own"},
    "teacher": {"read", "write", "own", "change"},
    "staff": {"read", "write", "own", "change", "delete_theirs", "delete"},
}
DEEDS: dict[str, Callable[[Any, str, str, str], Any]] = {
    "read": lambda client, where, own, theirs: client.get(f"{where}/messages/{theirs}"),
    "write": lambda client, where, own, theirs: client.post(f"{where}/messages", {"content": "more"}),
    "own": lambda client, where, own, theirs: client.put(f"{where}/messages/{own}", {"content": "mine"}),
    "change_theirs": lambda client, where, own, theirs: client.put(f"{where}/messages/{theirs}", {"content": "ours"}),
    "delete_theirs": lambda client, where, own, theirs: client.delete(f"{where}/messages/{theirs}"),
    "change": lambda client, where, own, theirs: client.put(where, {"subject": "new"}),
    "delete": lambda client, where, own, theirs: client.delete(where),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("role", PEOPLE)
def test_each_role_does_what_it_may(api: Any, tenant: Tenant, acting: Any, role: str, deed: str) -> None:
    thread = opened(api(tenant), participants=[{"user_id": id, "role": name} for name, id in PEOPLE.items()])
    theirs = wrote(api(tenant), thread, "theirs", sender_id="someone", sender_role="staff")
    client = acting(role)
    own = wrote(client, thread, "own")
    assert (own["sender_id"], own["sender_role"]) == (PEOPLE[role], role)
    answer = DEEDS[deed](client, f"{THREADS}/{thread['id']}", own["id"], theirs["id"])
    assert (answer.status_code < 300) == (deed in MAY[role]), answer.content
    assert answer.status_code in (200, 201, 403)


def test_who_takes_no_part_reads_and_does_not_write(api: Any, tenant: Tenant, acting: Any) -> None:
    thread = opened(api(tenant), participants=["g-1"])
    where = f"{THREADS}/{thread['id']}/messages"
    for role, wanted in (("teacher", 403), ("guardian", 201), ("learner", 201), ("staff", 201)):
        assert acting(role).get(where).status_code == 200
        assert acting(role).post(where, {"content": "x"}).status_code == wanted


def test_a_limited_token_speaks_for_its_subject_only(api: Any, tenant: Tenant, acting: Any) -> None:
    client = acting("guardian")
    thread = opened(client)
    assert thread["participants"] == [{"user_id": "g-1", "role": "guardian"}], "who opens it takes part"
    where = f"{THREADS}/{thread['id']}/messages"
    for false in ({"sender_id": "t-1"}, {"sender_role": "teacher"}):
        assert refused(client, client.post(where, {"content": "x", **false})) == (403, "sender_not_yours")
    image = {"type": "image", "media": {"url": f"media:{new_id()}", "type": "image/png"}}
    assert refused(client, client.post(where, {"content": image})) == (403, "files_not_yours")


# ------------------------------------------------------------------------- the one house


def bodies() -> dict[tuple[str, str], str]:
    """Method and address, as the API's description names it → its first example of a body, of a colleague who is there and of
    a time to come."""
    tomorrow = (now() + timedelta(days=1)).isoformat()
    paths = document()["paths"]
    found = {}
    for path, operations in paths.items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for example in list(body.get("examples", {}).values())[:1]:
                told = json.dumps(example["value"]).replace('"ben"', '"ana"').replace("2026-02-02T09:00:00Z", tomorrow)
                found[method.upper(), path] = told
    return found


def test_threads_are_of_no_chat(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    thread = opened(client)
    said = wrote(client, thread, "zebrafink")
    talks = "/api/v2/chat/conversations"
    with tenant_scope(tenant.id):
        contact = Contact.objects.get()
    assert client.data_of(client.get(talks))["items"] == []
    assert client.data_of(client.get("/api/v2/chat/messages?search_query=zebrafink"))["items"] == []
    assert client.data_of(client.get(f"/api/v2/contacts/{contact.id}/history"))["items"] == []
    MembershipFactory(tenant=tenant, user=UserFactory(username="ana"))
    examples = bodies()
    ids = {"<uuid:conversation_id>": thread["id"], "<uuid:message_id>": said["id"]}
    answers = {}
    for address, _, _ in VIEWS:
        pattern = next((one for one in ids if one in address), "")
        path = re.sub(r"<\w+:\w+>", str(new_id()), address.replace(pattern, ids.get(pattern, "")))
        for method in METHODS if pattern and "/v2/" in address else ():
            body = examples.get((method, "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", address)), "{}")
            answer = client.generic(method, f"/{path}", body, content_type="application/json")
            answers[method, address] = answer.status_code
    assert {case: status for case, status in answers.items() if status not in (404, 405)} == {}
    assert len(answers) > 100


def test_a_legal_hold_keeps_a_thread(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    thread = opened(client)
    said = wrote(client, thread, "kept")
    with tenant_scope(tenant.id):
        hold_place(Contact.objects.get().id, "case 7", "system")
    where = f"{THREADS}/{thread['id']}"
    for path in (where, f"{where}/messages/{said['id']}"):
        assert refused(client, client.delete(path)) == (409, "legal_hold")


def test_each_tenant_has_its_own_threads(api: Any, tenant: Tenant, other_tenant: Tenant) -> None:
    thread = opened(api(tenant))
    said = wrote(api(tenant), thread, "ours")
    stranger, where = api(other_tenant), f"{THREADS}/{thread['id']}"
    assert read(stranger, "")["items"] == []
    for path in (where, f"{where}/messages", f"{where}/messages/{said['id']}"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"{where}/messages", {"content": "x"}).status_code == 404


# -------------------------------------------------------------------------------- events


def told(tenant: Tenant) -> list[dict[str, Any]]:
    from conversations.event_schemas import envelope_of

    with tenant_scope(tenant.id):
        return [json.loads(envelope_of(row).to_bytes()) for row in Event.objects.order_by("created_at", "id")]


def test_events_come_in_the_documents_envelope(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    thread = opened(client)
    said = wrote(client, thread, "Hello, world!", sender_id="u-4", sender_role="teacher")
    client.delete(f"{THREADS}/{thread['id']}")
    created, message, deleted = told(tenant)
    assert [one["event_type"] for one in (created, message, deleted)] == [
        "CHAT_THREAD_CREATED", "CHAT_MESSAGE_CREATED", "CHAT_THREAD_DELETED",
    ]  # fmt: skip
    for one in (created, message, deleted):
        assert (one["tenant_id"], one["learner_id"]) == (str(tenant.id), "l-1")
        assert one["data"]["thread_id"] == thread["id"]
        assert one["timestamp"].endswith("Z")
    assert {name: message["data"][name] for name in ("message_id", "sender_id", "message_type")} == {
        "message_id": said["id"], "sender_id": "u-4", "message_type": "text",
    }  # fmt: skip
    assert "content" not in message["data"], "words are switched on by the tenant"
    assert [one["seq"] for one in (created, message, deleted)] == [1, 2, 3]


def test_words_and_addresses_stand_in_events_where_the_tenant_wants_them(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    thread = opened(client, "ann@example.com")
    wrote(client, thread, "secret", sender_id="bob@example.com", sender_role="guardian")
    assert "example.com" not in json.dumps(told(tenant))
    assert told(tenant)[0]["learner_id"] == told(tenant)[1]["learner_id"] != ""
    Tenant.objects.filter(id=tenant.id).update(settings={"event_words": True})
    from tenants import tenant_settings

    tenant_settings.invalidate(tenant.id)
    said = wrote(client, thread, "open", sender_id="bob@example.com", sender_role="guardian")
    last = told(tenant)[-1]
    assert (last["learner_id"], last["data"]["sender_id"], last["data"]["content"]) == (
        "ann@example.com", "bob@example.com", "open",
    )  # fmt: skip
    client.delete(f"{THREADS}/{thread['id']}/messages/{said['id']}")
    assert "content" not in told(tenant)[-1]["data"], "what is deleted leaves the timeline, too"


def test_the_feed_of_events_tells_threads_too(api: Any, tenant: Tenant, acting: Any) -> None:
    """It is the tenant's whole timeline (decision 0049), and no token with learners reaches it."""
    client = api(tenant)
    thread = opened(client)
    wrote(client, thread, "Hello")
    with tenant_scope(tenant.id):
        Event.objects.update(created_at=now() - timedelta(minutes=1))
    told = client.data_of(client.get("/api/v2/events", {"conversation_id": thread["id"]}))
    assert [one["type"] for one in told["items"]] == ["CHAT_THREAD_CREATED", "CHAT_MESSAGE_CREATED"]
    assert refused(client, acting("staff").get("/api/v2/events")) == (403, "limited_to_learners")
