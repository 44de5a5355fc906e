"""When people answer on a channel (TEN-2). What hours mean: tenants/hours.py."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from channels_app.selectors import channel_for_id
from channels_app.words.moments import written
from tenants.hours import BusinessHours, is_open, next_close, next_open
from tenants.tenant_settings import settings_for


def hours_on(tenant_id: uuid.UUID, channel_id: uuid.UUID | None) -> BusinessHours:
    """The tenant's hours, or those of the channel where it has some of its own."""
    channel = channel_for_id(channel_id) if channel_id else None
    return settings_for(tenant_id).hours_of(channel.key if channel else "")


def hours_told(tenant_id: uuid.UUID, channel_id: uuid.UUID | None, at: datetime.datetime) -> dict[str, Any]:
    """Whether people answer now, from when on and until when, JSON-safe; of what is open always neither is known."""
    hours = hours_on(tenant_id, channel_id)
    opened = is_open(hours, at)
    opens, closes = (None, next_close(hours, at)) if opened else (next_open(hours, at), None)
    return {
        "open": opened,
        "opens_at": written(opens) if opens else None,
        "closes_at": written(closes) if closes else None,
        "expected_reply_minutes": settings_for(tenant_id).expected_reply_minutes,
    }
