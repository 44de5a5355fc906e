"""The process of the sockets: daphne. Behind it stand the same rows as behind every other process."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from chatsvc.observe import pulse
from chatsvc.web.serving import sockets


class Command(BaseCommand):
    help = "Run the WebSocket server. SIGTERM tells every socket to come back elsewhere."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.ENV["HOST"], help="address to listen on (default: HOST)")
        parser.add_argument("--port", type=int, default=settings.ENV["PORT"], help="port (default: PORT)")

    def handle(self, *args: Any, **options: Any) -> None:
        sockets.check_free(options["host"], options["port"])
        pulse.mine.start("ws")
        try:
            sockets.serve_until_stopped(options["host"], options["port"])
        finally:
            pulse.mine.stop()
