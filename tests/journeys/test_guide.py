"""The guide for integrators runs as it stands, in each of its languages, against `serve`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.servers import free_port
from tests.chaos.service import ROOT, Process, answers, environment, running, set_up

GUIDE = (ROOT / "docs" / "api" / "guide.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> str:
    return "".join(text for name, text in BLOCK.findall(GUIDE) if name == language)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    here = tmp_path_factory.mktemp("serve")
    port = free_port()
    environ = environment(port, f"sqlite:///{here}/chatsvc.sqlite3", REDIS_URL="")
    with Twin().start() as twin:
        access = set_up(environ, twin)
        with running(Process(["manage.py", "serve"], environ, here / "serve.log", lambda: answers(port))):
            yield {"CHATSVC_URL": f"http://127.0.0.1:{port}", "CHATSVC_KEY": access["api_key"]}


@pytest.mark.parametrize(
    ("language", "needs", "command"),
    [
        ("bash", ("bash", "curl", "jq"), ["bash", "-eu"]),
        ("python", (), [sys.executable]),
        ("javascript", ("node",), ["node"]),
    ],
)
def test_the_guide_runs_as_it_stands(
    served: dict[str, str], tmp_path: Path, language: str, needs: tuple[str, ...], command: list[str]
) -> None:
    if missing := [program for program in needs if not shutil.which(program)]:
        absent = pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip
        absent(f"the guide's steps in {language} need {', '.join(missing)}. Try: apt-get install curl jq nodejs")
    script = tmp_path / f"guide{'.mjs' if language == 'javascript' else ''}"
    script.write_text(blocks(language), encoding="utf-8")
    done = subprocess.run(
        [*command, str(script)], env={**os.environ, **served}, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == (blocks("text"), "", 0)
