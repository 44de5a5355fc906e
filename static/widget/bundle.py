"""Joins the widget's source modules in ``src/`` into the one file that pages embed, ``widget.js``.

Owns nothing but the joining: ES modules in import order, style sheets as strings, comments and
indentation left out. One file means one request, and no page ever runs an old module beside a new
one. Must not transform code: whatever it does not understand it refuses.

    python static/widget/bundle.py            write widget.js
    python static/widget/bundle.py --check    exit with 1 if widget.js is not what src/ says
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).parent / "src"
TARGET = Path(__file__).parent / "widget.js"
HEAD = "/* Desk chat widget. Made by bundle.py from src/, which holds the documented source: do not edit. */\n"
IMPORT = re.compile(r'^import (?:\{[\w\s,]+\}|(?P<name>\w+)) from "\./(?P<path>[\w./-]+)";\n', re.MULTILINE)
DECLARED = re.compile(r"^(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
COMMENT_LINE = re.compile(r"^\s*(//|/\*|\*( |/|$)).*$")


def bundle() -> str:
    """The text of ``widget.js``. Raises ValueError when two modules declare one name."""
    parts: dict[Path, str] = {}
    _collect(SOURCE / "widget.js", parts)
    code = "\n".join(parts.values())
    twice = [name for name, count in Counter(DECLARED.findall(code)).items() if count > 1]
    if twice:
        raise ValueError(f"declared by two modules: {', '.join(twice)}")
    if re.search(r"^(import|export)\b", code, re.MULTILINE):
        raise ValueError("an import or export of a form that is not understood")
    return f'{HEAD}(() => {{\n"use strict";\n{_squeezed_js(code)}}})();\n'


def _collect(path: Path, parts: dict[Path, str]) -> None:
    if path in parts:
        return
    code = path.read_text(encoding="utf-8")
    for match in IMPORT.finditer(code):
        target = (path.parent / match["path"]).resolve()
        if match["name"]:
            parts[target] = f"const {match['name']} = {json.dumps(_squeezed_css(target), ensure_ascii=False)};\n"
        else:
            _collect(target, parts)
    parts[path] = re.sub(r"^export ", "", IMPORT.sub("", code), flags=re.MULTILINE)


def _squeezed_js(code: str) -> str:
    lines = (line.strip() for line in code.splitlines() if not COMMENT_LINE.match(line))
    return "".join(f"{line}\n" for line in lines if line)


def _squeezed_css(path: Path) -> str:
    css = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r";? ?([{};,]) ?", r"\1", css.replace(": ", ":")).strip()


if __name__ == "__main__":
    made = bundle()
    if "--check" not in sys.argv:
        TARGET.write_text(made, encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != made:
        sys.exit("static/widget/widget.js is stale: run python static/widget/bundle.py")
