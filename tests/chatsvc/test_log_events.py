"""Every event of the log stands with its meaning in docs/operations.md, and is named <subject>_<what happened> (OPS-6)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("tenants", "channels_app", "conversations", "assistant", "messaging", "chatsvc")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
DOCUMENTED = re.compile(r"^\| `(\w+)` \| (\w+) \| .+ \|$", re.MULTILINE)


def logged() -> Iterator[tuple[str, str]]:
    """(event, level) of every call of a logger named ``log``."""
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            called = getattr(node, "func", None)
            if isinstance(called, ast.Attribute) and called.attr in LEVELS and ast.unparse(called.value) == "log":
                yield from ((name, called.attr) for name in texts(node.args[0]))


def texts(node: ast.expr) -> list[str]:
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def documented() -> set[tuple[str, str]]:
    page = (ROOT / "docs/operations.md").read_text()
    return set(DOCUMENTED.findall(page.partition("### Events of the log")[2]))


def test_the_page_lists_what_is_logged_and_nothing_else() -> None:
    assert documented() == set(logged())


def test_events_name_a_subject_and_what_happened() -> None:
    assert [name for name, _ in logged() if "_" not in name and name != "request"] == []
