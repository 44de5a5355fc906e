"""Which processes live on a database, and that leases of the living are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from chatsvc.observe import pulse
from chatsvc.processes import embedded
from messaging.models import Delivery
from tenants.models import ServiceProcess
from tenants.storage.db import new_id, now
from tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> pulse.Pulse:
    made = pulse.Pulse()
    made.beat("serve")
    return made


@pytest.fixture
def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def another(**members: Any) -> ServiceProcess:
    """A process on another machine."""
    facts = {"role": "web", "place": "elsewhere", "pid": 7, "seen_at": now()} | members
    return ServiceProcess.objects.create(**facts)


def test_a_process_has_one_row_and_takes_it_away(mine: pulse.Pulse) -> None:
    mine.beat()
    assert str(ServiceProcess.objects.get()).startswith("serve, process ")
    assert mine.others() == []
    mine.stop()
    assert not ServiceProcess.objects.exists()


@pytest.mark.parametrize(
    ("ago", "lives"),
    [
        (timedelta(seconds=5), True),
        (timedelta(minutes=2), False),
        (timedelta(hours=-2), False),
    ],
    ids=["seen lately", "not seen", "seen by a clock that was ahead"],
)
def test_another_machines_process_lives_while_it_is_seen(mine: pulse.Pulse, ago: timedelta, lives: bool) -> None:
    other = another(seen_at=now() - ago)
    assert mine.others() == [other][: int(lives)]


def test_a_process_beside_us_has_ended_when_its_number_is_free_or_ours(mine: pulse.Pulse, ended_pid: int) -> None:
    another(place=pulse.place(), pid=ended_pid)
    another(place=pulse.place(), pid=os.getpid())
    parent = another(place=pulse.place(), pid=os.getppid())
    assert mine.others() == [parent]


def test_rows_of_the_long_dead_are_removed() -> None:
    another(seen_at=now() - timedelta(days=2))
    pulse.Pulse().beat()
    assert ServiceProcess.objects.get().place == pulse.place()


def test_leases_are_taken_from_the_dead_only(scope, no_calls, settings) -> None:
    settings.REDIS_URL = ""  # with a broker for all, none are taken
    lease = now() + timedelta(seconds=50)
    delivery = DeliveryFactory(tenant=scope, status=Delivery.Status.SENDING, claim=new_id(), due_at=lease)
    assert embedded.take_up(others=[another()]) == 0
    delivery.refresh_from_db()
    assert delivery.due_at == lease
    assert embedded.take_up() == 1


@pytest.fixture
def no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    from messaging import wake

    monkeypatch.setattr(wake, "_call", lambda *_, **__: None)
