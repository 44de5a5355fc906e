"""What the dashboard's address asks for, and what else may be chosen: GET parameters, so that every view is a link.

Owns whose figures a member of staff sees: those of tenants in which they may read figures. A parameter that means nothing
is left out, and the page says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Concat
from django.http import HttpRequest

from channels_app.models import Channel
from messaging.figures.asked import MOST_TENANTS, PERIODS, USUAL, Asked, last_days, period_refused
from tenants.console.pages.whose import tenants_known
from tenants.models import Membership, Team, Tenant
from tenants.storage.db import on_mongo

READ = "analytics:read"


class Named(NamedTuple):
    """A channel, a team or a member of staff that may be chosen. ``detail``: a channel's kind."""

    what: str
    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    detail: str


@dataclass
class Choice:
    """``asked`` is None where the member of staff may read no figures."""

    asked: Asked | None
    tenants: Sequence[Tenant] = ()
    tenant: Tenant | None = None
    named: Sequence[Named] = ()
    period: int = 0  # days up to today; 0: own dates
    wrong: list[str] = field(default_factory=list)

    def of(self, what: str) -> list[Named]:
        return [one for one in self.named if one.what == what]

    def name_of(self, what: str, id: uuid.UUID) -> str:
        return next((one.name for one in self.named if (one.what, one.id) == (what, id)), "")

    def address(self, **other: Any) -> str:
        """The query of this page with something else chosen; None leaves it out."""
        return "?" + urlencode({name: value for name, value in (self.query() | other).items() if value})

    def query(self) -> dict[str, Any]:
        if self.asked is None:
            return {}
        chosen: dict[str, Any] = (
            {"days": self.period} if self.period else {"from": self.asked.first, "to": self.asked.last}
        )
        chosen |= {"tenant": self.tenant.slug} if self.tenant else {}
        chosen |= {"channel": self.asked.channel, "team": self.asked.team, "agent": self.asked.agent}
        return {**chosen, "by": "agent" if self.asked.by_agent else ""}


def choice_of(request: HttpRequest) -> Choice:
    """At most three statements: tenants, channels, teams with members of staff."""
    tenants = tenants_known(request, READ)
    if not tenants:
        return Choice(None)
    wrong: list[str] = []
    tenant = _tenant(request.GET.get("tenant", ""), tenants, wrong)
    own = [tenant] if tenant else tenants
    named = _named([one.id for one in own])
    period, first, last = _period(request, wrong)
    asked = Asked(
        [one.id for one in own], first, last,
        **{what: _chosen(request.GET.get(what, ""), what, named, wrong) for what in ("channel", "team", "agent")},
        by_agent=request.GET.get("by") == "agent",
    )  # fmt: skip
    return Choice(asked, tenants, tenant, named, period, wrong)


def _tenant(slug: str, tenants: Sequence[Tenant], wrong: list[str]) -> Tenant | None:
    found = next((one for one in tenants if one.slug == slug), None)
    if slug and found is None:
        wrong.append("There is no such tenant of yours.")
    return found or (tenants[0] if len(tenants) == 1 or len(tenants) > MOST_TENANTS else None)


def _chosen(text: str, what: str, named: Iterable[Named], wrong: list[str]) -> uuid.UUID | None:
    found = next((one.id for one in named if one.what == what and str(one.id) == text), None)
    if text and found is None:
        wrong.append(f"There is no such {what} here; all are shown.")
    return found


def _period(request: HttpRequest, wrong: list[str]) -> tuple[int, date, date]:
    given = [request.GET.get(name, "").strip() for name in ("from", "to")]
    if any(given):
        first, last = map(_date, given)
        refused = period_refused(first, last) if first and last else "Give both dates of the period."
        if first and last and not refused:
            return 0, first, last
        wrong.append(refused)
    days = next((count for count in PERIODS if str(count) == request.GET.get("days", str(USUAL))), 0)
    if not days:
        wrong.append(f"Choose one of the periods; the last {USUAL} days are shown.")
    return days or USUAL, *last_days(days or USUAL)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------ names


def _named(tenants: Sequence[uuid.UUID]) -> list[Named]:
    """What the tenants have, by name."""
    # unscoped: of the tenants in which the member of staff reads figures
    channels = Channel.objects.unscoped().filter(tenant_id__in=tenants)
    # unscoped: as above
    members = Membership.objects.unscoped().filter(tenant_id__in=tenants)
    # unscoped: as above
    teams = Team.objects.unscoped().filter(tenant_id__in=tenants)
    queries = [
        _lines(channels, "channel", name=F("name"), detail=F("kind")),
        _lines(
            members,
            "agent",
            row="user_id",
            name=F("user__username"),
            detail=Concat("user__first_name", Value(" "), "user__last_name"),
        ),
        _lines(teams, "team", name=F("name"), detail=Value("", output_field=CharField())),
    ]
    found = (line for query in queries for line in query) if on_mongo() else queries[0].union(*queries[1:], all=True)
    named = {line[:2]: Named(*line[:2], *line[2:]) for line in found}
    return sorted(map(_shown, named.values()), key=lambda one: (one.name.casefold(), str(one.id)))


def _lines(rows: QuerySet[Any], what: str, *, name: Any, detail: Any, row: str = "id") -> QuerySet[Any]:
    values = {"what_": Value(what, output_field=CharField()), "row_": F(row), "name_": name, "detail_": detail}
    return rows.order_by().annotate(**values).values_list("what_", "row_", "tenant_id", "name_", "detail_")


def _shown(one: Named) -> Named:
    return one._replace(name=one.detail.strip() or one.name) if one.what == "agent" else one
