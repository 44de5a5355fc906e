"""The world's time: the wall clock that may jump, and the monotonic one that does not.

Owns what the code under test sees of time. Must not decide when time passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

from django.utils import timezone

from tenants.storage import db

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Clock:
    """Time passes only by ``pass_s``; ``jump_s`` moves the wall clock alone."""

    def __init__(self) -> None:
        self.wall = BEGIN
        self.monotonic = 10_000.0

    def pass_s(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += timedelta(seconds=seconds)

    def jump_s(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    @contextmanager
    def shown(self, sleep: Callable[[float], None]) -> Iterator[None]:
        """Code that asks for the time inside is told ours; ``sleep`` is what waiting does."""
        with ExitStack() as stack:
            for owner, name, told in (
                (db, "wall_clock", lambda: self.wall),
                (timezone, "now", lambda: self.wall),
                (time, "time", lambda: self.wall.timestamp()),
                (time, "time_ns", lambda: int(self.wall.timestamp() * 1e9)),
                (time, "monotonic", lambda: self.monotonic),
                (time, "sleep", sleep),
            ):
                stack.enter_context(mock.patch.object(owner, name, told))
            yield
