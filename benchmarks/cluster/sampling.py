"""Where a process's CPU time goes: imported by a process (a worker by ``-I``), it looks at the stacks of all threads.

Each stack is weighed with the CPU time that its thread has taken since the last look. What has gathered is written to
``BENCH_PROFILE``/ROLE.PHASE.json when the word in ``BENCH_PROFILE``/phase changes. Must not know what the stacks mean.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

EVERY_S = 0.003
PHASE_EVERY = 50  # looks
#: seconds. By default a look would have to wait until a thread gives the interpreter up by itself, and see it only there
SWITCH_S = 0.0001


class Sampler:
    def __init__(self, folder: Path, role: str):
        self._folder, self._role, self._phase = folder, role, ""
        self._clocks: dict[int, int] = {}
        self._spent: dict[int, float] = {}
        self._stacks: dict[tuple[str, str], float] = defaultdict(float)

    def run(self) -> None:
        while True:
            for _ in range(PHASE_EVERY):
                time.sleep(EVERY_S)
                self._look()
            self._turn_page()

    def _look(self) -> None:
        frames, names = sys._current_frames(), {thread.ident: thread.name for thread in threading.enumerate()}
        for ident in self._clocks.keys() - frames.keys():
            del self._clocks[ident], self._spent[ident]
        for ident, frame in frames.items():
            if ident not in self._clocks:
                self._clocks[ident] = time.pthread_getcpuclockid(ident)
            at = time.clock_gettime(self._clocks[ident])
            took = at - self._spent.get(ident, at)
            self._spent[ident] = at
            if took:
                self._stacks[re.sub(r"[\d_-]*\d", "", names.get(ident) or "?"), _stack(frame)] += took

    def _turn_page(self) -> None:
        phase = (self._folder / "phase").read_text() if (self._folder / "phase").exists() else ""
        if phase == self._phase:
            return
        if self._phase:
            found = [[thread, stack, seconds] for (thread, stack), seconds in self._stacks.items()]
            (self._folder / f"{self._role}.{self._phase}.json").write_text(json.dumps(found))
        self._phase = phase
        self._stacks.clear()


def _stack(frame: FrameType | None) -> str:
    """Outermost first."""
    lines: list[str] = []
    while frame:
        code = frame.f_code
        lines.append(f"{_module(code.co_filename)}:{code.co_qualname}")
        frame = frame.f_back
    return ";".join(reversed(lines))


def _module(filename: str) -> str:
    return filename.rpartition("site-packages/")[2].removeprefix(f"{os.getcwd()}/")


def start() -> None:
    sys.setswitchinterval(SWITCH_S)
    sampler = Sampler(Path(os.environ["BENCH_PROFILE"]), os.environ["BENCH_ROLE"])
    threading.Thread(target=sampler.run, name="sampler", daemon=True).start()


if os.environ.get("BENCH_PROFILE"):
    start()
