"""Times that come in and go out: one bounded type in, one form of writing out.

Owns which times there are (UTC, years 1970 to 2100: what every database driver reads back) and how one is
written (RFC 3339 with three fraction digits and Z). Must not know where a time comes from.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)  # the first instant that is too late
AHEAD = timedelta(days=1)  # how far a sender's clock may be ahead of ours
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
PLAIN = frozenset({str, int, float, bool, type(None)})  # most of what is told: of these none is a time
_MILLISECONDS = 100_000_000_000  # Unix seconds reach this in the year 5138


def utc(at: datetime) -> datetime:
    """The aware time in UTC. Raises ValueError when it has no zone or lies outside the years 1970 to 2100."""
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    try:
        found = at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error
    if not EARLIEST <= found < LATEST:
        raise ValueError("outside the years 1970 to 2100")
    return found


def moment_of_unix(written: str) -> datetime | None:
    """Unix time in seconds or milliseconds; None for what is none, or lies outside the years 1970 to 2100."""
    try:
        number = float(written)
        return utc(datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS else number, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def moment_of_iso(written: str) -> datetime | None:
    """An ISO 8601 time, UTC where it names no zone; None for what is none, or lies outside 1970 to 2100."""
    try:
        found = datetime.fromisoformat(written)
        return utc(found if found.tzinfo else found.replace(tzinfo=UTC))
    except ValueError:
        return None


def moment_typed(text: str) -> datetime:
    """What a person types: a date (its beginning in UTC), or an ISO 8601 time with its zone. Raises ValueError."""
    return utc(datetime.fromisoformat(f"{text}T00:00:00Z" if DATE.fullmatch(text) else text))


def written(at: datetime) -> str:
    """``2026-01-31T12:00:00.000Z``: always UTC, always three digits, also of a whole second."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def all_written(value: Any) -> Any:
    """``value`` with every time in its objects and arrays written."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, dict):
        return {name: one if type(one) in PLAIN else all_written(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [all_written(member) for member in value]
    return value


def _bounded(at: datetime) -> datetime:
    try:
        return utc(at)
    except ValueError:
        raise PydanticCustomError("moment_out_of_range", "The time lies outside the years 1970 to 2100") from None


def _not_ahead(at: datetime) -> datetime:
    if at > datetime.now(UTC) + AHEAD:
        raise PydanticCustomError("moment_ahead", "The time lies more than a day ahead")
    return at


#: a time in a body, a query, an event or an answer: with a zone, 1970 to 2100
Moment = Annotated[
    AwareDatetime,
    AfterValidator(_bounded),
    PlainSerializer(written, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Field(description="RFC 3339 with its zone, years 1970 to 2100; answers are in UTC with three fraction digits"),
]
#: when something was said by the sender's own clock
SentMoment = Annotated[Moment, AfterValidator(_not_ahead)]
