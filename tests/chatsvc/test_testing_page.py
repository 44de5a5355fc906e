"""docs/testing.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/testing.md").read_text())
    assert len(named) > 20
    assert [name for path, name in named if f"def {name}(" not in (ROOT / path).read_text()] == []
