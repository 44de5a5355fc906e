"""The twin's Anthropic: messages and the list of models.

https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, json_answer
from channels_app.twin.llm import common
from channels_app.twin.llm.mind import Heard, Thought, pieces
from channels_app.twin.world import World

MODELS = ("claude-twin", "claude-twin-small")
ID = re.compile(r"[A-Za-z0-9_-]+")
STOPS = {"length": "max_tokens", "refusal": "refusal", "filter": "refusal"}
TYPES = {
    401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error",
}  # fmt: skip


def messages(twin: World, call: Call) -> Answer:
    common.authorise(twin, call, refusal)
    body = call.json()
    if complaint := _complaint(call, body):
        return refusal(complaint, 400)
    fault = common.struck(twin, call, refusal)
    heard = _heard(body, common.known_model(twin, body.get("model"), refusal))
    thought = common.thought_in(fault, twin.llm.think(heard))
    usage = {} if fault == "no_usage" else {"input_tokens": heard.size, "output_tokens": thought.size}
    if body.get("stream"):
        lines = [(event["type"], event) for event in _events(heard.model, thought, usage)]
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return common.events(twin, lines, fault=fault, error=error, named=True, done=False)
    return json_answer(
        {**_head(heard.model), "content": _blocks(thought), "stop_reason": _stop(thought), "usage": usage}
    )


def models(twin: World, call: Call) -> Answer:
    common.authorise(twin, call, refusal)
    common.struck(twin, call, refusal)
    listed = [
        {"id": name, "type": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
        for name in twin.llm.models or MODELS
    ]
    return json_answer({"data": listed, "has_more": False, "first_id": listed[0]["id"], "last_id": listed[-1]["id"]})


def refusal(code: str, status: int, **headers: str) -> Answer:
    words = {"too_long": "prompt is too long: 200001 tokens > 200000 maximum"}
    error: dict[str, Any] = {
        "type": TYPES.get(status, "invalid_request_error"), "message": words.get(code, f"refused: {code}"),
    }  # fmt: skip
    if code == "quota":
        error["details"] = {"error_code": "enforced_spend_limit_reached"}
    request_id = f"req_{uuid4().hex[:8]}"
    return json_answer(
        {"type": "error", "error": error, "request_id": request_id}, status, request_id=request_id, **headers
    )


def _complaint(call: Call, body: Mapping[str, Any]) -> str:
    said = body.get("messages")
    if not call.headers.get("anthropic-version"):
        return "anthropic-version: header is required"
    if not isinstance(body.get("max_tokens"), int):
        return "max_tokens: field required"
    if not isinstance(said, list) or not said or said[0].get("role") != "user":
        return "messages: the first is the user's"
    if any(one.get("role") not in ("user", "assistant") for one in said):
        return "messages: roles are user and assistant"
    if "temperature" in body and call.headers["anthropic-version"] >= "2026-10-21":
        return "temperature: removed"
    if len(said) > 1 and any(one["role"] == after["role"] for one, after in pairwise(said)):
        return "messages: roles take turns"  # stricter than the provider, which joins them
    asked = {"None"}  # of blocks that have no id
    for block in _blocks_of(said):
        if block.get("type") == "tool_result" and block.get("tool_use_id") not in asked:
            return "tool_result: without its tool_use"
        if block.get("type") == "tool_use" and (
            str(block.get("id")) in asked or not ID.fullmatch(str(block.get("id")))
        ):
            return "tool_use: ids are unique, of letters, digits, _ and -"
        asked.add(str(block.get("id")))
    if len(asked) > 1 and not body.get("tools"):
        return "tools: needed where messages have tool_use or tool_result"
    return ""


def _blocks_of(said: Any) -> Iterator[Mapping[str, Any]]:
    for message in said:
        content = message.get("content")
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


def _heard(body: Mapping[str, Any], model: str) -> Heard:
    system = body.get("system") or ""
    texts = [("system", system if isinstance(system, str) else " ".join(part["text"] for part in system))]
    called = []
    for message in body["messages"]:
        for block in _blocks_of([message]):
            if block["type"] == "text":
                texts.append((message["role"], block["text"]))
            elif block["type"] == "tool_result":
                texts.append(("tool", str(block.get("content", ""))))
            elif block["type"] == "tool_use":
                called.append((block["name"], block["input"]))
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    may_call = (body.get("tool_choice") or {}).get("type") != "none"
    tools = tuple(tool["name"] for tool in body.get("tools") or () if may_call)
    return Heard(model, tuple(texts), tools, tuple(called), schema)


def _head(model: str) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid4().hex[:12]}", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None,
    }  # fmt: skip


def _blocks(thought: Thought) -> list[dict[str, Any]]:
    said = [{"type": "text", "text": thought.text}] if thought.text else []
    return [*said, *(_use(name, arguments) for name, arguments in thought.calls)]


def _use(name: str, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{uuid4().hex[:8]}", "name": name, "input": arguments}


def _stop(thought: Thought) -> str:
    return STOPS.get(thought.stop) or ("tool_use" if thought.calls else "end_turn")


def _events(model: str, thought: Thought, usage: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    first = {"input_tokens": usage["input_tokens"], "output_tokens": 1} if usage else {}
    yield {"type": "message_start", "message": {**_head(model), "usage": first}}
    at = 0
    if thought.text:
        yield {"type": "content_block_start", "index": at, "content_block": {"type": "text", "text": ""}}
        yield {"type": "ping"}
        for piece in pieces(thought.text):
            yield {"type": "content_block_delta", "index": at, "delta": {"type": "text_delta", "text": piece}}
        yield {"type": "content_block_stop", "index": at}
        at += 1
    for name, arguments in thought.calls:
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        half = len(written) // 2
        yield {"type": "content_block_start", "index": at, "content_block": {**_use(name, {}), "input": {}}}
        for part in (written[:half], written[half:]):
            yield {
                "type": "content_block_delta", "index": at, "delta": {"type": "input_json_delta", "partial_json": part},
            }  # fmt: skip
        yield {"type": "content_block_stop", "index": at}
        at += 1
    counted = {"output_tokens": usage["output_tokens"]} if usage else {}
    yield {"type": "message_delta", "delta": {"stop_reason": _stop(thought), "stop_sequence": None}, "usage": counted}
    yield {"type": "message_stop"}
