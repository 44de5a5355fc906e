"""Run the provider twin: a local fake of the platforms, to try channels without an account."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels_app.http.client import authority, listed
from channels_app.models import Channel
from channels_app.services import outbound_hosts, webhook_url
from channels_app.twin import server
from channels_app.twin.platforms import PLATFORMS
from chatsvc import demo
from chatsvc.management.arguments import tenant_named
from tenants.scope import tenant_scope

Settings = dict[str, dict[str, Any]]  # platform → what is configured


class Command(BaseCommand):
    help = (
        "Run the provider twin: a local fake of every platform that can be told to misbehave. On its page you write as "
        "the customer and see the traffic. It fits itself to the channels of a tenant that point at it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on; it has no authentication")
        parser.add_argument("--port", type=int, default=8900)
        parser.add_argument("--connect", default=demo.SLUG, metavar="SLUG", help="tenant whose channels it serves")
        parser.add_argument("--webhook-url", default="", help="connect to no service; one platform's webhooks go there")
        parser.add_argument("--platform", default="whatsapp", choices=list(PLATFORMS), help="that platform")
        parser.add_argument("--log", default=None, metavar="FILE", help="JSONL file that keeps what was sent")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if options["webhook_url"]:
            settings: Settings = {options["platform"]: {"webhook_url": options["webhook_url"]}}
        else:
            settings = connected(options["connect"], port)
        self.stdout.write(f"Twin on http://{host}:{port}/   webhooks go to:")
        for platform, own in settings.items():
            self.stdout.write(f"  {platform:10} {own['webhook_url']}")
        if not listed(f"127.0.0.1:{port}", outbound_hosts()):
            self.stdout.write(f"For the service to call it: OUTBOUND_ALLOW_HOSTS=127.0.0.1:{port}")
        self.stdout.flush()
        try:
            server.run(host, port, options["log"], settings)
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error}.") from error


def connected(slug: str, port: int) -> Settings:
    """The platforms as the tenant's channels expect them: the oldest enabled one of each kind that points at
    this port. Raises CommandError when there is none."""
    if slug == demo.SLUG and demo.demo_tenant() is None:
        raise CommandError("There is no demo tenant: run `manage.py seed_demo`, or say --webhook-url.")
    tenant = tenant_named(slug)
    with tenant_scope(tenant.id):
        channels = list(Channel.objects.filter(enabled=True, kind__in=list(PLATFORMS)).order_by("-created_at"))
        settings: Settings = {}
        for channel in channels:
            if authority(channel.config.get("api_base", "")).endswith(f":{port}"):
                own = PLATFORMS[channel.kind].settings_for({**channel.config, **channel.secrets})
                settings[channel.kind] = {**own, "webhook_url": webhook_url(channel)}
    if not settings:
        raise CommandError(f"No channel of {slug} has an api_base with port {port}; `manage.py seed_demo` makes some.")
    return dict(sorted(settings.items()))
