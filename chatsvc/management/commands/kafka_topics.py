"""Create the topics that events go to; those that are there stay as they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from messaging.kafka.stream import client_options, dead_letter_topic, every_topic


class Command(BaseCommand):
    help = "Create the Kafka topics of all event types. Run it with every release: new types have new topics."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--partitions", type=int, default=6, help="of each topic (default: 6)")
        parser.add_argument("--replication", type=int, default=1, help="copies of each partition (default: 1)")
        parser.add_argument("--group", action="append", default=[], help="also the dead letters of this consumer group")
        parser.add_argument("--list", action="store_true", help="only say which topics there should be")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [*every_topic(), *map(dead_letter_topic, options["group"])]
        if options["list"]:
            self.stdout.write("\n".join(wanted))
            return
        if not settings.ENV["KAFKA_BROKERS"]:
            raise CommandError("KAFKA_BROKERS is not set.")
        try:
            created = topics_create(wanted, options["partitions"], options["replication"])
        except KafkaError as error:
            raise CommandError(f"Kafka refused: {type(error).__name__}: {error}") from error
        self.stdout.write(f"{created} of {len(wanted)} topics created, {len(wanted) - created} were there.")


def topics_create(names: list[str], partitions: int, replication: int) -> int:
    """Returns how many were missing. Raises KafkaError."""
    client = KafkaAdminClient(**client_options())
    try:
        missing = sorted(set(names) - set(client.list_topics()))
        new = [NewTopic(name, num_partitions=partitions, replication_factor=replication) for name in missing]
        if new:
            client.create_topics(new, timeout_ms=30_000)
    except TopicAlreadyExistsError:
        return topics_create(names, partitions, replication)  # another process creates them at the same time
    finally:
        client.close()
    return len(missing)
