"""What is said to a language model and what comes back, of every provider.

Owns the shapes and the errors of that exchange. Must not know any provider's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Stop = Literal["stop", "length", "tool", "filter", "refusal", "other"]
Stream = Callable[[str], None]  # told each piece of text as it comes; never raises


@dataclass(frozen=True)
class ToolCall:
    """What the model wants to be called. ``arguments``: None where it wrote no JSON object."""

    id: str
    name: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True)
class Said:
    """One entry of a chat. ``calls`` stand in an assistant's, ``call_id`` in the result of one of them (role ``tool``)."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True)
class Tool:
    """Something that a model may call. ``schema``: JSON Schema of its arguments, an object. ``runs``: a call fetches or does
    something; False: it is no more than a sign to us."""

    name: str
    description: str
    schema: Mapping[str, Any]
    runs: bool = True


@dataclass(frozen=True)
class ChatRequest:
    """What a model is asked. ``max_tokens`` of the answer; ``may_call``: False where it has called enough, and is to answer
    now: the tools are told all the same, as its calls of before make sense with them alone; ``schema``: the answer is to be JSON of this JSON Schema;
    ``deadline_s``: seconds for all tries together."""

    messages: tuple[Said, ...]
    max_tokens: int = 800
    tools: tuple[Tool, ...] = ()
    may_call: bool = True
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None
    deadline_s: float = 10.0


@dataclass(frozen=True)
class Failed:
    """A model that was asked and gave no answer: why, as docs/llm.md lists the codes, and for how long it was asked."""

    model: str
    code: str
    took_ms: int


@dataclass(frozen=True)
class ChatResult:
    """What a model answered. Tokens are the provider's count, or our estimate where ``estimated``; ``cost_usd`` by the
    prices of the model's row; ``first_ms``: until the first piece of text, None without a stream; ``failed``: those that were
    asked before."""

    text: str
    stop: Stop
    model: str
    calls: tuple[ToolCall, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost_usd: float = 0.0
    latency_ms: int = 0
    first_ms: int | None = None
    cached: bool = False  # the answer to the same question from before (RESPONSE_CACHE_TTL)
    failed: tuple[Failed, ...] = ()


class ChatError(Exception):
    """No answer came about. ``code`` is stable and never holds what was said; ``retryable``: another try, or another model,
    may help; ``failed``: the models that were asked, the last one among them."""

    def __init__(self, code: str, *, retryable: bool = False, failed: tuple[Failed, ...] = ()):
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.failed = failed
