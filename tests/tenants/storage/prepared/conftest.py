"""Statements that are looked at, and those that are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext


@pytest.fixture(params=["counted", "directly"])
def looked_at(request: pytest.FixtureRequest) -> Iterator[None]:
    """Statements that are counted go through Django's cursor, others to the driver."""
    with {"counted": CaptureQueriesContext(connection), "directly": nullcontext()}[request.param]:
        yield
