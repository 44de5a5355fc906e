"""A security hub behind gRPC (tenants/access/security_hub.proto): asks it whose a token is, and what that one may do.

Owns the connection: deadline, retries, breaker, what a status means; and for how long an answer is remembered. Must not
judge a token.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import grpc
import structlog
from django.conf import settings
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tenants.access.hub.grpc_gen.security_hub_pb2 import (
    CheckPermissionsRequest,
    UserContext,
    ValidateTokenRequest,
)
from tenants.access.hub.grpc_gen.security_hub_pb2_grpc import SecurityHubStub
from tenants.errors import NotAuthenticated, Unavailable
from tenants.storage.memo import Memo
from tenants.work.breaker import Breaker
from tenants.work.crew import outside

log = structlog.get_logger(__name__)

R = TypeVar("R")
REMEMBER_S = 30  # that an answer counts, and no longer than its token
LONGEST = 4096  # characters of a token
MAX_BYTES = 64 * 1024  # of an answer
PAUSES_S = (0.05, 0.2)  # before another try when no server answers; each is stretched or shortened by half at most
FAILURES, COOL_S = 3, 5.0  # in a row, until callers are refused at once; between two looks whether it is back
HEALTH_TIMEOUT_S = 1.0
Status = grpc.StatusCode
UNREACHABLE = (Status.UNAVAILABLE, Status.CANCELLED)  # asked again; a server that stops cancels: we never do
AWAY = (*UNREACHABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED)  # what the breaker counts
#: what a hub may say of a token → our words
REFUSALS = {
    "token_expired": "The token has expired.",
    "token_revoked": "This token was revoked.",
    "invalid_token": "The token is not valid.",
}
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # a new channel has new connections
)


@dataclass(frozen=True)
class Known:
    """What the hub says of a token: whose it is, what of what we asked they may, until when (Unix seconds; 0: not known)."""

    user: UserContext
    granted: frozenset[str]
    expires_at: int


_known: Memo[Known] = Memo("security-hub", ttl=REMEMBER_S)


class Hub:
    """The hub at ``url``: ``host:port``, ``grpc://host:port``, or ``grpcs://`` with TLS. One channel for all threads."""

    def __init__(self, url: str, *, token: str = "", ca_file: str = "", deadline_s: float = 2.0):
        scheme, _, target = url.rpartition("://")
        self._target = target if scheme in ("grpc", "grpcs") else url
        self._tls, self._ca_file, self._deadline_s = scheme == "grpcs", ca_file, deadline_s
        self._credential = [("authorization", f"Bearer {token}")] if token else []
        self._breaker = Breaker(failures=FAILURES, cool_s=COOL_S)
        self._channel: grpc.Channel | None = None
        self._lock = threading.Lock()

    def known(self, token: str, permissions: Collection[str]) -> Known:
        """Whose token it is, and which of ``permissions`` they have; remembered for REMEMBER_S, never beyond its end.

        Raises NotAuthenticated with the hub's code, Unavailable (``security_hub_away``) while the hub cannot be asked.
        """
        if not 0 < len(token) <= LONGEST:
            raise NotAuthenticated(REFUSALS["invalid_token"], code="invalid_token")
        found = _known.get(
            (self._target, hashlib.sha256(token.encode()).digest()), lambda: self._asked(token, sorted(permissions))
        )
        assert found is not None
        if found.expires_at and found.expires_at <= time.time():
            raise NotAuthenticated(REFUSALS["token_expired"], code="token_expired")
        return found

    def health(self, timeout_s: float = HEALTH_TIMEOUT_S) -> None:
        """Raises Unavailable unless the hub says that it serves."""
        stub = health_pb2_grpc.HealthStub(self._connected())
        try:
            told = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s, metadata=self._credential)
        except grpc.RpcError as error:
            raise _away() from error
        if told.status != health_pb2.HealthCheckResponse.SERVING:
            raise _away()

    def _asked(self, token: str, permissions: list[str]) -> Known:
        deadline = time.monotonic() + self._deadline_s
        if not self._breaker.admits():
            raise _away()
        try:
            with outside():
                stub = SecurityHubStub(self._connected())
                told = self._call(stub.ValidateToken, ValidateTokenRequest(token=token), deadline)
                granted: frozenset[str] = frozenset()
                if told.HasField("user"):
                    wanted = CheckPermissionsRequest(token=token, permissions=permissions)
                    granted = frozenset(self._call(stub.CheckPermissions, wanted, deadline).granted)
        except grpc.RpcError as error:
            raise self._failed(error) from None
        self._breaker.succeeded()
        if not told.HasField("user") or told.error_code:  # a refusal is one, with a user beside it, too
            code = told.error_code if told.error_code in REFUSALS else "invalid_token"
            raise NotAuthenticated(REFUSALS[code], code=code)
        return Known(told.user, granted & frozenset(permissions), told.expires_at)

    def _call(self, method: Callable[..., R], message: Any, deadline: float) -> R:
        """Raises RpcError: of UNREACHABLE after all tries, any other at once. Both questions may be asked twice."""
        for pause_s in PAUSES_S:
            try:
                return method(message, timeout=_left(deadline), metadata=self._credential)
            except grpc.RpcError as error:
                pause_s *= random.uniform(0.5, 1.5)  # noqa: S311  callers spread out, nothing secret
                if error.code() not in UNREACHABLE or time.monotonic() + pause_s >= deadline:
                    raise
            time.sleep(pause_s)
        return method(message, timeout=_left(deadline), metadata=self._credential)

    def _failed(self, error: grpc.RpcError) -> Unavailable:
        """A hub that answers is there, whatever it answers; but no answer of it lets a caller in."""
        status = error.code()
        if status in AWAY:
            was_open = self._breaker.open
            self._breaker.failed()
            if self._breaker.open:
                with self._lock:
                    self._channel = None  # calls in flight keep theirs
                if not was_open:
                    log.warning("security_hub_away", target=self._target, status=status.name)
        else:
            self._breaker.succeeded()
            log.error("security_hub_refused", target=self._target, status=status.name)
        return _away()

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


def hub() -> Hub:
    """The hub of SECURITY_HUB_URL; one per process for all callers."""
    env = settings.ENV
    return _hub(
        env["SECURITY_HUB_URL"], env["SECURITY_HUB_TOKEN"], env["SECURITY_HUB_CA_FILE"], env["SECURITY_HUB_TIMEOUT_MS"]
    )


@lru_cache(maxsize=8)
def _hub(url: str, token: str, ca_file: str, timeout_ms: int) -> Hub:
    return Hub(url, token=token, ca_file=ca_file, deadline_s=timeout_ms / 1000)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


def _away() -> Unavailable:
    return Unavailable("Tokens cannot be checked at the moment.", code="security_hub_away", retry_after=1)


# A child has none of the threads that serve its parent's channels.
os.register_at_fork(after_in_child=_hub.cache_clear)
