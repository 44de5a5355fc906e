from __future__ import annotations

import pytest

from tenants.console.dollars import dollars


@pytest.mark.parametrize(
    ("usd", "told"),
    [(0, "0.00"), (0.000006, "0.000006"), (0.00012349, "0.000123"), (0.0597, "0.0597"), (0.25, "0.25"), (0.9999, "1.00"),
     (1, "1.00"), (12.5, "12.50"), (1234.567, "1,234.57")],
)  # fmt: skip
def test_what_little_was_paid_is_told(usd: float, told: str) -> None:
    assert dollars(usd) == told
