"""The service under test as real processes of the operating system, which die by SIGKILL.

Owns starting, killing and setting up. Must not import the service, but its twin: only its commands are used.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from channels_app.twin.server import Twin
from tests.chaos.servers import installed_postgres, wait_until
from tests.migrated import demo_copy, demo_postgres, migrate_postgres, migrated_copy

ROOT = Path(__file__).resolve().parents[2]
INHERITED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "ASSISTANT_MEANING")
KEYS = {"SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_KEYS"}
DEMO_TWIN = "127.0.0.1:8900"  # where `seed_demo` says that the platforms are
CHECK_NOTHING = ("shell", "backup")
DEMO_AT_TWIN = """
from django.core.management import call_command
from channels_app.models import Channel
from channels_app.services import channel_save
from channels_app.twin.platforms import PLATFORMS
from tenants.scope import tenant_scope
call_command("seed_demo", "--json", *{bare!r})
for channel in Channel.objects.unscoped().filter(kind__in=list(PLATFORMS)):
    with tenant_scope(channel.tenant_id):
        channel_save(channel, config=PLATFORMS[channel.kind].channel_config({twin!r}))
"""


class Process:
    """A process that can be killed and started again. Its output goes to ``log``."""

    def __init__(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        ready: Callable[[], object],
        program: str = sys.executable,
        root: Path = ROOT,
    ):
        self._root = root
        self._command, self._environ, self._log, self._ready = [program, *arguments], dict(environ), log, ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it is ready to work."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=self._root, env=self._environ, stdout=output, stderr=output, start_new_session=True
            )

    def wait_ready(self) -> None:
        wait_until(self._is_ready, 120, f"{self._log.stem} is ready")

    def _is_ready(self) -> object:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3000:]
        return self._ready()

    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process, which leads a session of its own: its children are in it."""
        assert self._process is not None
        return self._process.pid

    def freeze(self) -> None:
        """SIGSTOP for it and its children; returns when all of its threads stand still, which on a busy machine is not
        at once: until the first of them gets the processor the others go on."""
        os.killpg(self.pid, signal.SIGSTOP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), self._log.read_text()[-3000:]

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL for it and its children; nothing of it gets a chance to tidy up."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """They start side by side, and are killed in the end."""
    try:
        for process in processes:
            process.launch()
        for process in processes:
            process.wait_ready()
        yield
    finally:
        for process in processes:
            process.kill()


def deployed(
    role: str,
    *arguments: str,
    environ: Mapping[str, str],
    log: Path,
    ready: Callable[[], object] = lambda: True,
    root: Path = ROOT,
) -> Process:
    """A process as the image starts it: ``deploy/run <role>``, of the code below ``root``. Without ``ready``
    nothing tells when it is."""
    venv = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    here = {**environ, "PATH": venv, "HOST": "127.0.0.1"}
    return Process([role, *arguments], here, log, ready, program=str(root / "deploy/run"), root=root)


def environment(port: int, database_url: str, **more: str) -> dict[str, str]:
    """The environment of the processes: leases short enough for a test, nothing inherited that decides."""
    inherited = {name: value for name, value in os.environ.items() if name in INHERITED}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "chatsvc.settings",
        "ENVIRONMENT": "test",
        "DATABASE_URL": database_url,
        "PORT": str(port),
        "DELIVERY_LEASE_S": "25",
        "SWEEP_INTERVAL_S": "2",
        "LOG_LEVEL": "WARNING",
        **more,
    }


def set_up(environ: dict[str, str], twin: Twin, root: Path = ROOT, *, copied: bool = True) -> dict[str, Any]:
    """Migrate, make the demo tenant, and let its channels and the twin speak to each other: ``environ`` then
    allows it. Returns the access. ``copied``: what the commands would make may be copied."""
    allowed = [environ.get("OUTBOUND_ALLOW_HOSTS", ""), twin.url.removeprefix("http://")]
    environ["OUTBOUND_ALLOW_HOSTS"] = ",".join(filter(None, allowed))
    if copied and (access := _demo_copied(environ, root)) is not None:
        _at_twin(environ["DATABASE_URL"], twin)
    else:
        access = _set_up_itself(environ, twin, root)
    for kind in twin.settings:
        where = f"http://127.0.0.1:{environ['PORT']}/api/v2/webhooks/{kind}/{access['channels'][kind]}"
        twin.configure(kind, webhook_url=where)
    return access


def _set_up_itself(environ: dict[str, str], twin: Twin, root: Path) -> dict[str, Any]:
    migrate(environ, root)
    # one process for both: each imports the whole service
    bare = ["--bare"] if root == ROOT else []  # the release's demo has no people
    script = DEMO_AT_TWIN.format(twin=twin.url, bare=bare)
    told: dict[str, Any] = json.loads(manage(environ, "shell", "--verbosity", "0", "-c", script, root=root))
    return told


def seeded(environ: Mapping[str, str]) -> dict[str, Any]:
    """`migrate` and `seed_demo` without people's conversations; what the latter tells."""
    if (access := _demo_copied(environ, ROOT)) is not None:
        return access
    migrate(environ)
    told: dict[str, Any] = json.loads(manage(environ, "seed_demo", "--bare", "--json"))
    return told


def _demo_copied(environ: Mapping[str, str], root: Path) -> dict[str, Any] | None:
    """Its access, where the present code has made a database of that kind and its secrets are under the usual keys."""
    scheme, _, file = environ["DATABASE_URL"].partition(":///")
    if root != ROOT or not KEYS.isdisjoint(environ):
        return None
    if scheme == "sqlite" and not Path(file).exists():
        return demo_copy(Path(file))
    return demo_postgres(environ["DATABASE_URL"], installed_postgres()) if scheme.startswith("postgres") else None


def _at_twin(url: str, twin: Twin) -> None:
    """The demo's channels look for their platforms there."""
    replaced = "UPDATE channels_app_channel SET config = replace({}, '{}', '{}')"
    here = twin.url.removeprefix("http://")
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
            database.execute(replaced.format("config", DEMO_TWIN, here))
    else:
        with psycopg.connect(url) as database:
            database.execute(replaced.format("config::text", DEMO_TWIN, here).replace("')", "')::jsonb"))


def migrate(environ: Mapping[str, str], root: Path = ROOT) -> None:
    """``manage.py migrate``; a new database of the present code is a copy of one that has been."""
    url = environ["DATABASE_URL"]
    scheme, _, file = url.partition(":///")
    if scheme == "sqlite" and root == ROOT and not Path(file).exists():
        migrated_copy(Path(file))
    elif scheme.startswith("postgres") and root == ROOT:
        migrate_postgres(url, installed_postgres())
    else:
        manage(environ, "migrate", "--verbosity", "0", root=root)


def manage(environ: Mapping[str, str], *arguments: str, root: Path = ROOT) -> str:
    # Django's checks import every view, and `make check` has made them.
    unchecked = [] if arguments[0] in CHECK_NOTHING else ["--skip-checks"]
    command = [sys.executable, "manage.py", *arguments, *unchecked]
    done = subprocess.run(command, cwd=root, env=dict(environ), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def answers(port: int) -> bool:
    """Does the web server say that it lives?"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
