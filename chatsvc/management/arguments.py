"""What commands are told on the command line, turned into rows and times. Must not do the commands' work."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from channels_app.models import Channel
from channels_app.words.moments import EARLIEST, moment_typed
from chatsvc.management.refusal import Refused
from tenants.access.auth import require_active
from tenants.errors import ServiceError
from tenants.models import Tenant
from tenants.storage.db import now

LONGEST = timedelta(days=36_500)
QUOTED = 80  # characters
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def tenant_named(slug: str, *, to_read: bool = False) -> Tenant:
    """Raises CommandError that names the tenants there are, or that says that this one is suspended: a command may
    then only read."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:20])
        none = "none; try `manage.py seed_demo`"
        raise Refused(f"There is no tenant {short(slug)}. There are: {known or none}.", "unknown_tenant")
    if not to_read:
        _demand_active(tenant)
    return tenant


def channel_keyed(key: str) -> Channel:
    """Raises CommandError, also when its tenant is suspended. The key names its tenant."""
    # unscoped: an operator names a channel by its public key
    channel = Channel.objects.unscoped().select_related("tenant").filter(key=key).first()
    if channel is None:
        raise Refused(f"There is no channel with the key {short(key)}.", "unknown_channel")
    _demand_active(channel.tenant)
    return channel


def _demand_active(tenant: Tenant) -> None:
    try:
        require_active(tenant.id)
    except ServiceError as error:
        raise Refused(f"{tenant.name}: {error.message}", error.code) from error


def moment(text: str) -> datetime:
    """``30m``, ``2h``, ``7d`` ago, a date (UTC) or an ISO time with its zone. Raises CommandError."""
    if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return max(EARLIEST, now() - min(timedelta(**{UNITS[ago[2]]: int(ago[1])}), LONGEST))
    try:
        return moment_typed(text)
    except ValueError:
        forms = "30m, 2h, 7d, 2026-01-31 or, with its zone, 2026-01-31T12:00:00Z"
        raise Refused(f"{short(text)} is not a time from 1970 to 2100: write {forms}.", "invalid_time") from None


def span(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Both ends as `moment` reads them, None where nothing was given. Raises CommandError, also when the span ends
    before it begins."""
    first, last = (moment(text) if text else None for text in (since, until))
    if first and last and last < first:
        raise Refused(f"{until!r} lies before {since!r}: the span ends before it begins.", "invalid_time")
    return first, last


def short(text: str) -> str:
    """What was given, in quotes, as a message repeats it."""
    return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")
