"""Times to put something off to, as staff choose them: by the clock of the tenant, or as a form names one.

Must not decide how far off a time may be: that is for what is put off.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from channels_app.hours import hours_on
from conversations.models import Conversation
from tenants.errors import Invalid

MORNING = time(9)


def later_times(row: Conversation, at: datetime) -> list[tuple[str, datetime]]:
    """Offered to staff, each with its name."""
    zone = hours_on(row.tenant_id, row.channel_id).zone
    today = at.astimezone(zone).date()
    monday = today + timedelta(days=7 - today.weekday())
    mornings = {"Tomorrow, 9:00": today + timedelta(days=1), "Monday, 9:00": monday}
    later = [("In an hour", at + timedelta(hours=1)), ("In four hours", at + timedelta(hours=4))]
    return later + [(name, datetime.combine(day, MORNING, zone).astimezone(UTC)) for name, day in mornings.items()]


def time_given(given: str, row: Conversation) -> datetime:
    """With an offset as it stands; without one by the clock of the tenant. Raises Invalid ``snooze_time``."""
    try:
        until = datetime.fromisoformat(given)
    except ValueError as error:
        raise Invalid("Choose a time.", code="snooze_time") from error
    return until if until.tzinfo else until.replace(tzinfo=hours_on(row.tenant_id, row.channel_id).zone)
