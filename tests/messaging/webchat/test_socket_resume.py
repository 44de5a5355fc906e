"""The socket: every transcript frame once and in order, whatever happens in between."""

from __future__ import annotations

import pytest

from channels_app.services import channel_save
from conversations.models import Attachment, Message
from messaging.live import send_queue, transcript
from messaging.rules.control import take_over
from messaging.sockets import follower
from messaging.sockets.rows import Rows
from messaging.webchat.sockets.lookout import lookout
from tests.messaging.webchat.clients import seqs

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize(("changes", "again"), [
    ({"state": "stored"}, ["stored"]),
    ({"state": "failed"}, ["refused"]),
    ({"state": "remote"}, []),  # on its way still
    ({"state": "stored", "url": ""}, []),  # an upload: its message said all
    ({"state": "stored", "url": "", "transcript": "Hello"}, ["stored"]),
])  # fmt: skip
async def test_what_became_of_a_file_meanwhile_is_told(ready, said, rows, channel, changes, again):
    """It has no number in the transcript: what was pushed while no socket listened would never be seen."""
    conversation = await said("a", "b")
    first = await rows(Message.objects.unscoped().get, conversation=conversation, seq=1)  # unscoped: the test's own
    file = {"message": first, "channel": channel, "tenant": channel.tenant, "url": "https://a.test/1", **changes}
    await rows(Attachment.objects.create, **file)
    socket, _ = await ready(conversation=str(conversation.id), after=2)
    await socket.send_json_to({"t": "ping", "n": 1})
    frames = [frame for frame in await socket.until("pong") if frame["t"] == "media"]
    assert [(frame["state"], frame["of"], frame["of_seq"]) for frame in frames] == [
        (state, str(first.id), 1) for state in again
    ]
    assert [frame["content"]["text"] for frame in frames] == ["a"] * len(again)


async def test_an_unknown_conversation_is_reset(ready, said):
    conversation = await said("a")
    _, frames = await ready(conversation="cv_unknown", after=1)
    assert (frames[-1]["reset"], frames[-1]["conversation"]) == (True, str(conversation.id))


async def test_what_is_too_much_to_replay_is_left_to_http(ready, said, monkeypatch):
    monkeypatch.setattr(transcript.frames_after, "__defaults__", (2,))
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


async def test_what_was_deleted_keeps_its_number_and_tells_whose_it_was(ready, said, rows):
    conversation = await said("a", "b")
    gone = Message.objects.unscoped().filter(conversation=conversation, seq=1)  # unscoped: the test's own
    await rows(gone.update, deleted_at=conversation.created_at)
    _, frames = await ready()
    assert [(frame["t"], frame["seq"], frame["conversation"]) for frame in frames[:2]] == [
        ("del", 1, str(conversation.id)), ("msg", 2, str(conversation.id)),
    ]  # fmt: skip


async def test_what_is_stored_between_listening_and_reading_comes_once(ready, said, rows, monkeypatch):
    """Stored after the socket listens and before it reads the backlog: in the backlog and pushed."""
    conversation = await said("a")
    read = Rows.ask
    late = iter(["b"])

    async def with_a_quicker_writer(self, call, *arguments):
        if call is transcript.last_seq:
            for word in late:
                await said(word)
        return await read(self, call, *arguments)

    monkeypatch.setattr(Rows, "ask", with_a_quicker_writer)
    socket, frames = await ready(conversation=str(conversation.id), after=0)
    await said("c")
    frames += await socket.until("msg")
    await socket.send_json_to({"t": "ping", "n": 1})
    frames += await socket.until("pong")
    assert seqs(frames) == [1, 2, 3]


async def test_what_is_stored_after_reading_and_before_ready_comes_once(ready, said, monkeypatch):
    conversation = await said("a")
    read = Rows.ask
    late = iter(["b"])

    async def with_a_slower_writer(self, call, *arguments):
        found = await read(self, call, *arguments)
        if call is transcript.frames_after:
            for word in late:
                await said(word)
        return found

    monkeypatch.setattr(Rows, "ask", with_a_slower_writer)
    socket, frames = await ready(conversation=str(conversation.id), after=0)
    frames += await socket.until("msg")
    await socket.send_json_to({"t": "ping", "n": 1})
    frames += await socket.until("pong")
    assert seqs(frames) == [1, 2]


async def test_a_lost_push_is_made_up_for(ready, said, monkeypatch):
    monkeypatch.setattr(follower, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("messaging.live.push.hub.push", lambda *_: None)
    conversation = await said("a")
    socket, _ = await ready(conversation=str(conversation.id), after=1)
    await said("b")
    assert seqs(await socket.until("msg")) == [2]


async def test_the_round_over_all_sockets_finds_who_missed_a_push(ready, said, monkeypatch):
    monkeypatch.setattr("messaging.live.push.hub.push", lambda *_: None)
    conversation = await said("a")
    socket, _ = await ready(conversation=str(conversation.id), after=1)
    await said("b")
    await lookout.round()
    assert seqs(await socket.until("msg")) == [2]


async def test_the_round_ends_the_sockets_of_a_channel_that_was_switched_off(ready, said, rows, channel):
    await said("a")
    socket, _ = await ready(after=1)
    channel.enabled = False
    await rows(channel_save, channel)
    await lookout.round()
    assert await socket.closed_with() == 4403


async def test_a_replay_may_be_larger_than_what_may_wait(ready, said, monkeypatch):
    monkeypatch.setattr(send_queue, "MOST_BYTES", 4000)
    await said(*(f"{number} {'w' * 300}" for number in range(20)))
    _, frames = await ready()
    assert seqs(frames) == list(range(1, 21))


async def test_a_human_who_takes_over_is_announced(ready, said, rows):
    conversation = await said("a")
    socket, _ = await ready(after=1)
    await rows(take_over, conversation.id, None)
    assert (await socket.until("state"))[-1]["state"] == "assigned"
