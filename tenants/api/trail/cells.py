"""Texts in the cells of a table. Owns that no cell is a formula: spreadsheets run what begins like one."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def safe(text: str) -> str:
    """A text that a spreadsheet shows and does not run."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
