"""What is imported is declared with bounds, what is declared is locked with hashes, and what is patched is pinned."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PARTS = (
    "requirements",
    "requirements-otel",
    "requirements-s3",
    "requirements-heif",
    "requirements-english",
    "requirements-mongodb",
)
EVERY = (*PARTS, "requirements-dev", "tests/requirements-mongo-peer")
OURS = {"tools", *(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())}
OTHERS = ("tests/", "benchmarks/", "docs/")  # no code of the service
DEVELOPERS = {"assistant/engine/protoc.py"}  # of the code, what only developers run
UNNAMED = {"autobahn", "psycopg-pool"}  # needed for the pin: daphne and Django import them


def declared(*names: str) -> dict[str, Requirement]:
    """Distribution → what the files want of it, includes followed."""
    found: dict[str, Requirement] = {}
    for name in names:
        for line in (ROOT / f"{name}.txt").read_text().splitlines():
            line = line.partition("#")[0].strip()
            if line.startswith("-r "):
                found |= declared(line.removeprefix("-r ").removesuffix(".txt"))
            elif line:
                wanted = Requirement(line)
                found[canonicalize_name(wanted.name)] = wanted
    return found


def locked(name: str) -> dict[str, Version]:
    lines = (ROOT / f"{name}.lock").read_text().splitlines()
    pins = (re.match(r"([\w.-]+)==(\S+)", line) for line in lines)
    return {pin[1]: Version(pin[2]) for pin in pins if pin}


def statements(block: ast.AST) -> Iterator[ast.AST]:
    """All of a file, not the expressions in them, which are ten times as many."""
    for part in ("body", "orelse", "handlers", "finalbody", "cases"):
        for statement in getattr(block, part, ()):
            yield statement
            yield from statements(statement)


@cache
def imports_of(file: str) -> frozenset[str]:
    found = list(statements(ast.parse((ROOT / file).read_text())))
    whole = {name.name for node in found if isinstance(node, ast.Import) for name in node.names}
    return frozenset(
        whole | {str(node.module) for node in found if isinstance(node, ast.ImportFrom) and not node.level}
    )


def imported(files: Iterable[str]) -> dict[str, set[str]]:
    """Top-level module of others → the distributions that bring it, as far as they are installed."""
    modules: set[str] = set()
    modules.update(*map(imports_of, files))
    tops = {module.partition(".")[0] for module in modules} - OURS - set(sys.stdlib_module_names)
    known = packages_distributions()
    return {top: {canonicalize_name(name) for name in known.get(top, [top])} for top in tops}


def sources() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [file for file in listed.stdout.split() if (ROOT / file).exists()]


def undeclared(files: Iterable[str], wanted: Iterable[str]) -> dict[str, set[str]]:
    names = set(wanted)
    return {module: brought_by for module, brought_by in imported(files).items() if not brought_by & names}


def test_what_the_service_imports_is_declared():
    code = [file for file in sources() if not file.startswith(OTHERS) and file not in DEVELOPERS]
    assert undeclared(code, declared(*PARTS)) == {}


def test_what_the_tests_import_is_declared():
    elsewhere = {"secantus", "locust", "chatsvc-client"}  # in environments of their own; the last is made by a test
    assert undeclared(sources(), {*declared("requirements-dev"), *elsewhere}) == {}


def test_what_is_declared_is_used():
    told = "".join((ROOT / name).read_text() for name in ("chatsvc/settings.py", "deploy/run"))
    used = {name for brought_by in imported(sources()).values() for name in brought_by}
    idle = {name for name in declared("requirements") if name not in used and name.replace("-", "_") not in told}
    assert idle - UNNAMED == set()


@pytest.mark.parametrize("name", EVERY)
def test_every_requirement_is_bounded(name):
    def bounded(wanted: Requirement) -> bool:
        signs = {one.operator for one in wanted.specifier}
        return signs in ({"=="}, {">=", "<"})

    assert [str(wanted) for wanted in declared(name).values() if not bounded(wanted)] == []


@pytest.mark.parametrize("name", EVERY)
def test_the_lock_fits_what_is_declared(name):
    pins = locked(name)
    for distribution, wanted in declared(name).items():
        assert wanted.specifier.contains(pins[distribution], prereleases=True), "run `make lock`"


@pytest.mark.parametrize("name", EVERY)
def test_the_lock_has_hashes_and_names_no_host(name):
    text = (ROOT / f"{name}.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(entries) >= len(locked(name))
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host", text)


@pytest.mark.parametrize("name", PARTS)
def test_the_locks_agree(name):
    everything = locked("requirements-dev")
    assert {part: version for part, version in locked(name).items() if everything[part] != version} == {}


def test_the_page_on_upgrading_names_what_is_pinned():
    pinned = {name for name, wanted in declared(*PARTS).items() if str(wanted.specifier).startswith("==")}
    page = (ROOT / "docs/upgrading.md").read_text().partition("## What is pinned")[2]
    assert {canonicalize_name(name) for name in re.findall(r"^\| `([\w.-]+)` \|", page, re.MULTILINE)} == pinned
