"""The process by which engines speak on their own over gRPC, with API keys of tenants."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser

from chatsvc.management.grpc_serving import Names, listening, listening_arguments, served
from messaging.unasked.port import EnginePort

log = structlog.get_logger(__name__)

GRACE_S = 5.0
NAMES = Names("ENGINE_PORT_LISTEN_PORT", "ENGINE_PORT_THREADS", "ENGINE_PORT_TLS_CERT_FILE", "ENGINE_PORT_TLS_KEY_FILE")


class Command(BaseCommand):
    help = "Serve what engines do unasked over gRPC. SIGTERM: nothing new is taken, what runs is ended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        listening_arguments(parser, NAMES)

    def handle(self, *args: Any, **options: Any) -> None:
        server = listening(EnginePort, NAMES, options)
        with served(server, GRACE_S):
            log.info("engine_port_started", port=server.port)
        log.info("engine_port_stopped")
