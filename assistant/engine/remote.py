"""An engine behind gRPC (assistant/engine/engine.proto), as the Engine that answers in this process.

Owns the connection: deadline, retries, breaker, what a status means. Must not interpret what is said.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import grpc
import structlog
from django.conf import settings
from grpc_health.v1 import health_pb2, health_pb2_grpc

from assistant.engine.grpc_gen.engine_pb2 import ProcessMessageRequest, ProcessMessageResponse
from assistant.engine.grpc_gen.engine_pb2_grpc import MCPEngineStub
from assistant.engine.wire import MAX_BYTES, Malformed, metadata_of, refusal_message, reply_of, request_message
from assistant.port import EngineError, EngineReply, EngineRequest, EngineTimeout
from tenants.work.breaker import Breaker
from tenants.work.crew import outside

log = structlog.get_logger(__name__)

NAME = "mcp"
PAUSES_S = (0.1, 0.3, 0.9)  # before another try when no server answers; each is stretched or shortened by half at most
HEALTH_TIMEOUT_S = 1.0
REFUSED_S = 2.0  # how long an engine may take to hear that its answer was not sent
FAILURES = 3  # in a row, until messages get the fallback at once
COOL_S = 5.0  # between two looks at whether the engine is back
Status = grpc.StatusCode
#: gRPC's status → our code, and whether another try may help
MEANING: dict[grpc.StatusCode, tuple[str, bool]] = {
    Status.UNAVAILABLE: ("engine_unavailable", True),
    Status.RESOURCE_EXHAUSTED: ("engine_exhausted", True),  # it is busy, or its reply is too large
    Status.ABORTED: ("engine_aborted", True),
    Status.CANCELLED: ("engine_cancelled", True),
    Status.UNAUTHENTICATED: ("engine_denied", False),
    Status.PERMISSION_DENIED: ("engine_denied", False),
    Status.INVALID_ARGUMENT: ("engine_refused", False),
    Status.FAILED_PRECONDITION: ("engine_refused", False),
    Status.OUT_OF_RANGE: ("engine_refused", False),
    Status.NOT_FOUND: ("engine_refused", False),
    Status.ALREADY_EXISTS: ("engine_refused", False),
    Status.UNIMPLEMENTED: ("engine_unimplemented", False),
}
FAILED = ("engine_failed", False)  # INTERNAL, UNKNOWN, DATA_LOSS: a bug there
#: what gRPC on our side says of a reply that it did not take → our code, and where the reply was wrong. The engine's own
#: call ended well: it knows of nothing
NOT_TAKEN: dict[grpc.StatusCode, tuple[re.Pattern[str], str, str]] = {
    Status.RESOURCE_EXHAUSTED: (
        re.compile("received message larger than max", re.I),
        "reply_too_large",
        "reply: too_large",
    ),
    Status.INTERNAL: (re.compile("exception deserializing response", re.I), "reply_unreadable", "reply: unreadable"),
}
Told = Callable[[str], None]
UNREACHABLE = (Status.UNAVAILABLE, Status.CANCELLED)  # asked again; a server that stops cancels: we never do
AWAY = (*UNREACHABLE, Status.DEADLINE_EXCEEDED)  # what the breaker counts
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_send_message_length", MAX_BYTES),
    ("grpc.max_receive_message_length", MAX_BYTES),
    # Calls are spread over all addresses that the name has.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # An engine that is back is found within a second, not within gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A new channel has new connections: the way out of one that is dead without saying so.
    ("grpc.use_local_subchannel_pool", 1),
)


def _unobserved(target: str) -> AbstractContextManager[Mapping[str, str]]:
    return nullcontext({})


#: entered around each question to the engine at this address; gives the headers that go along: for traces
observe: Callable[[str], AbstractContextManager[Mapping[str, str]]] = _unobserved


class Remote:
    """Asks the engine at ``url``: ``host:port``, ``grpc://host:port``, or ``grpcs://`` with TLS.

    One channel, made at the first question and shared by all threads. ``ca_file`` replaces gRPC's own
    certificates. A question with a ``stream`` goes to StreamMessage, until the engine says that it has none.
    """

    name = NAME

    def __init__(self, url: str, *, token: str = "", ca_file: str = ""):
        scheme, _, target = url.rpartition("://")
        self._target = url if scheme not in ("grpc", "grpcs") else target
        self._tls, self._ca_file = scheme == "grpcs", ca_file
        self._credential = [("authorization", f"Bearer {token}")] if token else []
        self._breaker = Breaker(failures=FAILURES, cool_s=COOL_S)
        self._channel: grpc.Channel | None = None
        self._lock = threading.Lock()
        self._streams = True

    def respond(self, request: EngineRequest) -> EngineReply:
        """Raises EngineError, or EngineTimeout after ``deadline_s``; at once while the engine is known to be away."""
        deadline = time.monotonic() + request.deadline_s
        message = self._message(request)
        self._admit()
        with observe(self._target) as headers, outside():
            try:
                response = self._ask(message, deadline, headers, request.stream)
            except grpc.RpcError as error:
                failed = self._failed(error)
                if failed.where:
                    self.refused(request, failed.code.removeprefix("engine_"), failed.where)
                raise failed from None
        self._breaker.succeeded()
        try:
            if response is None:
                raise Malformed("response_missing", "response: missing")
            return reply_of(response, engine=NAME)
        except Malformed as malformed:
            log.warning("engine_reply_invalid", what=malformed.code, where=malformed.where)
            self.refused(request, malformed.code, malformed.where)
            raise EngineError("engine_reply_invalid", where=malformed.where) from None

    def refused(self, request: EngineRequest, code: str, where: str = "") -> None:
        """Tell the engine that its answer was not sent. Waits for nothing; one that does not want to know need not."""
        try:
            message = refusal_message(request, code, where)
            metadata = [*metadata_of(structlog.contextvars.get_contextvars()), *self._credential]
            call = MCPEngineStub(self._connected()).ReplyRefused.future(message, timeout=REFUSED_S, metadata=metadata)
            call.add_done_callback(lambda done: None)  # which keeps the call: gRPC cancels what is let go
        except Exception as error:  # noqa: BLE001  the person's answer does not depend on it
            log.info("engine_refusal_untold", error=type(error).__name__)

    def health(self, timeout_s: float = HEALTH_TIMEOUT_S) -> None:
        """Raises EngineError unless the engine says that it serves. One without the health service does, too."""
        stub = health_pb2_grpc.HealthStub(self._connected())
        try:
            told = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s, metadata=self._credential)
        except grpc.RpcError as error:
            if error.code() is not Status.UNIMPLEMENTED:
                raise _error(error) from None
        else:
            if told.status != health_pb2.HealthCheckResponse.SERVING:
                raise EngineError("engine_not_serving", retryable=True)

    def _message(self, request: EngineRequest) -> ProcessMessageRequest:
        try:
            message = request_message(request)
        except Malformed as malformed:
            raise EngineError(f"engine_{malformed.code}") from None
        if message.ByteSize() > MAX_BYTES:
            raise EngineError("engine_request_too_large")
        return message

    def _admit(self) -> None:
        """After failures one caller asks for a sign of life first: no caller waits a whole deadline to find out."""
        was_open = self._breaker.open
        if not self._breaker.admits():
            raise EngineError("engine_away", retryable=True)
        if was_open:
            try:
                self.health()
            except EngineError:
                self._count_failure()
                raise EngineError("engine_away", retryable=True) from None

    def _ask(
        self, message: ProcessMessageRequest, deadline: float, headers: Mapping[str, str], stream: Told | None
    ) -> ProcessMessageResponse | None:
        """None: a stream that ended without a response. Raises RpcError: of UNREACHABLE after all tries, any other at
        once, and every one once the person has seen the beginning of an answer."""
        stub = MCPEngineStub(self._connected())
        metadata = [*metadata_of(structlog.contextvars.get_contextvars()), *headers.items(), *self._credential]
        told = _Once(stream) if stream else None
        pauses = iter(PAUSES_S)
        while True:
            try:
                if told and self._streams:
                    return _streamed(stub.StreamMessage(message, timeout=_left(deadline), metadata=metadata), told)
                return stub.ProcessMessage(message, timeout=_left(deadline), metadata=metadata)
            except grpc.RpcError as error:
                if told and self._streams and error.code() is Status.UNIMPLEMENTED and not told.begun:
                    self._streams = False
                    continue
                pause_s = next(pauses, math.inf) * random.uniform(0.5, 1.5)  # noqa: S311  callers spread out
                if (told and told.begun) or error.code() not in UNREACHABLE or time.monotonic() + pause_s >= deadline:
                    raise
            time.sleep(pause_s)

    def _failed(self, error: grpc.RpcError) -> EngineError:
        """An engine that answers is there, whatever it answers."""
        if error.code() in AWAY:
            self._count_failure()
        else:
            self._breaker.succeeded()
        return _error(error)

    def _count_failure(self) -> None:
        was_open = self._breaker.open
        self._breaker.failed()
        if self._breaker.open:
            with self._lock:
                self._channel = None  # calls in flight keep theirs
                self._streams = True  # it may come back as another one
            if not was_open:
                log.warning("engine_away", target=self._target)

    def _connected(self) -> grpc.Channel:
        with self._lock:
            if self._channel is None:
                self._channel = self._connect()
            return self._channel

    def _connect(self) -> grpc.Channel:
        if not self._tls:
            return grpc.insecure_channel(self._target, options=OPTIONS)
        roots = Path(self._ca_file).read_bytes() if self._ca_file else None
        return grpc.secure_channel(self._target, grpc.ssl_channel_credentials(roots), options=OPTIONS)


def engine_at(url: str) -> Remote:
    """The engine at this address, with the operator's credential; one per process for all callers."""
    return _engine(url, settings.ENV["ENGINE_TOKEN"], settings.ENV["ENGINE_CA_FILE"])


@lru_cache(maxsize=8)
def _engine(url: str, token: str, ca_file: str) -> Remote:
    return Remote(url, token=token, ca_file=ca_file)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


def _error(error: grpc.RpcError) -> EngineError:
    status = error.code()
    if status is Status.DEADLINE_EXCEEDED:
        return EngineTimeout()
    if status in NOT_TAKEN:
        words, code, where = NOT_TAKEN[status]
        if words.search(error.details() or ""):  # looked at, not handed on
            return EngineError(f"engine_{code}", where=where)
    code, retryable = MEANING.get(status, FAILED)
    return EngineError(code, retryable=retryable)


class _Once:
    """A stream that knows whether anything was seen of it."""

    def __init__(self, stream: Told):
        self._stream, self.begun = stream, False

    def __call__(self, delta: str) -> None:
        self.begun = True
        self._stream(delta)


def _streamed(call: Any, told: _Once) -> ProcessMessageResponse | None:
    """The response at the end of a stream; each delta is told as it comes."""
    for chunk in call:
        if chunk.WhichOneof("part") == "response":
            call.cancel()  # what an engine says after it is not heard
            return cast(ProcessMessageResponse, chunk.response)
        if chunk.delta:
            told(chunk.delta)
    return None


# A child has none of the threads that serve its parent's channels.
os.register_at_fork(after_in_child=_engine.cache_clear)
