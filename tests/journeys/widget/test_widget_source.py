"""What can be told of the widget without a browser: size, freshness and forbidden ways."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
WIDGET = Path(__file__).parents[3] / "static" / "widget"
DIST = WIDGET / "dist"
SOURCES = sorted((WIDGET / "src").glob("*.*"))
LANGUAGES = sorted((WIDGET / "strings").glob("*.json"))


def node() -> str:
    """Node.js with what tools/package.json names. Skips the test without them, or fails it when REQUIRE_SERVICES=1."""
    found = shutil.which("node")
    if not found or not (TOOLS / "node_modules/esbuild").exists():
        give_up = pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip
        give_up("the widget is built by Node.js: npm ci --prefix tools")
    return str(found)


def test_what_pages_embed_is_what_the_sources_say() -> None:
    checked = subprocess.run([node(), TOOLS / "widget.mjs", "--check"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_source_that_was_changed_is_noticed_without_node_as_well() -> None:
    digest = hashlib.sha256()
    for path in sorted([*SOURCES, *LANGUAGES], key=lambda path: str(path.relative_to(WIDGET))):
        digest.update(path.read_bytes())
    assert f"sources {digest.hexdigest()[:16]}" in (WIDGET / "widget.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda path: path.stem)
def test_all_that_a_first_open_loads_stays_under_27_kilobytes(language: Path) -> None:
    (words,), (chat,) = DIST.glob(f"{language.stem}-*.json"), DIST.glob("chat-*.js")
    # As `serve` compresses on its way; collectstatic's files are smaller.
    sizes = [len(gzip.compress(path.read_bytes(), 6)) for path in (WIDGET / "widget.js", chat, words)]
    assert sum(sizes) <= 26_700  # of 27 kB: words to come have room
    assert sizes[0] < 1_000
    assert chat.with_name(f"{chat.name}.br").stat().st_size < 23_000


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_sources_are_short_and_make_no_markup_from_text(path: Path) -> None:
    code = path.read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 400
    assert not re.search(r"(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function\(", code)


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_language_has_every_word_with_its_placeholders(path: Path) -> None:
    words = json.loads(path.read_text(encoding="utf-8"))
    english = _english()
    assert _holes(words) == _holes(english)
    assert all(words.values())


def test_no_language_is_left_half_english() -> None:
    english = _english()
    same = {
        path.stem: {key for key, said in json.loads(path.read_text(encoding="utf-8")).items() if said == english[key]}
        for path in LANGUAGES
        if path.stem != "en"
    }
    international = {"audio", "video", "file", "image", "privacy", "log", "bot"}
    assert {language: keys for language, keys in same.items() if not keys <= international} == {}


def test_every_word_is_said_somewhere() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    assert [key for key in _english() if not re.search(rf"""["'{{ .]{key}["',)}}:]""", code)] == []


def _english() -> dict[str, str]:
    return json.loads((WIDGET / "strings/en.json").read_text(encoding="utf-8"))


def _holes(words: dict[str, str]) -> dict[str, list[str]]:
    return {key: sorted(re.findall(r"\{\w+\}", said)) for key, said in words.items()}
