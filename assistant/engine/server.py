"""The built-in assistant behind gRPC: what `manage.py run_engine` serves by assistant/engine/engine.proto.

Owns the server: who may ask, what is malformed, how it stops. Must not think; assistant/builtin/engine.py does.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, TypeVar

import grpc
import structlog
from django.db import close_old_connections, connections

from assistant.builtin.engine import Builtin, options_of
from assistant.engine.grpc_gen.engine_pb2 import (
    MessageChunk,
    ProcessMessageRequest,
    ProcessMessageResponse,
    ReplyRefusedRequest,
    ReplyRefusedResponse,
)
from assistant.engine.wire import MAX_BYTES, SERVICE, Malformed, ids_of, request_of, response_message
from assistant.port import EngineError, EngineReply, EngineRequest
from tenants.scope import tenant_scope
from tenants.storage.db import server_trouble
from tenants.tenant_settings import tenant_state
from tenants.work.grpc_server import GrpcServer

log = structlog.get_logger(__name__)

Status = grpc.StatusCode
Answer = Callable[[EngineRequest], EngineReply]
M = TypeVar("M", ProcessMessageRequest, ReplyRefusedRequest)
WAITING_PER_THREAD = 8  # more callers than that are told to go elsewhere
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_send_message_length", MAX_BYTES),
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.so_reuseport", 0),  # a port that is taken is an error
    # Callers come back for new connections, and find servers that were added meanwhile.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)


class Refused(Exception):
    """No answer: the status that the caller gets, and a stable code as its text."""

    def __init__(self, status: grpc.StatusCode, code: str):
        super().__init__(code)
        self.status, self.code = status, code


def builtin_answer(request: EngineRequest) -> EngineReply:
    """The built-in assistant, as the tenant of the request has set it up. Raises Refused for unknown tenants."""
    state = tenant_state(request.tenant_id)
    if state is None or not state.active:
        raise Refused(Status.NOT_FOUND, "tenant_unknown")
    with tenant_scope(request.tenant_id):
        return Builtin(options_of(state.settings.model_dump())).respond(request)


@dataclass(frozen=True)
class EngineService:
    """The two calls of MCPEngine. ``deadline_s`` holds for callers who give none; ``observe`` is entered around
    each call with its method and metadata: for traces."""

    answer: Answer
    token: str = ""
    deadline_s: float = 10.0
    observe: Callable[[str, Mapping[str, Any]], AbstractContextManager[object]] = lambda method, metadata: nullcontext()

    def process(self, message: ProcessMessageRequest | Malformed, context: Any) -> ProcessMessageResponse:
        return self._answered(message, context, "ProcessMessage")[0]

    def stream(self, message: ProcessMessageRequest | Malformed, context: Any) -> Iterator[MessageChunk]:
        """The pieces as they come, then the reply. Of an answer that is there at once: one delta per text of it."""
        pieces: SimpleQueue[str | None] = SimpleQueue()
        ends: list[grpc.RpcError | Exception] = []
        answered: list[tuple[ProcessMessageResponse, list[str]]] = []

        def think() -> None:
            try:
                answered.append(self._answered(message, context, "StreamMessage", pieces.put))
            except Exception as error:  # noqa: BLE001  gRPC's own, which ends the call
                ends.append(error)
            finally:
                connections.close_all()  # this thread's own
                pieces.put(None)

        thinking = threading.Thread(target=think, name="engine-stream", daemon=True)
        thinking.start()
        streamed = False
        while (piece := pieces.get()) is not None:
            streamed = True
            yield MessageChunk(delta=piece)
        thinking.join()
        if ends:
            raise ends[0]
        response, texts = answered[0]
        for number, text in enumerate(() if streamed else texts):
            yield MessageChunk(delta=text if number == 0 else f"\n\n{text}")
        yield MessageChunk(response=response)

    def refused(self, message: ReplyRefusedRequest | Malformed, context: Any) -> ReplyRefusedResponse:
        """The built-in assistant keeps nothing between two questions: one line in the log tells of it."""
        try:
            self._check_token(str(dict(context.invocation_metadata()).get("authorization", "")))
            if isinstance(message, Malformed):
                raise Refused(Status.INVALID_ARGUMENT, message.code)
        except Refused as refused:
            context.abort(refused.status, refused.code)
        log.info("engine_reply_refused", code=message.code[:80], where=message.where[:200])
        return ReplyRefusedResponse()

    def _answered(
        self, message: Any, context: Any, method: str, stream: Callable[[str], None] | None = None
    ) -> tuple[ProcessMessageResponse, list[str]]:
        """The response with its texts. Ends the call with a status when there is none."""
        metadata = dict(context.invocation_metadata())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**ids_of(metadata.items()))
        with self.observe(method, metadata):
            token = str(metadata.get("authorization", ""))
            answered, status, code = self._tried(message, context, method, token, stream)
        structlog.contextvars.clear_contextvars()
        return answered or context.abort(status, code)  # which raises

    def _tried(
        self, message: Any, context: Any, method: str, authorization: str, stream: Callable[[str], None] | None
    ) -> tuple[tuple[ProcessMessageResponse, list[str]] | None, grpc.StatusCode, str]:
        """The response with its texts, or None with the status and the code that say why. One log line."""
        started = time.monotonic()
        answered: tuple[ProcessMessageResponse, list[str]] | None = None
        status, code = Status.OK, ""
        try:
            self._check_token(authorization)
            reply = self.answer(replace(self._request(message, context), stream=stream))
            answered = response_message(reply), [content.text for content in reply.contents if content.text]
        except Refused as refused:
            status, code = refused.status, refused.code
        except EngineError as error:
            status, code = Status.UNAVAILABLE if error.retryable else Status.FAILED_PRECONDITION, error.code
        except Exception as error:  # noqa: BLE001  its words may hold a message's: the kind and the place must do
            away = server_trouble(error)
            status, code = (Status.UNAVAILABLE, "database_away") if away else (Status.INTERNAL, "internal")
            if not away:
                log.error("engine_crashed", error=type(error).__name__, where=_place(error))
        finally:
            close_old_connections()
        took_ms = round((time.monotonic() - started) * 1000)
        log.info("engine_call", method=method, status=status.name, code=code, took_ms=took_ms)
        return answered, status, code

    def _check_token(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        genuine = hmac.compare_digest(token.strip().encode(), self.token.encode())
        if self.token and not (genuine and scheme.lower() == "bearer"):  # RFC 9110 §11.1: schemes have no case
            raise Refused(Status.UNAUTHENTICATED, "token_invalid")

    def _request(self, message: ProcessMessageRequest | Malformed, context: Any) -> EngineRequest:
        left_s = context.time_remaining()
        deadline_s = self.deadline_s if left_s is None else min(left_s, self.deadline_s)
        if deadline_s <= 0:
            raise Refused(Status.DEADLINE_EXCEEDED, "deadline_exceeded")
        try:
            if isinstance(message, Malformed):
                raise message
            request = request_of(message, deadline_s)
        except Malformed as malformed:
            raise Refused(Status.INVALID_ARGUMENT, malformed.code) from None
        structlog.contextvars.bind_contextvars(
            tenant_id=str(request.tenant_id), conversation_id=str(request.conversation_id)
        )
        return request


class EngineServer(GrpcServer):
    """``service`` as `GrpcServer` serves it."""

    def __init__(
        self,
        service: EngineService,
        *,
        host: str,
        port: int,
        threads: int,
        credentials: grpc.ServerCredentials | None = None,
    ):
        super().__init__(
            SERVICE, _handlers(service), host=host, port=port, threads=threads, most=threads * WAITING_PER_THREAD,
            options=OPTIONS, credentials=credentials,
        )  # fmt: skip


def _handlers(service: EngineService) -> grpc.GenericRpcHandler:
    """As the generated code registers them, but for what is no message at all: that is the caller's mistake."""
    asked, answered = ProcessMessageRequest, ProcessMessageResponse.SerializeToString
    methods = {
        "ProcessMessage": grpc.unary_unary_rpc_method_handler(service.process, _read(asked), answered),
        "StreamMessage": grpc.unary_stream_rpc_method_handler(
            service.stream, _read(asked), MessageChunk.SerializeToString
        ),
        "ReplyRefused": grpc.unary_unary_rpc_method_handler(
            service.refused, _read(ReplyRefusedRequest), ReplyRefusedResponse.SerializeToString
        ),
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)


def _read(kind: type[M]) -> Callable[[bytes], M | Malformed]:
    def read(raw: bytes) -> M | Malformed:
        try:
            return kind.FromString(raw)
        except Exception:  # noqa: BLE001  protobuf's own error, of which it has two implementations
            return Malformed("message_unreadable")

    return read


def _place(error: BaseException) -> str:
    """The innermost frame: where, no words."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
