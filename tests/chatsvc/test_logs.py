"""A log says where it went wrong, never in the words of an exception: they may quote a person or a row."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog

from chatsvc.observe import logs

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import logging

import structlog
from chatsvc.observe import logs

logs.configure(level="INFO", form="json")
try:
    raise ValueError("my card is 4111")
except ValueError as error:
    {call}
"""


CALLS = {
    "django": 'logging.getLogger("django.request").error("Internal Server Error: %s", "/x", exc_info=True)',
    "a library": 'logging.getLogger("some.library").exception("it broke")',
    "an exception given": 'structlog.get_logger("ours").error("it_broke", exc_info=error)',
    "the exception handled": 'structlog.get_logger("ours").exception("it_broke")',
    "none": 'logging.getLogger("x").warning("all is well", exc_info=False)',
}
EACH = """
import json, sys
for script in json.load(sys.stdin):
    exec(compile(script, "<string>", "exec"), {})
"""


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    """What each of the calls writes, in one process."""
    scripts = json.dumps([SCRIPT.format(call=call) for call in CALLS.values()])
    done = subprocess.run([sys.executable, "-c", EACH], cwd=ROOT, capture_output=True, text=True, input=scripts)
    assert done.returncode == 0, done.stderr
    return dict(zip(CALLS, done.stderr.splitlines(), strict=True))


@pytest.mark.parametrize("name", [name for name in CALLS if name != "none"])
def test_an_exception_is_a_kind_and_a_place(lines: dict[str, str], name: str) -> None:
    line = json.loads(lines[name])
    assert line["error"] == "ValueError"
    assert line["where"] == ["<string>:9 <module>"]
    assert "4111" not in lines[name]


def test_a_line_without_an_exception_has_no_place(lines: dict[str, str]) -> None:
    assert set(json.loads(lines["none"])) == {"event", "level", "logger", "timestamp"}


LEVELS = """
import logging

import structlog
from chatsvc.observe import logs

logs.configure(level="DEBUG", form="json")
logging.getLogger("botocore").debug("the key is swordfish")
logging.getLogger("django.db.backends").debug("INSERT swordfish")
logging.getLogger("library").info({"event": "a dictionary"})
structlog.get_logger("messaging.respond").debug("turn_done", status="answered")
"""


def test_debug_tells_of_our_steps_and_not_what_libraries_say_there() -> None:
    done = subprocess.run([sys.executable, "-c", LEVELS], cwd=ROOT, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["{'event': 'a dictionary'}", "turn_done"]
    assert [line["logger"] for line in lines] == ["library", "messaging.respond"]
    assert [line["level"] for line in lines] == ["info", "debug"]
    assert "swordfish" not in done.stderr


TRACED = """
import structlog
from chatsvc.observe import logs

seen = []
logs.SHARED.append(lambda logger, method, line: seen.append(line["event"]) or line)
logs.configure(level="INFO", form="json", traced={traced})
structlog.get_logger("messaging.respond").debug("turn_done")
print(seen)
"""


@pytest.mark.parametrize(("traced", "seen"), [(True, ["turn_done"]), (False, [])])
def test_a_line_that_is_left_out_costs_nothing_unless_spans_get_their_ids_from_it(
    traced: bool, seen: list[str]
) -> None:
    script = TRACED.format(traced=traced)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{seen}\n", "")


@pytest.mark.parametrize("render", [structlog.dev.ConsoleRenderer(colors=False), structlog.processors.JSONRenderer()])
def test_a_line_can_be_rendered_by_more_than_one_handler(render: Any) -> None:
    (line,), _ = logs._as_it_is(None, "info", {"event": "turn_done", "level": "info", "timestamp": "t", "logger": "x"})
    record = logging.LogRecord("x", logging.INFO, "", 0, line, (), None)
    shown = [logs.Line(render).format(record) for _ in range(2)]
    assert shown[0] == shown[1]
    assert "turn_done" in shown[0]
