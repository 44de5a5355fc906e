"""Each process that answers sets aside what it begins with: no collection walks that again (NFR-1)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TELL = "import gc, json, os; print(json.dumps([gc.get_freeze_count(), len(gc.get_objects()), gc.get_threshold()[0]]), flush=True)"
#: up to where a process stands; a server that would run tells instead
STARTS = {
    "web": f"import chatsvc.wsgi\n{TELL}",
    "ws": f"""
import os
import django
django.setup()
from chatsvc.management.commands import ws
from chatsvc.web.serving import sockets
from daphne.server import Server
def run(server):
    {TELL}
Server.run = run
ws.Command().handle(host="127.0.0.1", port=0)
os._exit(0)
""",
    "worker": f"""
from types import SimpleNamespace
from celery import signals
from chatsvc.celery import app
app.loader.import_default_modules()
app.amqp.queues.select(["inbound"])
signals.celeryd_after_setup.send(sender="a", instance=SimpleNamespace(concurrency=2))
{TELL}
os._exit(0)
""",
}


@pytest.mark.parametrize("role", STARTS)
def test_what_stays_is_not_walked_again(role: str, tmp_path: Path) -> None:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "chatsvc.settings", "ENVIRONMENT": "test", "METRICS_PORT": "0",
               "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}", "REDIS_URL": "", "LOG_FORMAT": "json"}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", STARTS[role]], capture_output=True, text=True, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stderr
    aside, walked, young = json.loads(done.stdout.splitlines()[-1])
    assert aside > 100_000, "nothing was set aside"
    assert walked < aside / 20, "most of what stays is walked"
    assert young >= 5_000
