"""Databases as `manage.py migrate` leaves them, or with the demo's tenant, made once for all that need one: each takes a
copy, of SQLite's file or of PostgreSQL's dump.

Owns the files below ``var`` and when they are made anew: whenever any code of ours, this file or a locked version is another. Must
not import the service: they are made by its command.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]
CODE = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")
FOLDER = ROOT / "var" / "tests"
INHERITED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
DEMO = """
from django.core.management import call_command
from assistant.intents.lessons import lessons
from chatsvc.demo import demo_tenant
from django.db import connections
from tenants.scope import tenant_scope
call_command("seed_demo", "--bare", "--json")
with tenant_scope(demo_tenant().id):
    lessons()
connections.close_all()  # SQLite's last connection ends its log: the file is whole
"""


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
    _postgres_copy("migrated", url, binaries, _migrate)


def demo_copy(path: Path) -> dict[str, Any]:
    """Write a database to ``path`` that has the demo's tenant, without people's conversations, and what its assistant
    has learnt. Gives what `seed_demo` tells, without the token, which is too old some day."""
    made, told = demo_made()
    shutil.copyfile(made, path)
    return dict(json.loads(told.read_text()))


@cache
def demo_made() -> tuple[Path, Path]:
    """The database, which no caller changes, and what was told of it."""
    with alone("demo") as name:
        made, told = FOLDER / f"{name}sqlite3", FOLDER / f"{name}json"
        if not told.exists():
            migrated_copy(made)
            _tell(told, _seed(f"sqlite:///{made}"))
    return made, told


def demo_postgres(url: str, binaries: Path | None) -> dict[str, Any]:
    """The same in the empty database at ``url``."""
    told, own = FOLDER / f"demo-{_digest()}.postgres.json", {}

    def make(url: str) -> None:
        migrate_postgres(url, binaries)
        own.update(_seed(url))
        _tell(told, own)

    _postgres_copy("demo", url, binaries, make)
    return own or dict(json.loads(told.read_text()))


def _postgres_copy(kind: str, url: str, binaries: Path | None, make: Callable[[str], None]) -> None:
    with psycopg.connect(url) as server:
        version = server.info.server_version
    with alone(kind) as name:
        made = FOLDER / f"{name}{version}.dump"
        if not made.exists():
            make(url)
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
    _manage(url, "migrate", "--verbosity", "0", "--skip-checks")


def _seed(url: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_manage(url, "shell", "--verbosity", "0", "-c", DEMO))
    del told["access_token"]
    return told


def _tell(path: Path, told: dict[str, Any]) -> None:
    """All of it or nothing, even if the run is broken off."""
    fresh = path.with_suffix(f".{os.getpid()}.fresh")
    fresh.write_text(json.dumps(told))
    fresh.rename(path)


def _manage(url: str, *arguments: str) -> str:
    environ = {name: value for name, value in os.environ.items() if name in INHERITED}
    environ |= {"ENVIRONMENT": "test", "DATABASE_URL": url, "LOG_LEVEL": "WARNING", "ASSISTANT_MEANING": "false"}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _ran(program: Path, *arguments: str) -> bool:
    return subprocess.run([program, *arguments], capture_output=True).returncode == 0


@cache
def _digest() -> str:
    found = hashlib.sha256((ROOT / "requirements-dev.lock").read_bytes() + Path(__file__).read_bytes())
    for path in sorted(path for app in CODE for path in (ROOT / app).rglob("*.py")):
        found.update(str(path).encode() + path.read_bytes())
    return found.hexdigest()[:20]
