"""Times, as adapters and content call them; which there are and how one is written: tenants/api/moments.py."""

from tenants.api.moments import (
    AHEAD,
    DATE,
    EARLIEST,
    LATEST,
    Moment,
    SentMoment,
    all_written,
    moment_of_iso,
    moment_of_unix,
    moment_typed,
    utc,
    written,
)

__all__ = [
    "AHEAD",
    "DATE",
    "EARLIEST",
    "LATEST",
    "Moment",
    "SentMoment",
    "all_written",
    "moment_of_iso",
    "moment_of_unix",
    "moment_typed",
    "utc",
    "written",
]
