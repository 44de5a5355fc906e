"""What a wire makes of a provider's answer.

Owns that form and what both wires do alike. Must not know any provider's.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.llm.chat import ChatRequest, Said, Stop, ToolCall
from assistant.llm.faults import ProviderFault, told_as
from assistant.llm.providers.offers import Offer
from tenants.storage.json_values import unstorable

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
Tell = Callable[[str], None]
MOST_CALLS = 32
NAME, CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}"), re.compile(r"[A-Za-z0-9_-]{1,128}")
NO_TOOL = "unknown"
BEGUN = "(We began this conversation.)"


@dataclass
class Answered:
    """``input_tokens``, ``output_tokens``: None where the provider does not count."""

    text: str = ""
    stop: Stop = "other"
    calls: tuple[ToolCall, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass
class Growing:
    """A call of a tool whose parts come one after the other."""

    id: str = ""
    name: str = ""
    written: list[str] = field(default_factory=list)

    def more(self, part: Any) -> None:
        """The next part of the arguments; some servers give them whole, as an object."""
        self.written.append(part if isinstance(part, str) else "" if part is None else json.dumps(part))

    def call(self) -> ToolCall:
        return tool_call(self.id, self.name, "".join(self.written))


def words(value: Any) -> str:
    """A provider's words, without what no database holds and no stream carries; some servers give them as a list of parts,
    of which those that are text count. "" for what is no text."""
    if isinstance(value, list):
        return "".join(words(one.get("text")) for one in value if isinstance(one, dict) and one.get("type") == "text")
    return UNSTORABLE.sub("", value) if isinstance(value, str) else ""


def error_refuse(answer: Any) -> None:
    """Raises ProviderFault where an error stands in the answer's place, with a good status."""
    if told := getattr(answer, "error", None):
        raise told_as(told)


def tool_call(call_id: Any, name: Any, written: str) -> ToolCall:
    """Arguments that are no JSON object, or that a database would refuse, are None: they are kept while a person is asked."""
    try:
        arguments = json.loads(written or "{}")
    except (ValueError, RecursionError):
        arguments = None
    usable = isinstance(arguments, dict) and unstorable(arguments) is None
    return ToolCall(words(call_id), words(name), arguments if usable else None)


def bounded(calls: list[ToolCall]) -> tuple[ToolCall, ...]:
    """``calls`` as they can be told back to whichever provider is asked next, which refuses a call without an id, or two of one,
    and names of other letters: what is named so, no tool is."""
    if len(calls) > MOST_CALLS:
        raise ProviderFault("llm_answer_broken")
    told: dict[str, ToolCall] = {}
    for number, call in enumerate(calls, 1):
        id = call.id if CALL_ID.fullmatch(call.id) and call.id not in told else f"call_{number}_{secrets.token_hex(4)}"
        told[id] = replace(call, id=id, name=call.name if NAME.fullmatch(call.name) else NO_TOOL)
    return tuple(told.values())


def count(value: Any) -> int | None:
    """A provider's count of tokens, or None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def asked_in_words(schema: Mapping[str, Any]) -> str:
    """For servers that cannot be held to a schema."""
    return f"Answer with one JSON object and nothing else. It follows this JSON Schema:\n{json.dumps(schema)}"


def system_text(request: ChatRequest, *, in_words: bool) -> str:
    parts = [said.text for said in request.messages if said.role == "system"]
    if in_words and request.schema is not None:
        parts.append(asked_in_words(request.schema))
    return "\n\n".join(part for part in parts if part)


def in_turns(request: ChatRequest) -> list[Said]:
    """The chat as every provider takes it, without the system's words: the person begins, and user and assistant take turns, for
    Anthropic refuses a chat that the assistant begins, and templates of local models two messages of one side in a row."""
    turns: list[Said] = []
    for said in request.messages:
        if said.role == "system" or not (said.text or said.calls or said.role == "tool"):
            continue
        if not turns and said.role == "assistant":
            turns.append(Said("user", BEGUN))
        before = turns[-1] if turns else None
        if before and before.role == said.role != "tool" and not before.calls:
            turns[-1] = replace(said, text=f"{before.text}\n\n{said.text}".strip())
        else:
            turns.append(said)
    return turns


def tokens_asked(offer: Offer, request: ChatRequest) -> int:
    return min(request.max_tokens, offer.max_tokens or request.max_tokens)


def temperature_asked(offer: Offer, request: ChatRequest) -> float | None:
    """None for models that refuse to be told."""
    wanted = request.temperature if request.temperature is not None else offer.temperature
    return wanted if "temperature" in offer.capabilities else None


def by_schema(offer: Offer, request: ChatRequest) -> bool:
    """Whether the server holds the model to the schema."""
    return request.schema is not None and offer.server.json_mode == "json_schema" and "json" in offer.capabilities
