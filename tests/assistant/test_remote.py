"""The client of an engine: what it answers, what each failure is called, and how it comes back."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent import futures
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
import structlog

from assistant.engine import remote
from assistant.engine.grpc_gen.engine_pb2 import ProcessMessageResponse, ReplyRefusedRequest
from assistant.engine.remote import FAILURES, MEANING, Remote
from assistant.engine.server import Refused
from assistant.engine.wire import MAX_BYTES, SERVICE
from assistant.engines import engine_for
from assistant.port import EngineError, EngineReply, EngineRequest, EngineTimeout
from channels_app.content.types import text
from chatsvc.management.commands.run_engine import traced
from chatsvc.observe import traces
from tenants.work.breaker import Breaker
from tests.assistant.engines import REQUEST, echo, serving
from tests.chaos.servers import free_port, wait_until


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries and looks."""
    monkeypatch.setattr(remote, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(remote, "COOL_S", 0.05)


def reply(**members: Any) -> bytes:
    return bytes(ProcessMessageResponse(**members).SerializeToString())


def failure(engine: Remote, request: EngineRequest = REQUEST) -> EngineError:
    with pytest.raises(EngineError) as caught:
        engine.respond(request)
    return caught.value


@contextmanager
def raw_server(respond: Callable[[bytes, Any], bytes], refusals: SimpleQueue[bytes] | None = None) -> Any:
    """A server that knows bytes only, without the health service. What it is told of its replies goes to ``refusals``."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    calls = {"ProcessMessage": respond, "ReplyRefused": lambda raw, _: refusals is None or refusals.put(raw) or b""}
    handlers = {name: grpc.unary_unary_rpc_method_handler(call) for name, call in calls.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize("form", ["{}", "grpc://{}", "dns:///{}"])
def test_it_answers(form: str) -> None:
    with serving() as server:
        reply = Remote(form.format(f"127.0.0.1:{server.port}")).respond(REQUEST)
    assert reply == echo(REQUEST)


def test_the_whole_request_arrives_with_the_time_that_is_left() -> None:
    seen: list[EngineRequest] = []
    with serving(lambda request: seen.append(request) or echo(request)) as server:
        Remote(f"127.0.0.1:{server.port}").respond(REQUEST)
    assert 0 < seen[0].deadline_s <= REQUEST.deadline_s
    assert dataclasses.replace(seen[0], deadline_s=REQUEST.deadline_s) == REQUEST


def test_threads_share_one_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = grpc.insecure_channel
    monkeypatch.setattr(grpc, "insecure_channel", lambda target, options: made.append(target) or real(target, options))
    with serving() as server, futures.ThreadPoolExecutor(8) as pool:
        engine = Remote(f"127.0.0.1:{server.port}")
        assert made == []  # a process that forks after the settings were read has none yet
        replies = list(pool.map(lambda _: engine.respond(REQUEST), range(40)))
    assert replies == [echo(REQUEST)] * 40
    assert len(made) == 1


def test_the_deadline_holds() -> None:
    gate = threading.Event()
    with serving(lambda request: gate.wait(20) and echo(request)) as server:
        started = time.monotonic()
        error = failure(Remote(f"127.0.0.1:{server.port}"), dataclasses.replace(REQUEST, deadline_s=0.3))
        waited = time.monotonic() - started
        gate.set()
    assert isinstance(error, EngineTimeout)
    assert waited < 10  # far from the gate's


@pytest.mark.parametrize("status", [status for status in grpc.StatusCode if status is not grpc.StatusCode.OK])
def test_every_status_has_a_meaning(status: grpc.StatusCode, impatient: None) -> None:
    def refuse(raw: bytes, context: Any) -> bytes:
        context.abort(status, "Ana said: my secret is swordfish")

    with raw_server(refuse) as port:
        error = failure(Remote(f"127.0.0.1:{port}"))
    timed_out = status is grpc.StatusCode.DEADLINE_EXCEEDED
    expected = ("engine_timeout", True) if timed_out else MEANING.get(status, ("engine_failed", False))
    assert (error.code, error.retryable) == expected
    assert "swordfish" not in str(error)


def refusal(status: grpc.StatusCode) -> Callable[[EngineRequest], EngineReply]:
    def refuse(request: EngineRequest) -> EngineReply:
        raise Refused(status, "no")

    return refuse


def test_only_an_unreachable_engine_is_tried_again(impatient: None) -> None:
    unreachable, broken = refusal(grpc.StatusCode.UNAVAILABLE), refusal(grpc.StatusCode.INTERNAL)
    turns = [unreachable, unreachable, echo, broken, echo]
    with serving(lambda request: turns.pop(0)(request)) as server:
        engine = Remote(f"127.0.0.1:{server.port}")
        assert engine.respond(REQUEST).engine == "echo"
        assert failure(engine).code == "engine_failed"
    assert turns == [echo]


def test_tries_end_with_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSES_S", (30.0,))
    started = time.monotonic()
    error = failure(Remote(f"127.0.0.1:{free_port()}"), dataclasses.replace(REQUEST, deadline_s=5))
    assert (error.code, error.retryable) == ("engine_unavailable", True)
    assert time.monotonic() - started < 15


def test_an_engine_that_is_away_is_left_alone_until_it_is_back(impatient: None) -> None:
    port = free_port()
    engine = Remote(f"127.0.0.1:{port}")
    codes = [failure(engine).code for _ in range(FAILURES + 1)]
    assert codes == ["engine_unavailable"] * FAILURES + ["engine_away"]
    with serving(port=port):
        wait_until(lambda: answers(engine), 20, "the engine is asked again")
    wait_until(lambda: not answers(engine), 20, "it is missed")
    with serving(port=port):
        wait_until(lambda: answers(engine), 20, "a restarted engine is found")


def answers(engine: Remote) -> bool:
    try:
        return engine.respond(REQUEST).engine == "echo"
    except EngineError:
        return False


def test_a_hanging_engine_costs_a_deadline_only_a_few_times() -> None:
    gate = threading.Event()
    with serving(lambda request: gate.wait(30) and echo(request)) as server:
        engine = Remote(f"127.0.0.1:{server.port}")
        hurried = dataclasses.replace(REQUEST, deadline_s=0.2)
        codes = [failure(engine, hurried).code for _ in range(FAILURES)]
        assert codes == ["engine_timeout"] * FAILURES
        assert failure(engine, dataclasses.replace(REQUEST, deadline_s=60)).code == "engine_away"
        gate.set()


def test_refusals_do_not_make_it_away() -> None:
    with serving(refusal(grpc.StatusCode.INVALID_ARGUMENT)) as server:
        engine = Remote(f"127.0.0.1:{server.port}")
        assert {failure(engine).code for _ in range(FAILURES + 2)} == {"engine_refused"}


def test_a_breaker_lets_one_through() -> None:
    breaker = Breaker(failures=2, cool_s=0.0)
    breaker.failed()
    assert breaker.admits() and not breaker.open
    breaker.failed()
    assert breaker.open and breaker.admits()
    breaker.succeeded()
    assert not breaker.open
    slow = Breaker(failures=1, cool_s=60)
    slow.failed()
    assert not slow.admits()


@pytest.mark.parametrize(
    ("raw", "code", "told", "where"),
    [
        (reply(confidence=7), "engine_reply_invalid", "confidence_invalid", "confidence: not_from_0_to_1"),
        (
            reply(response_content=["Hello"]),
            "engine_reply_invalid",
            "response_content_invalid",
            "response_content[0]: json_invalid",
        ),
        (b"\xff\xff\xff", "engine_reply_unreadable", "reply_unreadable", "reply: unreadable"),
        (b"\x22\x01\xff", "engine_reply_unreadable", "reply_unreadable", "reply: unreadable"),  # no UTF-8
        (reply(intent="x" * (MAX_BYTES + 1)), "engine_reply_too_large", "reply_too_large", "reply: too_large"),
    ],
    ids=["breaks the contract", "no JSON", "no message", "no text", "too large"],
)
def test_a_reply_that_is_none(raw: bytes, code: str, told: str, where: str) -> None:
    """The person's fallback is one thing; the engine, whose call ended well, is told as well."""
    refusals: SimpleQueue[bytes] = SimpleQueue()
    with raw_server(lambda *_: raw, refusals) as port:
        error = failure(Remote(f"127.0.0.1:{port}"))
        refused = ReplyRefusedRequest.FromString(refusals.get(timeout=20))
    assert (error.code, error.where) == (code, where)
    assert (refused.code, refused.where, list(refused.message_ids)) == (told, where, list(REQUEST.message_ids))


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"context": {"n": float("nan")}}, "engine_object_invalid"),
        ({"contents": tuple(text("😀" * 4096) for _ in range(200))}, "engine_request_too_large"),
        ({"language": "\ud800"}, "engine_request_invalid"),
    ],
    ids=["not a number", "too large", "half a character"],
)
def test_a_request_that_cannot_be_sent_is_not_sent(members: dict[str, Any], code: str) -> None:
    error = failure(Remote(f"127.0.0.1:{free_port()}"), dataclasses.replace(REQUEST, **members))
    assert (error.code, error.retryable) == (code, False)


def test_ids_and_token_go_along() -> None:
    seen: dict[str, str] = {}

    def look(raw: bytes, context: Any) -> bytes:
        seen.update(context.invocation_metadata())
        return ProcessMessageResponse().SerializeToString()

    with raw_server(look) as port, structlog.contextvars.bound_contextvars(correlation_id="c-1", message_id="m-1"):
        Remote(f"127.0.0.1:{port}", token="t0ken").respond(REQUEST)
    assert seen.items() >= {
        "x-correlation-id": "c-1", "x-message-id": "m-1", "authorization": "Bearer t0ken",
    }.items()  # fmt: skip


def test_health() -> None:
    with serving() as server:
        Remote(f"127.0.0.1:{server.port}").health()
    with raw_server(lambda *_: b"") as port:
        Remote(f"127.0.0.1:{port}").health()  # it answers, if only that it has no such service
    with pytest.raises(EngineError, match="engine_unavailable"):
        Remote(f"127.0.0.1:{free_port()}").health()


def test_the_operators_address_decides(settings: Any) -> None:
    settings.ENV = {**settings.ENV, "MCP_ENGINE_URL": "engine:50051"}
    first, second = engine_for({"bot_name": "Ana"}), engine_for({"mcp_engine_url": "evil:1"})
    assert first is second
    assert first.name == "mcp"
    settings.ENV = {**settings.ENV, "MCP_ENGINE_URL": ""}
    assert engine_for({}).name == "builtin"


def test_a_question_is_a_part_of_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    monkeypatch.setattr(traces, "_tracer", trace.TracerProvider().get_tracer("test"))
    monkeypatch.setattr(remote, "observe", traces._question)
    seen: list[Any] = []

    def look(request: EngineRequest) -> EngineReply:
        seen.append(current_span())
        return echo(request)

    with serving(look, observe=traced) as server, traces.span("turn", "CONSUMER") as turn:
        Remote(f"127.0.0.1:{server.port}").respond(REQUEST)
    assert seen[0].name == "ProcessMessage"
    assert seen[0].context.trace_id == turn.context.trace_id
    assert seen[0].context.span_id != turn.context.span_id
    assert seen[0].parent.is_remote


def current_span() -> Any:
    from opentelemetry.trace import get_current_span

    return get_current_span()
