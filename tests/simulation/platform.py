"""The platforms at the other end of our HTTP client: what they take, what they answer, what they report later.

Owns the journal of what they took. Must not know rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpcore

from tests.simulation.dialects import DIALECTS, Heard, Post
from tests.simulation.world import OUTSIDE, Process, World

LONGEST_S = 20.0  # that our client waits for an answer in all


@dataclass(frozen=True)
class Line:
    """A tenant's channel, as its platform knows it."""

    tenant_id: str
    tenant: str
    kind: str
    id: str
    key: str

    @property
    def host(self) -> str:
        return f"{self.tenant}-{self.kind}.test"

    def __str__(self) -> str:
        return f"{self.tenant}/{self.kind}"


@dataclass
class Taken:
    """One call that a platform took."""

    line: Line
    id: str
    heard: Heard
    process: Process
    at: int  # in the world's moments
    answered: bool = False  # we were told that it was taken


@dataclass
class Report:
    line: Line
    post: Post
    told: str


@dataclass
class Platform:
    """All platforms; ``handle_request`` stands in the place of httpcore's connection pool."""

    world: World
    lines: dict[str, Line]  # by host
    taken: list[Taken] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)  # what may be told of messages, not told yet
    refusing: set[str] = field(default_factory=set)  # hosts that refuse our credential
    refused: set[str] = field(default_factory=set)  # refs that the platform will never take
    on_call: Callable[[Line, Heard], None] = lambda line, heard: None
    on_taken: Callable[[Taken], None] = lambda taken: None

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        body = b"".join(request.stream)  # type: ignore[arg-type]
        line = self.lines[request.url.host.decode()]
        process, started = self.world.process, self.world.clock.monotonic
        heard = DIALECTS[line.kind].heard(body)
        if not heard.ref:
            return httpcore.Response(200, content=DIALECTS[line.kind].taken("signal"))
        self.on_call(line, heard)
        self.world.interrupted(often=OUTSIDE)
        name, answer = "taken", _taken
        if line.host in self.refusing:
            name, answer = "credential refused", _refuses
        elif process.happens(process.faults.platform):
            name, answer = process.rng.choices(*ODDLY)[0]
        self.world.say(f"{line} {heard.text!r} to {heard.to}: {name}")
        self.world.counts[f"platform: {name}"] += 1
        response, taken = answer(self, line, heard, process)
        self.world.interrupted(often=OUTSIDE)
        if self.world.clock.monotonic - started > LONGEST_S:
            raise httpcore.ReadTimeout("too late")
        self.world.interrupted(often=OUTSIDE)  # it has the answer, and is held up before it can write that down
        self.world.stalled()
        if taken:
            taken.answered = True
            process.sent.append(taken)
        return response

    def take(self, line: Line, heard: Heard, process: Process) -> Taken:
        """It is the person's now, and statuses of it will follow."""
        taken = Taken(line, f"{line.kind}-out-{len(self.taken) + 1}", heard, process, self.world.tick())
        self.taken.append(taken)
        self.on_taken(taken)
        dialect = DIALECTS[line.kind]
        statuses = dialect.statuses if process.rng.random() > 0.08 else ("sent", "failed")
        self.reports += [
            Report(line, dialect.status(taken.id, status, heard.ref, heard.to), f"{status} of {taken.id}")
            for status in statuses
        ]
        return taken

    def report(self, rng: random.Random) -> Report | None:
        """The next status to be told, mostly in order."""
        if not self.reports:
            return None
        return self.reports.pop(0 if rng.random() < 0.6 else rng.randrange(len(self.reports)))


#: what is answered, and what was taken if the answer says so
Said = tuple[httpcore.Response, Taken | None]
Answer = Callable[[Platform, Line, Heard, Process], Said]


def _taken(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    taken = platform.take(line, heard, process)
    return httpcore.Response(200, content=DIALECTS[line.kind].taken(taken.id)), taken


def _lost_answer(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    platform.take(line, heard, process)
    raise httpcore.ReadError("connection reset")


def _no_id(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    if line.kind == "webhook":  # any 2xx will do there
        return _lost_answer(platform, line, heard, process)
    platform.take(line, heard, process)
    return httpcore.Response(200, content=b"<html>"), None


def _times_out(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    raise httpcore.ReadTimeout("no answer")


def _unreachable(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    raise httpcore.ConnectError("refused")


def _throttles(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    return httpcore.Response(429, headers=[(b"retry-after", str(process.rng.randint(1, 40)).encode())]), None


def _breaks(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    return httpcore.Response(500, content=b'{"oops": true}'), None


def _refuses(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    platform.refusing.add(line.host)
    return httpcore.Response(401), None


def _never(platform: Platform, line: Line, heard: Heard, process: Process) -> Said:
    status, content = DIALECTS[line.kind].refused
    platform.refused.add(heard.ref)
    return httpcore.Response(status, content=content), None


#: (name, answer) with weights
ODDLY: tuple[list[tuple[str, Answer]], list[int]] = (
    [
        ("answer lost", _lost_answer), ("no id in the answer", _no_id), ("time-out", _times_out),
        ("unreachable", _unreachable), ("throttled", _throttles), ("500", _breaks),
        ("credential refused", _refuses), ("never", _never),
    ],
    [4, 1, 3, 2, 3, 4, 1, 4],
)  # fmt: skip
