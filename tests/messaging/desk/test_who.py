"""Who gets an agents' socket, and who keeps it."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session

from messaging.desk import consumer as consumers
from messaging.desk.desks import desks
from tenants.access.api_keys import api_key_create, api_key_revoke
from tenants.access.auth import issue_access_token
from tenants.models import Membership, Role
from tests.factories import MembershipFactory, UserFactory
from tests.messaging.desk.clients import HOST, Window
from tests.messaging.desk.sessions import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

READER = ("conversations:read", "messages:read")
thread = database_sync_to_async


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com", "null", "", "http://[", f"http://{HOST}.evil.example", f"http://{HOST}:8001",
        f"http://evil@{HOST}", f"ftp://{HOST}", f"http://{HOST}, http://evil.example",
    ],
)  # fmt: skip
async def test_the_cookie_is_taken_from_pages_of_the_service_alone(ana, origin):
    session = await sync_to_async(signed_in)(ana)
    assert (await Window(session=session, origin=origin).connect())[0] is False


async def test_another_sub_protocol_gets_no_socket(ana):
    assert (await Window(subprotocols=("desk-chat.v1",)).connect())[0] is False


async def test_a_member_is_told_their_tenants_and_what_they_may(tenant, other_tenant, member, opened):
    ben = await sync_to_async(member)("ben", READER)
    await thread(MembershipFactory)(tenant=other_tenant, user=ben, role__permissions=["channels:read"])
    window = await opened(session=await sync_to_async(signed_in)(ben))
    ready = await window.hello()
    assert ready["user"] == {"id": str(ben.id), "name": "ben"}
    assert ready["tenants"] == [{"id": str(tenant.id), "name": "Acme", "permissions": sorted(READER)}]


async def test_a_key_opens_a_window_for_a_member_of_staff(tenant, ana, opened):
    _, key = await thread(api_key_create)(tenant=tenant, name="desk", scopes=["*"])
    ready = await (await opened(key=key, origin="")).hello(agent="ana")
    assert (ready["user"]["id"], [one["id"] for one in ready["tenants"]]) == (str(ana.id), [str(tenant.id)])


async def test_a_token_says_hello(tenant, opened):
    token = await thread(issue_access_token)(tenant, "desk", permissions=READER)
    ready = await (await opened(origin="https://desk.example.com")).hello(token=token)
    assert (ready["user"], [one["id"] for one in ready["tenants"]]) == (None, [str(tenant.id)])


@pytest.mark.parametrize(
    ("hello", "code", "close"),
    [
        ({}, "invalid_token", 4401),
        ({"token": "nonsense"}, "invalid_token", 4401),
        ({"token": "visitor"}, "limited_to_subject", 4403),
        ({"token": "writer"}, "permission_denied", 4403),
        ({"token": "reader", "agent": "stranger"}, "agent_unknown", 4403),
    ],
    ids=["nothing", "forged", "visitor", "without the right", "for a stranger"],
)
async def test_others_are_told_why_not(tenant, opened, hello, code, close):
    tokens = {
        "visitor": {"permissions": READER, "kind": "visitor"},
        "writer": {"permissions": ["messages:send"]},
        "reader": {"permissions": READER},
    }
    issued = {name: await thread(issue_access_token)(tenant, name, **options) for name, options in tokens.items()}
    window = await opened()
    token = hello.get("token")
    error = await window.ask("error", t="hello", **{**hello, **({"token": issued.get(token, token)} if token else {})})
    assert (error["code"], error["fatal"], await window.closed_with()) == (code, True, close)


async def test_another_tenants_list_and_conversation_are_not_there(tenant, other_tenant, member, opened, window, says):
    conversation = await says("mira", "my violin")
    stranger = await sync_to_async(member)("zoe", of=other_tenant)
    socket = await window(stranger)
    assert (await socket.ask("error", t="view", view="bot", tenant=str(tenant.id)))["code"] == "tenant_not_found"
    refused = await socket.ask("error", t="watch", conversation=str(conversation.id))
    assert (refused["code"], refused["conversation"]) == ("conversation_not_found", str(conversation.id))
    assert (await socket.ask("error", t="read", conversation=str(conversation.id), seq=1))["code"] == refused["code"]


async def test_words_need_their_own_permission(member, window, says):
    conversation = await says("mira", "my violin")
    socket = await window(await sync_to_async(member)("ben", ["conversations:read"]), "bot")
    await says("mira", "is broken")
    assert (await socket.until("conv"))[-1]["preview"] is None
    error = await socket.ask("error", t="watch", conversation=str(conversation.id))
    assert error["code"] == "not_permitted"


@pytest.mark.parametrize("change", ["signed out", "password", "left", "switched off", "suspended"])
async def test_who_has_lost_the_right_is_closed(tenant, ana, window, change):
    def lost():
        {
            "signed out": lambda: Session.objects.all().delete(),
            "password": lambda: (ana.set_password("another one"), ana.save()),
            "left": lambda: Membership.objects.unscoped().filter(user=ana).delete(),  # unscoped: the only one
            "switched off": lambda: type(ana).objects.filter(id=ana.id).update(is_active=False),
            "suspended": lambda: type(tenant).objects.filter(id=tenant.id).update(status="suspended"),
        }[change]()

    socket = await window(ana, "waiting")
    await desks.people()
    await socket.settled()
    await thread(lost)()
    await desks.people()
    assert await socket.closed_with() == {"left": 4403, "suspended": 4403}.get(change, 4401)


async def test_a_superusers_list_of_a_suspended_tenant_is_shut_and_what_they_watch_there(
    tenant, other_tenant, window, says
):
    conversation = await says("mira", "my violin")
    root = await thread(UserFactory)(username="root", is_superuser=True)
    socket = await window(root, "waiting", tenant=str(tenant.id))
    await socket.watch(conversation)
    await desks.people()
    await socket.settled()
    await thread(type(tenant).objects.filter(id=tenant.id).update)(status="suspended")
    await desks.people()
    shut = (await socket.until("viewed"))[-1]
    assert (shut["view"], shut["tenant"], shut["code"]) == (None, str(tenant.id), "tenant_not_found")
    assert (await socket.until("unwatched"))[-1]["conversation"] == str(conversation.id)
    opened = await socket.ask("viewed", t="view", view="waiting", tenant=str(other_tenant.id))
    assert opened["view"] == "waiting"


async def test_a_key_that_was_revoked_is_closed(tenant, opened):
    row, key = await thread(api_key_create)(tenant=tenant, name="desk", scopes=["*"])
    socket = await opened(key=key)
    await socket.hello()
    await thread(api_key_revoke)(row)
    await desks.people()
    assert await socket.closed_with() == 4401


async def test_a_list_that_opens_while_the_role_is_taken_away_is_shut_at_the_next_look(
    ana, member, other_tenant, window, says, monkeypatch
):
    await thread(MembershipFactory)(tenant=other_tenant, user=ana)
    conversation = await says("mira", "my violin")
    socket, desk_of = await window(ana), desks.desk

    async def meanwhile(tenant_id):
        # unscoped: both roles of the test
        roles = Role.objects.unscoped().filter(tenant_id=conversation.tenant_id)
        await thread(roles.update)(permissions=["channels:read"])
        await desks.people()
        return await desk_of(tenant_id)

    monkeypatch.setattr(desks, "desk", meanwhile)
    await socket.view("bot", tenant=str(conversation.tenant_id))
    await desks.people()
    assert (await socket.until("viewed"))[-1]["code"] == "tenant_not_found"
    await says("mira", "and the bow")
    assert "conv" not in await socket.settled()


async def test_a_role_that_was_narrowed_ends_what_it_no_longer_allows(ana, member, other_tenant, window, says):
    await thread(MembershipFactory)(tenant=other_tenant, user=ana)
    conversation = await says("mira", "my violin")
    socket = await window(ana)
    await socket.view("bot", tenant=str(conversation.tenant_id))
    await socket.watch(conversation)
    # unscoped: both roles of the test
    await thread(Role.objects.unscoped().filter(tenant_id=conversation.tenant_id).update)(permissions=["channels:read"])
    await desks.people()
    frames = await socket.until("unwatched")
    assert (frames[-2]["t"], frames[-2]["view"]) == ("viewed", None)
    await says("mira", "and the bow")
    assert "conv" not in await socket.settled()


async def test_the_oldest_window_of_a_member_is_closed_by_one_too_many(ana, window, monkeypatch):
    monkeypatch.setattr(consumers, "MOST_WINDOWS", 2)
    windows = [await window(ana) for _ in range(3)]
    assert await windows[0].closed_with() == 4429
    assert await windows[1].settled() is not None


async def test_people_of_many_windows_cost_three_statements(ana, member, window, django_assert_num_queries):
    from messaging.desk.people import people

    for user in (ana, await sync_to_async(member)("ben")):
        await window(user, "waiting")
    proofs = {one.proof for one in desks.windows}

    def asked():
        with django_assert_num_queries(3):
            return people(proofs)

    assert len(await thread(asked, thread_sensitive=False)()) == 2
