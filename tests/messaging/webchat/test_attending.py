"""What the visitor sees of who is behind the chat: names, typing, read marks, and who answers next."""

from __future__ import annotations

import asyncio
import threading
import uuid

import pytest

from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Conversation
from messaging.live import typing as live_typing
from messaging.live.attending import staff_read, staff_typing
from messaging.models import Turn
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.sockets.rows import Rows
from messaging.turns import thinking
from messaging.webchat import rules as webchat
from tenants import tenant_settings
from tests.conftest import Api
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

PICTURE = "https://cdn.example.com/mira.png"


@pytest.fixture
def mira(tenant):
    user = UserFactory(username="mira.s", first_name="Mira", last_name="Stein")
    MembershipFactory(tenant=tenant, user=user, picture=PICTURE)
    return user


@pytest.fixture
def ben(tenant):
    return MembershipFactory(tenant=tenant, user=UserFactory(username="ben.o", first_name="Ben")).user


class Thinking:
    """An engine that answers when it is told to, with what it is told to."""

    name = "thinking"

    def __init__(self):
        self.done, self.reply = threading.Event(), EngineReply(contents=(text("Answer"),), engine="thinking")

    def respond(self, request):
        assert self.done.wait(20)
        return self.reply


@pytest.fixture
def engine(monkeypatch):
    engine = Thinking()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: engine)
    yield engine
    engine.done.set()


def of(kind, frames):
    return [frame for frame in frames if frame["t"] == kind]


# --------------------------------------------------------------------------- typing


async def test_the_bot_is_seen_to_type_until_it_has_answered(ready, rows, said, engine, monkeypatch):
    monkeypatch.setattr(live_typing, "NOTICE_S", 0.0)
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    turn = await rows(Turn.objects.get)
    answering = asyncio.ensure_future(rows(respond, turn.id))
    (on,) = await socket.until("typing")
    assert on == {"t": "typing", "from": {"role": "bot", "name": ""}, "on": True, "ttl_s": 5, "after": 1}
    engine.done.set()
    await answering
    frames = await socket.until("typing")
    # a socket that is still catching up reads the answer from the rows: then it comes just after the dots
    frames += [] if len(frames) > 1 else await socket.until("msg")
    assert {frame["t"]: frame.get("text", frame.get("on")) for frame in frames} == {"msg": "Answer", "typing": False}
    assert conversation.id == turn.conversation_id


async def test_dots_are_shown_again_before_the_widget_forgets_them(ready, rows, said, engine, monkeypatch):
    monkeypatch.setattr(live_typing, "NOTICE_S", 0.0)
    monkeypatch.setattr(live_typing, "AGAIN_S", 0.0)
    await said("Hello")
    socket, _ = await ready(after=1)
    answering = asyncio.ensure_future(rows(respond, (await rows(Turn.objects.get)).id))
    assert [(await socket.until("typing"))[-1]["on"] for _ in range(3)] == [True] * 3
    engine.done.set()
    await answering


async def test_no_dots_begin_once_there_is_an_answer(rows, said, engine, monkeypatch):
    """A worker that is slow between the answer and the end of the dots shows none in between."""
    engine.done.set()
    await said("Hello")
    order = []

    class Dots:
        def stop(self):
            order.append("stopped")
            return False

    monkeypatch.setattr(live_typing.hub, "repeat", lambda *facts, **more: Dots())
    monkeypatch.setattr(live_typing.hub, "heard", lambda group: group.startswith("conversation."))
    monkeypatch.setattr(live_typing.hub, "push", lambda group, frame: order.append(frame["t"]))
    await rows(respond, (await rows(Turn.objects.get)).id)
    assert order[:2] == ["stopped", "msg"]


async def test_a_quick_answer_needs_no_dots(ready, rows, said, engine):
    engine.done.set()
    await said("Hello")
    socket, _ = await ready(after=1)
    await rows(respond, (await rows(Turn.objects.get)).id)
    await socket.up_to(2)
    await socket.ask("pong", t="ping", n=1)
    assert of("typing", socket.seen) == []


async def test_the_dots_go_when_a_human_takes_over_meanwhile(ready, rows, said, engine, monkeypatch):
    monkeypatch.setattr(live_typing, "NOTICE_S", 0.0)
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    answering = asyncio.ensure_future(rows(respond, (await rows(Turn.objects.get)).id))
    await socket.until("typing")
    await rows(take_over, conversation.id, None)
    engine.done.set()
    await answering
    assert (await socket.until("typing"))[-1]["on"] is False
    await socket.up_to(2)  # entries are read, pushes are not: either may be the first
    assert [frame["t"] for frame in socket.seen if "seq" in frame] == ["state"]


@pytest.mark.parametrize(
    ("said_by", "shown"),
    [
        ("Mira on, Mira on, Mira off", "Mira on, Mira off"),
        ("Mira on, Mira off, Mira on", "Mira on, Mira off, Mira on"),
        ("Mira on, Ben on, Mira on", "Mira on, Ben on"),
    ],
    ids=["not too often", "again at once after the end", "each agent for themselves"],
)
async def test_an_agent_is_seen_to_type_by_name(ready, rows, said, mira, ben, said_by, shown):
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    for name, on in (one.split() for one in said_by.split(", ")):
        await rows(staff_typing, conversation.id, {"Mira": mira, "Ben": ben}[name], on=on == "on")
    while len(of("typing", socket.seen)) < len(shown.split(", ")):  # over Redis they come in their own time
        await socket.next()
    await socket.ask("pong", t="ping", n=1)
    frames = of("typing", socket.seen)
    assert {frame["from"]["role"] for frame in frames} == {"agent"}
    assert ", ".join(f"{frame['from']['name']} {'on' if frame['on'] else 'off'}" for frame in frames) == shown


# --------------------------------------------------------------------------- read marks


async def test_what_staff_read_is_told_once_and_again_at_the_next_hello(ready, rows, said):
    conversation = await said("One", "Two")
    socket, _ = await ready(after=2)
    assert [await rows(staff_read, conversation.id, seq) for seq in (2, 1, 2)] == [2, 2, 2]
    await socket.until("read")
    await socket.ask("pong", t="ping", n=1)
    assert of("read", socket.seen) == [{"t": "read", "by": {"role": "agent"}, "seq": 2}]
    _, (again,) = await ready(conversation=str(conversation.id), after=2)
    assert again["read_seq"] == 2
    assert (await rows(Conversation.objects.get)).agent_read_seq == 2


def test_it_is_told_without_a_socket_too(page, scope):
    page.begin()
    staff_read(Api.data_of(page.say("Hello"))["conversation"], 1)
    assert Api.data_of(page.read())["read_seq"] == 1


# --------------------------------------------------------------------------- REST


@pytest.fixture
def path(page, scope):
    page.begin()
    return f"/api/v2/chat/conversations/{Api.data_of(page.say('Hello'))['conversation']}"


def test_staff_read_and_type_by_rest(api, tenant, path):
    client = api(tenant)
    assert client.data_of(client.post(f"{path}/read", {"seq": 1})) == {"read_seq": 1}
    assert client.post(f"{path}/typing", {"on": True}).status_code == 204
    assert Conversation.objects.get().agent_read_seq == 1


@pytest.mark.parametrize(
    ("verb", "body", "status", "code"),
    [
        ("read", {"seq": 2}, 400, "seq_unknown"),
        ("read", {"seq": -1}, 400, "validation_error"),
        ("read", {}, 400, "validation_error"),
        ("typing", {"on": "maybe"}, 400, "validation_error"),
    ],
)
def test_wrong_marks_are_refused(api, tenant, path, verb, body, status, code):
    response = api(tenant).post(f"{path}/{verb}", body)
    assert (response.status_code, Api.error_of(response)["code"]) == (status, code)


def test_no_agent_types_in_an_ended_conversation(api, tenant, path):
    conversation_end(Conversation.objects.get().id)
    response = api(tenant).post(f"{path}/typing", {"on": True})
    assert (response.status_code, Api.error_of(response)["code"]) == (409, "conversation_closed")


@pytest.mark.parametrize(("verb", "body"), [("read", {"seq": 1}), ("typing", {"on": True})])
def test_another_tenant_and_readers_may_not(api, tenant, other_tenant, path, verb, body):
    assert api(other_tenant).post(f"{path}/{verb}", body).status_code == 404
    assert api(tenant, "conversations:read").post(f"{path}/{verb}", body).status_code == 403
    assert api(tenant).post(f"/api/v2/chat/conversations/{uuid.uuid4()}/{verb}", body).status_code == 404
    assert Conversation.objects.get().agent_read_seq == 0


# --------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("setting", "name", "picture"), [("first", "Mira", PICTURE), ("full", "Mira Stein", PICTURE), ("none", "", None)]
)
async def test_an_agent_is_shown_as_far_as_the_tenant_allows(ready, rows, said, tenant, mira, setting, name, picture):
    tenant.settings = {"agent_names": setting}
    await rows(tenant.save)
    tenant_settings.invalidate(tenant.id)
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    await rows(agent_reply, conversation.id, mira, text("Hi"))
    frame = (await socket.until("msg"))[-1]
    assert frame["from"] == {"role": "agent", "name": name, "picture": picture}
    _, frames = await ready(conversation=str(conversation.id), after=1)
    [replayed] = [one for one in frames if one["t"] == "msg"]  # a mark may come between: it is pushed, not replayed
    assert (replayed["from"], frames[-1]["agent"]) == (frame["from"], {"mode": "human", "name": name})


@pytest.mark.parametrize(("setting", "told"), [("first", {"name": "Mira"}), ("none", None)])
async def test_who_has_come_is_named_live_and_in_the_replay(ready, rows, said, tenant, mira, setting, told):
    tenant.settings = {"agent_names": setting}
    await rows(tenant.save)
    tenant_settings.invalidate(tenant.id)
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    await rows(take_over, conversation.id, mira)
    frame = (await socket.until("state"))[-1]
    assert (frame["state"], frame.get("agent")) == ("assigned", told)
    _, (replayed, greeting) = await ready(conversation=str(conversation.id), after=1)
    assert (replayed, greeting["agent"]["name"]) == (frame, (told or {"name": ""})["name"])
    assert str(mira.id) not in str(frame)


async def test_accounts_are_never_shown_and_strangers_have_no_name(ready, rows, said, other_tenant, tenant):
    member = await rows(MembershipFactory, tenant=tenant)
    stranger = await rows(MembershipFactory, tenant=other_tenant, user__first_name="Eve")
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    for user in (member.user, stranger.user):
        await rows(agent_reply, conversation.id, user, text("Hi"))
    await socket.up_to(3)
    assert [frame["from"]["name"] for frame in of("msg", socket.seen)] == ["", ""]


# --------------------------------------------------------------------------- who answers


async def test_who_answers_is_told_as_it_is_when_ready_is_said(ready, rows, monkeypatch):
    """A colleague is quicker than the socket's first look at the new conversation."""
    socket, _ = await ready()
    read, once = Rows.ask, iter([take_over])

    async def with_a_quick_colleague(self, call, *arguments):
        found = await read(self, call, *arguments)
        for act in once if found and call is webchat.conversation_of else ():
            await rows(act, found.id, None)
        return found

    monkeypatch.setattr(Rows, "ask", with_a_quick_colleague)
    await socket.say("Hello")
    assert (await socket.until("ready"))[-1]["agent"]["mode"] == "human"


def test_who_answers_is_told_with_the_session(page, scope, mira, engine):
    token = page.begin()["visitor_token"]

    def told():
        return page.begin(visitor_token=token)["agent"]

    def answered(said, **reply):
        engine.reply = EngineReply(contents=(text(said),), engine="thinking", **reply)
        respond(Turn.objects.get(status="waiting").id)

    always = {"open": True, "opens_at": None, "closes_at": None, "expected_reply_minutes": None}
    queued = {"mode": "queue", "name": "", "hours": always, "queue": 1}
    engine.done.set()
    assert told() == {"mode": "bot", "name": ""}
    conversation = Api.data_of(page.say("A person, please"))["conversation"]
    answered("Of course", handover=True, handover_reason="asked")
    assert told() == queued
    page.say("Hello?", cid="c2")
    assert told() == queued
    take_over(conversation, mira)
    assert told() == {"mode": "human", "name": "Mira"}
    hand_back(conversation)
    assert told() == {"mode": "bot", "name": ""}
    agent_reply(conversation, None, text("One more thing"))
    assert told() == {"mode": "human", "name": ""}
