"""The console's page of what models took: tokens, cost, time and failures by day, and the tenant's preferences (AI-5).

Owns which figures. Must not change a setting: a tenant's settings have a page of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from assistant.console.choice import tenant_asked
from assistant.llm.budget import MICRO, spent_micros, today
from assistant.llm.providers.unasked import unknown
from assistant.models import ModelUse
from tenants.console.dollars import dollars
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for

PERIODS = (7, 30, 90)
COUNTS = ("questions", "failures", "input_tokens", "output_tokens", "cost_micros", "latency_ms")
BLUE, VIOLET, AMBER, RED = "#2a78d6", "#7c6ae6", "#eda100", "#e34948"
MOST_MODELS = 50


def figures_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """``tenant`` and ``days``, one of PERIODS."""
    tenant, tenants = tenant_asked(request, "models:read")
    wanted = request.GET.get("days", "")
    days = int(wanted) if wanted in map(str, PERIODS) else 30
    last = today()
    first = last - timedelta(days=days - 1)
    with tenant_scope(tenant.id):
        rows = ModelUse.objects.filter(day__gte=first, day__lte=last)
        sums = {f"{name}_sum": Sum(name) for name in COUNTS}
        by_day = {row["day"]: _counts(row) for row in rows.order_by().values("day").annotate(**sums)}
        by_model = {row["model"]: _counts(row) for row in rows.order_by().values("model").annotate(**sums)}
        preferences = _preferences(tenant)
    each = {day: by_day.get(day, _counts({})) for day in (first + timedelta(days=n) for n in range(days))}
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": "What models took", "tenant": tenant,
        "tenants": tenants if len(tenants) > 1 else [], "days": days, "periods": PERIODS, "empty": not by_day,
        "charts": _charts(each) if by_day else [], "models": _table(by_model), "preferences": preferences,
        "settings_at": _settings_at(request, tenant),
    }  # fmt: skip
    return render(request, "admin/assistant/figures.html", context)


def _counts(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(row.get(f"{name}_sum") or 0) for name in COUNTS}


def _charts(days: Mapping[date, Mapping[str, int]]) -> list[dict[str, str]]:
    """Each with its heading and what it shows in words."""
    total = {name: sum(counts[name] for counts in days.values()) for name in COUNTS}
    cost = total["cost_micros"] / MICRO

    def chart(*lines: tuple[str, str, Sequence[float]]) -> str:
        sets = [
            {"label": label, "data": list(data), "backgroundColor": colour, "stack": "all", "maxBarThickness": 16,
             "borderRadius": 2, "maxTicksXLimit": 8, "displayYAxis": True}
            for label, colour, data in lines
        ]  # fmt: skip
        return json.dumps({"labels": [f"{day:%b} {day.day}" for day in days], "datasets": sets})

    def of(name: str, part: float = 1) -> list[float]:
        return [counts[name] / part for counts in days.values()]

    return [
        {"title": "Tokens", "about": f"{total['input_tokens']:,} read, {total['output_tokens']:,} written",
         "data": chart(("Read", BLUE, of("input_tokens")), ("Written", VIOLET, of("output_tokens")))},
        {"title": "Cost", "about": f"{dollars(cost)} US dollars", "data": chart(("US dollars", AMBER, of("cost_micros", MICRO)))},
        {"title": "Time of an answer", "about": f"{_mean(total):,} ms on average",
         "data": chart(("ms", BLUE, [_mean(counts) for counts in days.values()]))},
        {"title": "Failures", "about": f"{total['failures']:,} of {total['questions'] + total['failures']:,} questions",
         "data": chart(("Failures", RED, of("failures")))},
    ]  # fmt: skip


def _mean(counts: Mapping[str, int]) -> int:
    return round(counts["latency_ms"] / max(1, counts["questions"]))


def _table(models: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """The dearest first, then the busiest."""
    order = sorted(models.items(), key=lambda one: (-one[1]["cost_micros"], -one[1]["questions"], one[0]))
    return [
        {**counts, "name": name, "cost": dollars(counts["cost_micros"] / MICRO), "mean": _mean(counts)}
        for name, counts in order[:MOST_MODELS]
    ]


def _preferences(tenant: Tenant) -> list[tuple[str, str]]:
    chosen = settings_for(tenant.id)
    budget, spent = chosen.llm_budget, spent_micros(today()) / MICRO
    limits = [("soft", budget.soft_usd), ("hard", budget.hard_usd)]
    told = ", ".join(f"{name} limit {limit:g}" for name, limit in limits if limit is not None)
    return [
        ("Asked first", _named([chosen.default_model] if chosen.default_model else []) or "the cheapest that fits"),
        ("May be asked", _named(list(chosen.allowed_models)) or "all that are set up"),
        ("Spent today", f"{dollars(spent)} US dollars ({told or 'no limit'})"),
        ("Beyond the hard limit", "a colleague takes over" if budget.hand_over else "the built-in assistant answers"),
    ]


def _named(models: list[str]) -> str:
    """Models that the settings name; a name that none has is told, for it does nothing."""
    none = unknown(models)
    return ", ".join(f"{name} (no model that may be asked is called so)" if name in none else name for name in models)


def _settings_at(request: HttpRequest, tenant: Tenant) -> str:
    """Where they are changed, for members who may see the settings."""
    if "tenants:read" not in permissions_in(request, tenant.id):
        return ""
    return reverse("admin:tenants_tenant_settings", args=[tenant.pk]) + "?section=models"
