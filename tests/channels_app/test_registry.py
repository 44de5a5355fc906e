"""A kind of channel is one line of the registry and one adapter: no other module lists kinds (CH-1)."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels_app.registry import KINDS, adapter_for, icon_of, platform_of

ROOT = Path(__file__).parents[2]
#: where a kind may be named beside others: its own code, its twin, the demo's talks; dialects of Markdown, which several
#: kinds may speak, are called after the first one
OWN = (
    "channels_app/registry.py",
    "channels_app/adapters/",
    "channels_app/twin/",
    "channels_app/content/types.py",
    "chatsvc/demo/",
    "tests/",
    "benchmarks/",
)
MANY = 3  # words that are kinds, in one literal: two may be something else (ways of alerts)


def literals_with_kinds(source: str) -> Iterator[int]:
    """The lines of literals that list kinds."""
    for node in ast.walk(ast.parse(source)):
        parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
        words = {part.value for part in parts if isinstance(part, ast.Constant)}
        if len(words & set(KINDS)) >= MANY:
            yield node.lineno


def sources() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [file for file in listed.stdout.split() if not file.startswith(OWN) and (ROOT / file).exists()]


def test_a_list_of_kinds_is_found() -> None:
    assert list(literals_with_kinds('x = {"sms": 1, "web": 2, "slack": 3}\ny = ["sms", "web"]')) == [1]


def test_no_other_module_lists_kinds() -> None:
    found = [f"{file}:{line}" for file in sources() for line in literals_with_kinds((ROOT / file).read_text())]
    assert found == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_what_the_console_says_of_it(kind: str) -> None:
    adapter = adapter_for(kind)
    assert platform_of(kind) in (adapter.platform, adapter.label)
    assert icon_of(kind) == adapter.icon != ""


def test_a_kind_that_there_is_no_more_has_its_name() -> None:
    assert (platform_of("pigeon"), icon_of("pigeon")) == ("pigeon", "chat")
