"""What the visitor sees of an answer while it is written: its text so far, never after the answer, and never what would be
hidden in it."""

from __future__ import annotations

import asyncio
import threading
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.port import EngineError, EngineReply
from channels_app.content.types import text
from conversations.models import Message
from messaging.live import typing as live_typing
from messaging.live.frames import bot_typing_frame
from messaging.live.hub import conversation_group, hub
from messaging.live.typing import MOST_SHOWN, Writing, writing_shown
from messaging.models import Turn
from messaging.respond import respond
from messaging.rules.control import take_over
from messaging.turns import thinking


class Writer:
    """An engine that writes two pieces and goes on when it is told to."""

    name = "writer"

    def __init__(self) -> None:
        self.streams: list[Any] = []
        self.go_on = threading.Event()
        self.fails = False

    def respond(self, request: Any) -> EngineReply:
        self.streams.append(request.stream)
        if request.stream:
            request.stream("We are ")
            request.stream("open")
        assert self.go_on.wait(20)
        if self.fails:
            raise EngineError("engine_failed")
        return EngineReply(contents=(text("We are open."),), engine="writer")


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.setattr(live_typing, "GROWS_EVERY_S", 0.01)
    engine = Writer()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: engine)
    yield engine
    engine.go_on.set()


async def grown(socket) -> list[dict[str, Any]]:
    """Frames until the whole of what was written is shown."""
    frames = await socket.until("typing")
    while frames[-1].get("content", {}).get("text") != "We are open":
        frames += await socket.until("typing")
    return frames


@pytest.mark.django_db(transaction=True)
class TestASocket:
    async def test_sees_the_text_grow_and_then_the_message_alone(self, ready, rows, said, engine):
        await said("Are you open?")
        socket, _ = await ready(after=1)
        answering = asyncio.ensure_future(rows(respond, (await rows(Turn.objects.get)).id))
        first = (await socket.until("typing"))[-1]
        content = {"type": "text", "text": "We are ", "format": "markdown"}
        assert first == {"t": "typing", "from": {"role": "bot", "name": ""}, "on": True, "ttl_s": 5,
                         "after": 1, "content": content}  # fmt: skip
        await grown(socket)
        engine.go_on.set()
        await answering
        await socket.up_to(2)
        await socket.ask("pong", t="ping", n=1)
        later = socket.seen[next(at for at, frame in enumerate(socket.seen) if frame["t"] == "msg") + 1 :]
        assert [frame for frame in later if frame["t"] == "typing" and frame["on"]] == []
        assert [frame["text"] for frame in socket.seen if frame["t"] == "msg"] == ["We are open."]

    async def test_that_comes_in_the_middle_sees_the_whole_of_it(self, ready, rows, said, engine, monkeypatch):
        monkeypatch.setattr(live_typing, "AGAIN_S", 0.0)
        await said("Are you open?")
        await ready(after=1)
        answering = asyncio.ensure_future(rows(respond, (await rows(Turn.objects.get)).id))
        late, _ = await ready(after=1)
        await grown(late)
        engine.go_on.set()
        await answering

    async def test_is_told_that_the_draft_is_void_when_a_colleague_takes_over(self, ready, rows, said, engine):
        conversation = await said("Are you open?")
        socket, _ = await ready(after=1)
        turn = await rows(Turn.objects.get)
        answering = asyncio.ensure_future(rows(respond, turn.id))
        await grown(socket)
        await rows(take_over, conversation.id, None)
        await socket.until("state")
        engine.streams[0](" late")
        engine.go_on.set()
        await answering
        off = (await socket.until("typing"))[-1]
        assert (off["on"], "content" in off) == (False, False)
        assert [frame["text"] for frame in socket.seen if frame["t"] == "msg"] == []

    async def test_sees_the_fallback_in_place_of_what_a_failing_engine_began(self, ready, rows, said, engine):
        engine.fails = True
        await said("Are you open?")
        socket, _ = await ready(after=1)
        answering = asyncio.ensure_future(rows(respond, (await rows(Turn.objects.get)).id))
        await grown(socket)
        engine.go_on.set()
        await answering
        message = (await socket.until("msg"))[-1]
        assert (message["seq"], message["text"] == "We are open") == (2, False)


@pytest.mark.django_db(transaction=True)
class TestNothingIsStreamed:
    @pytest.fixture(autouse=True)
    def heard(self, engine, monkeypatch):
        engine.go_on.set()
        monkeypatch.setattr(hub, "groups", {"visitor": {print}})

    async def test_but_where_it_may_be_seen(self, rows, said, engine, monkeypatch, settings):
        await said("Are you open?")
        settings.REDIS_URL = ""  # with Redis, sockets of other processes may be there
        monkeypatch.setattr(hub, "groups", {})
        await rows(respond, (await rows(Turn.objects.get)).id)
        assert engine.streams == [None]

    async def test_else_it_is(self, rows, said, engine):
        await said("Are you open?")
        await rows(respond, (await rows(Turn.objects.get)).id)
        assert callable(engine.streams[0])

    async def test_of_a_tenant_that_hides_words_of_replies(self, rows, said, engine, rules):
        await rows(rules, replies={"mask": ["email"]})
        await said("Are you open?")
        await rows(respond, (await rows(Turn.objects.get)).id)
        assert engine.streams == [None]

    @pytest.mark.parametrize("hints", [{"require_human_review": True}, {"expected_response_type": "quick_reply"}])
    async def test_of_what_may_be_said_otherwise(self, rows, said, engine, hints):
        conversation = await said("Are you open?")
        await rows(lambda: Message.objects.filter(conversation=conversation).update(hints=hints))
        await rows(respond, (await rows(Turn.objects.get)).id)
        assert engine.streams == [None]


class TestWriting:
    @pytest.fixture
    def pushed(self, monkeypatch):
        frames: list[dict[str, Any]] = []
        monkeypatch.setattr(hub, "heard", lambda group: True)
        monkeypatch.setattr(hub, "push", lambda group, frame: frames.append(frame))
        monkeypatch.setattr(hub, "repeat", lambda *facts, **more: SimpleNamespace(stop=lambda: False))
        self.ticks: list[Any] = []
        monkeypatch.setattr(
            hub, "every", lambda push, **more: self.ticks.append(push) or SimpleNamespace(stop=lambda: True)
        )
        return frames

    def test_pieces_that_come_fast_are_shown_together(self, pushed):
        writing = Writing(uuid.uuid4(), 7)
        for piece in ("a", "b", "c"):
            writing.grow(piece)
        (tick,) = self.ticks
        tick()
        tick()
        assert [(frame["content"]["text"], frame["after"]) for frame in pushed] == [("a", 7), ("abc", 7)]

    def test_the_same_is_shown_again_before_widgets_forget_it(self, pushed, monkeypatch):
        writing = Writing(uuid.uuid4(), 7)
        writing.grow("a")
        monkeypatch.setattr(live_typing, "AGAIN_S", 0.0)
        self.ticks[0]()
        assert [frame["content"]["text"] for frame in pushed] == ["a", "a"]

    def test_of_a_long_text_the_beginning_is_shown_and_no_more_is_pushed(self, pushed):
        writing = Writing(uuid.uuid4(), 7)
        for piece in ("a" * MOST_SHOWN, "b", "c"):
            writing.grow(piece)
            self.ticks[0]()
        assert [frame["content"]["text"] for frame in pushed] == ["a" * MOST_SHOWN, "a" * (MOST_SHOWN - 1) + "…"]

    def test_what_no_socket_heard_yet_is_shown_when_one_does(self, pushed, monkeypatch):
        monkeypatch.setattr(hub, "heard", lambda group: False)
        writing = Writing(uuid.uuid4(), 7)
        writing.grow("a")
        monkeypatch.setattr(hub, "heard", lambda group: True)
        self.ticks[0]()
        assert [frame["content"]["text"] for frame in pushed] == ["a"]

    def test_half_a_character_is_no_reason_to_fail(self, pushed):
        Writing(uuid.uuid4(), 7).grow("a\ud83d")
        assert pushed[0]["content"]["text"] == "a"

    def test_nothing_is_shown_after_the_end(self, pushed):
        with writing_shown(uuid.uuid4(), 7) as writing:
            writing.grow("a")
            writing.end()
            writing.grow("b")
            self.ticks[0]()
        assert [frame["on"] for frame in pushed] == [True, False]
        assert pushed[0]["content"]["text"] == "a"


@pytest.mark.django_db(transaction=True)
async def test_a_draft_for_a_transcript_that_has_grown_since_is_not_handed_on(ready, said):
    conversation = await said("Are you open?")
    socket, _ = await ready(after=1)
    group = conversation_group(conversation.id)
    for after, words in ((0, "stale"), (1, "present")):
        hub.push(group, live_typing.draft_frame(words, after))
    assert [frame["content"]["text"] for frame in await socket.until("typing") if "content" in frame] == ["present"]


@pytest.mark.django_db(transaction=True)
class TestTheNextAnswer:
    async def test_is_not_taken_away_by_the_end_of_the_one_before(self, ready, said, monkeypatch):
        """The visitor wrote on: the former answer is void, and its end came into the middle of the next one."""
        monkeypatch.setattr(live_typing, "GROWS_EVERY_S", 0.01)
        conversation = await said("Are you open?")
        socket, _ = await ready(after=1)
        with writing_shown(conversation.id, 1) as former:
            former.grow("We are")
            assert (await socket.until("typing"))[-1]["content"]["text"] == "We are"
            await said("On Sunday?")
            await socket.up_to(2)
            with writing_shown(conversation.id, 2) as following:
                following.grow("On Sundays")
                assert (await socket.until("typing"))[-1]["content"]["text"] == "On Sundays"
                former.end()
                hub.push(former.group, bot_typing_frame(1, on=False))
                following.grow(" from ten.")
                assert (await socket.until("typing"))[-1]["content"]["text"] == "On Sundays from ten."
        assert (await socket.until("typing"))[-1]["on"] is False
