"""What can be told of the widget without a browser: size, freshness and forbidden ways."""

from __future__ import annotations

import gzip
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

WIDGET = Path(__file__).parents[2] / "static" / "widget"
SOURCES = sorted((WIDGET / "src").rglob("*.*"))
LANGUAGES = sorted(path.stem for path in (WIDGET / "src" / "strings").glob("*.js"))


@pytest.fixture(scope="module")
def bundler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("widget_bundle", WIDGET / "bundle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_embedded_file_is_what_the_sources_say(bundler: ModuleType) -> None:
    assert (WIDGET / "widget.js").read_text(encoding="utf-8") == bundler.bundle()


def test_it_stays_under_thirty_two_kilobytes() -> None:
    """30 kB until visitors could send files; uploads (progress, paste, drop, six languages) cost 1.2 kB."""
    assert len(gzip.compress((WIDGET / "widget.js").read_bytes(), 9)) < 32_000


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_sources_are_short_and_make_no_markup_from_text(path: Path) -> None:
    code = path.read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 400
    assert not re.search(r"(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function\(", code)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_with_its_placeholders(language: str) -> None:
    assert _words(language) == _words("en")


def test_two_modules_with_one_name_are_refused(bundler: ModuleType, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "widget.js").write_text('import { one } from "./other.js";\nconst same = one;\n')
    (tmp_path / "other.js").write_text("export const one = 1;\nfunction same() {}\n")
    monkeypatch.setattr(bundler, "SOURCE", tmp_path)
    with pytest.raises(ValueError, match="same"):
        bundler.bundle()


def _words(language: str) -> dict[str, list[str]]:
    code = (WIDGET / "src" / "strings" / f"{language}.js").read_text(encoding="utf-8")
    pairs = re.findall(r'^  (\w+):\s+"(.+)",$', code, re.MULTILINE)
    return {key: sorted(re.findall(r"\{\w+\}", words)) for key, words in pairs}
