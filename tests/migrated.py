"""Databases as `manage.py migrate` leaves them, made once for all that need one: each takes a copy, of SQLite's file or
of PostgreSQL's dump.

Owns the files below ``var`` and when they are made anew: whenever any code of ours or a locked version is another. Must
not import the service: they are made by its command.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
CODE = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")
FOLDER = ROOT / "var" / "tests"
INHERITED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")


def migrated_copy(path: Path) -> None:
    """Write a migrated database to ``path``."""
    shutil.copyfile(migrated(), path)


@cache
def migrated() -> Path:
    """The file, which no caller changes; made by the first process that asks for it, while the others wait."""
    with alone("migrated") as name:
        made = FOLDER / f"{name}sqlite3"
        if not made.exists():
            fresh = FOLDER / f"{name}{os.getpid()}.fresh"  # a run that was broken off may still write its own
            fresh.unlink(missing_ok=True)
            _migrate(f"sqlite:///{fresh}")
            fresh.rename(made)
    return made


def migrate_postgres(url: str, binaries: Path | None) -> None:
    """Migrate the empty database at ``url``, by a dump if one was made. ``binaries``: the folder of pg_dump, which
    takes none of a newer server: there, and without it, each database is migrated itself."""
    with psycopg.connect(url) as server:
        version = server.info.server_version
    with alone("migrated") as name:
        made = FOLDER / f"{name}{version}.dump"
        if not made.exists():
            _migrate(url)
            fresh = FOLDER / f"{name}{os.getpid()}.fresh"
            if binaries and _ran(binaries / "pg_dump", "-Fc", "--no-owner", "-f", str(fresh), "-d", url):
                fresh.rename(made)
            return
    assert binaries and _ran(binaries / "pg_restore", "--no-owner", "--exit-on-error", "-d", url, str(made)), made


@contextmanager
def alone(kind: str) -> Iterator[str]:
    """No other process makes a file of that kind meanwhile; gives how the names of its files begin, which is other for
    other code. Those of former code are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        name = f"{kind}-{_digest()}."
        for former in FOLDER.glob(f"{kind}-*"):
            if not former.name.startswith(name):
                former.unlink()
        yield name


def _migrate(url: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name in INHERITED}
    environ |= {"ENVIRONMENT": "test", "DATABASE_URL": url, "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def _ran(program: Path, *arguments: str) -> bool:
    return subprocess.run([program, *arguments], capture_output=True).returncode == 0


@cache
def _digest() -> str:
    found = hashlib.sha256((ROOT / "requirements-dev.lock").read_bytes())
    for path in sorted(path for app in CODE for path in (ROOT / app).rglob("*.py")):
        found.update(str(path).encode() + path.read_bytes())
    return found.hexdigest()[:20]
