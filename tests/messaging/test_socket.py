"""The web chat's socket: every transcript frame once and in order, whatever happens in between."""

from __future__ import annotations

import asyncio
import json

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from channels_app.content import text
from chatsvc.asgi import sockets
from conversations.models import Conversation, Message
from messaging import consumers, webchat
from messaging.control import agent_reply, conversation_end, take_over
from messaging.models import Turn
from messaging.respond import respond
from messaging.send_queue import MOST_FRAMES, SendQueue
from messaging.webchat_frames import SendFrame
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory, TenantFactory

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = "https://shop.example.com"


@pytest.fixture
def channel(transactional_db):
    return ChannelFactory(tenant=TenantFactory(), config={"allowed_origins": [SHOP]})


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
    for socket in opened:
        await socket.disconnect()


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


class Socket(WebsocketCommunicator):
    def __init__(self, channel, origin=SHOP, subprotocols=("desk-chat.v1",)):
        headers = [(b"origin", origin.encode())] if origin else []
        super().__init__(sockets, f"/ws/chat/{channel.key}/", headers, list(subprotocols))
        self.seen = []

    async def next(self):
        self.seen.append(json.loads(await self.receive_from(timeout=20)))
        return self.seen[-1]

    async def up_to(self, seq):
        """Everything that came until now, at least up to the transcript frame ``seq``."""
        while seq not in seqs(self.seen):
            await self.next()
        return self.seen

    async def until(self, kind):
        """All frames up to and with the first of this type."""
        frames = []
        while not frames or frames[-1]["t"] != kind:
            frames.append(await self.next())
        return frames

    async def ask(self, kind, /, **frame):
        await self.send_json_to(frame)
        return (await self.until(kind))[-1]

    async def say(self, word, cid=""):
        return await self.ask("ack", t="send", cid=cid or f"cid-{abs(hash(word))}", kind="text", text=word)

    async def closed_with(self):
        while True:
            event = await self.receive_output(timeout=5)
            if event["type"] == "websocket.close":
                return event["code"]


def seqs(frames):
    return [frame["seq"] for frame in frames if frame["t"] in ("msg", "state")]


# ------------------------------------------------------------------------ talking


async def test_a_message_is_acknowledged_answered_and_replayed(ready, rows, channel):
    socket, (first,) = await ready()
    assert (first["conversation"], first["last_seq"], first["complete"]) == (None, 0, True)
    ack = await socket.say("Hello")
    assert (ack["seq"], ack["duplicate"]) == (1, False)
    turn = await rows(Turn.objects.get)
    await rows(respond, turn.id)
    assert (await socket.up_to(2))[-1]["from"]["role"] == "bot"
    _, again = await ready(conversation=str(turn.conversation_id), after=0)
    assert [frame["t"] for frame in again] == ["msg", "msg", "ready"]
    assert (seqs(again), again[-1]["replay"], again[-1]["last_seq"]) == ([1, 2], 2, 2)


async def test_the_same_cid_three_times_is_one_message(ready, rows):
    socket, _ = await ready()
    other, _ = await ready()
    acks = [await socket.say("Hello"), await socket.say("Hello"), await other.say("Hello")]
    assert [(ack["seq"], ack["duplicate"]) for ack in acks] == [(1, False), (1, True), (1, True)]
    assert await rows(Message.objects.count) == 1


async def test_other_words_under_the_same_cid_are_refused(ready, rows):
    socket, _ = await ready()
    await socket.say("Hello", cid="c1")
    error = await socket.ask("error", t="send", cid="c1", text="Goodbye")
    assert (error["code"], error["cid"], error["fatal"]) == ("cid_conflict", "c1", False)


async def test_two_tabs_and_an_agent_see_the_same_transcript(ready, rows, said):
    conversation = await said("Hello")
    one, _ = await ready(after=1)
    two, _ = await ready(after=1)
    await one.say("From one")
    await rows(agent_reply, conversation.id, None, text("From the agent"))
    await two.say("From two")

    expected = [(2, "From one"), (3, "From the agent"), (4, "From two")]
    for socket in (one, two):
        assert [(frame["seq"], frame["text"]) for frame in await socket.up_to(4) if frame["t"] == "msg"] == expected


async def test_what_comes_next_after_an_end_is_a_new_conversation(ready, rows, said):
    first = await said("Hello")
    socket, _ = await ready(conversation=str(first.id), after=1)
    tab, _ = await ready(conversation=str(first.id), after=1)
    await rows(conversation_end, first.id)
    assert [(f["seq"], f["state"]) for f in await socket.until("state")] == [(2, "closed")]
    assert (await socket.say("Again"))["seq"] == 1
    assert (await socket.until("ready"))[-1]["conversation"] != str(first.id)
    assert seqs(await tab.until("ready")) == [2, 1]
    await tab.say("Third")
    while seqs(tab.seen) != [2, 1, 2]:  # the ack and the entry race each other
        await tab.next()


async def test_a_rating_is_kept_and_acknowledged(ready, rows, said):
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    assert await socket.ask("ack", t="rate", cid="r1", score=5, comment="") == {"t": "ack", "cid": "r1"}
    assert (await rows(Conversation.objects.get, id=conversation.id)).satisfaction == 5


async def test_reading_is_told_to_the_other_tabs(ready, rows, said):
    conversation = await said("Hello")
    one, _ = await ready(after=1)
    two, _ = await ready(after=1)
    await one.send_json_to({"t": "read", "seq": 1})
    assert (await two.until("read"))[-1]["seq"] == 1
    assert (await rows(Conversation.objects.get, id=conversation.id)).visitor_read_seq == 1


async def test_small_talk(ready):
    socket, _ = await ready()
    assert await socket.ask("pong", t="ping", n=7) == {"t": "pong", "n": 7}
    token = await socket.ask("token", t="refresh")
    assert token["expires_in"] == webchat.TOKEN_LIFE_S
    await socket.send_json_to({"t": "typing", "on": True})
    assert (await socket.ask("error", t="dance"))["code"] == "unknown_type"
    assert (await socket.ask("error", t="read", seq="x"))["code"] == "validation_error"
    await socket.send_json_to({"t": "bye"})
    assert await socket.closed_with() == 1000


# ------------------------------------------------------------------------ resuming


@pytest.mark.parametrize(
    ("after", "replayed", "reset"),
    [(3, [], None), (1, [2, 3], None), (0, [1, 2, 3], None), (103, [1, 2, 3], True)],
    ids=["nothing missed", "two missed", "all missed", "from the future"],
)
async def test_resuming(ready, said, sockets_of, channel, visitor, after, replayed, reset):
    conversation = await said("a", "b", "c")
    socket, frames = await ready(conversation=str(conversation.id), after=after)
    await socket.send_json_to({"t": "ping", "n": 1})
    frames += await socket.until("pong")
    assert seqs(frames) == replayed
    (told,) = [frame for frame in frames if frame["t"] == "ready"]
    assert (told["last_seq"], told["complete"], told.get("reset")) == (3, True, reset)


async def test_an_unknown_conversation_is_reset(ready, said):
    conversation = await said("a")
    _, frames = await ready(conversation="cv_unknown", after=1)
    assert (frames[-1]["reset"], frames[-1]["conversation"]) == (True, str(conversation.id))


async def test_what_is_too_much_to_replay_is_left_to_http(ready, said, monkeypatch):
    monkeypatch.setattr(webchat.frames_after, "__defaults__", (2,))
    conversation = await said("a", "b", "c")
    socket, frames = await ready(conversation=str(conversation.id))
    assert (seqs(frames), frames[-1]["complete"], frames[-1]["last_seq"]) == ([1, 2], False, 3)
    await said("d")
    assert seqs(await socket.until("msg")) == [4]


async def test_syncing(ready, said):
    await said("a", "b")
    socket, _ = await ready(after=2)
    await socket.send_json_to({"t": "sync", "after": 1})
    assert seqs(await socket.until("ready")) == [2]


async def test_what_is_stored_between_listening_and_reading_comes_once(ready, said, rows, monkeypatch):
    """Stored after the socket listens and before it reads the backlog: in the backlog and pushed."""
    conversation = await said("a")
    read = consumers.WebchatConsumer._rows
    late = iter(["b"])

    async def with_somebody_quicker(self, call, *arguments):
        if call is webchat.last_seq:
            for word in late:
                await said(word)
        return await read(self, call, *arguments)

    monkeypatch.setattr(consumers.WebchatConsumer, "_rows", with_somebody_quicker)
    socket, frames = await ready(conversation=str(conversation.id), after=0)
    await said("c")
    frames += await socket.until("msg")
    await socket.send_json_to({"t": "ping", "n": 1})
    frames += await socket.until("pong")
    assert seqs(frames) == [1, 2, 3]


async def test_what_is_stored_after_reading_and_before_ready_comes_once(ready, said, monkeypatch):
    conversation = await said("a")
    read = consumers.WebchatConsumer._rows
    late = iter(["b"])

    async def with_somebody_slower(self, call, *arguments):
        found = await read(self, call, *arguments)
        if call is webchat.frames_after:
            for word in late:
                await said(word)
        return found

    monkeypatch.setattr(consumers.WebchatConsumer, "_rows", with_somebody_slower)
    socket, frames = await ready(conversation=str(conversation.id), after=0)
    frames += await socket.until("msg")
    await socket.send_json_to({"t": "ping", "n": 1})
    frames += await socket.until("pong")
    assert seqs(frames) == [1, 2]


async def test_a_lost_push_is_made_up_for(ready, said, monkeypatch):
    monkeypatch.setattr(consumers, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("messaging.publish.hub.push", lambda *_: None)
    conversation = await said("a")
    socket, _ = await ready(conversation=str(conversation.id), after=1)
    await said("b")
    assert seqs(await socket.until("msg")) == [2]


async def test_a_human_who_takes_over_is_announced(ready, said, rows):
    conversation = await said("a")
    socket, _ = await ready(after=1)
    await rows(take_over, conversation.id, None)
    assert (await socket.until("state"))[-1]["state"] == "assigned"


# ------------------------------------------------------------------------ refusing


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", ""], ids=["foreign", "null", "none"])
async def test_a_foreign_page_gets_no_socket(channel, origin):
    assert (await Socket(channel, origin).connect())[0] is False


async def test_another_sub_protocol_gets_no_socket(channel):
    assert (await Socket(channel, subprotocols=["graphql-ws"]).connect())[0] is False


async def test_a_channel_that_is_switched_off_gets_no_socket(channel):
    channel.enabled = False
    await channel.asave()
    assert (await Socket(channel).connect())[0] is False


async def test_a_wrong_token_is_refused(sockets_of):
    socket = await sockets_of()
    assert (await socket.ask("error", t="hello", token="wrong"))["code"] == "invalid_token"
    assert await socket.closed_with() == 4401


async def test_the_token_of_another_tenants_channel_is_refused(sockets_of, visitor, said):
    await said("secret")
    other = await database_sync_to_async(ChannelFactory)(tenant=await database_sync_to_async(TenantFactory)())
    socket = await sockets_of()
    await socket.send_json_to({"t": "hello", "token": webchat.token_issue(other, visitor)})
    assert await socket.closed_with() == 4401


async def test_another_visitor_sees_nothing(sockets_of, channel, said):
    conversation = await said("secret")
    socket = await sockets_of()
    token = webchat.token_issue(channel, webchat.Visitor("visitor-2"))
    await socket.send_json_to({"t": "hello", "token": token, "conversation": str(conversation.id), "after": 0})
    (frame,) = await socket.until("ready")
    assert (frame["conversation"], frame["reset"], frame["last_seq"]) == (None, True, 0)


async def test_no_hello(sockets_of, monkeypatch):
    monkeypatch.setattr(consumers, "HELLO_WAIT_S", 0.01)
    assert await (await sockets_of()).closed_with() == 4408


async def test_hello_comes_first(sockets_of):
    socket = await sockets_of()
    await socket.send_json_to({"t": "ping"})
    assert await socket.closed_with() == 4400


@pytest.mark.parametrize(
    "bad", ["{", "[]", "7", '{"a":NaN}', "[" * 10_000], ids=["cut", "list", "number", "NaN", "deep"]
)
async def test_the_third_malformed_frame_ends_it(ready, bad):
    socket, _ = await ready()
    for fatal in (False, False, True):
        await socket.send_to(text_data=bad)
        error = (await socket.until("error"))[-1]
        assert (error["code"], error["fatal"]) == ("malformed_json", fatal)
    assert await socket.closed_with() == 4400


async def test_binary_frames_are_not_spoken(ready):
    socket, _ = await ready()
    await socket.send_to(bytes_data=b"\x00")
    assert await socket.closed_with() == 1003


async def test_a_frame_may_have_32_kib(ready):
    socket, _ = await ready()
    frame = json.dumps({"t": "ping", "n": 1, "x": ""})
    room = 32 * 1024 - len(frame)
    await socket.send_to(text_data=json.dumps({"t": "ping", "n": 1, "x": "a" * room}))
    await socket.until("pong")
    await socket.send_to(text_data=json.dumps({"t": "ping", "n": 1, "x": "a" * (room + 1)}))
    assert await socket.closed_with() == 1009


async def test_a_flood_is_told_to_wait_and_then_ended(ready):
    socket, _ = await ready()
    for _ in range(70):
        await socket.send_json_to({"t": "ping", "n": 1})
    assert (await socket.until("error"))[-1]["code"] == "rate_limited"
    assert await socket.closed_with() == 4429


async def test_the_sixth_window_closes_the_oldest(ready):
    windows = [await ready() for _ in range(6)]
    assert await windows[0][0].closed_with() == 4429
    assert (await windows[1][0].ask("pong", t="ping", n=1))["n"] == 1


# ----------------------------------------------------------------------- slow readers


class SlowReader:
    """Takes one frame and then no more."""

    def __init__(self):
        self.sent, self.code, self.closed = [], None, asyncio.Event()

    async def send(self, frame):
        self.sent.append(frame)
        await asyncio.Event().wait()

    async def close(self, code):
        self.code = code
        self.closed.set()


async def test_a_slow_reader_loses_what_is_passing_first_and_then_the_socket():
    reader = SlowReader()
    queue = SendQueue(reader.send, reader.close)
    queue.put("first")
    await asyncio.sleep(0)  # the writer takes it and is stuck
    for _ in range(MOST_FRAMES):
        queue.put("typing", passing=True)
    for _ in range(MOST_FRAMES):
        queue.put("message")
    assert not queue.ended
    queue.put("one too many")
    await asyncio.wait_for(reader.closed.wait(), 5)
    assert (reader.code, reader.sent) == (4503, ["first"])


async def test_a_slow_reader_holds_at_most_a_mebibyte():
    reader = SlowReader()
    queue = SendQueue(reader.send, reader.close)
    for _ in range(33):
        queue.put("a" * 32 * 1024)
    await asyncio.wait_for(reader.closed.wait(), 5)
    assert reader.code == 4503
