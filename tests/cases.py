"""Many cases in one test, where making what they ask about costs more than asking: rows of everything, two tenants, keys.

Each case is told by its name when it fails, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from tests import every_test


@contextmanager
def undone(subtests: pytest.Subtests, **named: Any) -> Iterator[None]:
    """A case that finds what the test made, whatever the cases before it did: its rows are as they were afterwards, and
    nothing of it is remembered in this process. For tests that commit nothing."""
    with subtests.test(**named):
        try:
            with transaction.atomic():
                yield
                transaction.set_rollback(True)
        finally:
            every_test.forget()


def by_noun(cases: Any) -> list[Any]:
    """Operations of the API (the address first) in one list for each noun: as many tests share the work of all workers."""
    nouns: dict[str, list[Any]] = {}
    for case in cases:
        values = getattr(case, "values", case)
        nouns.setdefault(noun_of(values[0]), []).append(values)
    return [pytest.param(found, id=noun) for noun, found in nouns.items()]


def noun_of(address: str) -> str:
    """``contacts`` of ``api/v2/contacts/<uuid:contact_id>/notes``; of one outside the API its first part."""
    parts = address.strip("/").split("/")
    return parts[2] if parts[0] == "api" and len(parts) > 2 else parts[0]
