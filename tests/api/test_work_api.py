"""Visits, events, dead letters, API keys and the audit trail by the API (API-2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conversations.models import Event, Session
from messaging.models import Delivery, DeliveryAttempt
from tenants.access.api_keys import api_key_create
from tenants.access.permissions import PERMISSIONS
from tenants.models import ApiKey, AuditEntry
from tenants.storage.db import new_id, now
from tenants.trail.audit import audit
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    ConversationFactory,
    DeliveryFactory,
    MessageFactory,
    SessionFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v2"


@pytest.fixture
def client(tenant, api) -> Any:
    return api(tenant)


def found(client: Any, path: str, **query: Any) -> Any:
    answer = client.get(f"{ROOT}/{path}", query)
    assert answer.status_code == 200, answer.content
    return client.data_of(answer)


def refused(client: Any, answer: Any) -> tuple[int, str]:
    return answer.status_code, client.error_of(answer)["code"]


# ---------------------------------------------------------------------------------- visits


def test_a_visit_is_read_extended_and_ended_once_with_its_event(client, scope) -> None:
    visit = SessionFactory(tenant=scope, expires_at=now() + timedelta(minutes=1), device={"kind": "web"})
    where = f"sessions/{visit.id}"
    assert found(client, where)["open"] is True
    longer = client.data_of(client.post(f"{ROOT}/{where}/extend", {"seconds": 7200}))
    again = client.data_of(client.post(f"{ROOT}/{where}/extend", {"seconds": 60}))
    assert longer["expires_at"] == again["expires_at"] > found(client, where)["last_seen_at"]
    first, second = (client.data_of(client.post(f"{ROOT}/{where}/end")) for _ in range(2))
    assert (first["open"], first["ended_at"]) == (False, second["ended_at"])
    (told,) = Event.objects.filter(type="chat.session.ended")
    assert (told.payload["session_id"], told.payload["end_reason"]) == (str(visit.id), "requested")
    assert refused(client, client.post(f"{ROOT}/{where}/extend", {})) == (409, "session_ended")


def test_visits_are_chosen_and_their_devices_told(client, scope) -> None:
    person, channel = ContactFactory(tenant=scope), ChannelFactory(tenant=scope)
    for number, kind in enumerate(("phone", "phone", "desk")):
        SessionFactory(
            tenant=scope, contact=person, channel=channel, device={"kind": kind}, ended_at=now() if number == 0 else None,
            last_seen_at=now() + timedelta(seconds=number),
        )  # fmt: skip
    SessionFactory(tenant=scope)
    assert len(found(client, "sessions", contact_id=person.id)["items"]) == 3
    assert len(found(client, "sessions", contact_id=person.id, open="true")["items"]) == 2
    devices = found(client, f"contacts/{person.id}/devices")["items"]
    assert [(one["device"]["kind"], one["sessions"]) for one in devices] == [("desk", 1), ("phone", 2)]


# ---------------------------------------------------------------------------------- events


@pytest.fixture
def events(scope) -> list[Event]:
    talk = ConversationFactory(tenant=scope)
    made = [
        Event.objects.create(
            tenant=scope, conversation=talk, seq=seq, type=type, payload={"conversation_id": str(talk.id)}
        )
        for seq, type in enumerate(("chat.conversation.started", "chat.message.received", "chat.message.sent"), 1)
    ]
    Event.objects.update(created_at=now() - timedelta(minutes=1))
    return made


def test_events_are_followed_by_the_last_that_was_got(client, scope, events) -> None:
    page = found(client, "events", page_size=2)
    assert [row["id"] for row in page["items"]] == [str(event.id) for event in events[:2]]
    rest = found(client, "events", after=page["items"][-1]["id"])
    assert [row["type"] for row in rest["items"]] == ["chat.message.sent"]
    assert found(client, "events", after=rest["items"][-1]["id"])["items"] == []
    assert refused(client, client.get(f"{ROOT}/events?after={new_id()}")) == (400, "event_gone")


def test_what_has_just_happened_is_listed_once_it_is_settled(client, scope, events) -> None:
    """An event that is committed late would else be missed behind a later one."""
    fresh = Event.objects.create(tenant=scope, type="chat.system.webhook_paused")
    assert str(fresh.id) not in [row["id"] for row in found(client, "events")["items"]]
    Event.objects.filter(id=fresh.id).update(created_at=now() - timedelta(seconds=31))
    assert found(client, "events")["items"][-1]["id"] == str(fresh.id)


def test_events_are_chosen_by_type_and_conversation(client, scope, events) -> None:
    assert [row["seq"] for row in found(client, "events", types="chat.message.*")["items"]] == [2, 3]
    chosen = found(client, "events", types="chat.message.sent, chat.conversation.started")["items"]
    assert [row["seq"] for row in chosen] == [1, 3]
    assert len(found(client, "events", conversation_id=events[0].conversation_id)["items"]) == 3
    assert found(client, "events", conversation_id=new_id())["items"] == []


@pytest.mark.parametrize("types", ["chat.conversation.created", "chat.massage.*", "chat.message.sent,nothing"])
def test_a_type_that_no_event_has_is_refused(client, scope, types) -> None:
    """A misspelt one would find nothing for ever."""
    assert refused(client, client.get(f"{ROOT}/events", {"types": types})) == (400, "unknown_event_type")


# ----------------------------------------------------------------------------- dead letters


@pytest.fixture
def letters(scope) -> list[Delivery]:
    talk = ConversationFactory(tenant=scope, channel__kind="sms")
    rows = [
        DeliveryFactory(
            tenant=scope, status="failed", dead_at=now() + timedelta(seconds=number), error_code=code, attempts=8,
            message=MessageFactory(tenant=scope, conversation=talk, role="bot", direction="outbound"),
        )
        for number, code in enumerate(("30003", "30003", "30005"))
    ]  # fmt: skip
    DeliveryFactory(tenant=scope, status="sent")
    return rows


def test_a_dead_letter_is_told_with_its_tries_and_replayed_once(client, scope, letters) -> None:
    DeliveryAttempt.objects.create(tenant=scope, delivery=letters[0], number=8, outcome="permanent", code="30003")
    page = found(client, "dead-letters")["items"]
    assert [row["id"] for row in page] == [str(row.id) for row in reversed(letters)]
    assert found(client, f"dead-letters/{letters[0].id}")["tries"][0]["code"] == "30003"
    answer = client.post(f"{ROOT}/dead-letters/{letters[0].id}/replay")
    told = client.data_of(answer)
    assert (answer.status_code, told["status"], told["dead_at"], told["attempts"]) == (202, "queued", None, 0)
    again = client.post(f"{ROOT}/dead-letters/{letters[0].id}/replay")
    assert refused(client, again) == (404, "dead_letter_not_found")


def test_deliveries_are_chosen_by_status_and_channel_and_told_with_their_tries(client, scope, letters) -> None:
    (sent,) = found(client, "deliveries", status="sent")["items"]
    assert (sent["due_at"], sent["status"], found(client, "deliveries", page=1)["total"]) == (None, "sent", 4)
    there = {"channel_id": letters[0].channel_id}
    assert {row["id"] for row in found(client, "deliveries", **there)["items"]} == {str(row.id) for row in letters}
    assert found(client, "deliveries", status="sent", **there)["items"] == []
    Delivery.objects.filter(id=sent["id"]).update(error_code="30005")  # of a try before the last one
    assert [row["id"] for row in found(client, "deliveries", search_query="30005")["items"]] == [str(letters[2].id)]
    DeliveryAttempt.objects.create(tenant=scope, delivery=letters[0], number=8, outcome="permanent", code="30003")
    assert found(client, f"deliveries/{letters[0].id}")["tries"][0]["number"] == 8
    assert refused(client, client.get(f"{ROOT}/deliveries/{new_id()}")) == (404, "delivery_not_found")
    assert refused(client, client.get(f"{ROOT}/deliveries", {"status": "lost"})) == (400, "validation_error")


def test_those_of_a_code_are_replayed_together(client, scope, letters) -> None:
    assert found(client, "dead-letters", error_code="30005", page=1)["total"] == 1
    done = client.data_of(client.post(f"{ROOT}/dead-letters/replay", {"error_code": "30003"}))
    assert done == {"count": 2, "more": False}
    states = list(
        Delivery.objects.filter(id__in=[row.id for row in letters]).order_by("id").values_list("status", flat=True)
    )
    assert states == ["queued", "queued", "failed"]


# ------------------------------------------------------------------------------ keys, audit


def test_a_key_is_shown_once_and_works(client, tenant, scope, api) -> None:
    from tests.conftest import Api

    answer = client.post(f"{ROOT}/api-keys", {"name": "CRM", "scopes": ["contacts:read"]})
    made = client.data_of(answer)
    assert (answer.status_code, made["state"]) == (201, "valid")
    assert Api(made["key"]).get(f"{ROOT}/contacts").status_code == 200
    listed = found(client, "api-keys", search_query="crm")["items"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert made["key"].split("_", 2)[2] not in str(found(client, f"api-keys/{made['id']}")) + str(listed)
    replaced = client.data_of(client.post(f"{ROOT}/api-keys/{made['id']}/rotate", {"keep_old_hours": 1}))
    assert (replaced["scopes"], replaced["name"]) == (["contacts:read"], "CRM")
    assert {Api(key).get(f"{ROOT}/contacts").status_code for key in (made["key"], replaced["key"])} == {200}
    assert found(client, f"api-keys/{made['id']}")["state"] == "ending"
    assert client.data_of(client.delete(f"{ROOT}/api-keys/{replaced['id']}"))["state"] == "revoked"
    assert Api(replaced["key"]).get(f"{ROOT}/contacts").status_code == 401
    assert refused(client, client.post(f"{ROOT}/api-keys/{replaced['id']}/rotate")) == (409, "key_not_valid")
    acts = list(AuditEntry.objects.filter(action__startswith="apikey.").order_by("id").values_list("action", flat=True))
    assert acts == ["apikey.created", "apikey.rotated", "apikey.revoked"]


def test_no_key_gives_more_than_it_has_or_ends_itself(tenant, scope, api) -> None:
    small = api(tenant, "keys:read", "keys:write")
    answer = small.post(f"{ROOT}/api-keys", {"name": "x", "scopes": ["keys:read", "messages:read"]})
    assert refused(small, answer) == (403, "more_than_yours")
    assert small.error_of(answer)["details"] == {"permissions": ["messages:read"]}
    everything, _ = api_key_create(tenant=tenant, name="all", scopes=["*"])
    assert refused(small, small.post(f"{ROOT}/api-keys/{everything.id}/rotate")) == (403, "more_than_yours")
    own = ApiKey.objects.get(name="test")
    assert refused(small, small.delete(f"{ROOT}/api-keys/{own.id}")) == (409, "own_key")
    unknown = api(tenant).post(f"{ROOT}/api-keys", {"name": "x", "scopes": ["moon:read"]})
    assert unknown.status_code == 400
    assert ApiKey.objects.filter(name="x").count() == 0


def test_the_trail_is_read_by_actor_action_and_target(client, scope) -> None:
    audit("user:ana", "channel.updated", "channel:1", {"fields": ["name"]}, "203.0.113.7")
    audit("user:ben", "channel.checked", "channel:2")
    audit("user:ben", "contact.merged", "contact:3")
    for query, count in (
        ({"actor": "user:ben"}, 2), ({"action": "channel."}, 2), ({"action": "channel.checked"}, 1),
        ({"target": "contact:3"}, 1), ({"search_query": "MERGED"}, 1), ({}, 3),
    ):  # fmt: skip
        assert len(found(client, "audit", **query)["items"]) == count
    assert found(client, "audit", actor="user:ana")["items"][0]["ip"] == "203.0.113.7"


# ------------------------------------------------------------------------------- two tenants

FOREIGN = {
    "get sessions/{session}": "session_not_found",
    "post sessions/{session}/extend": "session_not_found",
    "post sessions/{session}/end": "session_not_found",
    "get contacts/{contact}/devices": "contact_not_found",
    "get dead-letters/{letter}": "dead_letter_not_found",
    "post dead-letters/{letter}/replay": "dead_letter_not_found",
    "get api-keys/{key}": "api_key_not_found",
    "post api-keys/{key}/rotate": "api_key_not_found",
    "delete api-keys/{key}": "api_key_not_found",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_no_tenant_reaches_anothers(tenant, scope, other_tenant, api, letters, what) -> None:
    visit = SessionFactory(tenant=scope)
    key, _ = api_key_create(tenant=tenant, name="x", scopes=["*"])
    method, path = what.split()
    there = {"session": visit.id, "contact": visit.contact_id, "letter": letters[0].id, "key": key.id}
    theirs = api(other_tenant)
    answer = getattr(theirs, method)(f"{ROOT}/{path.format(**there)}")
    assert refused(theirs, answer) == (404, FOREIGN[what])
    key.refresh_from_db()
    letters[0].refresh_from_db()
    assert (key.revoked_at, letters[0].status, Session.objects.get(id=visit.id).ended_at) == (None, "failed", None)


@pytest.mark.parametrize("path", ["sessions", "events", "dead-letters", "audit"])
def test_no_list_shows_anothers(scope, other_tenant, api, events, letters, path) -> None:
    SessionFactory(tenant=scope)
    audit("user:ana", "channel.updated")
    theirs = api(other_tenant)
    assert found(theirs, path)["items"] == []
    assert theirs.data_of(theirs.post(f"{ROOT}/dead-letters/replay")) == {"count": 0, "more": False}
    assert "audit:read" in PERMISSIONS
