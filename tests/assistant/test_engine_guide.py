"""The example of docs/engine.md is an engine, as it stands there."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

from assistant.engine.remote import MEANING, Remote
from channels_app.content.types import NEEDS
from tests.assistant.engines import REQUEST

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "engine.md").read_text()


def test_the_example_answers(tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    (tmp_path / "parrot.py").write_text(example)
    command = [sys.executable, tmp_path / "parrot.py", "127.0.0.1:0"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            engine = Remote(f"127.0.0.1:{process.stdout.readline().strip()}")
            patient = dataclasses.replace(REQUEST, deadline_s=60)
            first = engine.respond(patient)
            second = engine.respond(dataclasses.replace(patient, context=first.context))
            engine.health()
        finally:
            process.kill()
    assert first.contents[0].text == "You said: Where is my order? (1 so far)"
    assert second.context == {**REQUEST.context, "heard": 2}
    assert second.engine == "parrot"


def test_the_guide_has_every_status_and_code() -> None:
    told = {line for line in GUIDE.splitlines() if line.startswith("|")}
    for status, (code, _) in MEANING.items():
        assert any(status.name in line and f"`{code}`" in line for line in told), status


def test_the_guide_has_the_part_of_every_type_of_content() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| `(\w+)` \|", GUIDE.split("## What a content has")[1], re.M)
    assert {kind: part for kinds, part in rows for kind in re.findall(r"\w+", kinds)} == NEEDS
