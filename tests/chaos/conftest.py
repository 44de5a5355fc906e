"""Servers, twin and seed of the chaos tests."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from channels_app.twin import server
from tests.chaos import servers


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


@pytest.fixture
def redis_url() -> Iterator[str]:
    with servers.redis_server() as url:
        yield url


@pytest.fixture
def twin(tmp_path) -> Iterator[server.Twin]:
    """A platform that removes repeats by our reference and reports one status of each message."""
    with server.start(log=tmp_path / "twin.jsonl") as running:
        running.configure(dedupe=True, statuses=["delivered"])
        yield running


@pytest.fixture
def seed() -> int:
    """Printed when a test fails; CHAOS_SEED repeats the same choices."""
    chosen = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    print(f"CHAOS_SEED={chosen}")
    return chosen


@pytest.fixture
def kills() -> int:
    """5 unless CHAOS_KILLS says otherwise; the long form has 30."""
    return int(os.environ.get("CHAOS_KILLS") or 5)
