"""How long a search takes among the messages of one tenant, and what its index costs a message: ``python -m benchmarks.past.search``.

Words are as frequent as in speech (the second one half as frequent as the first, and so on), beside some whose share is
known. Searches go through REST. PostgreSQL and SQLite each in turn, in servers and files of their own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.past.engines import on_engines, say

WORDS = 50_000
CONVERSATIONS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=100, help="of each kind (default: 100)")
    on_engines(parser, measure, "benchmarks.past.search")


class Speech:
    """Words by rank, and texts of them."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.words = [self._word() for _ in range(WORDS)]
        self._weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(WORDS)))

    def _word(self) -> str:
        some = self.random.choice
        return "".join(some("bcdfghklmnprstvw") + some("aeiou") for _ in range(self.random.randint(1, 4)))

    def said(self, count: int) -> list[str]:
        return self.random.choices(self.words, cum_weights=self._weights, k=count)

    def text(self, number: int, messages: int) -> str:
        known = {"tenpercent": 10, "onepercent": 100, "onepermille": 1000}
        marks = [word for word, every in known.items() if number % every == 0]
        formerly = ["formerly"] if number < messages // 20 else []  # frequent long ago
        return " ".join([*self.said(self.random.randint(4, 18)), *marks, *formerly])


def measure(given: argparse.Namespace) -> None:
    from django.db import connection

    place = Place(Speech())
    started = time.perf_counter()
    place.fill(given.messages)
    say(f"{connection.vendor}: {given.messages:,} messages there, {time.perf_counter() - started:.0f} s")
    say(f"| {connection.vendor} | p50 ms | p95 ms | max ms |\n|---|---:|---:|---:|")
    for name, queries in place.questions(given.calls).items():
        took = percentiles([timed(partial(place.ask, query)) * 1000 for query in queries])
        say(f"| {name} | {' | '.join(f'{value:.1f}' for value in took)} |")
    say("\n| a message stored | p50 µs | p95 µs | max µs |\n|---|---:|---:|---:|")
    costs = place.stored(given.calls * 20)
    for name, values in costs.items():
        say(f"| {name} | {' | '.join(f'{value * 1e6:.0f}' for value in percentiles(values))} |")


class Place:
    """A tenant whose people talk, and a client of its API."""

    def __init__(self, speech: Speech) -> None:
        from django.test import Client

        from tenants.access.api_keys import api_key_create
        from tests.factories import ChannelFactory, ConversationFactory, TenantFactory

        self.speech, self.messages = speech, 0
        self.tenant = TenantFactory(slug="search")
        channel = ChannelFactory(tenant=self.tenant)
        self.talks = [ConversationFactory(tenant=self.tenant, channel=channel) for _ in range(CONVERSATIONS)]
        key = api_key_create(tenant=self.tenant, name="search", scopes=["*"])[1]
        self.client = Client(headers={"Authorization": f"Bearer {key}", "Host": "localhost"})
        self.began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=120)

    def fill(self, messages: int) -> None:
        from django.db import connection, transaction

        from conversations.models import Message

        for begin in range(0, messages, 5_000):
            rows = [self._message(number, messages) for number in range(begin, min(begin + 5_000, messages))]
            with transaction.atomic():
                # unscoped: the benchmark's own rows
                Message.objects.unscoped().bulk_create(rows, batch_size=500)
        self.messages = messages
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")  # as autovacuum would have, meanwhile

    def _message(self, number: int, messages: int, *, indexed: bool = True) -> Any:
        from channels_app.words.folding import folded
        from conversations.models import Message

        text, talk = self.speech.text(number, messages), self.talks[number % CONVERSATIONS]
        at = self.began + timedelta(seconds=number * 10)
        return Message(
            id=uuid.UUID(f"{int(at.timestamp() * 1000):012x}70008000{number:012x}"), tenant=self.tenant, conversation=talk,
            identity_id=talk.identity_id, channel_id=talk.channel_id, seq=number // CONVERSATIONS + 1,
            direction="inbound", role="visitor", content_type="text", content={"type": "text", "text": text}, text=text,
            words=folded(text) if indexed else "", language="en", created_at=at, sent_at=at,
        )  # fmt: skip

    def questions(self, count: int) -> dict[str, list[str]]:
        speech, some = self.speech, self.speech.random
        frequent, rare = speech.words[:CONVERSATIONS], speech.words[5_000:]
        return {
            "the first one": [speech.words[3]],
            "words as they are said": speech.said(count),
            "the hundred most frequent words": speech.words[:count],
            "rare words": some.sample(rare, count),
            "a word of a tenth of all": ["tenpercent"] * count,
            "a word of a hundredth": ["onepercent"] * count,
            "a word of a thousandth": ["onepermille"] * count,
            "a word frequent long ago": ["formerly"] * count,
            "a word of none": ["xylophone"] * count,
            "beginnings of two letters": [word[:2] for word in speech.said(count)],
            "beginnings of three letters": [word[:3] for word in speech.said(4 * count) if len(word) > 3][:count],
            "two frequent words": [f"{some.choice(frequent)} {some.choice(frequent)}" for _ in range(count)],
            "a frequent word and a rare one": [f"{some.choice(frequent)} {some.choice(rare)}" for _ in range(count)],
            "a phrase of frequent words": [f'"{some.choice(frequent)} {some.choice(frequent)}"' for _ in range(count)],
        }

    def ask(self, query: str) -> None:
        answer = self.client.get("/api/v2/chat/messages", {"search_query": query})
        assert answer.status_code == 200, answer.content
        json.loads(answer.content)

    def stored(self, count: int) -> dict[str, list[float]]:
        """Seconds of a transaction that stores one message, with its words in the index and without; they take turns."""
        from tenants.scope import tenant_scope
        from tenants.storage import prepared
        from tenants.storage.db import atomic

        took: dict[str, list[float]] = {"indexed": [], "not indexed": []}
        for number in range(self.messages + CONVERSATIONS, self.messages + CONVERSATIONS + count):
            indexed = number % 4 in (0, 3)

            def store(number: int = number, indexed: bool = indexed) -> None:
                with tenant_scope(self.tenant.id), atomic():
                    prepared.insert([self._message(number, self.messages, indexed=indexed)])

            took["indexed" if indexed else "not indexed"].append(timed(store))
        return took


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, the 95th percentile and the greatest."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)], ordered[-1]


if __name__ == "__main__":
    main()
