"""A member of a Kafka consumer group that hands events to a handler. SIGTERM ends it after the event in hand."""

from __future__ import annotations

import signal
from functools import partial
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections
from django.utils.module_loading import import_string
from kafka.errors import KafkaError

from chatsvc.observe import metrics
from conversations.event_schemas import Envelope
from messaging.kafka import stream as kafka
from messaging.kafka.consume import Consumption, Handler, dead_letters_of
from messaging.outbox import handlers

RESTART_S = 5.0


class Command(BaseCommand):
    help = "Read events from Kafka in a consumer group and hand them to a handler; offsets are committed after that."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--group", required=True, help="the consumer group; its members share the partitions")
        parser.add_argument(
            "--handler", required=True,
            help=f"{', '.join(handlers.HANDLERS)}, print, or the dotted path of a function that takes an Envelope",
        )  # fmt: skip
        parser.add_argument("--topic", action="append", default=[], help="default: the stream of all events")
        parser.add_argument(
            "--dead-letters", action="store_true", help="try again what the group has put aside, then end"
        )
        parser.add_argument("--until-end", action="store_true", help="end when everything that is there now was read")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ENV["KAFKA_BROKERS"]:
            raise CommandError("KAFKA_BROKERS is not set.")
        handler, stopped = self.handler(options["handler"]), Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        if options["dead_letters"]:
            run = dead_letters_of(options["group"], handler, stopped=stopped)
        else:
            topics = options["topic"] or [kafka.stream_topic()]
            run = Consumption(options["group"], topics, handler, stopped, until_end=options["until_end"])
        metrics.serve(settings.ENV["METRICS_PORT"])
        self.keep_running(run)
        kafka.close_producer()
        self.stdout.write(f"{run.handled} events handled, {run.put_aside} put aside.")

    def keep_running(self, run: Consumption) -> None:
        """Through times without Kafka: a member that lost the brokers joins again."""
        while not run.stopped.is_set():
            try:
                run.run()
                return
            except KafkaError as error:
                self.stderr.write(f"Kafka: {type(error).__name__}: {error}; again in {RESTART_S:.0f} s")
                kafka.close_producer()
                run.stopped.wait(RESTART_S)

    def handler(self, name: str) -> Handler:
        if name in handlers.HANDLERS:
            return partial(handle_here, name)
        if name == "print":
            return self.show
        try:
            found: Handler = import_string(name)
        except ImportError as error:
            raise CommandError(f"There is no handler {name!r}: {error}") from error
        return found

    def show(self, envelope: Envelope) -> None:
        self.stdout.write(envelope.model_dump_json())


def handle_here(name: str, envelope: Envelope) -> None:
    """One of the service's own handlers, on a connection that may have gone stale since the last event."""
    close_old_connections()
    handlers.handle(name, [envelope])
