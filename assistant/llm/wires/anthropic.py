"""Anthropic's messages.

Owns that wire, over the official SDK. Must not retry.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from assistant.llm.chat import ChatRequest, Said, Stop
from assistant.llm.faults import ProviderFault
from assistant.llm.providers.offers import Offer, Server
from assistant.llm.wires.answered import (
    Answered,
    Growing,
    Tell,
    bounded,
    by_schema,
    count,
    error_refuse,
    in_turns,
    system_text,
    temperature_asked,
    tokens_asked,
    tool_call,
    words,
)
from channels_app.http.sdk import guarded_client

#: pinned: a later one refuses what this one takes
VERSION = "2023-06-01"
STOPS: Mapping[str, Stop] = {
    "end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "model_context_window_exceeded": "length",
    "tool_use": "tool", "pause_turn": "tool", "refusal": "refusal",
}  # fmt: skip


def load() -> None:
    """Load the SDK with what it loads at the first question."""
    import anthropic.resources.messages  # noqa: F401


@lru_cache(maxsize=64)
def _client(server: Server) -> Any:
    import anthropic  # half a second that only processes which ask a model pay

    return anthropic.Anthropic(
        api_key=server.key or "none", base_url=server.base_url, max_retries=0,
        http_client=guarded_client(server.allow_hosts), default_headers={"anthropic-version": VERSION},
    )  # fmt: skip


def ask(offer: Offer, request: ChatRequest, tell: Tell | None, read_s: float) -> Answered:
    """Raises what the SDK raises, and ProviderFault. ``read_s``: the longest silence."""
    body, messages = _body(offer, request), _client(offer.server).messages
    if tell is None:
        return _whole(messages.create(**body, timeout=read_s))
    with messages.create(**body, timeout=read_s, stream=True) as events:
        return _streamed(events, tell)


def names(server: Server) -> list[str]:
    """The models that the server says it has."""
    return sorted(str(one.id) for one in _client(server).models.list(timeout=10, limit=500).data)[:500]


def _body(offer: Offer, request: ChatRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": offer.name, "max_tokens": tokens_asked(offer, request),
        "messages": _messages(in_turns(request)),
    }  # fmt: skip
    if system := system_text(request, in_words=not by_schema(offer, request)):
        body["system"] = system
    if (temperature := temperature_asked(offer, request)) is not None:
        body["temperature"] = min(temperature, 1.0)  # the provider's scale ends there
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}
            for tool in request.tools
        ]
        body |= {} if request.may_call else {"tool_choice": {"type": "none"}}
    if by_schema(offer, request):
        body["output_config"] = {"format": {"type": "json_schema", "schema": dict(request.schema or {})}}
    return body


def _messages(turns: list[Said]) -> list[dict[str, Any]]:
    """What calls gave stands together in one message, as the calls did."""
    messages: list[dict[str, Any]] = []
    results = False
    for said in turns:
        message = _message(said)
        if said.role == "tool" and results:
            messages[-1]["content"] += message["content"]
        else:
            messages.append(message)
        results = said.role == "tool"
    return messages


def _message(said: Said) -> dict[str, Any]:
    """Results of tools are the user's to tell."""
    if said.role == "tool":
        result = {"type": "tool_result", "tool_use_id": said.call_id, "content": said.text}
        return {"role": "user", "content": [result]}
    if not said.calls:
        return {"role": said.role, "content": said.text}
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments or {})}
        for call in said.calls
    ]
    return {"role": said.role, "content": [*([{"type": "text", "text": said.text}] if said.text else []), *calls]}


def _whole(message: Any) -> Answered:
    error_refuse(message)
    try:
        calls = [tool_call(one.id, one.name, _written(one.input)) for one in message.content if one.type == "tool_use"]
        text = "".join(words(one.text) for one in message.content if one.type == "text")
        usage = message.usage
        return Answered(
            text, _stop(message.stop_reason), bounded(calls), _input(usage), count(_of(usage, "output_tokens"))
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ProviderFault("llm_answer_broken", again=True) from error


def _streamed(events: Any, tell: Tell) -> Answered:
    text, calls, answered, ended = [], defaultdict[int, Growing](Growing), Answered(), ""
    for event in events:
        piece = ""
        try:
            if event.type == "message_start":
                answered.input_tokens = _input(event.message.usage)
            elif event.type == "content_block_start" and event.content_block.type == "tool_use":
                block = event.content_block
                calls[event.index] = Growing(block.id, block.name, [_written(block.input)] if block.input else [])
            elif event.type == "content_block_start" and event.content_block.type == "text":
                piece = words(event.content_block.text)  # servers that speak this wire begin with some
            elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                piece = words(event.delta.text)
            elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                calls[event.index].more(event.delta.partial_json)
            elif event.type == "message_delta":
                ended = event.delta.stop_reason or ended
                answered.output_tokens = count(_of(event.usage, "output_tokens"))
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ProviderFault("llm_answer_broken", again=True) from error
        if piece:
            text.append(piece)
            tell(piece)
    if not ended:
        raise ProviderFault("llm_cut" if text else "llm_answer_broken", again=True, away=bool(text))
    answered.text, answered.calls = "".join(text), bounded([calls[at].call() for at in sorted(calls)])
    answered.stop = _stop(ended)
    return answered


def _input(usage: Any) -> int | None:
    """What was read from the provider's cache counts, too."""
    parts = [
        count(_of(usage, name)) for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    ]
    return None if parts[0] is None else sum(part or 0 for part in parts)


def _of(usage: Any, name: str) -> Any:
    return getattr(usage, name, None)


def _written(arguments: Any) -> str:
    return json.dumps(arguments)


def _stop(reason: Any) -> Stop:
    return STOPS.get(str(reason), "other")
