"""Comments, docstrings, names of tests and docs: they name who acts, and the files that they name are there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "assistant",
    "benchmarks",
    "channels_app",
    "chatsvc",
    "conversations",
    "messaging",
    "tenants",
    "tests",
    "tools",
)
CODE = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "grpc_gen" not in path.parts)
PAGES = sorted(chain(ROOT.glob("*.md"), (ROOT / "docs").rglob("*.md"), (ROOT / "benchmarks").glob("*.md")))
FILES = {str(path.relative_to(ROOT)) for path in (*CODE, *ROOT.glob("*.py"), *ROOT.glob("tools/*.py"))}

#: a worker, process, caller, member of staff, visitor or person is named; so is repair, control and a lost race
VAGUE = re.compile(
    r"(?<![a-z])(whoever|somebody|nobody|anybody|someone|anyone|mends?|mended|mending|ha(s|ve)[ _]the[ _]word"
    r"|c(ame|omes)[ _]second)(?![a-z])",
    re.IGNORECASE,
)
NAMED_FILE = re.compile(r"(?<![\w/.<*-])((?:\w+/)*\w+\.py)\b")
#: named as examples: the reader's own file
EXAMPLES = {"parrot.py", "reminder.py", "examples/reminder.py"}


@cache
def written() -> list[tuple[str, str]]:
    return list(_written())


def _written() -> Iterator[tuple[str, str]]:
    """(place, text) of comments, docstrings, names of functions, and lines of pages; all of those that a pattern finds."""
    for path in CODE:
        source, place = path.read_text(), str(path.relative_to(ROOT))
        lines = [line for line in source.splitlines() if VAGUE.search(line) or NAMED_FILE.search(line)]
        if not lines:  # to take a file apart costs a hundred times as much as to look through it
            continue
        marked = any("#" in line for line in lines)
        for token in tokenize.generate_tokens(io.StringIO(source).readline) if marked else ():
            yield from ((place, text) for text in (token.string,) if token.type == tokenize.COMMENT)
        for node in ast.walk(ast.parse(source)):
            documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            yield from ((place, text) for text in (ast.get_docstring(node) if documented else "",) if text)
            yield from ((place, node.name) for _ in (0,) if documented and not isinstance(node, ast.Module))
    for path in PAGES:
        yield from ((str(path.relative_to(ROOT)), line) for line in path.read_text().splitlines())


def is_there(place: str, named: str) -> bool:
    """Named from the root, from the app, or beside the file that names it; a page may name any file by its end."""
    beside = Path(place).parent
    ends = {f"{beside}/{named}", named, f"{place.partition('/')[0]}/{named}", f"messaging/{named}"}
    return bool(ends & FILES) or (place.endswith(".md") and any(file.endswith(f"/{named}") for file in FILES))


def test_sentences_and_names_say_who_acts() -> None:
    found = [(place, text) for place, text in written() if VAGUE.search(text)]
    assert "\n".join(f"{place}: {text}" for place, text in found if place != "tests/test_prose.py") == ""


@pytest.mark.parametrize("text", ["wakes somebody", "test_it_harms_nobody", "Whoever comes", "the bot has the word"])
def test_a_vague_word_is_found(text: str) -> None:
    assert VAGUE.search(text)


def test_files_that_are_named_are_there() -> None:
    named = {(place, name) for place, text in written() for name in NAMED_FILE.findall(text)}
    assert [one for one in sorted(named) if one[1] not in EXAMPLES and not is_there(*one)] == []
