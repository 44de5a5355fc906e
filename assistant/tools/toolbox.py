"""The tools of one turn: what the model is shown, and the one door through which anything is called.

Owns the rule that only what is listed is called, by arguments that fit, and only with a yes where it changes something. Must
not talk to a model or a person.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from assistant.llm import chat
from assistant.port import Source
from assistant.tools.agreed import called_once, outcome_before
from assistant.tools.arguments import BadArguments, arguments_filled, schema_told
from assistant.tools.calling import Caller, Outcome, http_called
from assistant.tools.models import MOST, Tool
from channels_app.content.types import Card
from conversations.models import Conversation
from tenants.models import Tenant
from tenants.storage import prepared

LEAST_S = 0.3  # less than that is no time for a call
MCP_SERVERS = "assistant.tools.mcp_servers"  # has the SDK, which processes without such tools do without
ENABLED = prepared.Select(Tool, lambda rows: rows.filter(enabled=True).order_by("name"))


@dataclass(frozen=True)
class Result:
    """What a call gave: ``sources`` and ``cards`` of what it told of products."""

    outcome: Outcome
    sources: Sequence[Source] = ()
    cards: Sequence[Card] = ()


@dataclass(frozen=True)
class Own:
    """A tool of ours, beside the tenant's: it never changes anything. ``run`` gets arguments that fit and the seconds left."""

    tool: chat.Tool
    run: Any


@dataclass(frozen=True)
class Wanted:
    """A call that may be made: by a tool of the list, with arguments that fit."""

    name: str
    arguments: Mapping[str, Any]
    title: str
    changes: bool


@dataclass
class Toolbox:
    """``rows``: the tenant's tools by name; ``own``: ours. ``person``: what is proved of who is spoken to."""

    conversation_id: uuid.UUID
    turn: str  # names conversation and turn, the same when the turn is answered again
    rows: Mapping[str, Tool] = field(default_factory=dict)
    own: Mapping[str, Own] = field(default_factory=dict)
    person: Mapping[str, str] = field(default_factory=dict)
    claims: bool = True  # False for a trial, which is for no conversation and is made each time

    def shown(self) -> tuple[chat.Tool, ...]:
        """What a model may ask for."""
        listed = [chat.Tool(row.name, row.description, schema_told(row.schema)) for row in self.rows.values()]
        return (*(one.tool for one in self.own.values()), *listed)

    def wanted(self, name: str, arguments: Mapping[str, Any] | None) -> Wanted:
        """The call that is meant. Raises BadArguments; ``unknown_tool`` for what is not on the list."""
        if name in self.own:
            return Wanted(name, arguments_filled(self.own[name].tool.schema, arguments, {}), name, changes=False)
        row = self.rows.get(name)
        if row is None:
            raise BadArguments("unknown_tool", "There is no such tool.")
        return Wanted(name, arguments_filled(row.schema, arguments, self.person), row.title, row.changes)

    def call(self, wanted: Wanted, seconds: float, *, agreed: str = "") -> Result:
        """Make the call. ``agreed``: the mark of the question that the person said yes to, with exactly this in it: what changes
        something is called once for one yes, and its outcome given again after that. Raises BadArguments ``not_agreed``."""
        if wanted.changes and not agreed:
            raise BadArguments("not_agreed", "The person has not agreed.")
        if seconds < LEAST_S:
            return Result(Outcome("no_time"))
        if wanted.name in self.own:
            return self.own[wanted.name].run(wanted.arguments, seconds)  # type: ignore[no-any-return]
        if wanted.changes and self.claims:
            call = partial(self._called, wanted, seconds, agreed)
            lasts = self._lasts(wanted.name, seconds)
            return Result(
                called_once(self.conversation_id, agreed, wanted.name, call, lasts_s=lasts, wait_s=seconds - LEAST_S)
            )
        return Result(self._called(wanted, seconds, agreed))

    def made(self, mark: str, tool: str, seconds: float) -> Result | None:
        """What came of the call that the yes to this question stands for, where another try made it: an earlier one of this turn, or
        that of a message beside it, which is waited for, ``seconds`` at most."""
        lasts = self._lasts(tool, seconds)
        outcome = outcome_before(self.conversation_id, mark, lasts_s=lasts, wait_s=seconds - LEAST_S)
        return Result(outcome) if outcome else None

    def _lasts(self, tool: str, seconds: float) -> float:
        """How long a call of it may be under way, in whichever turn."""
        row = self.rows.get(tool)
        return float(row.timeout_s) if row else max(seconds, 0.0)

    def _called(self, wanted: Wanted, seconds: float, agreed: str) -> Outcome:
        row = self.rows[wanted.name]
        if row.kind == Tool.Kind.MCP:
            from assistant.tools.mcp_servers import called  # not before: see MCP_SERVERS

            limit = min(float(row.timeout_s), seconds)
            return called(row.url, row.secret, row.remote or row.name, wanted.arguments, limit)
        told = agreed or f"{self.turn}:{wanted.name}:{json.dumps(wanted.arguments, sort_keys=True)}"
        call_id = f"call_{uuid.uuid5(self.conversation_id, told).hex}"
        caller = Caller(str(self.conversation_id), call_id, self.person)
        return http_called(row, wanted.arguments, caller, seconds)


def sdk_load() -> bool:
    """Load the SDK of MCP servers where an active tenant has a tool of one that is switched on: it takes a second of a
    processor, which the person whose question needs it first would wait for. Whether that is so."""
    # unscoped: a process answers for all tenants
    rows = Tool.objects.unscoped().filter(kind=Tool.Kind.MCP, enabled=True, tenant__status=Tenant.Status.ACTIVE)
    if not rows.exists():
        return False
    import_module(MCP_SERVERS)
    return True


def tools_of_tenant() -> dict[str, Tool]:
    """The tenant's list, of what is switched on, by name."""
    return {row.name: row for row in ENABLED.run(most=MOST)}


def person_of(conversation_id: uuid.UUID) -> dict[str, str]:
    """What is proved of the person, by the platform or a signature; nothing where it is only claimed."""
    found = (
        Conversation.objects.filter(id=conversation_id, identity__verified=True)
        .values_list("contact_id", "identity__value")
        .first()
    )
    return {"contact_id": str(found[0]), "identity": str(found[1])} if found else {}
