"""The console's first page as the messages behind its figures grow: ``python -m benchmarks.past.dashboard``.

In this process: at every size the same tenant, channels and colleagues, a crowd with conversations, deliveries, events and
marks of so many messages (benchmarks/past/crowd.py), and the sheets of as many conversations of ten. CPU time on SQLite, wall
time on PostgreSQL. A ratio is of the medians, to the smallest size. Each engine in turn, in servers and files of its own.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from datetime import timedelta
from typing import Any

from benchmarks.past.crowd import in_haste
from benchmarks.past.engines import on_engines, say

SIZES = (20_000, 2_000_000)
PER_TALK = 10  # messages of a conversation
DAYS, CHANNELS, AGENTS = 90, 8, 10
#: who looks at what
PAGES = {
    "superuser, 90 days": ("superuser", "days=90"),
    "member, 90 days": ("member", "days=90"),
    "member, 7 days": ("member", "days=7"),
    "member, by colleague": ("member", "days=90&by=agent"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="messages, ascending")
    parser.add_argument("--calls", type=int, default=30, help="of the page at each size (default: 30)")
    on_engines(parser, measure, "benchmarks.past.dashboard")


def measure(given: argparse.Namespace) -> None:
    from django.db import connection

    house = House()
    names = " | ".join(f"{name} ms" for name in PAGES)
    say(
        f"| {connection.vendor}, messages | filled in s | sheets | {names} | ratios |\n|---|---:|---:|{'---:|' * len(PAGES)}---:|"
    )
    least: list[float] = []
    for size in given.sizes:
        started = time.perf_counter()
        house.fill(size)
        filled = time.perf_counter() - started
        took = [house.median_ms(*page, given.calls) for page in PAGES.values()]
        least = least or took
        ratios = " / ".join(f"{now / first:.2f}" for now, first in zip(took, least, strict=True))
        say(
            f"| {house.crowd.messages:,} | {filled:.0f} | {house.sheets:,} | {' | '.join(f'{ms:.0f}' for ms in took)} | {ratios} |"
        )


class House:
    """A tenant whose people and colleagues have talked for 90 days."""

    def __init__(self) -> None:
        from django.db import connection
        from django.test import Client

        from benchmarks.past.crowd import TENANTS, Crowd
        from tests.factories import ChannelFactory, MembershipFactory, TenantFactory, UserFactory

        # CPU time where the database is in the process: other work on the machine does not disturb it
        self.clock = time.process_time if connection.vendor == "sqlite" else time.perf_counter
        self.chance, self.sheets = random.Random(7), 0
        tenants = [TenantFactory() for _ in range(TENANTS)]
        self.tenant, first = tenants[0], [ChannelFactory(tenant=tenant) for tenant in tenants]
        self.crowd = Crowd(tenants, first, found=False)
        self.channels = [first[0], *(ChannelFactory(tenant=self.tenant) for _ in range(CHANNELS - 1))]
        self.agents = [MembershipFactory(tenant=self.tenant).user for _ in range(AGENTS)]
        self.clients = {name: Client(headers={"Host": "localhost"}) for name in ("superuser", "member")}
        self.clients["superuser"].force_login(UserFactory(is_superuser=True))
        self.clients["member"].force_login(self.agents[0])

    def median_ms(self, who: str, query: str, calls: int) -> float:
        return statistics.median([self._timed(who, query) for _ in range(calls + 3)][3:]) * 1000

    def _timed(self, who: str, query: str) -> float:
        begun = self.clock()
        answer = self.clients[who].get(f"/admin/?tenant={self.tenant.slug}&{query}")
        took = self.clock() - begun
        assert answer.status_code == 200
        return took

    def fill(self, messages: int) -> None:
        """Until there are so many, with all that they leave behind, and the sheets of as many conversations."""
        with in_haste():
            self.crowd.grow(messages)
        self._sheets(messages // PER_TALK)

    def _sheets(self, talks: int) -> None:
        from messaging.figures.asked import today
        from messaging.figures.facts import ALL, NONE, Place, weeks_of
        from messaging.figures.sheet import Sheet
        from messaging.models import DaySheet

        sheets: dict[Place, Sheet] = {}
        for number in range(talks):
            day, channel = today() - timedelta(days=number % DAYS), self.chance.choice(self.channels).id
            agent = self.chance.choice(self.agents).id if self.chance.random() < 0.3 else NONE
            for where, who in {(channel, NONE), *({(channel, agent), (ALL, agent)} if agent != NONE else ())}:
                self._talk(sheets.setdefault(Place(day, where, NONE, who), Sheet()), by_agent=agent != NONE)
        sheets |= weeks_of(sheets)
        # unscoped: the benchmark's own rows
        rows = DaySheet.objects.unscoped()
        rows.all().delete()
        rows.bulk_create(
            [DaySheet(tenant=self.tenant, **place._asdict(), figures=sheet.to_json()) for place, sheet in sheets.items()],
            batch_size=200,
        )  # fmt: skip
        self.sheets = len(sheets)

    def _talk(self, sheet: Any, *, by_agent: bool) -> None:
        for name, count in (("started", 1), ("ended", 1), ("received", 5), ("sent_by_bot", 4), ("sent_by_staff", 1),
                            ("answers", 4), ("input_tokens", 4000), ("output_tokens", 900), ("cost_micro_usd", 5000)):  # fmt: skip
            sheet.counts[name] += count
        sheet.counts[f"rated_{self.chance.randint(1, 5)}"] += 1
        sheet.spread("first_answer").add(int(self.chance.lognormvariate(6.6, 0.6)))
        sheet.spread("resolution").add(int(1000 * self.chance.lognormvariate(6.8, 1.2)))
        if by_agent:
            for name in ("first_response", "response"):
                sheet.spread(name).add(int(1000 * self.chance.lognormvariate(4.6, 1)))


if __name__ == "__main__":
    main()
