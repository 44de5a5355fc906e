"""Runs a world from a seed, and makes a failing run small.

Owns the loop, the trace and its shrinking. Must not know any step or promise.
"""

from __future__ import annotations

import json
import logging
import random
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from channels_app.http import client
from messaging.turns import thinking
from tests.simulation.database import copied, interrupted
from tests.simulation.engine import SimulatedEngine
from tests.simulation.oracle import Oracle, may_be_called, taken_in_order_and_once
from tests.simulation.platform import Line, Platform
from tests.simulation.quiet import come_to_rest
from tests.simulation.steps import STEPS
from tests.simulation.town import Town, lines
from tests.simulation.view import View
from tests.simulation.world import Broken, Call, Patch, World, inside

BUDGET = 12_000  # steps that shrinking may take, about a minute of one core
NAMES, WEIGHTS, MEANWHILE = list(STEPS), [one[0] for one in STEPS.values()], [one[1] for one in STEPS.values()]
OWNERS = {
    "parse": "messaging_inboundevent", "respond": "messaging_turn", "watch_channel": "channels_app_channel",
    "sync_templates_of": "channels_app_channel", "call_endpoint": "messaging_webhookendpoint",
    "send_alert": "messaging_staffalert", "media": "conversations_attachment",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step of a trace. All that happens within it follows from its seed."""

    name: str
    seed: int
    calm: bool = False


@dataclass(frozen=True)
class Trace:
    """A run that can be repeated: the world's seed draws its faults, the steps are its course."""

    seed: int
    steps: tuple[Step, ...]

    def save(self, path: Path, promise: str) -> None:
        steps = [[step.name, step.seed, step.calm] for step in self.steps]
        path.write_text(json.dumps({"breaks": promise, "seed": self.seed, "steps": steps}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Trace:
        told = json.loads(path.read_text())
        return cls(told["seed"], tuple(Step(*step) for step in told["steps"]))


@dataclass
class Outcome:
    trace: Trace
    broken: str = ""  # what does not hold; "": all does
    diary: Sequence[str] = ()
    steps: int = 0  # with those in the middle of others and those that brought it to rest
    at_rest: bool = False  # it broke behind the last step of the trace, on the way to rest

    @property
    def promise(self) -> str:
        return self.broken.partition(":")[0]


Mutate = Callable[[Patch], None]


def unchanged(patch: Patch) -> None:
    """The service as it is."""


class Simulation:
    """Everything of one world."""

    def __init__(self, seed: int, raw: sqlite3.Connection, found: Sequence[Line]):
        self.world = World(seed, raw)
        self.tenants = {line.tenant_id: line.tenant for line in found}
        self.town = Town(self.world, found)
        self.platform = Platform(self.world, {line.host: line for line in found})
        self.engine = SimulatedEngine(self.world, self.tenants)
        self.oracle = Oracle(self, View(raw))
        self.replayed: dict[str, int] = {}  # deliveries that staff sent once more → moment of the last time
        self.replays_told: dict[str, int] = {}  # those of which they know that it was done
        self.acting: set[str] = set()  # tenants in whose name something was done since the last look
        self.swept_at = -1  # how much had been written when a sweep last came, on the way to rest
        self.platform.on_call = partial(may_be_called, self.oracle)
        self.platform.on_taken = partial(taken_in_order_and_once, self.oracle)
        self.world.table = {name: partial(step, self) for name, (_, _, step) in STEPS.items()}
        self.world.pick = lambda rng: rng.choices(NAMES, MEANWHILE)[0]
        self.world.after_step = self._look

    def _look(self) -> None:
        self.oracle.look()
        if not self.world.stack:
            self.acting.clear()

    def acts_for(self, tenant_id: str | None) -> None:
        """What the present step may touch; None: everything."""
        self.acting.update([tenant_id] if tenant_id else self.tenants)

    def tenant_of(self, call: Call) -> str | None:
        table = OWNERS.get(call.task.rsplit(".", 1)[1], "conversations_conversation")
        row = (call.row_id or uuid.UUID(int=0)).hex
        return self.oracle.view.one(f"SELECT tenant_id FROM {table} WHERE id = ?", row)

    def line(self, channel_id: str) -> Line:
        return next(line for line in self.town.lines if line.id == channel_id)


@contextmanager
def simulated(seed: int, origin: sqlite3.Connection, mutation: Mutate) -> Iterator[Simulation]:
    """A world of its own, on a copy of ``origin``, in which ``mutation`` has changed the service."""
    with ExitStack() as stack:
        raw = stack.enter_context(copied(origin))
        sim = Simulation(seed, raw, lines())

        def patched(owner: Any, name: str, value: Any) -> None:
            stack.enter_context(mock.patch.object(owner, name, value))

        stack.enter_context(inside(sim.world, patched))
        patched(thinking, "engine_for", lambda tenant_settings: sim.engine)
        patched(client, "_pool", lambda trusted: sim.platform)
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        mutation(patched)
        stack.enter_context(interrupted(sim.world))
        yield sim


def run(seed: int, length: int, origin: sqlite3.Connection, mutation: Mutate = unchanged) -> Outcome:
    """``length`` steps of the world ``seed``, then rest."""
    rng = random.Random(seed)
    plan = Trace(seed, tuple(Step(rng.choices(NAMES, WEIGHTS)[0], rng.getrandbits(32)) for _ in range(length)))
    return replay(plan, origin, mutation)


def replay(trace: Trace, origin: sqlite3.Connection, mutation: Mutate = unchanged, *, rest: bool = True) -> Outcome:
    """The same run again; without ``rest`` it ends with the trace's last step, whatever is still to be done."""
    done: list[Step] = []
    resting = False
    with simulated(trace.seed, origin, mutation) as sim:
        try:
            for step in trace.steps:
                done.append(step)
                sim.world.step(step.name, step.seed, calm=step.calm)
            resting = rest
            if rest:
                come_to_rest(sim)
        except Broken as error:
            return Outcome(Trace(trace.seed, tuple(done)), str(error), sim.world.diary, sim.world.steps, resting)
        return Outcome(trace, "", sim.world.diary, sim.world.steps)


def shrunk(outcome: Outcome, origin: sqlite3.Connection, mutation: Mutate = unchanged) -> Outcome:
    """The smallest run found within BUDGET that breaks the same promise: steps are left out, halves first, then
    what is left is made calm one by one."""
    best, left = outcome, BUDGET

    def breaks(steps: tuple[Step, ...]) -> bool:
        nonlocal best, left
        found = replay(Trace(outcome.trace.seed, steps), origin, mutation, rest=outcome.at_rest)
        left -= found.steps
        same = found.promise == outcome.promise
        if same:
            best = found
        return same

    size = max(1, len(best.trace.steps) // 2)
    while left > 0:
        start, smaller = 0, False
        while start < len(best.trace.steps) and left > 0:
            steps = best.trace.steps
            if breaks(steps[:start] + steps[start + size :]):
                smaller = True
            else:
                start += size
        if size == 1 and not smaller:
            break
        size = max(1, size // 2)
    for place in range(len(best.trace.steps)):
        steps = best.trace.steps
        if left > 0 and place < len(steps) and not steps[place].calm:
            breaks((*steps[:place], Step(steps[place].name, steps[place].seed, True), *steps[place + 1 :]))
    return best
