"""The twin's OpenAI: chat completions, embeddings and the list of models; and below /modest/v1 a server that knows little
of it, as those that people run themselves.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, json_answer
from channels_app.twin.llm import common
from channels_app.twin.llm.mind import Heard, Thought, pieces
from channels_app.twin.platform import Route
from channels_app.twin.world import World

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a function
STOPS = {"length": "length", "filter": "content_filter"}
MODELS = ("gpt-twin", "gpt-twin-mini", "embed-twin")
ROLES = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
DIMENSIONS = 256
#: what a modest server refuses
UNKNOWN_TO_MODEST = ("max_completion_tokens", "stream_options", "tools", "parallel_tool_calls")


def chat(twin: World, call: Call) -> Answer:
    refuse = modest_refusal if call.parts.get("modest") else refusal
    common.authorise(twin, call, refuse)
    body = call.json()
    if complaint := _complaint(body, modest=bool(call.parts.get("modest"))):
        return refuse(complaint, 400)
    fault = common.struck(twin, call, refuse)
    heard = _heard(body, common.known_model(twin, body.get("model"), refuse))
    thought = common.thought_in(fault, twin.llm.think(heard))
    usage = None if fault in ("no_usage", "no_reason") or call.parts.get("modest") else _usage(heard, thought)
    if body.get("stream"):
        counted = usage if (body.get("stream_options") or {}).get("include_usage") else None
        lines = [("", chunk) for chunk in _chunks(heard.model, thought, counted, reason=fault != "no_reason")]
        error = {"error": {"message": "refused: server_error", "type": "server_error", "param": None, "code": None}}
        return common.events(twin, lines, fault=fault, error=error, named=False, done=True)
    message: dict[str, Any] = {"role": "assistant", "content": thought.text or None, "refusal": None}
    if thought.stop == "refusal":
        message |= {"content": None, "refusal": thought.text}
    if thought.calls:
        message["tool_calls"] = [_call(*one) for one in thought.calls]
    choice = {"index": 0, "finish_reason": None if fault == "no_reason" else _stop(thought), "message": message}
    whole = {"id": f"chatcmpl-{uuid4().hex[:12]}", "object": "chat.completion", "created": common.at()}
    return json_answer({**whole, "model": heard.model, "choices": [choice], **({"usage": usage} if usage else {})})


def models(twin: World, call: Call) -> Answer:
    common.authorise(twin, call, refusal)
    common.struck(twin, call, refusal)
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "twin"} for name in twin.llm.models or MODELS]
    return json_answer({"object": "list", "data": listed})


def embeddings(twin: World, call: Call) -> Answer:
    """Vectors of hashed words: texts with words in common are near each other."""
    common.authorise(twin, call, refusal)
    common.struck(twin, call, refusal)
    body = call.json()
    model = common.known_model(twin, body.get("model"), refusal)
    texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) and one for one in texts):
        return refusal("invalid_input", 400)
    size, plain = int(body.get("dimensions") or DIMENSIONS), body.get("encoding_format", "float") == "float"
    data = [
        {"object": "embedding", "index": at, "embedding": vector if plain else _packed(vector)}
        for at, vector in enumerate(vector_of(text, size) for text in texts)
    ]
    read = sum(len(text.split()) for text in texts)
    return json_answer(
        {"object": "list", "model": model, "data": data, "usage": {"prompt_tokens": read, "total_tokens": read}}
    )


def vector_of(text: str, size: int) -> list[float]:
    vector = [0.0] * size
    for word in text.lower().split():
        digest = hashlib.sha256(word.strip(".,;:!?\"'()").encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % size] += 1.0 if digest[4] % 2 else -1.0
    length = math.sqrt(sum(number * number for number in vector)) or 1.0
    return [number / length for number in vector]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def refusal(code: str, status: int, **headers: str) -> Answer:
    words = {"429": "rate_limit_exceeded", "quota": "insufficient_quota", "too_long": "context_length_exceeded"}
    error = {
        "message": f"refused: {code}",
        "type": "invalid_request_error",
        "param": None,
        "code": words.get(code, code),
    }
    return json_answer({"error": error}, status, x_request_id=f"req_{uuid4().hex[:8]}", **headers)


def modest_refusal(code: str, status: int, **headers: str) -> Answer:
    return json_answer({"detail": code}, 422 if status == 400 else status, **headers)


def _complaint(body: Mapping[str, Any], *, modest: bool) -> str:
    """What a server refuses a body for, "" for nothing."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages_missing"
    if "max_tokens" in body and "max_completion_tokens" in body:
        return "max_tokens_twice"
    asked: set[str] = set()
    for message in messages:
        if message.get("role") not in ROLES:
            return "unknown_role"
        if message["role"] == "tool" and message.get("tool_call_id") not in asked:
            return "tool_without_call"
        for one in message.get("tool_calls") or ():
            if not one["id"] or one["id"] in asked or not NAME.fullmatch(one["function"]["name"]):
                return "unusable_tool_call"
            asked.add(one["id"])
    if not modest:
        return ""
    kind = (body.get("response_format") or {}).get("type", "text")
    if any(name in body for name in UNKNOWN_TO_MODEST) or kind != "text":
        return "unknown_parameter"
    return "unknown_role" if any(message["role"] in ("developer", "tool") for message in messages) else ""


def _heard(body: Mapping[str, Any], model: str) -> Heard:
    texts, called = [], []
    for message in body["messages"]:
        content = message.get("content") or ""
        words = content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)
        texts.append((ROLES[message["role"]], words))
        called += [
            (one["function"]["name"], json.loads(one["function"]["arguments"]))
            for one in message.get("tool_calls") or ()
        ]
    may_call = body.get("tool_choice") != "none"
    tools = tuple(tool["function"]["name"] for tool in body.get("tools") or () if may_call)
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    return Heard(model, tuple(texts), tools, tuple(called), schema)


def _usage(heard: Heard, thought: Thought) -> dict[str, Any]:
    read, written = heard.size, thought.size
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _call(name: str, arguments: Any) -> dict[str, Any]:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": f"call_{uuid4().hex[:8]}", "type": "function", "function": {"name": name, "arguments": written}}


def _stop(thought: Thought) -> str:
    return STOPS.get(thought.stop) or ("tool_calls" if thought.calls else "stop")


def _chunks(
    model: str, thought: Thought, usage: dict[str, Any] | None, *, reason: bool
) -> Iterator[dict[str, Any]]:  # fmt: skip
    head = {
        "id": f"chatcmpl-{uuid4().hex[:12]}",
        "object": "chat.completion.chunk",
        "created": common.at(),
        "model": model,
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces(thought.text):
        yield chunk({"refusal" if thought.stop == "refusal" else "content": piece})
    for at, one in enumerate(thought.calls):
        call = _call(*one)
        written = call["function"]["arguments"]
        half = len(written) // 2
        first = {**call, "function": {**call["function"], "arguments": written[:half]}}
        yield chunk({"tool_calls": [{"index": at, **first}]})
        yield chunk({"tool_calls": [{"index": at, "function": {"arguments": written[half:]}}]})
    yield chunk({}, _stop(thought) if reason else None)
    if usage:
        yield {**head, "choices": [], "usage": usage}


ROUTES = (
    Route("POST", r"/(?:(?P<modest>modest)/)?v1/chat/completions", chat),
    Route("POST", r"/v1/embeddings", embeddings),
)
