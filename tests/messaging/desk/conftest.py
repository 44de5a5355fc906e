"""``await window(user)`` → a window of the console; ``await rows(call, …)`` runs in a thread, in the tenant's scope."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import connection

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from messaging.accept import accept
from messaging.desk.desks import desks
from messaging.live import staff
from messaging.rules.control import hand_over, locked
from tenants.scope import tenant_scope
from tenants.storage.db import atomic
from tests.factories import ChannelFactory, MembershipFactory, UserFactory
from tests.messaging.desk.clients import HOST, Window
from tests.messaging.desk.sessions import signed_in
from tests.messaging.webchat.clients import all_end


@pytest.fixture(autouse=True)
def own_host(settings, monkeypatch):
    settings.ALLOWED_HOSTS = [HOST]
    monkeypatch.setattr(staff, "GATHER_S", 0.001)


@pytest.fixture
def channel(tenant):
    return ChannelFactory(tenant=tenant, key="ch_01HABC", name="Shop")


@pytest.fixture
def member(tenant):
    """``member("ana")`` → a user with this role in the first tenant."""

    def make(name, permissions=("*",), of=None):
        user = UserFactory(username=name, first_name=name.title(), last_name="Stone")
        MembershipFactory(tenant=of or tenant, user=user, role__permissions=list(permissions))
        return user

    return make


@pytest.fixture
def ana(member):
    return member("ana")


@pytest.fixture
async def opened():
    """``await opened(session=…, key=…)`` → a socket that is connected; all are closed in the end."""
    there = []

    async def connect(**options):
        window = Window(**options)
        there.append(window)
        assert await window.connect() == (True, "desk-agent.v1")
        return window

    yield connect
    await all_end(there)
    assert not desks.windows


@pytest.fixture
async def window(opened):
    async def open(user, view="", **frame):
        socket = await opened(session=await sync_to_async(signed_in)(user))
        await socket.hello()
        if view:
            await socket.view(view, **frame)
        return socket

    return open


@pytest.fixture
def rows(tenant):
    async def run(call, *arguments, of=None, **options):
        def scoped():
            with tenant_scope((of or tenant).id):
                return call(*arguments, **options)

        return await database_sync_to_async(scoped, thread_sensitive=False)()

    return run


@pytest.fixture
def says(rows, channel):
    """``await says("mira", "Hello")`` → the conversation, once the message is stored."""

    async def say(who, words, on=None):
        said = InboundMessage(
            platform_id="", sender=Sender(scheme="web", value=who, name=who.title()), content=text(words)
        )
        of = (on or channel).tenant
        accepted = await rows(accept, on or channel, said, of=of)
        return accepted.conversation

    return say


@pytest.fixture
def wants_a_human(rows):
    async def ask(conversation):
        def handed_over():
            with atomic():
                return hand_over(locked(conversation.id), "asked")

        return await rows(handed_over)

    return ask


@pytest.fixture(autouse=True)
def pool_of_one_loop():
    """Each test has an event loop of its own, whose threads take their pooled connections with them."""
    yield
    if connection.vendor == "postgresql":
        connection.close()
        connection.close_pool()
