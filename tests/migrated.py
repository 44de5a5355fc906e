"""An SQLite database as `manage.py migrate` leaves it, made once for all that need one: each takes a copy.

Owns the file below ``var`` and when it is made anew: whenever any code of ours or a locked version is another. Must not
import the service: it is made by its command.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

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
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = FOLDER / f"migrated-{_digest()}.sqlite3"
    with (FOLDER / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for former in FOLDER.glob("migrated-*"):
                former.unlink()
            fresh = FOLDER / "fresh.sqlite3"
            fresh.unlink(missing_ok=True)
            _migrate(fresh)
            fresh.rename(made)
    return made


def _migrate(path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name in INHERITED}
    environ |= {"ENVIRONMENT": "test", "DATABASE_URL": f"sqlite:///{path}", "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def _digest() -> str:
    found = hashlib.sha256((ROOT / "requirements-dev.lock").read_bytes())
    for path in sorted(path for app in CODE for path in (ROOT / app).rglob("*.py")):
        found.update(str(path).encode() + path.read_bytes())
    return found.hexdigest()[:20]
