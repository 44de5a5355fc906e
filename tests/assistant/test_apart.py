"""Learning in a process of its own: the same numbers, and nothing of it stays behind."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.intents import lessons
from assistant.intents.learning import apart, arrays
from assistant.intents.learning.training import NONE, Example
from assistant.intents.versions.measuring import measured
from assistant.knowledge.facts import Fact

ROOT = Path(__file__).resolve().parents[2]
learnt_apart, measured_apart = apart.learnt, apart.measured  # before tests/conftest.py takes it away
EXAMPLES = [
    *(Example(f"where is my order {word}", "order") for word in ("now", "please", "today", "number 5", "again")),
    *(Example(f"ein Fahrrad {word}", "Fahrräder") for word in ("kaufen", "mieten", "bestellen", "für Kinder", "bitte")),
    *(Example(word, NONE) for word in ("blue sky", "a song", "the sea", "seven", "nothing at all")),
]
FACTS = [
    Fact("b", "Opening hours", ("When do you open?",), "At nine.", ("time",), "en", "https://shop.example/hours"),
    Fact("a", "Rückgabe", (), "Binnen 14 Tagen."),
]


def test_a_process_of_its_own_learns_the_same_numbers() -> None:
    here = apart.learnt_here(EXAMPLES, FACTS)
    there = learnt_apart(EXAMPLES, FACTS)
    assert there.knowledge.facts == here.knowledge.facts
    assert there.classifier.exact == here.classifier.exact
    assert there.classifier.scorer.names == here.classifier.scorer.names
    mine, others = arrays._arrays(here), arrays._arrays(there)
    assert all(np.array_equal(mine[name], others[name]) for name in mine)


def test_learning_that_gives_way_is_ended_by_its_own_time_and_not_by_that_of_others(tmp_path, monkeypatch) -> None:
    """On a machine at work a demo's second look waited ten minutes for seconds of a processor, was ended, and began anew."""
    waits = tmp_path / "waits"
    waits.write_text("#!/bin/sh\ncat > /dev/null\nsleep 0.6\nprintf 'result\\nnumbers'\n")
    waits.chmod(0o755)
    monkeypatch.setattr(apart.sys, "executable", str(waits))
    assert apart._done("mean", {}, nice=apart.BEHIND, longest_s=0.3) == b"numbers"
    with pytest.raises(apart.LearningFailed):
        apart._done("learn", {}, longest_s=0.3)
    monkeypatch.undo()
    burns = subprocess.run([sys.executable, "-c", f"{apart.LIMITED.format(1)}\nwhile True: pass"], check=False)
    assert burns.returncode < 0


def test_what_learning_takes_does_not_stay() -> None:
    script = (
        "import json, sys; from assistant.intents.learning import apart; from assistant.intents.learning.training import Example;"
        f"learnt = apart.learnt([Example(*given) for given in {json.dumps([[e.text, e.intent] for e in EXAMPLES])}], []);"
        "print(learnt.classifier.classify('where is my order?').intent, {'sklearn', 'scipy', 'django'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "order set()\n"


def test_a_process_of_its_own_measures_the_same_and_tells_how_far_it_is() -> None:
    given = {"own": ["order"], "texts": ["At nine."], "called": {}, "network": "", "sure": 0.55}
    shares: list[float] = []
    there = measured_apart([EXAMPLES, EXAMPLES[5:]], told=shares.append, **given)
    assert there == measured([EXAMPLES, EXAMPLES[5:]], told=lambda _: None, **given)
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_what_is_raised_by_those_who_are_told_ends_the_process() -> None:
    def stop(_: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measured_apart([EXAMPLES], own=["order"], texts=[], called={}, network="", sure=0.55, told=stop)


def test_it_ends_when_its_parent_is_killed_in_the_middle_of_a_step() -> None:
    step = "import time; from assistant.intents.learning import apart; apart.CAN = {'wait': lambda _: time.sleep(300)}; apart.main()"
    parent = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.PIPE,"
        'stdout=subprocess.PIPE); child.stdin.write(b\'{"do": "wait"}\'); child.stdin.close(); print(child.pid, flush=True);'
        "time.sleep(300)"
    )
    with subprocess.Popen([sys.executable, "-c", parent, step], stdout=subprocess.PIPE, text=True, cwd=ROOT) as asking:
        assert asking.stdout
        learns = os.pidfd_open(int(asking.stdout.readline()))
        asking.kill()
    ended = select.select([learns], [], [], 60)[0]
    os.close(learns)
    assert ended, "the process that learns is still there"


def test_a_process_that_dies_is_a_failure_and_says_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(apart.LearningFailed, match="^CalledProcessError$"):
        learnt_apart(EXAMPLES, FACTS)
    monkeypatch.setattr(apart, "learnt", learnt_apart)
    with pytest.raises(apart.LearningFailed):
        lessons.learn({}, FACTS)


@pytest.mark.parametrize(
    ("most", "behind"), [(len(EXAMPLES), 0), (len(EXAMPLES) - 1, apart.BEHIND)], ids=["small", "large"]
)
def test_a_small_second_look_is_not_learnt_behind_all_others(most, behind, monkeypatch) -> None:
    """Answers are worse until it is there: behind others that work, the demo's was awaited for minutes in place of seconds."""
    begun: list[int] = []
    here = threading.get_ident()  # what another test left to learn in the background is none of this one's

    def done(do: Any, given: Any, nice: int = 0, told: Any = None, longest_s: float = 0.0) -> bytes:
        if threading.get_ident() == here:
            begun.append(nice)
        return b""

    monkeypatch.setattr(apart, "SOON", most)
    monkeypatch.setattr(apart, "_done", done)
    with pytest.raises(apart.LearningFailed):  # no bytes are no second look
        apart.meant(apart.learnt_here(EXAMPLES, []), EXAMPLES, {}, "")
    assert begun == [behind]


def test_a_small_second_look_does_not_wait_for_a_large_one(monkeypatch) -> None:
    monkeypatch.setattr(apart, "BEAT_S", 0.01)
    monkeypatch.setattr(apart, "_done", lambda *given: b"")

    def waits(_: float) -> None:
        raise TimeoutError

    with apart._one_behind, pytest.raises(apart.LearningFailed):
        apart.meant(apart.learnt_here(EXAMPLES, []), EXAMPLES, {}, "", waits)
