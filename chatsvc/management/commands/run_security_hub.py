"""The process that validates tokens for others over gRPC; who asks it sets SECURITY_HUB_URL."""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsvc.management.grpc_serving import Names, listening, listening_arguments, served
from tenants.access.hub.server import SecurityHubServer, SecurityHubService

log = structlog.get_logger(__name__)

GRACE_S = 5.0
NAMES = Names(
    "SECURITY_HUB_LISTEN_PORT", "SECURITY_HUB_THREADS", "SECURITY_HUB_TLS_CERT_FILE", "SECURITY_HUB_TLS_KEY_FILE"
)


class Command(BaseCommand):
    help = "Serve the validation of tokens over gRPC. SIGTERM: nothing new is taken, what runs is ended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        listening_arguments(parser, NAMES)

    def handle(self, *args: Any, **options: Any) -> None:
        token = settings.ENV["SECURITY_HUB_TOKEN"]
        if settings.PRODUCTION and not token:
            raise CommandError(
                "SECURITY_HUB_TOKEN must be set: without it any caller that reaches the port may try tokens."
            )
        server = listening(partial(SecurityHubServer, SecurityHubService(token)), NAMES, options)
        with served(server, GRACE_S):
            log.info("security_hub_started", port=server.port)
        log.info("security_hub_stopped")
