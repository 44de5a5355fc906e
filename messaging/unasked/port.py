"""The acts of an engine by gRPC: the service ``EnginePort`` of assistant/engine/engine.proto, for `manage.py run_engine_port`.

Owns who may call, what is malformed, and the status of a refusal. What is done is acts.py's, as by REST.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, cast

import grpc
import structlog
from django.conf import settings
from django.db import close_old_connections

from assistant.engine.grpc_gen.engine_pb2 import (
    DESCRIPTOR,
    PushRequest,
    PushResponse,
    SetStatusRequest,
    SetStatusResponse,
    TypingRequest,
    TypingResponse,
)
from assistant.engine.wire import MAX_BYTES, Malformed, content_of, ids_of
from messaging.unasked.acts import LONGEST_REASON, Status, say, set_status, show_typing
from tenants.access.auth import Principal, principal_for
from tenants.access.limits import allow, limits_of
from tenants.access.tokens import LONGEST
from tenants.errors import Forbidden, NotAuthenticated, ServiceError, TooMany
from tenants.scope import tenant_scope
from tenants.storage.db import server_trouble
from tenants.tenant_settings import settings_for
from tenants.trail.audit import actor_name, audit
from tenants.work.grpc_server import GrpcServer

log = structlog.get_logger(__name__)

SERVICE: str = DESCRIPTOR.services_by_name["EnginePort"].full_name
PERMISSION = "engine:speak"
LONGEST_ID = 200  # characters
WAITING_PER_THREAD = 8  # more callers than that are told to go elsewhere
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.so_reuseport", 0),  # a port that is taken is an error
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)
#: HTTP status of an error → gRPC's
STATUSES: dict[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


def push(principal: Principal, asked: PushRequest) -> PushResponse:
    name = _bounded(asked.message_id, LONGEST_ID, "message_id")
    if not name:
        raise Malformed("message_id_missing")
    said = say(
        _conversation(asked), content_of(asked.content), control_epoch=asked.control_epoch, client_message_id=name
    )
    return PushResponse(message_id=str(said.id), seq=said.seq)


def typing(principal: Principal, asked: TypingRequest) -> TypingResponse:
    again_s = show_typing(_conversation(asked), control_epoch=asked.control_epoch, on=asked.on)
    return TypingResponse(again_s=again_s)


def status_set(principal: Principal, asked: SetStatusRequest) -> SetStatusResponse:
    if asked.status not in ("escalated", "completed"):
        raise Malformed("status_unknown")
    reason = _bounded(asked.reason, LONGEST_REASON, "reason")
    wanted = cast(Status, asked.status)
    row = set_status(_conversation(asked), wanted, control_epoch=asked.control_epoch, reason=reason)
    if not row.repeated:
        audit(principal, "conversation.escalate" if wanted == "escalated" else "conversation.end", row)
    return SetStatusResponse(
        status=row.status, control_owner=row.control_owner, held_by=row.held_by, control_epoch=row.control_epoch
    )


class EnginePort(GrpcServer):
    """Serves the three calls. Raises OSError when the address cannot be listened on."""

    def __init__(self, *, host: str, port: int, threads: int, credentials: grpc.ServerCredentials | None = None):
        calls: dict[str, tuple[Callable[..., Any], Any, Any]] = {
            "Push": (push, PushRequest, PushResponse),
            "Typing": (typing, TypingRequest, TypingResponse),
            "SetStatus": (status_set, SetStatusRequest, SetStatusResponse),
        }
        methods = {
            name: grpc.unary_unary_rpc_method_handler(
                lambda raw, context, name=name, act=act, kind=kind: _answered(name, act, kind, raw, context),
                None,
                answer.SerializeToString,
            )
            for name, (act, kind, answer) in calls.items()
        }
        super().__init__(
            SERVICE, grpc.method_handlers_generic_handler(SERVICE, methods), host=host, port=port, threads=threads,
            most=threads * WAITING_PER_THREAD, options=OPTIONS, credentials=credentials,
        )  # fmt: skip


def _answered(method: str, act: Callable[..., Any], kind: Any, raw: bytes, context: Any) -> Any:
    """The answer, or the call's end with a status. One log line, without the credential and without words."""
    started, answer, status, code = time.monotonic(), None, grpc.StatusCode.OK, ""
    metadata = dict(context.invocation_metadata())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**ids_of(metadata.items()))
    try:
        principal = _caller(str(metadata.get("authorization", "")))
        structlog.contextvars.bind_contextvars(tenant_id=str(principal.tenant_id))
        with tenant_scope(principal.tenant_id):
            answer = act(principal, _read(kind, raw))
    except Malformed as malformed:
        status, code = grpc.StatusCode.INVALID_ARGUMENT, malformed.code
        context.set_trailing_metadata((("x-where", malformed.where),))
    except ServiceError as error:
        status, code = STATUSES.get(error.status, grpc.StatusCode.FAILED_PRECONDITION), error.code
        context.set_trailing_metadata(_reasons(error.details))
    except Exception as error:  # noqa: BLE001  its words may hold a message's
        away = server_trouble(error)
        status, code = (
            (grpc.StatusCode.UNAVAILABLE, "database_away") if away else (grpc.StatusCode.INTERNAL, "internal")
        )
        if not away:
            log.error("engine_port_crashed", error=type(error).__name__)
    finally:
        close_old_connections()
    took_ms = round((time.monotonic() - started) * 1000)
    log.info("engine_port_call", method=method, status=status.name, code=code, took_ms=took_ms)
    structlog.contextvars.clear_contextvars()
    return answer or context.abort(status, code)  # which raises


def _caller(authorization: str) -> Principal:
    """Raises NotAuthenticated, Forbidden, and TooMany as REST does, from the same buckets."""
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(credential.strip()) <= LONGEST:
        raise NotAuthenticated
    principal = principal_for(credential.strip())
    if not principal.may(PERMISSION):
        raise Forbidden(details={"permission": PERMISSION})
    limits = limits_of(settings_for(principal.tenant_id))
    for key, whose in ((f"{principal.tenant_id}", ""), (f"{principal.tenant_id}:{actor_name(principal)}", "user_")):
        rate, burst = limits[f"{whose}rate_limit"] / 60, limits[f"{whose}burst_limit"]
        if settings.ENV["ENABLE_RATE_LIMITING"] and allow(key, rate, burst):
            raise TooMany
    return principal


def _read(kind: Any, raw: bytes) -> Any:
    try:
        return kind.FromString(raw)
    except Exception:  # noqa: BLE001  protobuf's own error, of which it has two implementations
        raise Malformed("message_unreadable") from None


def _conversation(asked: Any) -> uuid.UUID:
    try:
        return uuid.UUID(asked.conversation_id)
    except ValueError:
        raise Malformed("conversation_id_invalid") from None


def _bounded(text: str, most: int, name: str) -> str:
    if len(text) > most or "\0" in text:
        raise Malformed(f"{name}_invalid")
    return text


def _reasons(details: Any) -> tuple[tuple[str, str], ...]:
    """What of an error's details an engine can act on: who has control, or which member is wrong."""
    if isinstance(details, dict) and "held_by" in details:
        return ("x-held-by", str(details["held_by"])), ("x-control-epoch", str(details["control_epoch"]))
    if isinstance(details, list) and details:
        return (("x-where", f"{details[0].get('field', '')}: {details[0].get('code', '')}"),)
    return ()
