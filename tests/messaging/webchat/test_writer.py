"""What sockets say at the same time is stored together, and told to each of them alone."""

from __future__ import annotations

import asyncio
import json

import pytest
from django.db.models.sql import Query

from conversations.models import Event, Message
from messaging.webchat import rules as webchat
from messaging.webchat.sockets import turns
from messaging.webchat.sockets import writer as writer_module
from messaging.webchat.sockets.consumer import WebchatConsumer
from messaging.webchat.sockets.writer import Writer
from tenants.storage.db import on_mongo
from tests import same_statements
from tests.messaging.webchat.clients import Socket, seqs

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_mongo(), reason="each socket writes for itself there"),
]


@pytest.fixture
def batches(monkeypatch):
    """How many messages each transaction was asked for; the first waits for ``go``."""

    class Batches(list):
        go = asyncio.Event()

    seen, say_many, in_thread = Batches(), webchat.say_many, writer_module.in_thread

    async def noted(call, words):
        seen.append([one.frame.text for one in words])
        await seen.go.wait()
        return await in_thread(say_many, words)

    monkeypatch.setattr(writer_module, "in_thread", noted)
    return seen


@pytest.fixture
async def crowd(sockets_of, channel):
    """``await crowd(n)`` → sockets of n visitors."""

    async def come(count):
        opened = []
        for number in range(count):
            socket = await sockets_of()
            token = webchat.token_issue(channel, webchat.Visitor(f"guest-{number}", session_key="s"))
            await socket.send_json_to({"t": "hello", "token": token})
            await socket.until("ready")
            opened.append(socket)
        return opened

    return come


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def waiting():
    """How many messages are not yet in a transaction."""
    return writer_module.writer._turns._size


def send(words, cid="c1"):
    return {"t": "send", "cid": cid, "kind": "text", "text": words}


async def test_no_statement_of_a_visitor_is_compiled_anew(crowd, rows, channel, visitor, monkeypatch):
    """From the hello to the look at the conversation that the first word begins, and of the words after it: each costs
    ten times as much by the ORM."""
    monkeypatch.setattr(same_statements, "RUNS", 0)  # the comparison with the ORM compiles, too
    build, built = Query.build_filter, []
    monkeypatch.setattr(Query, "build_filter", lambda *a, **o: (built.append(a[1]), build(*a, **o))[1])

    async def talked(socket):
        await socket.say("first")
        while not any(frame["t"] == "ready" and frame["conversation"] for frame in socket.seen):
            await socket.next()  # where the look after the hello was quicker than the answer, it came before the `ack`
        await socket.say("then", cid="c2")

    await talked((await crowd(1))[0])
    await crowd(1)  # who has a conversation, and looks at it beside the client
    await rows(webchat.owns, channel, visitor, channel.id)
    built.clear()
    await talked((await crowd(2))[1])
    assert built == []


async def test_what_comes_while_one_transaction_runs_goes_into_the_next(crowd, batches, rows):
    sockets = await crowd(4)
    await sockets[0].send_json_to(send("first"))
    await until(lambda: batches)
    for socket in sockets[1:]:
        await socket.send_json_to(send("later"))
    await until(lambda: waiting() == 3)
    assert all([await socket.receive_nothing(0.05) for socket in sockets])  # no ack before the commit
    batches.go.set()
    acks = [(await socket.until("ack"))[-1] for socket in sockets]
    assert [(ack["seq"], ack["duplicate"]) for ack in acks] == [(1, False)] * 4
    assert sorted(map(len, batches)) == [1, 3]
    assert len({ack["conversation"] for ack in acks}) == 4
    trails = await rows(lambda: {one.correlation_id for one in Event.objects.filter(type="chat.message.received")})
    assert len(trails) == 4


async def test_a_socket_that_says_much_at_once_is_stored_in_its_order(crowd, rows):
    ana, ben = await crowd(2)
    for number in range(8):
        await ana.send_json_to(send(f"a{number}", f"a{number}"))
        await ben.send_json_to(send(f"b{number}", f"b{number}"))
    for socket, name in ((ana, "a"), (ben, "b")):
        said = [frame["text"] for frame in await socket.up_to(8) if frame["t"] == "msg"]
        assert said == [f"{name}{number}" for number in range(8)]
        assert seqs(socket.seen) == list(range(1, 9))


async def test_two_windows_of_one_visitor_are_not_in_one_transaction(ready, crowd, batches, rows):
    (guest,) = await crowd(1)
    windows = [(await ready())[0] for _ in range(3)]
    await guest.send_json_to(send("first"))
    await until(lambda: batches)
    for number, window in enumerate(windows):
        await window.send_json_to(send("window", f"w{number}"))
    await asyncio.sleep(0)
    batches.go.set()
    acks = [(await window.until("ack"))[-1] for window in windows]
    assert sorted(ack["seq"] for ack in acks) == [1, 2, 3]
    assert [len(batch) for batch in batches if "window" in batch] == [1, 1, 1]


async def test_when_too_many_wait_the_client_is_told_to_try_again_and_nothing_else(crowd, batches, rows, monkeypatch):
    monkeypatch.setattr(turns, "MOST_WAITING", 0)
    (socket,) = await crowd(1)
    for _ in range(5):  # more than the strikes that a client may have
        error = await socket.ask("error", **send("Hello"))
        assert (error["code"], error["cid"], error["fatal"], error["retry_after_s"]) == ("rate_limited", "c1", False, 1)
    monkeypatch.setattr(turns, "MOST_WAITING", 1)
    batches.go.set()
    assert (await socket.say("Hello", cid="c1"))["seq"] == 1


async def test_one_of_a_batch_that_is_refused_leaves_the_others_theirs(crowd, batches, rows):
    sockets = await crowd(3)
    batches.go.set()
    for socket in sockets:
        await socket.say("Hello", cid="c1")
    batches.go.clear()
    batches.clear()
    await sockets[0].send_json_to(send("More", "c2"))
    await until(lambda: batches)
    await sockets[1].send_json_to(send("Other words", "c1"))
    await sockets[2].send_json_to(send("More", "c2"))
    await until(lambda: waiting() == 2)
    batches.go.set()
    error = (await sockets[1].until("error"))[-1]
    acks = [(await sockets[place].until("ack"))[-1] for place in (0, 2)]
    assert (error["code"], error["cid"], error["fatal"]) == ("cid_conflict", "c1", False)
    assert [ack["seq"] for ack in acks] == [2, 2]
    assert sorted(map(len, batches)) == [1, 2]


async def test_a_message_whose_socket_is_gone_meanwhile_is_stored(channel, visitor, batches, rows):
    frame = webchat.SendFrame(t="send", cid="c1", text="Hello")
    writing = asyncio.ensure_future(Writer().write(webchat.Words(channel, visitor, frame)))
    await until(lambda: batches)
    writing.cancel()
    batches.go.set()
    async with asyncio.timeout(10):
        while not await rows(Message.objects.count):
            await asyncio.sleep(0.01)


async def test_a_fault_of_ours_is_told_to_each_and_the_next_is_stored(channel, visitor, monkeypatch):
    def broken(words):
        raise RuntimeError("a bug")

    writer, frame = Writer(), webchat.SendFrame(t="send", cid="c1", text="Hello")
    with monkeypatch.context() as patched:
        patched.setattr(webchat, "say_many", broken)
        with pytest.raises(RuntimeError):
            await writer.write(webchat.Words(channel, visitor, frame))
    assert (await writer.write(webchat.Words(channel, visitor, frame))).message.seq == 1


async def test_a_frame_costs_no_task(channel, visitor):
    """The socket's own tasks are made at its hello, and none for the frames that follow."""
    made, when_asked = [], []
    hello = {"t": "hello", "token": webchat.token_issue(channel, visitor)}
    frames = [hello, *({"t": "ping", "n": number} for number in range(5))]
    events = iter(
        [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": json.dumps(frame)} for frame in frames),
            {"type": "websocket.disconnect", "code": 1000},
        ]
    )

    def counting(loop, coroutine, **options):
        made.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def receive():
        when_asked.append(len(made))
        return next(events)

    async def send(event):
        """Goes nowhere."""

    asyncio.get_running_loop().set_task_factory(counting)
    scope = {**Socket(channel).scope, "url_route": {"kwargs": {"key": channel.key}}}
    await WebchatConsumer()(scope, receive, send)
    asyncio.get_running_loop().set_task_factory(None)
    assert len(when_asked) == len(frames) + 2
    assert len(set(when_asked[2:])) == 1, made
