"""SIGTERM: a process stops taking work and ends what it has begun."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks.sockets import Socket
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import ROOT, answers, environment, seeded

CLOSE = 8  # a frame's opcode
SLOW = """
import os
import time
import django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
django.setup()
from chatsvc.web.serving.front import Front
def application(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"] or 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"whole"]
front = Front(application, threads=2, most=1000)
"""


def test_a_socket_is_told_to_come_back(tmp_path: Path) -> None:
    port = free_port()
    environ = environment(port, f"sqlite:///{tmp_path}/ws.sqlite3")
    key = seeded(environ)["web_channel_key"]
    command = [sys.executable, "manage.py", "ws", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port), 60, "the server answers")
        opened = Socket(port, f"/ws/chat/{key}/")
        process.send_signal(signal.SIGTERM)
        frames, code = everything(opened.file)
        opened.raw.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
    assert frames[-1] == {"t": "bye", "reason": "restart", "reconnect": True, "after_s": 0}
    assert code == 1012


def everything(file: BinaryIO) -> tuple[list[dict[str, Any]], int]:
    """The frames that come until the server closes, and its close code. Frames here are short."""
    frames: list[dict[str, Any]] = []
    while True:
        head = file.read(2)
        body = file.read(head[1])
        if head[0] & 0xF == CLOSE:
            return frames, struct.unpack("!H", body[:2])[0]
        frames.append(json.loads(body))


def test_the_web_server_ends_its_requests(tmp_path: Path) -> None:
    """The options of deploy/run, with an application that takes its time."""
    (tmp_path / "slow.py").write_text(SLOW)
    port = free_port()
    script = (ROOT / "deploy" / "run").read_text().replace("chatsvc.wsgi:front", "slow:front")
    (tmp_path / "run").write_text(script)
    environ = environment(
        port, "", HOST="127.0.0.1", PYTHONPATH=str(ROOT), PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin"
    )
    process = subprocess.Popen(["sh", tmp_path / "run", "web"], cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL)
    got: list[bytes] = []

    def ask() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/?2", timeout=20) as answer:
            got.append(answer.read())

    try:
        wait_until(lambda: answers(port), 30, "the server answers")
        asking = threading.Thread(target=ask)
        asking.start()
        threading.Event().wait(0.5)
        started = time.monotonic()
        process.terminate()
        asking.join(20)
        assert process.wait(20) == 0
    finally:
        process.kill()
    assert got == [b"whole"]
    assert time.monotonic() - started < 15
