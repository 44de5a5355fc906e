"""JSON that pages read thousands of is read in less time, and as Django reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from messaging.models import DaySheet
from tenants.models import Tenant
from tenants.storage.db import now

pytestmark = pytest.mark.django_db


def test_it_is_read_as_it_was_written_and_no_decoder_is_made_for_a_row(
    scope: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = {"counts": {"started": 10**15, "é “x”": 0}, "spreads": {}, "list": [None, True, 1.5, "\u2028"]}
    made: dict[str, Any] = dict.fromkeys(("channel", "team", "agent"), scope.id)
    DaySheet.objects.create(tenant=scope, day=now().date(), figures=stored, **made)
    monkeypatch.setattr(json, "loads", None)
    assert DaySheet.objects.values_list("figures", flat=True).get() == stored
    assert DaySheet.objects.get().figures == stored


def test_a_part_of_it_is_read_too(scope: Tenant) -> None:
    made: dict[str, Any] = dict.fromkeys(("channel", "team", "agent"), scope.id)
    DaySheet.objects.create(tenant=scope, day=now().date(), figures={"counts": {"started": 3}}, **made)
    assert DaySheet.objects.values_list("figures__counts", flat=True).get() == {"started": 3}
    assert DaySheet.objects.values_list("figures__counts__started", flat=True).get() == 3
