"""Tell events of the timeline again, to Kafka or to the service's own handlers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from kafka.errors import KafkaError
from tqdm import tqdm

from chatsvc.management.arguments import span, tenant_named
from conversations.event_schemas import envelope_of
from conversations.models import Event
from messaging.kafka import stream as kafka
from messaging.outbox import handlers

BATCH = 500


class Command(BaseCommand):
    help = "Tell events again: to Kafka (under their old ids, with the header `replayed`), or to the internal handlers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant")
        parser.add_argument("--conversation", type=uuid.UUID, metavar="ID", help="only of this conversation")
        parser.add_argument("--type", action="append", default=[], help="only of this type; may be given again")
        parser.add_argument("--since", default="", help="30m, 2h, 7d or an ISO time")
        parser.add_argument("--until", default="", help="30m, 2h, 7d or an ISO time")
        parser.add_argument("--to", choices=["kafka", "handlers"], default="kafka", help="default: kafka")

    def handle(self, *args: Any, **options: Any) -> None:
        # unscoped: an operator's command, narrowed by its arguments
        events = Event.objects.unscoped().filter(**wanted(options))
        if options["to"] == "kafka":  # what has not been there yet goes in its turn, behind what happened before it
            events = events.exclude(streamed_at=None)
        bar = tqdm(total=events.count(), desc="Events", leave=False, disable=None)
        told = 0
        for batch in batches(events):
            told += self.tell(batch, options["to"])
            bar.update(len(batch))
        bar.close()
        kafka.close_producer()
        self.stdout.write(f"{told} events told again.")

    def tell(self, events: list[Event], to: str) -> int:
        if to == "handlers":
            envelopes = [envelope_of(event) for event in events]
            return max(handlers.handle(name, envelopes, again=True) for name in handlers.HANDLERS)
        if not settings.ENV["KAFKA_BROKERS"]:
            raise CommandError("KAFKA_BROKERS is not set.")
        try:
            return kafka.publish_again(events)
        except KafkaError as error:
            raise CommandError(f"Kafka: {type(error).__name__}: {error}") from error


def wanted(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments as a filter of events. Raises CommandError."""
    where: dict[str, Any] = {}
    if options["tenant"]:
        where["tenant"] = tenant_named(options["tenant"])
    if options["conversation"]:
        where["conversation_id"] = options["conversation"]
    if options["type"]:
        where["type__in"] = options["type"]
    since, until = span(options["since"], options["until"])
    if since:
        where["created_at__gte"] = since
    if until:
        where["created_at__lt"] = until
    return where


def batches(events: Any) -> Iterator[list[Event]]:
    """Oldest first, a conversation's events in their order; by key and not by offset, for events keep coming."""
    after = uuid.UUID(int=0)
    while batch := list(events.filter(id__gt=after).order_by("id")[:BATCH]):
        yield sorted(batch, key=lambda event: event.seq)
        after = batch[-1].id
