"""One process that is the whole service: web server, worker and clock. The migrations are not its business."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from chatsvc import demo
from chatsvc.demo.twin import twin_start
from chatsvc.observe import pulse
from chatsvc.processes import embedded
from chatsvc.processes.history import refuse_former
from chatsvc.web.serving import sockets


class Command(BaseCommand):
    help = "Run the whole service in one process: HTTP and WebSocket server, worker and beat."
    requires_system_checks: list[str] = []  # `check` does it; a start should be quick

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.ENV["HOST"], help="address to listen on (default: HOST)")
        parser.add_argument("--port", type=int, default=settings.ENV["PORT"], help="port (default: PORT)")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        sockets.check_free(host, port)
        refuse_former()
        if not settings.ENV["PUBLIC_URL"]:
            settings.PUBLIC_URL = f"http://localhost:{port}"  # --port counts for the addresses we tell, too
        engine = embedded.Embedded(current_app._get_current_object(), settings.ENV["WORKER_THREADS"])
        pulse.mine.beat("serve")  # before we look at the others: of two that start at once, each sees the other
        others = pulse.mine.others()
        left_over = embedded.take_up(others)
        pulse.mine.start("serve")
        engine.start()
        embedded.warm_up(words=True, models=True)
        twin = twin_start()
        others_told = [str(other) for other in others]
        self.stdout.write(welcome(settings.PUBLIC_URL, left_over, others_told, twin.url if twin else ""))
        self.stdout.flush()
        try:
            sockets.serve_until_stopped(host, port)
        finally:
            engine.stop()
            if twin:
                twin.stop()
            pulse.mine.stop()
            connections.close_all()  # of this thread: SQLite's last connection ends its log
            self.stdout.write("Stopped.")


def welcome(url: str, left_over: int, others: Sequence[str] = (), twin: str = "") -> str:
    """What a person needs to begin. ``twin``: where the demo's platforms are played."""
    lines = [f"Listening on {url}   (Ctrl-C stops)"]
    if others:
        lines.append(f"Works on the same database: {'; '.join(others)}. What it has in hand is left to it.")
    if left_over:
        lines.append(f"Took up {left_over} pieces of work that were left over.")
    access = demo.demo_access()
    if access is None:
        return "\n".join([*lines, "No demo tenant: `manage.py seed_demo` makes one."])
    body = {"user_id": "ada", "channel": "web", "content": {"type": "text", "text": "Where is my order AC-10042?"}}
    return "\n".join(
        [
            *lines,
            "",
            f"  Demo shop with widget   {url}/",
            *([f"  WhatsApp, SMS, phone …  {twin}/   (the platforms, played: write as a customer)"] if twin else []),
            f"  API documentation       {url}/api/docs",
            f"  Admin                   {url}/admin/   {access.admin_user} / {access.admin_password or '(changed)'}",
            f"  Tenant                  {access.tenant_id}",
            f"  API key                 {access.api_key}",
            "",
            "Send a message:",
            "",
            f"  curl {url}/api/v2/chat/message -H 'Content-Type: application/json' \\",
            f"    -H 'X-Tenant-ID: {access.tenant_id}' -H 'Authorization: Bearer {access.api_key}' \\",
            f"    -d '{json.dumps(body)}'",
            "",
        ]
    )
