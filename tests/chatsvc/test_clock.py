"""The system's clock is set back: what is done again and again goes on, and the change is noticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from celery import Celery, beat

from chatsvc.processes import clock, standby
from chatsvc.settings import CELERY

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Clocks:
    """``wall`` is what the system's clock shows; ``steady`` what nothing sets, in seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, traveller: Any):
        self._traveller, self.wall, self.steady = traveller, NOON, 1000.0
        stand_in = SimpleNamespace(monotonic=lambda: self.steady, time=lambda: self.wall.timestamp())
        monkeypatch.setattr(clock, "time", stand_in)
        monkeypatch.setattr(clock, "_began_at", self.steady)
        monkeypatch.setattr(clock, "_began", NOON)

    def go_on(self, seconds: float, *, set_by: timedelta = timedelta(0)) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds) + set_by
        self._traveller.move_to(self.wall)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield Clocks(monkeypatch, traveller)


def test_beat_goes_on_when_the_clock_is_set_back(clocks: Clocks) -> None:
    app = Celery("beat", set_as_current=False)
    app.conf.beat_schedule = CELERY["beat_schedule"]
    sent: list[str] = []
    scheduler = beat.Scheduler(app=app)
    scheduler.producer = None  # no broker is connected to
    scheduler.apply_async = lambda entry, **_: sent.append(entry.name)  # type: ignore[method-assign]

    def run(seconds: int) -> set[str]:
        sent.clear()
        for _ in range(seconds):
            clocks.go_on(1)
            while scheduler.tick() == 0:
                pass
        return set(sent)

    assert run(61) == {"sweep", "channels", "house-keeping", "privacy", "removals", "sites", "trainings", "vectors"}
    clocks.go_on(0, set_by=-timedelta(hours=2))
    assert run(61) == {"sweep", "channels", "house-keeping", "privacy", "removals", "sites", "trainings", "vectors"}


@pytest.mark.parametrize(
    ("set_by", "noticed"),
    [(timedelta(0), 0.0), (-timedelta(hours=2), 7200.0), (-timedelta(seconds=1), 0.0), (timedelta(hours=2), 0.0)],
    ids=["left alone", "set back", "slewed", "set forward"],
)
def test_a_clock_that_was_set_back_is_noticed_once(clocks: Clocks, set_by: timedelta, noticed: float) -> None:
    watch = clock.ClockWatch()
    clocks.go_on(1)
    assert watch.set_back_s() == 0
    clocks.go_on(1, set_by=set_by)
    assert watch.set_back_s() == noticed
    clocks.go_on(1)
    assert watch.set_back_s() == 0


def test_a_worker_that_sweeps_corrects_times_at_once(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> None:
    corrected: list[bool] = []
    monkeypatch.setattr(standby, "rows_correct", lambda *, set_back: corrected.append(set_back))
    monkeypatch.setattr(standby.cache, "set_many", lambda *_: None)
    beside = standby.Standby(SimpleNamespace(tasks={}), ["inbound"], threads=2)  # type: ignore[arg-type]
    other = standby.Standby(SimpleNamespace(tasks={}), ["deliver"], threads=2)  # type: ignore[arg-type]
    for set_by in (timedelta(0), -timedelta(hours=2), timedelta(0)):
        clocks.go_on(1, set_by=set_by)
        beside._look()
        other._look()
    assert corrected == [False, True]
