"""Time that nothing sets: the pace of what is done again and again, and the notice that the system's clock was set.

Owns both. Must not import Django: the settings use it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from celery.schedules import schedule

SET_BACK_S = 2.0  # what a clock that is only slewed never loses between two looks

_began, _began_at = datetime.now(UTC), time.monotonic()


def steady_now() -> datetime:
    """The time this process began at, and what has gone by since, whatever was done to the system's clock."""
    return _began + timedelta(seconds=time.monotonic() - _began_at)


def every(seconds: float) -> schedule:
    """For beat, whose own schedules stand still for as long as the clock was set back."""
    return schedule(seconds, nowfun=steady_now)


class ClockWatch:
    """Tells by how many seconds the system's clock was set back since the last look; 0 when it was not."""

    def __init__(self) -> None:
        self._wall, self._steady = time.time(), time.monotonic()

    def set_back_s(self) -> float:
        wall, steady = time.time(), time.monotonic()
        lost = (steady - self._steady) - (wall - self._wall)
        self._wall, self._steady = wall, steady
        return lost if lost > SET_BACK_S else 0.0
