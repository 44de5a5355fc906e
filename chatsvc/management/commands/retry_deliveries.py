"""Try waiting deliveries now, without the rest of their back-off."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from channels_app.models import Channel
from chatsvc.management.arguments import channel_keyed, moment, tenant_named
from messaging import wake
from messaging.health.watch import channel_release
from messaging.models import Delivery
from tenants.storage.db import now


class Command(BaseCommand):
    help = "Try waiting deliveries now: ends their back-off, and any hold of their channels. Dead letters: replay_dead_letters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant")
        parser.add_argument("--channel", default="", metavar="KEY", help="only of this channel")
        parser.add_argument("--since", default="", help="only what was written since: 30m, 2h, 7d or an ISO time")

    def handle(self, *args: Any, **options: Any) -> None:
        where: dict[str, Any] = {"status": Delivery.Status.QUEUED}
        if options["tenant"]:
            where["tenant"] = tenant_named(options["tenant"])
        if options["channel"]:
            where["channel"] = channel_keyed(options["channel"])
        if options["since"]:
            where["created_at__gte"] = moment(options["since"])
        # unscoped: an operator's command, narrowed by its arguments
        waiting = Delivery.objects.unscoped().filter(**where)
        # unscoped: as above
        channels = Channel.objects.unscoped().filter(
            id__in=list(waiting.values_list("channel_id", flat=True).distinct())
        )
        for channel in channels:
            channel_release(channel)
        lanes = list(waiting.values_list("conversation_id", flat=True).distinct())
        count = waiting.update(due_at=now())
        for conversation_id in tqdm(lanes, desc="Lanes", leave=False, disable=None):
            wake.deliver(conversation_id)
        self.stdout.write(f"{count} deliveries in {len(lanes)} conversations are due now.")
