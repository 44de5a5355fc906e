"""The world: processes that take turns by a seed, the calls between them, and what may happen to them.

Owns the running process, its interruptions, the queue of wake-up calls and the diary. Must not know what the
service promises (oracle.py) nor what people do (steps.py).
"""

from __future__ import annotations

import contextvars
import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings
from django.core.cache import cache

from conversations.contacts import people
from messaging import tasks, wake
from messaging.api import chat
from messaging.privacy import purge
from messaging.reports import delivery_status
from messaging.threads import leftovers
from tenants.access import buckets
from tenants.errors import ServiceError
from tenants.storage import db, memo
from tenants.work import crew
from tenants.work.crew import Lane
from tests.simulation.clock import Clock
from tests.simulation.database import Crash, Trouble

Patch = Callable[[Any, str, Any], None]  # as unittest.mock.patch.object, for as long as the world lasts

OUTSIDE = 8.0  # as `often`: while an engine thinks or a platform is called
DEEPEST = 3  # processes that wait for each other, each in the middle of something


@dataclass(frozen=True)
class Faults:
    """How likely each trouble is, per place where it may strike. A world draws its own from its seed, so that worlds
    differ in kind: one with crashes and nothing else finds what drowns in one that has everything."""

    crash: float = 0.0  # at a commit or a statement
    interleave: float = 0.0  # another process goes on meanwhile
    database: float = 0.0  # a statement fails
    answer_lost: float = 0.0  # a commit that worked looks as if it had failed
    platform: float = 0.0  # a send does not go well
    lost_call: float = 0.0
    repeated_call: float = 0.0
    late_post: float = 0.0  # a platform keeps a webhook back
    clock: float = 0.0  # the wall clock jumps
    engine: float = 0.0
    stop_words: float = 0.0  # a person ends our messages, or takes them again
    stall: float = 0.0  # a worker that has its answer is held up until its lease has ended

    LEVELS = {  # noqa: RUF012  (none, some, much)
        "crash": (0, 0.001, 0.006), "interleave": (0, 0.01, 0.04), "database": (0, 0.0005, 0.004),
        "answer_lost": (0, 0.002, 0.01), "platform": (0, 0.1, 0.5), "lost_call": (0, 0.05, 0.3),
        "repeated_call": (0, 0.05, 0.3), "late_post": (0, 0.1, 0.5), "clock": (0, 0.3, 1.0), "engine": (0, 0.1, 0.4),
        "stop_words": (0.02, 0.1, 0.3), "stall": (0, 0.02, 0.1),
    }  # fmt: skip

    @classmethod
    def drawn(cls, rng: random.Random) -> Faults:
        return cls(**{one.name: rng.choice(cls.LEVELS[one.name]) for one in fields(cls)})


CALM = Faults()


@dataclass
class Process:
    """One step that is under way: a request, a task, a person's act."""

    name: str
    rng: random.Random
    faults: Faults
    began: int  # in the world's moments
    began_at: float  # monotonic
    began_wall: float
    dead: bool = False
    troubled: bool = False
    sent: list[Any] = field(default_factory=list)  # what a platform took from it and said so

    def happens(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability


@dataclass
class Call:
    """A wake-up call on its way to a worker."""

    task: str
    row_id: uuid.UUID | None
    due: float
    expires: float
    lane: Lane | None = None

    def __str__(self) -> str:
        return f"{self.task.rsplit('.', 1)[1]} {str(self.row_id or '')[-6:]}"


class Broken(BaseException):
    """A promise does not hold. No exception that the service could catch."""


class World:
    """One run. ``step`` is the only way in."""

    def __init__(self, seed: int, raw: sqlite3.Connection):
        rng = random.Random(seed)
        self.faults = Faults.drawn(rng)
        self.clock = Clock()
        self.raw = raw  # looks at the rows without interrupting a process
        self.seed = seed
        self.calls: list[Call] = []
        self.broker_back_at = 0.0
        self.stack: list[Process] = []
        self.moment = 0
        self.steps = 0
        self.ids = 0
        self.diary: list[str] = []
        self.counts: Counter[str] = Counter()
        self.table: dict[str, Callable[[], object]] = {}
        self.pick: Callable[[random.Random], str] = lambda rng: "work"
        self.after_step: Callable[[], None] = lambda: None

    # ------------------------------------------------------------------------- processes

    @property
    def process(self) -> Process:
        return self.stack[-1]

    def say(self, what: str) -> None:
        self.diary.append(f"{self.clock.monotonic - 10_000:9.1f} {'  ' * len(self.stack)}{what}")

    def step(self, name: str, seed: int, *, calm: bool = False) -> None:
        """Run one step to its end, its crash or its trouble. Raises Broken."""
        rng = random.Random(seed)
        process = Process(
            name, rng, CALM if calm else self.faults, self.tick(), self.clock.monotonic, self.clock.wall.timestamp()
        )
        self.steps += 1
        self.clock.pass_s(rng.random() * 0.4)
        self.stack.append(process)
        state = random.getstate()
        random.seed(seed)
        try:
            contextvars.Context().run(self.table[name])
        except Crash:
            self.counts["crash"] += 1
            self.process_restarts()
            self.say(f"{name} †")
        except ServiceError as error:
            self.say(f"{name}: {error.code}")
        except Exception as error:
            if not process.troubled:
                raise Broken(f"{name} let {type(error).__name__} out: {error}") from error
            self.say(f"{name}: {type(error).__name__} after trouble")
        finally:
            random.setstate(state)
            self.stack.pop()
        self.after_step()

    def tick(self) -> int:
        self.moment += 1
        return self.moment

    def interrupted(self, *, often: float = 1.0) -> None:
        """A place between two commits: the process may end here, or others may go on before it does. ``often``:
        how much more likely that is where a process waits for an outside server."""
        process = self.process
        if process.dead:
            raise Crash
        if process.happens(process.faults.crash * often):
            process.dead = True
            raise Crash
        if len(self.stack) < DEEPEST and process.happens(process.faults.interleave * often):
            self.counts["interleaving"] += 1
            self.say("… meanwhile")
            for _ in range(1 + int(process.rng.expovariate(0.7))):
                self.step(self.pick(process.rng), process.rng.getrandbits(32))
            self.say("… back")

    def stalled(self) -> None:
        """A place where a process has what it waited for and has not written it down: it may be held up here until
        another worker has taken its work over."""
        process = self.process
        if len(self.stack) < DEEPEST and process.happens(process.faults.stall):
            self.counts["stall"] += 1
            self.say("… held up longer than its lease")
            self.step("overtake", process.rng.getrandbits(32))
            self.say("… back")

    def process_restarts(self) -> None:
        """What a process keeps in memory is gone."""
        people.forget_touches()
        memo.forget_all()
        buckets.forget_local()
        purge.rest.end()
        leftovers.rest.end()
        delivery_status._place.clear()
        wake._covered_until = 0.0

    # -------------------------------------------------- what strikes at the database (Interrupts)

    def before_statement(self) -> None:
        if not self.stack:
            return
        process = self.process
        if process.dead:
            raise Crash
        if process.happens(process.faults.database):
            process.troubled = True
            self.counts["database trouble"] += 1
            self.say("database away")
            raise Trouble("the database is away")

    def after_commit(self) -> None:
        if self.stack:
            self.interrupted()

    def answer_lost(self) -> bool:
        if not self.stack or not self.process.happens(self.process.faults.answer_lost):
            return False
        self.process.troubled = True
        self.counts["answer of COMMIT lost"] += 1
        self.say("answer of COMMIT lost")
        return True

    # ------------------------------------------------------------------------ wake-up calls

    def call(
        self,
        task: str,
        row_id: uuid.UUID | None = None,
        delay_s: float = 0.0,
        expires_s: float | None = None,
        lane: Lane | None = None,
    ) -> None:
        """In the place of a broker."""
        at = self.clock.monotonic
        if at < self.broker_back_at or (self.stack and self.process.happens(self.process.faults.lost_call)):
            self.counts["lost call"] += 1
            return
        self.calls.append(Call(task, row_id, at + delay_s, at + expires_s if expires_s else float("inf"), lane))

    def due(self) -> list[Call]:
        at = self.clock.monotonic
        self.calls = [call for call in self.calls if call.expires > at]
        return [call for call in self.calls if call.due <= at]

    def follow(self, call: Call, also: Sequence[Call] = ()) -> None:
        """A worker does what it is called for; celery would log what it lets out. ``also``: calls of the same task and
        lane, which are followed together."""
        self.say(" and ".join(["work", *map(str, (call, *also))]))
        self.counts["rows worked on together"] += len(also)
        task = getattr(tasks, call.task.rsplit(".", 1)[1])
        task.push_request(headers=wake.headers_of(call.lane, None, [(str(one.row_id), {}) for one in also]))
        try:
            task.run(*([str(call.row_id)] if call.row_id else []))
        finally:
            task.pop_request()

    # ------------------------------------------------------------------------- determinism

    def new_id(self) -> uuid.UUID:
        """Like a UUIDv7: in order of time, and the same in every run of a seed."""
        self.ids += 1
        millis = int(self.clock.wall.timestamp() * 1000)
        return uuid.UUID(int=(millis << 80) | (7 << 76) | (2 << 62) | self.ids)

    def sleep(self, seconds: float) -> None:
        """Others go on while a process waits; it waits longer than it meant to."""
        self.clock.pass_s(max(seconds, 2.0))
        if self.stack:
            self.interrupted()


class _Wait:
    """In the place of the event that a request waits for: nothing sets it, others go on meanwhile."""

    def __init__(self, world: World):
        self.world = world

    def wait(self, seconds: float) -> None:
        self.world.sleep(seconds)

    def clear(self) -> None:
        """It was not set."""


class _OneByOne:
    """In the place of threads that wait for the outside."""

    def submit(self, call: Callable[..., Any], *given: Any) -> None:
        call(*given)


class _Ids:
    """In the place of the module ``uuid_utils``."""

    def __init__(self, world: World):
        self.uuid7 = world.new_id


@contextmanager
def inside(world: World, patched: Patch) -> Iterator[None]:
    """The service lives in this world."""
    env = {**settings.ENV, "CONVERSATION_IDLE_TTL": 900, "ENABLE_RATE_LIMITING": False, "KAFKA_LINGER_MS": 3000}
    patched(settings, "ENV", env)
    patched(wake, "_call", world.call)
    patched(db, "uuid_utils", _Ids(world))
    patched(crew, "_beside", _OneByOne())
    patched(chat, "answer_awaited", lambda conversation_id: nullcontext(_Wait(world)))
    with world.clock.shown(world.sleep):
        _forget_everything(world)
        try:
            yield
        finally:
            _forget_everything(world)


def _forget_everything(world: World) -> None:
    """Nothing of one world's time and rows is remembered in the next, nor in other tests."""
    cache.clear()
    world.process_restarts()
    for one in memo.ALL:
        one._stamp, one._looked_at = None, 0.0
