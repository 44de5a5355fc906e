"""How many of its examples a test of Hypothesis is given: a quarter in `make test`, all of them in the long form, `make fuzz`."""

from __future__ import annotations

import os

from hypothesis import settings

LONG = os.environ.get("EXAMPLES") == "all"
FEW = 10  # of which none is left out


def examples(all_of_them: int) -> int:
    return all_of_them if LONG else max(all_of_them // 4, min(all_of_them, FEW))


def begin_with_few() -> None:
    """For tests that name no number; before they are imported."""
    settings.register_profile("service", max_examples=examples(100))
    settings.load_profile("service")
