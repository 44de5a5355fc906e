"""What the console's first page counts: what needs the attention of staff, of their own tenants.

Must not do more than count: every figure leads to the list that it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse

from channels_app.models import ChannelIncident
from conversations.models import Attachment, Conversation, Review
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
from tenants.console.pages import permissions_in, tenants_with

MOST = 1000  # counted no further: the page stays quick, and such a figure is not read to its last digit


@dataclass(frozen=True)
class Figure:
    """Rows of ``model`` that match; ``query`` is the filter of its list that shows the same ones."""

    title: str
    model: type[Model]
    permission: str
    matching: Callable[[HttpRequest], Q]
    query: str
    wanting: bool = False  # shown in red unless it is zero


FIGURES = (
    Figure("Open conversations", Conversation, "conversations:read", lambda _: Q(is_open=True), "is_open__exact=1"),
    Figure(
        "Waiting for an answer", Conversation, "conversations:read", lambda _: Q(waiting_since__isnull=False),
        "waiting=yes", True,
    ),
    Figure(
        "Mine", Conversation, "conversations:read", lambda request: Q(is_open=True, assignee=request.user.pk),
        "mine=yes",
    ),
    Figure("To review", Review, "messages:read", lambda _: Q(reviewed_at=None), "open=yes", True),
    Figure("Dead letters", Delivery, "deliveries:read", lambda _: Q(dead_at__isnull=False), "dead=yes", True),
    Figure(
        "Requests of platforms given up", InboundEvent, "deliveries:read", lambda _: Q(status="failed"),
        "status__exact=failed", True,
    ),
    Figure("Answers given up", Turn, "conversations:read", lambda _: Q(status="failed"), "status__exact=failed", True),
    Figure("Files given up", Attachment, "messages:read", lambda _: Q(state="failed"), "state__exact=failed", True),
    Figure(
        "Webhook calls given up", WebhookDelivery, "webhooks:read", lambda _: Q(status="failed", event__isnull=False),
        "status__exact=failed&event__isnull=0", True,  # not pings
    ),
    Figure("Channels not well", ChannelIncident, "channels:read", lambda _: Q(is_open=True), "is_open__exact=1", True),
    Figure(
        "Paused webhook endpoints", WebhookEndpoint, "webhooks:read", lambda _: Q(paused_at__isnull=False), "paused_at__isempty=0",
        True,
    ),
    Figure("Events not handled", HandledEvent, "deliveries:read", lambda _: Q(**FAILED), "", True),
    Figure("Alerts not sent", StaffAlert, "deliveries:read", lambda _: Q(status="failed"), "status__exact=failed", True),
)  # fmt: skip


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """UNFOLD's DASHBOARD_CALLBACK: adds ``figures``, one query each, of those that one may read."""
    held = permissions_in(request, None)
    figures = [_shown(request, figure) for figure in FIGURES if figure.permission in held]
    return {**context, "figures": figures}


def _shown(request: HttpRequest, figure: Figure) -> dict[str, Any]:
    names = figure.model._meta
    objects: Any = figure.model._default_manager
    # unscoped: the page spans all tenants of the member of staff; limited to them here
    rows = objects.unscoped().filter(figure.matching(request), tenant__in=tenants_with(request, figure.permission))
    count = rows[:MOST].count()
    return {
        "title": figure.title,
        "count": f"{count:,}" if count < MOST else f"{MOST:,}+",
        "wanting": figure.wanting and count > 0,
        "link": f"{reverse(f'admin:{names.app_label}_{names.model_name}_changelist')}?{figure.query}",
    }
