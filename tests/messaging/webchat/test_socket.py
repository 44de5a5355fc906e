"""The socket: what is said is acknowledged, answered and seen by everybody."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from channels_app.content.types import text
from conversations.models import Conversation, Message
from messaging.live.hub import hub
from messaging.models import Turn
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end
from messaging.rules.opening import write_again
from messaging.webchat import rules as webchat
from messaging.webchat.sockets.consumer import WebchatConsumer
from tests.messaging.webchat.clients import Socket, seqs

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert seqs(await tab.until("ready")) == [2]  # which conversation it is comes before what is said in it
    assert tab.seen[-1]["last_seq"] == 0
    await tab.until("msg")
    await tab.say("Third")
    while seqs(tab.seen) != [2, 1, 2]:  # the ack and the entry race each other
        await tab.next()


async def test_staff_who_write_again_after_the_end_are_seen_at_once(ready, rows, said):
    first = await said("Hello")
    socket, _ = await ready(conversation=str(first.id), after=1)
    await rows(conversation_end, first.id)
    await socket.until("state")
    sent = await rows(write_again, first.id, None, text("One thing more"))
    assert (await socket.until("ready"))[-1]["conversation"] == str(sent.conversation_id) != str(first.id)
    assert (await socket.until("msg"))[-1]["text"] == "One thing more"


async def test_a_rating_is_kept_and_acknowledged(ready, rows, said):
    conversation = await said("Hello")
    socket, _ = await ready(after=1)
    assert await socket.ask("ack", t="rate", conversation=str(conversation.id), cid="r1", score=5) == {
        "t": "ack",
        "cid": "r1",
    }
    assert (await rows(Conversation.objects.get, id=conversation.id)).satisfaction == 5


async def test_reading_is_told_to_the_other_tabs(ready, rows, said):
    conversation = await said("Hello")
    one, _ = await ready(after=1)
    two, _ = await ready(after=1)
    await one.send_json_to({"t": "read", "conversation": str(conversation.id), "seq": 1})
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


async def test_nothing_is_kept_of_a_socket_that_is_killed_in_the_middle_of_a_frame(channel, visitor, monkeypatch):
    socket = Socket(channel)
    await socket.connect()
    await socket.ask("ready", t="hello", token=webchat.token_issue(channel, visitor))
    groups, stuck = len(hub.groups), asyncio.Event()

    async def on_send(self, frame):
        stuck.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(WebchatConsumer, "on_send", on_send)
    await socket.send_json_to({"t": "send", "cid": "c1", "text": "Hello"})
    await stuck.wait()
    assert groups == 1
    socket.stop()  # cancels the application, as daphne does some seconds after the peer is gone
    with suppress(asyncio.CancelledError):
        await socket.future
    assert (dict(hub.groups), hub.gaps) == ({}, set())
