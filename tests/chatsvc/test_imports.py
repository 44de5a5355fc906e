"""What a process has imported when it waits for its first work: memory that every process takes (OPS-1)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = """
from contextlib import suppress
from chatsvc.__main__ import main
sys.argv = ["celery", "-A", "chatsvc", "--version"]
with suppress(SystemExit):
    main()
"""
TASKS = """
from chatsvc.celery import app
app.loader.import_default_modules()
from chatsvc.observe import metrics
from chatsvc.processes import crews, embedded, standby
"""
#: what deploy/run starts, up to its first request, call or frame
STARTS = {
    "web": "import chatsvc.wsgi, chatsvc.urls",
    "ws": "import django; django.setup(); from chatsvc.management.commands import ws; import daphne.server, chatsvc.asgi",
    "worker": COMMAND + TASKS,
    "beat": COMMAND + "import celery.apps.beat, chatsvc.processes.beat",
}
#: of the assistant and of languages, of images, Kafka, gRPC, the console, and of libraries that import what they find
NOWHERE = {"numpy", "scipy", "sklearn", "py3langid", "PIL", "kafka", "grpc", "google.protobuf", "boto3", "jsonschema", "messaging.admin",
           "tenants.admin", "unfold.admin", "prompt_toolkit", "rich", "opentelemetry", "structlog.twisted"}  # fmt: skip
NOT_THERE = {
    "web": {"twisted", "daphne", "celery.bin", "celery.beat", "channels_redis"},
    "ws": {"celery.bin", "celery.beat"},
    "worker": {"twisted", "daphne", "granian", "rest_framework.views", "drf_spectacular.views", "chatsvc.urls"},
    "beat": {"twisted", "daphne", "granian", "rest_framework", "django.contrib", "httpx", "messaging",
             "conversations", "assistant", "tenants.models", "phonenumbers"},
}  # fmt: skip


def run(script: str) -> set[str]:
    """The modules that are loaded at its end; ``None`` in their place hides what must not be."""
    script = f"import json, sys\n{script}\nprint(json.dumps([name for name, it in sys.modules.items() if it]))"
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "chatsvc.settings", "DATABASE_URL": "sqlite://:memory:",
               "REDIS_URL": "redis://127.0.0.1:1/0", "LOG_FORMAT": "json", "ENVIRONMENT": "test"}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("role", STARTS)
def test_a_process_starts_without_what_it_may_never_need(role: str) -> None:
    assert run(STARTS[role]) & (NOWHERE | NOT_THERE[role]) == set()


def test_pages_of_the_console_come_with_the_first_request_for_one() -> None:
    of_the_api = (
        "from django.urls import resolve\nresolve('/api/v2/chat/message')\nassert 'tenants.admin' not in sys.modules\n"
    )
    assert {"tenants.admin", "messaging.admin"} <= run(
        f"{STARTS['web']}\n{of_the_api}resolve('/admin/tenants/tenant/')"
    )


def test_pages_of_the_console_are_checked() -> None:
    start = "import django; django.setup(); from django.core import checks; checks.run_checks(tags=['admin'])"
    assert {"tenants.admin", "messaging.admin"} <= run(start)


def test_what_was_missing_for_one_library_is_there_for_others() -> None:
    assert {"rich", "opentelemetry.metrics"} <= run("import chatsvc, rich, opentelemetry.metrics")
