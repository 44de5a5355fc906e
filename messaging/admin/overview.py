"""What the console's first page counts: what needs the attention of staff, of their own tenants.

Must not do more than count: every figure leads to the list that it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import IntegerField, Model, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse

from channels_app.models import ChannelIncident
from conversations.models import Attachment, Conversation, Review
from messaging.admin.dashboard.page import dashboard
from messaging.agents.inbox.lists import held_by_view
from messaging.models import (
    Delivery,
    HandledEvent,
    InboundEvent,
    StaffAlert,
    Turn,
    WebhookDelivery,
    WebhookEndpoint,
)
from messaging.outbox.failures import FAILED
from tenants.console.pages.whose import operates, tenants_known
from tenants.models import Tenant
from tenants.storage.db import on_mongo

OPERATE = "deliveries:write"  # to start again what was given up: its holders look after the traffic
MOST = 1000  # counted no further: the page stays quick, and such a figure is not read to its last digit


@dataclass(frozen=True)
class Figure:
    """Rows of ``model`` that match; ``query`` is the filter of its list that shows the same ones, ``view`` the list of the
    inbox that does, for staff of one tenant."""

    title: str
    model: type[Model]
    permission: str
    matching: Callable[[HttpRequest], Q]
    query: str
    wanting: bool = False  # shown in red unless it is zero
    view: str = ""
    operators: bool = False  # shown only to those who look after the traffic

    def tenants(self, request: HttpRequest) -> list[Tenant]:
        """Those whose rows the signed-in member of staff counts."""
        readable = tenants_known(request, self.permission)
        if not self.operators:
            return readable
        theirs = {tenant.id for tenant in tenants_known(request, OPERATE)}
        return [tenant for tenant in readable if tenant.id in theirs]


def _failed() -> QuerySet[Any]:
    """Found by their error: SQLite would rather read all marks of a tenant."""
    # unscoped: an inner query, of which `_rows` takes the tenants of the member of staff
    return HandledEvent.objects.unscoped().filter(**FAILED).order_by().values("pk")


FIGURES = (
    Figure("Open conversations", Conversation, "conversations:read", lambda _: Q(is_open=True), "is_open__exact=1"),
    Figure(
        "Waiting", Conversation, "conversations:read", lambda _: held_by_view("waiting", None), "waiting=yes", True,
        view="waiting",
    ),
    Figure(
        "Mine", Conversation, "conversations:read", lambda request: held_by_view("mine", request.user.pk), "mine=yes",
        view="mine",
    ),
    Figure("To review", Review, "messages:read", lambda _: Q(reviewed_at=None), "open=yes", True),
    Figure("Messages not delivered", Delivery, "deliveries:read", lambda _: Q(dead_at__isnull=False), "dead=yes", True),
    Figure(
        "Requests of platforms given up", InboundEvent, "deliveries:read", lambda _: Q(status="failed"),
        "status__exact=failed", True, operators=True,
    ),
    Figure(
        "Answers given up", Turn, "conversations:read", lambda _: Q(status="failed"), "status__exact=failed", True,
        operators=True,
    ),
    Figure(
        "Files given up", Attachment, "messages:read", lambda _: Q(state="failed"), "state__exact=failed", True, operators=True,
    ),
    Figure(
        "Webhook calls given up", WebhookDelivery, "webhooks:read", lambda _: Q(status="failed", event__isnull=False),
        "status__exact=failed&event__isnull=0", True,  # not pings
    ),
    Figure("Channels not well", ChannelIncident, "channels:read", lambda _: Q(is_open=True), "is_open__exact=1", True),
    Figure(
        "Paused webhook endpoints", WebhookEndpoint, "webhooks:read", lambda _: Q(paused_at__isnull=False), "paused_at__isempty=0",
        True,
    ),
    Figure("Events not handled", HandledEvent, "deliveries:read", lambda _: Q(pk__in=_failed()), "", True, operators=True),
    Figure(
        "Alerts not sent", StaffAlert, "deliveries:read", lambda _: Q(status="failed"), "status__exact=failed", True,
        operators=True,
    ),
)  # fmt: skip


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """UNFOLD's DASHBOARD_CALLBACK: adds ``figures``, of those that one may read, and the dashboard."""
    queries = queries_of(request)
    found = counted(list(queries.values()))
    shown = [_shown(request, figure, count) for figure, count in zip(queries, found, strict=True)]
    return {**context, "title": "Dashboard", "figures": shown, "dashboard": dashboard(request)}


def queries_of(request: HttpRequest) -> dict[Figure, QuerySet[Any]]:
    """The rows that each figure counts, of those that are the business of the signed-in member of staff."""
    return {figure: _rows(request, figure)[:MOST] for figure in FIGURES if operates(request) or figure.tenants(request)}


def _rows(request: HttpRequest, figure: Figure) -> QuerySet[Any]:
    objects: Any = figure.model._default_manager
    # unscoped: the page spans all tenants of the member of staff; limited to them here
    rows: QuerySet[Any] = objects.unscoped().filter(figure.matching(request)).order_by()
    own = [tenant.id for tenant in figure.tenants(request)]
    if on_mongo():
        return rows if operates(request) else rows.filter(tenant__in=own)
    # named by a query, and also where it is all of them: SQLite then takes the index that finds the rows that match
    tenants = Tenant.objects.order_by() if operates(request) else Tenant.objects.order_by().filter(pk__in=own)
    return rows.filter(tenant__in=tenants.values("pk"))


class Counted(Subquery):
    """How many rows a query finds, as a value of another one."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()  # type: ignore[assignment]


def counted(queries: Sequence[QuerySet[Any]]) -> list[int]:
    """The number of rows of each, by one statement where the engine can."""
    if on_mongo() or not queries:
        return [query.count() for query in queries]
    values = {f"n{number}": Counted(query.values("pk")) for number, query in enumerate(queries)}
    # one row to hang the values on: a member of staff who sees figures belongs to a tenant
    row = Tenant.objects.order_by("pk").annotate(**values).values_list(*values).first()
    return list(row or [0] * len(queries))


def _shown(request: HttpRequest, figure: Figure, count: int) -> dict[str, Any]:
    names = figure.model._meta
    inbox = figure.view and len(figure.tenants(request)) == 1
    listed = reverse(f"admin:{names.app_label}_{names.model_name}_changelist")
    return {
        "title": figure.title,
        "count": f"{count:,}" if count < MOST else f"{MOST:,}+",
        "wanting": figure.wanting and count > 0,
        "link": f"{reverse('admin:inbox')}?view={figure.view}" if inbox else f"{listed}?{figure.query}",
    }
