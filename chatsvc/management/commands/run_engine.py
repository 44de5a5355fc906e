"""The process of the built-in assistant as a gRPC engine; who calls it sets MCP_ENGINE_URL."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from assistant.engine.server import EngineServer, EngineService, builtin_answer
from chatsvc.management.grpc_serving import Names, listening, listening_arguments, served
from chatsvc.observe import traces
from chatsvc.processes import embedded

log = structlog.get_logger(__name__)

NAMES = Names("ENGINE_LISTEN_PORT", "ENGINE_THREADS", "ENGINE_TLS_CERT_FILE", "ENGINE_TLS_KEY_FILE")


class Command(BaseCommand):
    help = "Serve the built-in assistant over gRPC. SIGTERM: nothing new is taken, what runs is ended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        listening_arguments(parser, NAMES)

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.ENV
        if settings.PRODUCTION and not env["ENGINE_TOKEN"]:
            raise CommandError(
                "ENGINE_TOKEN must be set: without it any caller that reaches the port asks for any tenant."
            )
        deadline_s = env["ENGINE_TIMEOUT_MS"] / 1000
        service = EngineService(builtin_answer, env["ENGINE_TOKEN"], deadline_s, traced)
        server = listening(partial(EngineServer, service), NAMES, options)
        embedded.warm_up()
        with served(server, deadline_s):
            log.info("engine_started", port=server.port)
        log.info("engine_stopped")


def traced(method: str, metadata: Mapping[str, Any]) -> AbstractContextManager[object]:
    """A part of the caller's trace."""
    return traces.span(method, "SERVER", {"traceparent": str(metadata.get("traceparent", ""))})
