"""docs/api/openapi.json, the API as it was promised last, and whether the present one keeps that promise (API-4).

``python tools/openapi_baseline.py`` names each breaking change that docs/api/changelog.md does not tell under a date
after the baseline's; `oasdiff <https://github.com/oasdiff/oasdiff>`_ finds them (``make openapi-breaking`` installs it).
``--write`` makes the present API the baseline, unless it breaks something in silence.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "docs" / "api" / "openapi.json"
CHANGELOG = ROOT / "docs" / "api" / "changelog.md"
OASDIFF = ROOT / "var" / "oasdiff" / "oasdiff"
UNREACHABLE = OASDIFF.with_name("unreachable")  # make's word that it could not be fetched
MISSING = "oasdiff is not installed (Go 1.26 or newer, https://go.dev/dl/, then `make openapi-breaking`)"

#: what says nothing about what is sent and answered
WORDS = ("description", "summary", "examples", "example", "tags", "contact", "license", "servers")
#: words of JSON Schema whose keys are names of ours, "description" and "tags" among them
NAMES = ("properties", "patternProperties", "paths", "schemas", "responses", "headers", "content", "$defs")
#: what oasdiff takes for harmless, and our front page promises not to do
PROMISED = ("response-optional-property-removed", "api-operation-id-removed", "optional-response-header-removed")


def must_be_there() -> bool:
    return os.environ.get("REQUIRE_SERVICES") == "1" and not UNREACHABLE.exists()


class Break(NamedTuple):
    """One breaking change: ``kind`` as oasdiff calls it, ``operation`` as ``GET /api/v2/contacts`` ("" if of none)."""

    kind: str
    operation: str
    text: str


def contract(part: Any, *, named: bool = False) -> Any:
    """The document, or a part of it, without words for people, and in an order that is the same in every run."""
    if isinstance(part, dict):
        kept = {word: one for word, one in part.items() if named or word not in WORDS}
        return {word: contract(kept[word], named=not named and word in NAMES) for word in sorted(kept)}
    if isinstance(part, list):  # of required fields, parameters, choices: none means anything by its order
        return sorted((contract(one) for one in part), key=lambda one: json.dumps(one, sort_keys=True))
    return part


def written(document: dict[str, Any]) -> str:
    return json.dumps(contract(document), indent=1, ensure_ascii=False) + "\n"


def breaks(before: dict[str, Any], after: dict[str, Any], oasdiff: Path = OASDIFF) -> list[Break]:
    """What a client of ``before`` may stumble over in ``after``."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        (here / "before.json").write_text(written(before), encoding="utf-8")
        (here / "after.json").write_text(written(after), encoding="utf-8")
        (here / "levels").write_text("".join(f"{kind} err\n" for kind in PROMISED), encoding="utf-8")
        told = subprocess.run(
            [oasdiff, "breaking", "-f", "json", "--severity-levels", here / "levels",
             here / "before.json", here / "after.json"],
            check=True, capture_output=True, text=True, timeout=120,
        ).stdout  # fmt: skip
    found = json.loads(told or "[]") or []
    return sorted(
        {Break(one["id"], f"{one.get('operation', '')} {one.get('path', '')}".strip(), one["text"]) for one in found}
    )


def told(page: str, since: str) -> set[tuple[str, str]]:
    """Kind and operation of each change that the changelog tells under a date after ``since``.

    An entry is a list item that has both in backticks: all its kinds, each of all its operations.
    """
    seen: set[tuple[str, str]] = set()
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        if section[:10] > since:
            for entry in re.split(r"^- ", section, flags=re.MULTILINE)[1:]:
                marked = re.findall(r"`([^`]+)`", entry)
                operations = [one for one in marked if re.match(r"[A-Z]+ /", one)] or [""]
                seen |= {(kind, operation) for kind in marked for operation in operations}
    return seen


def silent(before: dict[str, Any], after: dict[str, Any], page: str, oasdiff: Path = OASDIFF) -> list[Break]:
    """The breaking changes that the changelog does not tell; all of them, if the API's date did not move on."""
    since = before["info"]["version"]
    known = told(page, since) if after["info"]["version"] > since else set()
    return [one for one in breaks(before, after, oasdiff) if (one.kind, one.operation) not in known]


def _present() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "openapi.json"
        command = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json", "--file", path]
        subprocess.run(command, check=True, cwd=ROOT)
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def main(words: list[str]) -> str:
    """What the command exits with: "" when all is well."""
    if not OASDIFF.exists():
        if must_be_there() or words:
            return MISSING
        sys.stdout.write(f"{MISSING}: the API is not held to {BASELINE.relative_to(ROOT)}\n")
        return ""
    present = _present()
    if BASELINE.exists():
        found = silent(json.loads(BASELINE.read_text(encoding="utf-8")), present, CHANGELOG.read_text(encoding="utf-8"))
        if found:
            lines = "\n".join(f"- `{one.kind}` of `{one.operation}`: {one.text}" for one in found)
            return f"docs/api/changelog.md has nothing under a new date, that of API_VERSION, on:\n{lines}"
    if words == ["--write"]:
        BASELINE.write_text(written(present), encoding="utf-8")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
