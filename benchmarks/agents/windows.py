"""The windows of all agents, in one process: what each is told, and when; and whether that is what it had to be told.

Must not import the service.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.agents.place import Agent, Talk
from tests.chaos.socket_clients import Connection

OPENING = 10  # at once
PING_EVERY_S = 25.0


@dataclass
class Window:
    """``told``: of each conversation, when it came and whether it was shown (`conv`) or taken away (`gone`)."""

    agent: Agent
    connection: Connection
    told: dict[str, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    frames: Counter[str] = field(default_factory=Counter)

    async def read(self) -> None:
        while frame := await self.connection.next():
            kind = frame["t"]
            self.frames[kind] += 1
            if kind in ("conv", "gone"):
                self.told[frame["conversation"]].append((time.monotonic(), kind == "conv"))

    async def ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            self.connection.send({"t": "ping"})


async def opened(port: int, agents: Iterable[Agent]) -> list[Window]:
    """Their windows, each with its list open."""
    at_once = asyncio.Semaphore(OPENING)

    async def one(agent: Agent) -> Window:
        async with at_once:
            connection = await Connection.open(
                port, "/ws/agent/", protocol="desk-agent.v1", origin="http://localhost",
                cookie=f"sessionid={agent.session}",
            )  # fmt: skip
            connection.send({"t": "hello"})
            await connection.until("ready")
            connection.send({"t": "view", "tenant": agent.tenant, "view": agent.view, "filter": agent.filter})
            await connection.until("viewed")
            return Window(agent, connection)

    return list(await asyncio.gather(*(one(agent) for agent in agents)))


@dataclass
class Judged:
    """``took_ms``: of each change and each window that had to hear of it, from the call that makes the change."""

    took_ms: list[float] = field(default_factory=list)
    commit_ms: list[float] = field(default_factory=list)  # how long these calls took themselves
    missed: list[float] = field(default_factory=list)  # seconds from these changes to the end of the last one
    wrong: int = 0  # conversations that a window was told of whose list never held them


def judged(windows: Sequence[Window], talks: Mapping[str, Talk], changes: Sequence[Mapping[str, Any]]) -> Judged:
    found, held = Judged(), defaultdict(set)
    by_tenant: dict[str, list[Window]] = defaultdict(list)
    for window in windows:
        by_tenant[window.agent.tenant].append(window)
    for change in changes:
        talk = talks[change["id"]]
        found.commit_ms.append((change["done"] - change["began"]) * 1000)
        for window in by_tenant[talk.tenant]:
            was, shows = (window.agent.shows(talk, change[when]) for when in ("before", "after"))
            if not (was or shows):
                continue
            held[id(window)].add(talk.id)
            at = next((at for at, conv in window.told[talk.id] if at >= change["began"] and conv == shows), None)
            if at is None:
                found.missed.append(changes[-1]["done"] - change["began"])
            else:
                found.took_ms.append((at - change["began"]) * 1000)
    for window in windows:
        told = {one for one, frames in window.told.items() if frames[-1][0] >= changes[0]["began"]}  # not by warming up
        found.wrong += len(told - held[id(window)])
    return found
