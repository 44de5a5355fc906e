"""Figures as people read them: durations, shares, numbers. Pure."""

from __future__ import annotations

from messaging.figures.spread import Spread
from tenants.console.dollars import dollars

NOTHING = "–"
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))  # the longest first


def duration(took_ms: float | None) -> str:
    """``850 ms``, ``42 s``, ``3.5 min``, ``2 h``, ``1.2 d``."""
    if took_ms is None:
        return NOTHING
    seconds = took_ms / 1000
    if seconds < 0.95:
        return f"{round(took_ms)} ms"
    length, name = next((unit for unit in UNITS if seconds >= 0.95 * unit[0]), UNITS[-1])
    return f"{_short(seconds / length)} {name}"


def number(count: float) -> str:
    """``1,234``, ``56.7k``, ``1.2M``."""
    for length, name in ((1_000_000, "M"), (10_000, "k")):
        if count >= length:
            return f"{_short(count / (1_000 if name == 'k' else length))}{name}"
    return f"{count:,.0f}"


def counted(count: float, one: str, many: str = "") -> str:
    """``1 session``, ``1,234 sessions``; ``many`` where it is not ``one`` and an s."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def percent(part: int, whole: int) -> str:
    return f"{_short(100 * part / whole)} %" if whole else NOTHING


def money(usd: float) -> str:
    return f"${dollars(usd)}"


def rating(mean: float | None) -> str:
    return NOTHING if mean is None else f"{mean:.1f}"


def both(spread: Spread) -> tuple[str, str]:
    """Median and 90th percentile."""
    return duration(spread.percentile_ms(0.5)), duration(spread.percentile_ms(0.9))


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 100 else f"{value:,.0f}"
