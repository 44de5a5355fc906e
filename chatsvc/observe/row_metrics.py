"""Measures that only the rows know: how long work has been waiting, and how each tenant fares.

Owns the queries, all bounded or by index, and remembers their answer for a few seconds for all
processes. Must not name more than MOST_TENANTS tenants: a label with any number of values breaks Prometheus.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chatsvc.observe.workers import workers_seen
from conversations.models import Conversation, Message
from messaging.figures.asked import Asked, today
from messaging.figures.read import lines, mean_rating, ratings_of
from messaging.figures.sheet import Sheet
from messaging.models import HandledEvent
from messaging.outbox.failures import FAILED
from messaging.outbox.lanes import MOST_COUNTED, PUBLISHED, STREAMED, lag
from tenants.models import Tenant
from tenants.storage.db import now
from tenants.work.leases import TABLES, due, given_up

FRESH_S = 10
FRESH_TENANTS_S = 60
MOST_TENANTS = 20
OTHER = "other"


#: what stands in the cache
MEASURES = ("measures:rows", "measures:tenants", "measures:business")


def rows_lately() -> dict[str, Any]:
    """`rows`, at most FRESH_S seconds old."""
    told: Any = cache.get_or_set(MEASURES[0], rows, FRESH_S)
    return told


class RowCollector(Collector):
    """Reads at every scrape, from the cache for FRESH_S seconds."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        lines = rows_lately()
        tenants: Any = cache.get_or_set("measures:tenants", by_tenant, FRESH_TENANTS_S)
        yield _family(
            "chatsvc_queue_age_seconds", "How long the oldest due row has been waiting", "queue", lines["age"]
        )
        yield _family("chatsvc_queue_rows", "Rows that are due", "queue", lines["rows"])
        yield _family("chatsvc_outbox_age_seconds", "How long the oldest event waits", "outbox", lines["outbox_age"])
        yield _family("chatsvc_outbox_rows", "Events to be handed on", "outbox", lines["outbox_rows"])
        yield _family(
            "chatsvc_dead_rows", "Rows that were given up and can be started again", "work", lines["given_up"]
        )
        yield GaugeMetricFamily(
            "chatsvc_dead_letters", "Deliveries that failed for good", value=lines["given_up"]["deliveries"]
        )
        yield _family(
            "chatsvc_worker_seen_seconds", "Since a worker of the queue was last seen", "queue", workers_seen()
        )
        family = GaugeMetricFamily("chatsvc_tenant_last_hour", "Figures of the last hour", labels=["tenant", "what"])
        for (tenant, what), value in tenants.items():
            family.add_metric([tenant, what], value)
        yield family
        business_today: Any = cache.get_or_set("measures:business", figures_today, FRESH_TENANTS_S)
        yield from business(business_today)


def _family(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for which, value in values.items():
        family.add_metric([which], value)
    return family


def rows() -> dict[str, Any]:
    """Age and length of every queue and of the outbox."""
    at = now()
    waiting: dict[str, list[Any]] = {}
    for table in TABLES.values():
        waiting.setdefault(table.queue, []).append(due(table, at))
    lags = {outbox.name: lag(outbox) for outbox in (PUBLISHED, STREAMED)}
    return {
        "age": {queue: max(_age_s(rows, at) for rows in tables) for queue, tables in waiting.items()},
        "rows": {queue: sum(map(_count, tables)) for queue, tables in waiting.items()},
        "outbox_age": {name: behind.age_s for name, behind in lags.items()},
        "outbox_rows": {name: behind.rows for name, behind in lags.items()},
        "given_up": {
            **{name: _count(given_up(table)) for name, table in TABLES.items() if table.given_up},
            "handlers": _count(HandledEvent.objects.unscoped().filter(**FAILED)),  # unscoped: of the whole service
        },
    }


def _age_s(due_rows: Any, at: datetime) -> float:
    since = due_rows.aggregate(oldest=Min("due_at"))["oldest"]
    return max(0.0, (at - since) / timedelta(seconds=1)) if since else 0.0


def _count(found: Any) -> int:
    return len(found.order_by().values_list("id", flat=True)[:MOST_COUNTED])


def by_tenant() -> dict[tuple[str, str], int]:
    """Messages in and out, conversations begun: of the MOST_TENANTS busiest tenants, and of all others together."""
    since = first_id_at(now() - timedelta(hours=1))
    # unscoped: the console's figures of all tenants, by their public name
    messages = Message.objects.unscoped().filter(id__gte=since).values("tenant_id", "direction")
    # unscoped: as above
    begun = Conversation.objects.unscoped().filter(id__gte=since).values("tenant_id")
    figures: dict[tuple[Any, str], int] = {}
    for line in messages.annotate(number=Count("id")).order_by():
        figures[line["tenant_id"], f"messages_{line['direction']}"] = line["number"]
    for line in begun.annotate(number=Count("id")).order_by():
        figures[line["tenant_id"], "conversations"] = line["number"]
    return _named(figures)


#: what of the day's figures is measured; ratings come with their number and mean, times with their quantiles
TODAY = (
    "started", "bot_alone", "escalated", "ended", "abandoned", "received", "sent_by_bot", "sent_by_staff", "delivered",
    "failed", "sessions", "answers", "fallbacks", "input_tokens", "output_tokens", "cost_micro_usd",
)  # fmt: skip
QUANTILES = (0.5, 0.9)
TIMES = ("first_answer", "first_response", "response", "resolution")


def figures_today() -> dict[str, dict[str, Any]]:
    """Today's sheet (UTC) of each of the MOST_TENANTS busiest tenants of the last hour, by name."""
    busy: Any = cache.get_or_set("measures:tenants", by_tenant, FRESH_TENANTS_S)
    busiest = {name for name, _ in busy}
    names = dict(Tenant.objects.filter(slug__in=busiest).values_list("id", "slug"))
    sheets: dict[str, Sheet] = {}
    for line in lines(Asked(list(names), today(), today())):
        sheets.setdefault(names[line.tenant_id], Sheet()).merge_json(line.figures)
    return {name: sheet.to_json() for name, sheet in sheets.items()}


def business(stored: Mapping[str, Mapping[str, Any]]) -> Iterator[GaugeMetricFamily]:
    """Of the tenants that were busy in the last hour: what their dashboards show of today."""
    counts = GaugeMetricFamily("chatsvc_tenant_today", "Figures since midnight UTC", labels=["tenant", "what"])
    times = GaugeMetricFamily(
        "chatsvc_tenant_today_seconds",
        "How long it took since midnight UTC",
        labels=["tenant", "what", "quantile"],
    )
    ratings = GaugeMetricFamily(
        "chatsvc_tenant_today_rating", "Mean rating since midnight UTC, 1 to 5", labels=["tenant"]
    )
    for tenant, one in stored.items():
        sheet = Sheet.from_json(one)
        for what in TODAY:
            counts.add_metric([tenant, what], sheet.counts[what])
        counts.add_metric([tenant, "ratings"], sum(ratings_of(sheet).values()))
        mean = mean_rating(sheet)
        if mean is not None:
            ratings.add_metric([tenant], mean)
        for what in TIMES:
            for quantile in QUANTILES:
                took = sheet.spread(what).percentile_ms(quantile)
                if took is not None:
                    times.add_metric([tenant, what, str(quantile)], took / 1000)
    yield from (counts, times, ratings)


def _named(figures: dict[tuple[Any, str], int]) -> dict[tuple[str, str], int]:
    totals: dict[Any, int] = {}
    for (tenant_id, _), number in figures.items():
        totals[tenant_id] = totals.get(tenant_id, 0) + number
    busiest = sorted(totals, key=lambda tenant_id: (-totals[tenant_id], str(tenant_id)))[:MOST_TENANTS]
    names = dict(Tenant.objects.filter(id__in=busiest).values_list("id", "slug"))
    named: dict[tuple[str, str], int] = {}
    for (tenant_id, what), number in figures.items():
        key = (names.get(tenant_id, OTHER), what)
        named[key] = named.get(key, 0) + number
    return named


def first_id_at(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond: what was created since is a range of the primary key."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)
