"""The dashboard's figures as CSV: a line for each day, tenant and channel, as the filters of the page say.

No cell is a formula: tenants/api/trail/cells.py.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from messaging.admin.dashboard.choice import Choice, choice_of
from messaging.figures.asked import Asked
from messaging.figures.facts import ALL, COUNTS, NONE, SPREADS
from messaging.figures.read import Line, lines, mean_rating
from messaging.figures.sheet import Sheet
from tenants.api.trail.cells import safe

HEAD = [
    "day", "tenant", "channel", "team", "agent", *COUNTS, "satisfaction_mean",
    *(f"{name}_{part}" for name in SPREADS for part in ("count", "median_s", "p90_s", "longest_s")),
]  # fmt: skip


def addresses() -> list[URLPattern]:
    return [path("figures.csv", admin.site.admin_view(export), name="figures_export")]


def export(request: HttpRequest) -> HttpResponse:
    """403 for staff who may read no figures."""
    choice = choice_of(request)
    if choice.asked is None:
        raise PermissionDenied
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"figures-{choice.asked.first}-{choice.asked.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response.write("\ufeff")  # spreadsheets take it for UTF-8
    rows = csv.writer(response)
    rows.writerow(HEAD)
    rows.writerows(_rows(choice, choice.asked))
    return response


def _rows(choice: Choice, asked: Asked) -> Iterator[list[Any]]:
    tenants = {tenant.id: tenant.name for tenant in choice.tenants}
    for line in lines(asked):
        if not asked.by_agent or line.agent != NONE:
            yield [line.day.isoformat(), safe(tenants.get(line.tenant_id, "")), *_names(choice, line), *_numbers(line)]


def _names(choice: Choice, line: Line) -> Iterator[str]:
    for what, row in (
        ("channel", NONE if line.channel == ALL else line.channel),
        ("team", line.team),
        ("agent", line.agent),
    ):
        yield safe(choice.name_of(what, row) or (str(row) if row != NONE else ""))


def _numbers(line: Line) -> Iterator[Any]:
    sheet = Sheet.from_json(line.figures)
    yield from (sheet.counts[name] for name in COUNTS)
    yield mean_rating(sheet)
    for name in SPREADS:
        spread = sheet.spread(name)
        times = (spread.percentile_ms(0.5), spread.percentile_ms(0.9), spread.longest_ms if spread.count else None)
        yield from (spread.count, *(None if took is None else round(took / 1000, 3) for took in times))
