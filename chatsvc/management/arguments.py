"""What commands are told on the command line, turned into rows and times. Must not do the commands' work."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware

from channels_app.models import Channel
from tenants.models import Tenant
from tenants.storage.db import now

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def tenant_named(slug: str) -> Tenant:
    """Raises CommandError that names the tenants there are."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"There is no tenant {slug!r}. There are: {known or 'none; try `manage.py seed_demo`'}.")
    return tenant


def channel_keyed(key: str) -> Channel:
    """Raises CommandError. The key names its tenant."""
    # unscoped: an operator names a channel by its public key
    channel = Channel.objects.unscoped().select_related("tenant").filter(key=key).first()
    if channel is None:
        raise CommandError(f"There is no channel with the key {key!r}.")
    return channel


def moment(text: str) -> datetime:
    """``30m``, ``2h``, ``7d`` ago, or an ISO date or time (UTC unless it says otherwise). Raises CommandError."""
    if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        at = parse_datetime(text)
        day = parse_date(text) if at is None else None
    except ValueError:
        at = day = None
    if at is None and day is None:
        raise CommandError(f"{text!r} is no time: write 30m, 2h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z.")
    at = at or datetime(day.year, day.month, day.day)  # type: ignore[union-attr]
    return make_aware(at) if is_naive(at) else at
