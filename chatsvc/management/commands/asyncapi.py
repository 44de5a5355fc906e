"""The AsyncAPI documents of the Kafka topics and of both sockets: shown, written to docs/, or compared with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.desk import frames as desk_said
from messaging.desk import told as desk_told
from messaging.kafka import asyncapi
from messaging.sockets.asyncapi import Protocol
from messaging.webchat import frames as webchat_said
from messaging.webchat import told as webchat_told

WEBCHAT = Protocol(
    "desk-chat.v1", "chatsvc web chat", "/ws/chat/{key}/", "docs/channels/web.md",
    webchat_said.CLIENT_FRAMES, webchat_told.SERVER_FRAMES, webchat_told.CLOSES,
)  # fmt: skip
AGENTS = Protocol(
    "desk-agent.v1", "chatsvc agents' socket", "/ws/agent/", "docs/agent-socket.md",
    desk_said.CLIENT_FRAMES, desk_told.SERVER_FRAMES, desk_told.CLOSES,
)  # fmt: skip
DOCUMENTS: dict[str, Callable[[], str]] = {
    "events": asyncapi.text,
    "webchat": WEBCHAT.text,
    "agents": AGENTS.text,
}
FILES = {"events": "asyncapi.yaml", "webchat": "asyncapi-webchat.yaml", "agents": "asyncapi-agents.yaml"}


class Command(BaseCommand):
    help = "Show an AsyncAPI document; --write puts all into docs/, --check compares."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--of", choices=list(DOCUMENTS), default="events", help="which one is shown")
        parser.add_argument("--write", action="store_true", help="write them into docs/")
        parser.add_argument("--check", action="store_true", help="fail when one in docs/ is not current")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["check"] or options["write"]):
            self.stdout.write(DOCUMENTS[options["of"]]())
            return
        for name, text in DOCUMENTS.items():
            path, current = settings.BASE_DIR / "docs" / FILES[name], text()
            if options["write"]:
                path.write_text(current)
            elif not path.exists() or path.read_text() != current:
                raise CommandError(f"docs/{FILES[name]} is not current: run `manage.py asyncapi --write`.")
