"""How long a search for people takes among the contacts of one tenant: ``python -m benchmarks.past.people``.

A name of fifty is common, as in life (the most frequent has 2 % of all), others are rare; half have an e-mail address, half a
telephone number, all an identity and a conversation. Asked by the inbox (all of its ways to find a person), by REST and by the
console's list. CPU time on SQLite, wall time on PostgreSQL. Each engine in turn, in servers and files of their own.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.past.crowd import SPELLING, in_haste, inserted
from benchmarks.past.engines import on_engines, say
from benchmarks.past.search import Speech, percentiles

BAR_MS = 50  # p95 of each kind at 1,000,000 contacts
SLOTS = 10_000  # of first names: one that has 200 of them is that of 2 % of all people
LASTS = 20_000
COMMON = ("Anna", "José", "Jürgen", "Łukasz", "Zoë", "Marie", "Thomas", "Ahmed", "Olga", "Ravi")
CHINESE = [a + b + c for a in "王李张刘陈" for b in "小大明建国" for c in "明华强军丽"]
STEP = 7_919  # coprime to all of the above: who has which name says nothing about who was active when


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=50, help="different questions of each kind (default: 50)")
    on_engines(parser, measure, "benchmarks.past.people")


def measure(given: argparse.Namespace) -> None:
    from django.db import connection

    place = Place()
    started = time.perf_counter()
    place.fill(given.contacts)
    say(f"{connection.vendor}: {given.contacts:,} contacts there, {time.perf_counter() - started:.0f} s")
    report(place, given.calls)


def report(place: Place, calls: int) -> None:
    from django.db import connection

    # CPU time where the database is in the process: other work on the machine does not disturb it
    clock = time.thread_time if connection.vendor == "sqlite" else time.perf_counter

    def took_ms(call: Callable[[], object]) -> float:
        begun = clock()
        call()
        return (clock() - begun) * 1000

    for way, ask in place.ways().items():
        say(f"\n| {connection.vendor}, {way} | p50 ms | p95 ms | max ms |\n|---|---:|---:|---:|")
        ask("xqz"), ask("+4915100000000")  # the first call of a process imports
        everything: list[float] = []
        for name, questions in place.questions(calls).items():
            took = [took_ms(partial(ask, question)) for question in questions]
            everything += took
            say(f"| {name} | {' | '.join(f'{value:.1f}' for value in percentiles(took))} |")
        say(f"| all of these | {' | '.join(f'{value:.1f}' for value in percentiles(everything))} |")


class Names:
    """First names by slot, last names; each with its folded words."""

    def __init__(self) -> None:
        self.speech = Speech()
        words = [word.capitalize() for word in self.speech.words if len(word) > 3]
        self.rare = words[:2_000]
        self.firsts = [name for rank, name in enumerate(COMMON) for _ in range(200 // (rank + 1))]
        self.firsts += list(itertools.islice(itertools.cycle(self.rare), SLOTS - len(self.firsts)))
        self.lasts = [f"{word}{end}" for end in ("", "mann", "ez", "ski") for word in words[2_000 : 2_000 + LASTS // 4]]


class Place:
    """A tenant with many people, one beside it whose people are called the same, and clients of its API and console."""

    def __init__(self) -> None:
        from django.test import Client

        from tenants.access.api_keys import api_key_create
        from tests.factories import ChannelFactory, TenantFactory, UserFactory

        self.names, self.random = Names(), random.Random(7)
        self.tenants = [TenantFactory(slug="people"), TenantFactory(slug="others")]
        self.channels = [ChannelFactory(tenant=tenant) for tenant in self.tenants]
        key = api_key_create(tenant=self.tenants[0], name="people", scopes=["*"])[1]
        self.api = Client(headers={"Authorization": f"Bearer {key}", "Host": "localhost"})
        self.console = Client(headers={"Host": "localhost"})
        self.console.force_login(UserFactory(is_superuser=True))
        self.contacts = 0

    # ------------------------------------------------------------------------------- there

    def fill(self, contacts: int) -> None:
        from django.db import connection

        with in_haste(), connection.cursor() as cursor:
            self._names_kept(cursor)
            for number, (first, last) in enumerate(((0, contacts), (contacts, contacts + contacts // 20))):
                self._people(number, first, last)
            for table in ("first", "last", "four"):
                cursor.execute(f"DROP TABLE past_{table}")
        self.contacts = contacts

    def _names_kept(self, cursor: Any) -> None:
        from channels_app.words.folding import folded

        for table, names in (("first", self.names.firsts), ("last", self.names.lasts)):
            cursor.execute(f"CREATE TABLE past_{table} (n integer PRIMARY KEY, name text, words text)")
            rows = [(number, name, folded(name).strip()) for number, name in enumerate(names)]
            cursor.executemany(f"INSERT INTO past_{table} VALUES (%s, %s, %s)", rows)
        cursor.execute("CREATE TABLE past_four (n integer PRIMARY KEY, name text, words text)")
        cursor.executemany(
            "INSERT INTO past_four VALUES (%s, %s, %s)",
            [(number, name, folded(name)) for number, name in enumerate(CHINESE)],
        )

    def _people(self, number: int, first: int, last: int) -> None:
        from django.db import connection

        from conversations.models import Contact, Conversation, Identity

        words, tenant, channel = SPELLING[connection.vendor], self.tenants[number], self.channels[number]
        start = int(time.time()) - 86_400 * 300

        def key(kind: int) -> str:
            return words["id"].format(start=start, s="n * 10", n=f"n * 10 + {kind}")

        active = words["at"].format(start=start, s=f"(n * {STEP} %% 1000003) * 20")
        said = (
            f"WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {last})"
            f" SELECT p.n, CASE WHEN p.n %% 100 = 7 THEN c.name ELSE f.name || ' ' || l.name END AS name,"
            f" CASE WHEN p.n %% 100 = 7 THEN c.words ELSE ' ' || f.words || ' ' || l.words || ' ' END AS words,"
            f" CASE WHEN p.n %% 2 = 0 THEN f.words || '.' || l.words || p.n %% 997 || '@firm' || p.n %% 499 || '.example' ELSE '' END AS email,"
            f" CASE WHEN p.n %% 2 = 0 THEN ' ' || f.words || ' ' || l.words || p.n %% 997 || ' firm' || p.n %% 499 || ' example ' ELSE '' END AS email_words,"
            f" CASE WHEN p.n %% 4 < 2 THEN '+49151' || (10000000 + p.n * 48271 %% 89999999) ELSE '' END AS phone"
            f" FROM (SELECT CAST(n AS bigint) AS n FROM numbers) p JOIN past_first f ON f.n = p.n * {STEP} %% {SLOTS}"
            f" JOIN past_last l ON l.n = p.n %% {len(self.names.lasts)} JOIN past_four c ON c.n = p.n / 100 %% {len(CHINESE)}"
        )
        like = {"tenant": tenant}
        person = {"id": key(1), "name": "name", "name_words": "words", "email": "email", "email_words": "email_words"}
        person |= {"phone": "phone", "last_active_at": active}
        inserted(Contact, person, Contact(**like), f"FROM ({said}) said")
        numbers = (
            f"WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {last})"
        )
        numbers = f"FROM ({numbers} SELECT CAST(n AS bigint) AS n FROM numbers) said"
        identity = {"id": key(2), "contact_id": key(1), "value": "'user' || n"}
        inserted(Identity, identity, Identity(channel=channel, scheme="user", **like), numbers)
        talk = {
            "id": key(3),
            "contact_id": key(1),
            "identity_id": key(2),
            "last_message_at": active,
            "created_at": active,
        }
        inserted(Conversation, talk, Conversation(channel=channel, is_open=False, status="completed", **like), numbers)

    # ------------------------------------------------------------------------------- asked

    def questions(self, count: int) -> dict[str, list[str]]:
        some, names = self.random, self.names
        numbers = [4 * some.randrange(self.contacts // 4) for _ in range(count)]
        phones = [f"+49151{10_000_000 + number * 48_271 % 89_999_999}" for number in numbers]
        lasts = some.sample(names.lasts, count)
        return {
            "a rare name": lasts,
            "a common first name": [COMMON[number % len(COMMON)] for number in range(min(count, len(COMMON)))],
            "without its accents": ["jose", "jurgen", "lukasz", "zoe"],
            "a first name of one in a thousand": some.sample(names.rare, count),
            "a common first name and a rare one": [f"{some.choice(COMMON)} {last}" for last in lasts],
            "two beginnings of two letters": [f"{some.choice(COMMON)[:2]} {last[:2]}" for last in lasts],
            "a beginning of three letters": [name[:3] for name in some.sample(names.rare, count)],
            "a beginning of two letters": [name[:2] for name in some.sample(names.rare, count)],
            "a part of an e-mail address": [f"{last.lower()}{number % 997}@firm" for last, number in zip(lasts, numbers, strict=True)],
            "of a firm": [f"firm{some.randrange(499)}" for _ in range(count)],
            "what all addresses have": ["example"],
            "the last four digits of a number": [phone[-4:] for phone in phones],
            "the last six digits of a number": [phone[-6:] for phone in phones],
            "a number as it is dialled at home": ["0" + phone[3:] for phone in phones],
            "a whole number": phones,
            "an identity": [f"user{number}" for number in numbers],
            "a Chinese name": some.sample(CHINESE, count),
            "a Chinese sign": list("王李张刘陈"),
            "what no one is called": [f"xqz{number}" for number in range(count)],
        }  # fmt: skip

    def ways(self) -> dict[str, Callable[[str], None]]:
        return {"inbox": self._inbox, "REST": self._rest, "console": self._list}

    def _inbox(self, search: str) -> None:
        from messaging.agents.inbox.found import conversations_found
        from tenants.scope import tenant_scope

        with tenant_scope(self.tenants[0].id):
            conversations_found(search, words=False)

    def _rest(self, search: str) -> None:
        answer = self.api.get("/api/v2/contacts", {"search_query": search})
        assert answer.status_code == 200, answer.content

    def _list(self, search: str) -> None:
        answer = self.console.get("/admin/conversations/contact/", {"q": search, "tenant": str(self.tenants[0].id)})
        assert answer.status_code == 200, answer.status_code


if __name__ == "__main__":
    main()
