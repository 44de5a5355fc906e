"""US dollars as people read them: what answers of language models cost is often less than a hundredth of a cent."""

from __future__ import annotations

from math import floor, log10


def dollars(usd: float) -> str:
    """Two decimals, below a dollar as many as three significant digits need: ``12.50``, ``0.25``, ``0.0597``, ``0.000006``."""
    places = 2 if usd >= 1 or usd <= 0 else 2 - floor(log10(usd))
    whole, _, part = f"{usd:,.{places}f}".partition(".")
    return f"{whole}.{part[:2]}{part[2:].rstrip('0')}"
