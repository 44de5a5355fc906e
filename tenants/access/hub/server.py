"""Our own validation behind gRPC: what `manage.py run_security_hub` serves by tenants/access/security_hub.proto.

Owns the server: who may ask, what is malformed, how it stops. Must not judge a token: tenants/access/auth.py does.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from django.db import close_old_connections

from tenants.access.auth import Principal, local_principal
from tenants.access.hub.client import LONGEST, MAX_BYTES
from tenants.access.hub.grpc_gen.security_hub_pb2 import (
    DESCRIPTOR,
    CheckPermissionsRequest,
    CheckPermissionsResponse,
    Learners,
    UserContext,
    ValidateTokenRequest,
    ValidateTokenResponse,
)
from tenants.access.tokens import token_verify
from tenants.errors import Forbidden, NotAuthenticated
from tenants.storage.db import server_trouble
from tenants.work.grpc_server import GrpcServer

log = structlog.get_logger(__name__)

Status = grpc.StatusCode
SERVICE: str = DESCRIPTOR.services_by_name["SecurityHub"].full_name
MOST_PERMISSIONS = 500
WAITING_PER_THREAD = 8  # more callers than that are told to go elsewhere
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.so_reuseport", 0),  # a port that is taken is an error
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)


class Refused(Exception):
    """No answer: the status that the caller gets, and a stable code as its text."""

    def __init__(self, status: grpc.StatusCode, code: str):
        super().__init__(code)
        self.status, self.code = status, code


@dataclass(frozen=True)
class SecurityHubService:
    """The two calls. ``token``: what callers show; empty: any caller may ask."""

    token: str = ""

    def validate(self, message: ValidateTokenRequest, context: Any) -> ValidateTokenResponse:
        return self._answered("ValidateToken", context, lambda: _validated(message))

    def check(self, message: CheckPermissionsRequest, context: Any) -> CheckPermissionsResponse:
        return self._answered("CheckPermissions", context, lambda: _checked(message))

    def _answered(self, method: str, context: Any, answer: Callable[[], Any]) -> Any:
        """The answer, or the call's end with a status. One log line, without the token or whose it is."""
        started, found, status, code = time.monotonic(), None, Status.OK, ""
        structlog.contextvars.clear_contextvars()
        try:
            self._check_caller(str(dict(context.invocation_metadata()).get("authorization", "")))
            found = answer()
        except Refused as refused:
            status, code = refused.status, refused.code
        except Exception as error:  # noqa: BLE001  its words may hold a token's
            away = server_trouble(error)
            status, code = (Status.UNAVAILABLE, "database_away") if away else (Status.INTERNAL, "internal")
            if not away:
                log.error("security_hub_crashed", error=type(error).__name__)
        finally:
            close_old_connections()
        took_ms = round((time.monotonic() - started) * 1000)
        log.info("security_hub_call", method=method, status=status.name, code=code, took_ms=took_ms)
        return found or context.abort(status, code)  # which raises

    def _check_caller(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        genuine = hmac.compare_digest(token.strip().encode(), self.token.encode())
        if self.token and not (genuine and scheme.lower() == "bearer"):
            raise Refused(Status.UNAUTHENTICATED, "token_invalid")


def _validated(message: ValidateTokenRequest) -> ValidateTokenResponse:
    try:
        principal = _principal(message.token)
    except (NotAuthenticated, Forbidden) as refusal:
        return ValidateTokenResponse(error_code=refusal.code)
    expires_at = 0 if principal.kind == "key" else int(token_verify(message.token, "access")["exp"])
    return ValidateTokenResponse(user=_context(principal), expires_at=expires_at)


def _checked(message: CheckPermissionsRequest) -> CheckPermissionsResponse:
    if len(message.permissions) > MOST_PERMISSIONS:
        raise Refused(Status.INVALID_ARGUMENT, "too_many_permissions")
    try:
        held = _principal(message.token).permissions
    except (NotAuthenticated, Forbidden):
        held = frozenset()  # ended since it was validated
    return CheckPermissionsResponse(granted=[name for name in message.permissions if name in held])


def _principal(token: str) -> Principal:
    if not 0 < len(token) <= LONGEST:
        raise Refused(Status.INVALID_ARGUMENT, "token_length")
    return local_principal(token)


def _context(principal: Principal) -> UserContext:
    learners = getattr(principal, "learners", None)
    return UserContext(
        tenant_id=str(principal.tenant_id),
        subject=principal.subject,
        kind=principal.kind,
        key_prefix=principal.key_prefix,
        extra=dict(principal.extra),
        learners=None if learners is None else Learners(ids=sorted(learners)),
    )


class SecurityHubServer(GrpcServer):
    """``service`` as `GrpcServer` serves it."""

    def __init__(
        self,
        service: SecurityHubService,
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


def _handlers(service: SecurityHubService) -> grpc.GenericRpcHandler:
    methods = {
        "ValidateToken": grpc.unary_unary_rpc_method_handler(
            service.validate, ValidateTokenRequest.FromString, ValidateTokenResponse.SerializeToString
        ),
        "CheckPermissions": grpc.unary_unary_rpc_method_handler(
            service.check, CheckPermissionsRequest.FromString, CheckPermissionsResponse.SerializeToString
        ),
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)
