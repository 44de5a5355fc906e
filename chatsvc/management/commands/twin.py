"""Run the provider twin: a local fake of the platforms, to try channels without an account."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels_app.models import Channel
from channels_app.services import webhook_url
from channels_app.twin import server
from chatsvc import demo
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Run the provider twin: a local fake of WhatsApp that can be told to misbehave. Its page shows the traffic."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on; it has no authentication")
        parser.add_argument("--port", type=int, default=8900)
        parser.add_argument("--webhook-url", default="", help="where webhooks go (default: the demo WhatsApp channel)")
        parser.add_argument("--log", default=None, metavar="FILE", help="JSONL file that keeps what was sent")

    def handle(self, *args: Any, **options: Any) -> None:
        target = options["webhook_url"] or demo_webhook()
        self.stdout.write(f"Twin on http://{options['host']}:{options['port']}/   webhooks go to {target}")
        self.stdout.flush()
        try:
            server.run(options["host"], options["port"], options["log"], webhook_url=target)
        except OSError as error:
            raise CommandError(f"Cannot listen on {options['host']}:{options['port']}: {error}.") from error


def demo_webhook() -> str:
    """Raises CommandError when there is no demo tenant."""
    access = demo.demo_access()
    tenant = demo.demo_tenant()
    if access is None or tenant is None:
        raise CommandError("There is no demo tenant: run `manage.py seed_demo`, or say --webhook-url.")
    with tenant_scope(tenant.id):
        return webhook_url(Channel.objects.get(key=access.whatsapp.channel_key))
