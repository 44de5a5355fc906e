"""The engine of the simulated service: it answers by number, at times badly, and remembers what it was asked.

Owns nothing but its memory. Must not train anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.port import EngineError, EngineReply, EngineRequest, EngineTimeout
from channels_app.content.types import Button, Content, text
from tests.simulation.world import OUTSIDE, Broken, World

ANSWER = re.compile(r"(\w+) answer (\d+) part (\d+)")
LINKS = tuple(Button(type="url", title=f"link {number}", url=f"https://example.com/{number}") for number in (1, 2))


@dataclass
class Ask:
    """What the engine was asked, and how far the transcript went at that moment."""

    conversation: str
    last_seq: int


class SimulatedEngine:
    name = "simulated"

    def __init__(self, world: World, tenants: dict[str, str]):
        self.world = world
        self.tenants = tenants  # id → name
        self.asks: list[Ask] = []
        self.left: set[str] = set()  # questions that got silence

    @property
    def instant(self) -> bool:
        """It may say so although others go on while it thinks: that is what has to do no harm."""
        return self.world.process.rng.random() < 0.5

    def respond(self, request: EngineRequest) -> EngineReply:
        tenant = self.tenants[request.tenant_id.hex]
        asked = [content.text or "" for content in request.contents]
        self._all_of(tenant, [*asked, *(entry.text for entry in request.history)])
        conversation = request.conversation_id.hex
        [seq] = self.world.raw.execute("SELECT last_seq FROM conversations_conversation WHERE id = ?", [conversation])
        self.asks.append(Ask(conversation, seq[0]))
        number, process = len(self.asks), self.world.process
        self.world.say(f"engine: question {number} after #{seq[0]} of {conversation[-6:]}: {asked}")
        self.world.interrupted(often=OUTSIDE)
        self.world.stalled()
        if process.happens(process.faults.engine):
            return self._oddly(tenant, asked, number)
        links = LINKS if process.rng.random() < 0.15 else None  # three calls instead of one where links are buttons
        return self._reply([text(f"{tenant} answer {number} part 0", buttons=links)])

    def _oddly(self, tenant: str, asked: list[str], number: int) -> EngineReply:
        rng = self.world.process.rng
        kind = rng.choice(("error", "time-out", "crash", "silence", "handover", "two", "long"))
        self.world.counts[f"engine: {kind}"] += 1
        if kind == "error":
            raise EngineError("engine_failed")
        if kind == "time-out":
            self.world.clock.pass_s(10)
            raise EngineTimeout
        if kind == "crash":
            raise RuntimeError("a bug of the engine's")
        if kind == "silence":
            self.left.update(asked)
            return self._reply([])
        if kind == "handover":
            return self._reply([text(f"{tenant} answer {number} part 0")], handover=True)
        if kind == "two":
            return self._reply([text(f"{tenant} answer {number} part {part}") for part in (0, 1)])
        return self._reply([text(f"{tenant} answer {number} part 0 " + "word " * 700)])

    @staticmethod
    def _reply(contents: list[Content], *, handover: bool = False) -> EngineReply:
        return EngineReply(contents=tuple(contents), context={}, intent="x", engine="simulated", handover=handover)

    @staticmethod
    def _all_of(tenant: str, said: list[str]) -> None:
        for words in said:
            first = words.partition(" ")[0]
            if first in ("acme", "globex") and first != tenant:
                raise Broken(f"the engine of {tenant} is told {words!r}")
