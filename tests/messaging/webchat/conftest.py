"""A web chat as its two sides see it: ``page`` calls over HTTP, ``ready()`` gives sockets that have said hello."""

from __future__ import annotations

import time

import pytest
from channels.db import database_sync_to_async
from django.db import connection

from messaging.webchat import rules as webchat
from messaging.webchat.frames import SendFrame
from messaging.webchat.proofs import identity_signature
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory
from tests.messaging.webchat.clients import SECRET, SHOP, Page, Socket, all_end


@pytest.fixture
def channel(tenant):
    return ChannelFactory(
        tenant=tenant, key="ch_01HABC", config={"allowed_origins": [SHOP]}, secrets={"identity_secret": SECRET}
    )


@pytest.fixture
def page(channel):
    return Page(channel)


@pytest.fixture
def proof(channel):
    """``proof("user-1", ts=…, secret=…)`` is what the site's server gives its page of a user."""

    def prove(user_id="user-4711", ts=None, secret=SECRET):
        ts = int(time.time()) if ts is None else ts
        return {"user_id": user_id, "ts": ts, "sig": identity_signature(secret, channel.key, user_id, ts)}

    return prove


@pytest.fixture
def visitor():
    return webchat.Visitor("visitor-1", session_key="s1")


@pytest.fixture
async def sockets_of(channel, visitor):
    """``await sockets_of(token=…, origin=…)`` → a connected socket; all are closed in the end."""
    opened = []

    async def connect(**options):
        socket = Socket(channel, options.pop("origin", SHOP))
        opened.append(socket)
        assert await socket.connect() == (True, "desk-chat.v1")
        return socket

    yield connect
    await all_end(opened)


@pytest.fixture
async def ready(sockets_of, channel, visitor):
    """``await ready(after=…)`` → a socket that has said hello, and its ``ready`` frame with the replay."""

    async def greet(**hello):
        socket = await sockets_of()
        await socket.send_json_to({"t": "hello", "token": webchat.token_issue(channel, visitor), **hello})
        return socket, await socket.until("ready")

    return greet


@pytest.fixture
def rows(channel):
    """``await rows(call, …)`` runs in a thread, in the tenant's scope."""

    async def run(call, *arguments, **options):
        def scoped():
            with tenant_scope(channel.tenant_id):
                return call(*arguments, **options)

        return await database_sync_to_async(scoped, thread_sensitive=False)()

    return run


@pytest.fixture
def said(rows, channel, visitor):
    """``await said("a", "b")`` stores messages of the visitor without a socket; the conversation."""

    async def store(*words):
        for word in words:
            frame = SendFrame(t="send", cid=f"cid-{abs(hash(word))}", text=word)
            accepted = await rows(webchat.say, channel, visitor, frame)
        return accepted.conversation

    return store


@pytest.fixture(autouse=True)
def pool_of_one_loop():
    """Each test has an event loop of its own, whose threads take their pooled connections with them."""
    yield
    if connection.vendor == "postgresql":
        connection.close()
        connection.close_pool()
