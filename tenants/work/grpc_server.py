"""A gRPC service of ours, with gRPC's health service beside it: for engines and for the security hub.

Owns the threads, the port and the end. Must not know what is served.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class GrpcServer:
    """``handler`` of the service ``name`` on ``host:port``; port 0: ``port`` tells which it got. ``most``: calls at once,
    those that wait for a thread included.

    Raises OSError when the address cannot be listened on.
    """

    def __init__(
        self,
        name: str,
        handler: grpc.GenericRpcHandler,
        *,
        host: str,
        port: int,
        threads: int,
        most: int,
        options: Sequence[tuple[str, Any]],
        credentials: grpc.ServerCredentials | None = None,
    ):
        self._name = name
        self._server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix=name),
            handlers=[handler],
            options=options,
            maximum_concurrent_rpcs=most,
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port = (
                self._server.add_secure_port(address, credentials)
                if credentials
                else self._server.add_insecure_port(address)
            )
        except RuntimeError:
            raise OSError(f"cannot listen on {address}") from None

    def start(self) -> None:
        self._server.start()
        for name in ("", self._name):
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace_s: float) -> None:
        """Take nothing new, let the calls in flight end within ``grace_s`` seconds. Returns when all is over."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait()
