"""The process of the built-in assistant as a gRPC engine; who calls it sets MCP_ENGINE_URL."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import grpc
import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from assistant.engine.server import EngineServer, EngineService, builtin_answer
from chatsvc.observe import metrics, traces
from chatsvc.processes import embedded

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Serve the built-in assistant over gRPC. SIGTERM: nothing new is taken, what runs is ended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.ENV["HOST"], help="address to listen on (default: HOST)")
        parser.add_argument(
            "--port", type=int, default=settings.ENV["ENGINE_LISTEN_PORT"], help="default: ENGINE_LISTEN_PORT"
        )
        parser.add_argument(
            "--workers", type=int, default=settings.ENV["ENGINE_THREADS"], help="threads (default: ENGINE_THREADS)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.ENV
        if settings.PRODUCTION and not env["ENGINE_TOKEN"]:
            raise CommandError(
                "ENGINE_TOKEN must be set: without it any caller that reaches the port asks for any tenant."
            )
        deadline_s = env["ENGINE_TIMEOUT_MS"] / 1000
        service = EngineService(builtin_answer, env["ENGINE_TOKEN"], deadline_s, traced)
        try:
            server = EngineServer(
                service,
                host=options["host"],
                port=options["port"],
                threads=max(options["workers"], 1),
                credentials=credentials(env["ENGINE_TLS_CERT_FILE"], env["ENGINE_TLS_KEY_FILE"]),
            )
        except OSError as error:
            raise CommandError(f"{error}. Choose another with --port.") from None
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        embedded.warm_up()
        server.start()
        metrics.serve(env["METRICS_PORT"])
        log.info("engine_started", port=server.port)
        stopping.wait()
        server.stop(deadline_s)
        log.info("engine_stopped")


def traced(method: str, metadata: Mapping[str, Any]) -> AbstractContextManager[object]:
    """A part of the caller's trace."""
    return traces.span(method, "SERVER", {"traceparent": str(metadata.get("traceparent", ""))})


def credentials(certificate: str, key: str) -> grpc.ServerCredentials | None:
    """Raises CommandError when one of the two is missing."""
    if bool(certificate) != bool(key):
        raise CommandError("ENGINE_TLS_CERT_FILE and ENGINE_TLS_KEY_FILE go together.")
    if not certificate:
        return None
    return grpc.ssl_server_credentials([(Path(key).read_bytes(), Path(certificate).read_bytes())])
