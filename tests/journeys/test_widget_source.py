"""What can be told of the widget without a browser: size, freshness and forbidden ways."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

WIDGET = Path(__file__).parents[2] / "static" / "widget"
SOURCES = sorted((WIDGET / "src").glob("*.*"))
LANGUAGES = sorted((WIDGET / "strings").glob("*.json"))


@pytest.fixture(scope="module")
def bundler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("widget_bundle", WIDGET / "bundle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_embedded_file_is_what_the_sources_say(bundler: ModuleType) -> None:
    assert (WIDGET / "widget.js").read_text(encoding="utf-8") == bundler.bundle()


@pytest.mark.parametrize("language", ["", *LANGUAGES], ids=lambda path: path and path.stem)
def test_it_stays_under_thirty_kilobytes_in_every_language(language: Path | str) -> None:
    files = [WIDGET / "widget.js", *([language] if language else [])]
    assert sum(len(gzip.compress(Path(file).read_bytes(), 9)) for file in files) < 30_000


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


def test_every_language_that_is_promised_is_there() -> None:
    (promised,) = re.findall(r"SPOKEN = (\[.*?\])", (WIDGET / "src" / "i18n.js").read_text(encoding="utf-8"))
    assert json.loads(promised) == sorted([*(path.stem for path in LANGUAGES), "en"])


def test_every_word_is_said_somewhere() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path.name != "english.js")
    assert [key for key in _english() if not re.search(rf"""["'{{ .]{key}["',)}}:]""", code)] == []


def test_two_modules_with_one_name_are_refused(bundler: ModuleType, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "widget.js").write_text('import { one } from "./other.js";\nconst same = one;\n')
    (tmp_path / "other.js").write_text("export const one = 1;\nfunction same() {}\n")
    monkeypatch.setattr(bundler, "SOURCE", tmp_path)
    with pytest.raises(ValueError, match="same"):
        bundler.bundle()


def _english() -> dict[str, str]:
    code = (WIDGET / "src" / "english.js").read_text(encoding="utf-8")
    return dict(re.findall(r'^  (\w+):\s+"(.+)",$', code, re.MULTILINE))


def _holes(words: dict[str, str]) -> dict[str, list[str]]:
    return {key: sorted(re.findall(r"\{\w+\}", said)) for key, said in words.items()}
