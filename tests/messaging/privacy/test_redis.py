"""After an erasure no key of Redis holds text or an identifier of the person, nor did any name them before (PRIV-2)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.core.cache import cache
from django.test import Client

from conversations.files.attachments import attachments_delete, platform_key
from conversations.models import Attachment, Contact, Conversation, Identity, Message
from messaging.media import platform_files
from messaging.webchat.proofs import identity_signature
from tenants.access import auth
from tenants.models import Tenant
from tests.conftest import Api
from tests.factories import ChannelFactory
from tests.messaging.conftest import Calls
from tests.messaging.privacy.rita import TRACES, erased, left_in
from tests.messaging.webchat.clients import SECRET, SHOP

pytestmark = pytest.mark.django_db(transaction=True)
MAIL, ADDRESS = "rita@example.com", "203.0.113.77"


@pytest.fixture
def stored(redis_url: str, settings: Any) -> Iterator[redis.Redis]:
    """A Redis for all that the service keeps in one."""
    settings.CACHES = {
        "default": {
            "BACKEND": "chatsvc.processes.cache.ForgivingRedisCache",
            "LOCATION": redis_url,
            "KEY_PREFIX": "chatsvc",
        }
    }
    settings.REDIS_URL = redis_url
    client = redis.Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


def everything(client: redis.Redis) -> str:
    """Every key, with what it holds."""
    found = []
    for key in client.scan_iter(count=1000):
        kind: Any = client.type(key)
        held = {
            "string": lambda key=key: client.get(key), "list": lambda key=key: client.lrange(key, 0, -1),
            "set": lambda key=key: client.smembers(key), "hash": lambda key=key: client.hgetall(key),
            "zset": lambda key=key: client.zrange(key, 0, -1), "stream": lambda key=key: client.xrange(key),
        }[kind.decode()]()  # fmt: skip
        found.append(f"{key!r} {held!r}")
    return "\n".join(found)


def ids_of(person: Contact) -> list[uuid.UUID]:
    talks = Conversation.objects.filter(contact=person)
    return [
        person.id, *talks.values_list("id", flat=True),
        *Identity.objects.filter(contact=person).values_list("id", flat=True),
        *Message.objects.filter(conversation__in=talks).values_list("id", flat=True),
        *Attachment.objects.filter(message__conversation__in=talks).values_list("id", flat=True),
    ]  # fmt: skip


def named(text: str, ids: list[uuid.UUID]) -> list[uuid.UUID]:
    return [id for id in ids if str(id) in text or id.hex in text or repr(id.bytes)[2:-1] in text]


@pytest.fixture
def busy(stored: redis.Redis, rita: Contact, scope: Tenant, api: Any, whatsapp: Any) -> list[uuid.UUID]:
    """Everything has happened that leaves something in Redis; Rita's ids."""
    client, talk = api(scope), Conversation.objects.get(contact=rita)
    for path in (
        f"contacts/{rita.id}",
        f"chat/conversations/{talk.id}/messages",
        "events",
        "chat/messages?search_query=zebrafink",
    ):
        assert client.get(f"/api/v2/{path}").status_code == 200
    her = Api(auth.issue_access_token(scope, MAIL, permissions=["contacts:read"]))
    assert her.get("/api/v2/contacts", REMOTE_ADDR=ADDRESS).status_code == 200
    web = ChannelFactory(
        tenant=scope, key="ch_01RITA", config={"allowed_origins": [SHOP]}, secrets={"identity_secret": SECRET}
    )
    where, browser = f"/api/v2/webchat/{web.key}", Client(REMOTE_ADDR=ADDRESS, headers={"Origin": SHOP})
    at = int(time.time())
    proof = {"user_id": MAIL, "ts": at, "sig": identity_signature(SECRET, web.key, MAIL, at)}
    begun = browser.post(f"{where}/session", {"identity": proof}, content_type="application/json")
    assert begun.status_code in (200, 201), begun.content
    held = {"Authorization": f"Bearer {begun.json()['data']['visitor_token']}"}
    assert browser.get(f"{where}/messages", headers=held).status_code == 200
    file = Attachment.objects.get(message__conversation=talk)
    cache.set(platform_key(file.id), (platform_files._place(whatsapp), "wa-zebrafink"), 3600)
    return ids_of(rita)


def test_an_erasure_leaves_nothing_in_redis(stored: redis.Redis, rita: Contact, busy: list[uuid.UUID]) -> None:
    before = everything(stored)
    assert before.count("limit:") > 4, "there is something to look through"
    assert named(before, busy), "her file's id"
    assert [trace for trace in left_in(before) if trace != "zebrafink"] == [], "no name, number or address at any time"
    assert ADDRESS not in before
    erased(rita)
    after = everything(stored)
    assert (left_in(after), named(after, busy)) == ([], [])
    assert "limit:" in after


def test_what_a_trace_looks_like_is_found(stored: redis.Redis) -> None:
    """The proof can fail: in a key, in a value, and in each kind of value."""
    cache.set("x", {"said": TRACES[1]}, 60)
    stored.lpush("queue", json.dumps({"to": TRACES[0]}))
    stored.hset("h", TRACES[2], "1")
    assert left_in(everything(stored)) == [TRACES[0], TRACES[1], TRACES[2]]


def test_calls_to_workers_name_rows_alone(calls: Calls, rita: Contact) -> None:
    """What lies in the broker's queues is a task and the id of a row."""
    erased(rita)
    assert calls.all
    assert {type(row_id) for _, row_id, _ in calls.all} <= {uuid.UUID, type(None)}


def test_a_file_that_is_deleted_is_forgotten_with_its_platforms_id(stored: redis.Redis, rita: Contact) -> None:
    file = Attachment.objects.get()
    cache.set(platform_key(file.id), ("place", "wa-1"), 3600)
    attachments_delete([file])
    assert cache.get(platform_key(file.id)) is None
    assert str(file.id) not in everything(stored)
