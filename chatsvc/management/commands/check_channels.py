"""Ask every platform whether our channel works."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels_app.contract import CheckResult
from channels_app.models import Channel
from chatsvc.management.arguments import tenant_named
from messaging.health.watch import channel_check
from tenants.scope import tenant_scope


def works(found: CheckResult) -> bool:
    """Healthy, or of a kind that cannot be asked. A question that failed carries a code."""
    return found.state == "healthy" or (found.state == "unknown" and "code" not in found.facts)


class Command(BaseCommand):
    help = "Check the credentials and the reachability of every enabled channel. Exit code 1 when one does not work."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        # unscoped: an operator's command over all tenants, or the named one
        channels = Channel.objects.unscoped().filter(enabled=True, tenant__status="active")
        channels = channels.select_related("tenant").order_by("tenant", "name")
        if options["tenant"]:
            channels = channels.filter(tenant=tenant_named(options["tenant"]))
        bad = 0
        for channel in channels:
            with tenant_scope(channel.tenant_id):
                found = channel_check(channel)
            bad += not works(found)
            self.stdout.write(f"{found.state:18} {channel.tenant.slug:20} {channel}  {found.detail}".rstrip())
        if bad:
            raise CommandError(f"{bad} of {len(channels)} channels do not work.")
