"""The last release's code, taken from the history of this repository.

Owns finding and unpacking it. Must not import it: it runs in processes of its own.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.chaos.service import ROOT

FIRST = "## 0.1.0"  # the heading in CHANGELOG.md of the first release


def release_commit(changelog: str = "CHANGELOG.md") -> str:
    """The commit that made the newest release: the one whose changelog names it first. Before the first release
    that is the present commit."""
    headings = [line for line in (ROOT / changelog).read_text().splitlines() if line.startswith("## ")]
    released = [line for line in headings if line != "## Unreleased"]
    newest = released[0] if released else FIRST
    found = git("log", "--format=%H", "--reverse", f"-S{newest}", "--", changelog).split()
    return found[0] if found else git("rev-parse", "HEAD").strip()


def release_tree(into: Path) -> Path:
    """Unpack the release below ``into``. Skips where there is no history (a source archive)."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the history: run it in a clone of the repository")
    into.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", release_commit()], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=into, input=archive.stdout, check=True)
    return into


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
