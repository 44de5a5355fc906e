"""A tenant with hours, and the time at which people write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tenants.models import Tenant
from tenants.tenant_settings import invalidate, settings_check

OFFICE = [{"start": "09:00", "end": "17:00"}]
HOURS = {"time_zone": "Europe/Berlin", "days": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE)}
FRIDAY_NIGHT, FRIDAY_NOON = "2026-03-06T20:00", "2026-03-06T12:00"


@pytest.fixture
def sets(tenant: Tenant) -> Callable[..., None]:
    """``sets(bot_name="Ada")``: beside hours on weekdays from nine to five in Berlin."""

    def store(**more: Any) -> None:
        tenant.settings = {"business_hours": HOURS, **more}
        settings_check(tenant.settings)
        tenant.save()
        invalidate(tenant.id)

    store()
    return store


@pytest.fixture
def at(time_machine: Any) -> Callable[[str], datetime]:
    """``at("2026-03-06T20:00")``: it is so late in Berlin from here on, and the clock stands."""

    def move(moment: str) -> datetime:
        then = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Berlin"))
        time_machine.move_to(then, tick=False)
        return then

    return move
