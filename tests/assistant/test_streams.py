"""The client of an engine where the person sees the answer grow: pieces in their order, never a second beginning; and what
an engine is told of an answer that was not sent."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from assistant.engine import remote
from assistant.engine.grpc_gen import engine_pb2_grpc
from assistant.engine.grpc_gen.engine_pb2 import MessageChunk, ProcessMessageResponse, ReplyRefusedResponse
from assistant.engine.remote import FAILURES, Remote
from assistant.engine.wire import response_message
from assistant.port import EngineError, EngineReply, EngineRequest
from channels_app.content.types import text
from tests.assistant.engines import REQUEST, echo, serving
from tests.chaos.servers import wait_until

Status = grpc.StatusCode


class Engine(engine_pb2_grpc.MCPEngineServicer):
    """Streams what the test says; counts how it was asked."""

    def __init__(self, stream: Callable[[Any, Any], Iterator[MessageChunk]] | None = None):
        self._stream = stream
        self.asked: list[str] = []
        self.refusals: list[Any] = []
        self.told = threading.Event()

    def ProcessMessage(self, request, context):
        self.asked.append("ProcessMessage")
        return ANSWER

    def StreamMessage(self, request, context):
        self.asked.append("StreamMessage")
        if self._stream is None:
            context.abort(Status.UNIMPLEMENTED, "no")
        yield from self._stream(request, context)

    def ReplyRefused(self, request, context):
        self.refusals.append(request)
        self.told.set()
        return ReplyRefusedResponse()


ANSWER = response_message(EngineReply(contents=(text("We are open."),), engine="fake"))


@contextmanager
def run(engine: Engine) -> Iterator[Remote]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_MCPEngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield Remote(f"127.0.0.1:{port}")
    finally:
        server.stop(None).wait()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSES_S", (0.0, 0.0))


def ask(engine: Remote, **members: Any) -> tuple[list[str], EngineReply | EngineError]:
    """What was seen, and the outcome."""
    seen: list[str] = []
    try:
        return seen, engine.respond(dataclasses.replace(REQUEST, stream=seen.append, **members))
    except EngineError as error:
        return seen, error


def deltas(*words: str) -> Iterator[MessageChunk]:
    return (MessageChunk(delta=word) for word in words)


def test_pieces_come_in_their_order_and_the_response_counts() -> None:
    def speak(request, context):
        yield from deltas("We ", "", "are")
        yield MessageChunk(response=ANSWER)
        yield MessageChunk(delta="never heard")

    engine = Engine(speak)
    with run(engine) as client:
        seen, reply = ask(client)
    assert (seen, reply.contents[0].text, engine.asked) == (["We ", "are"], "We are open.", ["StreamMessage"])


def test_a_question_that_is_not_seen_is_asked_without_a_stream() -> None:
    engine = Engine()
    with run(engine) as client:
        client.respond(REQUEST)
    assert engine.asked == ["ProcessMessage"]


def test_an_engine_without_streams_is_asked_the_other_way_and_that_is_remembered() -> None:
    engine = Engine()
    with run(engine) as client:
        replies = [ask(client) for _ in range(2)]
    assert [(seen, reply.contents[0].text) for seen, reply in replies] == [([], "We are open.")] * 2
    assert engine.asked == ["StreamMessage", "ProcessMessage", "ProcessMessage"]


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.CANCELLED, Status.UNIMPLEMENTED])
def test_after_the_first_piece_nothing_is_asked_again(status: grpc.StatusCode) -> None:
    def die(request, context):
        yield from deltas("We are")
        context.abort(status, "killed")

    engine = Engine(die)
    with run(engine) as client:
        seen, error = ask(client)
    assert isinstance(error, EngineError)
    assert (seen, engine.asked) == (["We are"], ["StreamMessage"])


def test_before_it_the_next_try_may_succeed() -> None:
    def recover(request, context):
        if len(engine.asked) < 3:
            context.abort(Status.UNAVAILABLE, "killed")
        yield MessageChunk(response=ANSWER)

    engine = Engine(recover)
    with run(engine) as client:
        _, reply = ask(client)
    assert (reply.contents[0].text, len(engine.asked)) == ("We are open.", 3)


def test_a_stream_that_speaks_and_never_ends_ends_with_the_deadline() -> None:
    gate = threading.Event()

    def dawdle(request, context):
        yield from deltas("We")
        gate.wait(20)

    with run(Engine(dawdle)) as client:
        seen, error = ask(client, deadline_s=0.4)
        gate.set()
    assert (seen, error.code) == (["We"], "engine_timeout")


def test_one_that_dies_in_the_middle_again_and_again_is_left_alone() -> None:
    def die(request, context):
        yield from deltas("We")
        context.abort(Status.UNAVAILABLE, "killed")

    with run(Engine(die)) as client:
        codes = [ask(client)[1].code for _ in range(FAILURES)]
        assert client._breaker.open
    assert codes == ["engine_unavailable"] * FAILURES


def test_a_stream_without_a_response_is_no_answer() -> None:
    engine = Engine(lambda request, context: deltas("We"))
    with run(engine) as client:
        _, error = ask(client)
        assert engine.told.wait(20)
    (told,) = engine.refusals
    assert (error.code, told.code, told.where) == ("engine_reply_invalid", "response_missing", "response: missing")


# ----------------------------------------------------------------------- what was not sent


def test_an_engine_is_told_where_its_reply_is_wrong() -> None:
    bad = ProcessMessageResponse(response_content=['{"type": "text", "text": "a"}', '{"type": "image", "media": {}}'])
    engine = Engine(lambda request, context: iter([MessageChunk(response=bad)]))
    with run(engine) as client:
        _, error = ask(client)
        assert engine.told.wait(20)
    (told,) = engine.refusals
    assert error.where == told.where == "response_content[1].media.url: missing"
    assert (told.code, told.conversation_id, told.tenant_id, list(told.message_ids)) == (
        "response_content_invalid", str(REQUEST.conversation_id), str(REQUEST.tenant_id), list(REQUEST.message_ids),
    )  # fmt: skip


def test_an_engine_that_cannot_be_told_is_no_trouble() -> None:
    client = Remote("127.0.0.1:1")
    client.refused(REQUEST, "human")
    client.refused(dataclasses.replace(REQUEST, message_ids=("\ud800",)), "human")


def test_the_served_assistant_takes_refusals_of_its_operators_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with serving(token="hush") as server:
        Remote(f"127.0.0.1:{server.port}", token="wrong").refused(REQUEST, "human")
        Remote(f"127.0.0.1:{server.port}", token="hush").refused(REQUEST, "superseded", "here")
        wait_until(lambda: "engine_reply_refused" in caplog.text, 20, "told")
    lines = [record.msg for record in caplog.records if "engine_reply_refused" in str(record.msg)]
    assert [(line["code"], line["where"]) for line in lines] == [("superseded", "here")]


# ------------------------------------------------------------------------------- the server


def test_the_server_hands_on_pieces_as_they_come() -> None:
    first, go_on = threading.Event(), threading.Event()

    def write(request: EngineRequest) -> EngineReply:
        request.stream("We ")
        assert go_on.wait(20)
        request.stream("are open.")
        return echo(request)

    with serving(write) as server, futures.ThreadPoolExecutor(1) as pool:
        seen: list[str] = []
        see = lambda piece: (seen.append(piece), first.set())  # noqa: E731
        asked = pool.submit(
            Remote(f"127.0.0.1:{server.port}").respond, dataclasses.replace(REQUEST, stream=see, deadline_s=30)
        )
        assert first.wait(20)
        assert seen == ["We "]
        go_on.set()
        assert asked.result(20) == echo(REQUEST)
    assert seen == ["We ", "are open."]
