"""How long a server asks to be left alone: ``Retry-After``, read in one place.

Must not decide what is done in that time: callers never come sooner than their own pauses say.
https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], most_s: float) -> float | None:
    """Seconds that ``Retry-After`` of these headers (lower-case names) asks for, a number or a date, from 0 to ``most_s``;
    None when it is absent or neither."""
    given = headers.get("retry-after", "").strip()
    try:
        asked = float(given)
    except ValueError:
        asked = _until(given)
    return None if math.isnan(asked) else min(max(asked, 0.0), most_s)


def _until(given: str) -> float:
    """Seconds from now to a date; NaN for what is none."""
    try:
        at = parsedate_to_datetime(given)
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return math.nan
