"""`make serve` obeys .env, and sets up the database that is named there (OPS-1, OPS-2)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = '#!/bin/sh\necho "$2 port=$PORT log=$LOG_FORMAT"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One that was set up before: its python says what it is asked to do."""
    for name in (
        "requirements.lock",
        "chatsvc/demo/__init__.py",
        "assistant/demo/__init__.py",
        "var/chatsvc.sqlite3",
        ".venv/bin/python",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(PYTHON)
    (tmp_path / ".venv/bin/python").chmod(0o755)
    for stamp in (".venv/installed", "var/seeded"):
        (tmp_path / stamp).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def served(checkout: Path, *arguments: str, **environ: str) -> list[str]:
    inherited = {"PATH": os.environ["PATH"]}
    made = subprocess.run(
        ["make", "serve", *arguments], cwd=checkout, env=inherited | environ, capture_output=True, text=True, check=True
    )
    return made.stdout.splitlines()


def test_the_files_that_it_names_are_there():
    """A dry run in this checkout, which makes nothing, stops at a file that no rule makes."""
    subprocess.run(
        ["make", "--dry-run", "serve", "test", "check", "bench", "chaos"], cwd=ROOT, capture_output=True, check=True
    )


def test_what_is_asked_of_postgresql_is_there_and_named_once():
    """`.ci/run` hands it to pytest, which would refuse what is not, but half an hour later."""
    named = [line for line in (ROOT / "tests/on_postgres.txt").read_text().splitlines() if line.startswith("tests/")]
    inside = [one for one in named for other in named if one != other and Path(one).is_relative_to(other)]
    assert ([one for one in named if not (ROOT / one).exists()], inside) == ([], [])
    assert len(named) == len(set(named)) > 50


SET_UP = ["migrate port= log=console", "seed_demo port= log=console"]
SERVE = "serve port= log=console"


def test_what_is_set_up_is_served_at_once(checkout):
    assert served(checkout) == [SERVE]


def test_the_port_is_what_the_caller_says_and_nothing_else(checkout):
    assert served(checkout, PORT="8002") == served(checkout, "PORT=8002") == ["serve port=8002 log=console"]


def test_what_stands_in_the_file_is_not_overruled(checkout):
    (checkout / ".env").write_text("PORT=8003\nLOG_FORMAT=json\n")
    assert served(checkout) == ["serve port= log="]


@pytest.mark.parametrize("name", ["DATABASE_URL", "POSTGRESQL_URI", "MONGODB_URI"])
def test_a_database_that_is_named_is_set_up(checkout, name):
    assert served(checkout, **{name: "postgres://h/x"}) == [*SET_UP, SERVE]
    (checkout / ".env").write_text(f"{name}=postgres://h/x\n")
    assert served(checkout) == [*SET_UP, SERVE]


def test_a_database_that_was_removed_is_set_up(checkout):
    (checkout / "var/chatsvc.sqlite3").unlink()
    assert served(checkout) == [*SET_UP, SERVE]
