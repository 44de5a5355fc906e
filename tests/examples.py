"""How many of its examples a test of Hypothesis is given: a quarter in `make test`, all of them in the long form, `make fuzz`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("EXAMPLES") == "all"
FEW = 10  # of which none is left out


def examples(all_of_them: int) -> int:
    return all_of_them if LONG else max(all_of_them // 4, min(all_of_them, FEW))


def begin_with_few() -> None:
    """For tests that name no number; before they are imported. None fails because the machine is slow at that moment."""
    patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("service", max_examples=examples(100), **patient)
    settings.load_profile("service")
