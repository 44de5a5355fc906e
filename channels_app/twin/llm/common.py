"""What both wires of the twin's models do alike: faults, keys, and streams that break."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from channels_app.twin.calls import Answer, Call, Cut, Refused
from channels_app.twin.faults import MODELS
from channels_app.twin.llm.mind import Thought
from channels_app.twin.world import World

NEVER_S = 3600.0
DRIP_S = 0.05  # between two bytes
Refuse = Callable[..., Answer]


def struck(twin: World, call: Call, refuse: Refuse) -> str:
    """The fault that strikes this call, "" for none. Raises Refused for those that are an answer."""
    fault = twin.faults.strike(MODELS)
    if fault is None:
        return ""
    call.fault = fault.name
    status = {"429": 429, "500": 500, "529": 529, "refuse_token": 401, "quota": 429, "too_long": 400}.get(fault.name)
    if status:
        headers = {"retry_after": f"{fault.seconds:g}"} if fault.name == "429" and fault.seconds else {}
        raise Refused(refuse(fault.name, status, **headers))
    if fault.name == "html":
        raise Refused(Answer(502, b"<html><h1>Bad gateway</h1></html>", content_type="text/html"))
    if fault.name in ("slow", "never"):
        twin.stopping.wait(fault.seconds or NEVER_S)
    if fault.name == "wrong_json":
        raise Refused(Answer(200, b'{"choices": "none", "content": 7, "data"'))
    if fault.name == "wrong_shape":
        raise Refused(Answer(200, b'{"choices": [], "content": 7, "usage": []}'))
    return fault.name


def thought_in(fault: str, thought: Thought) -> Thought:
    """What is left of it: nothing, or its first half because the tokens are used up."""
    if fault == "empty":
        return Thought()
    return (
        replace(thought, text=thought.text[: len(thought.text) // 2], stop="length") if fault == "length" else thought
    )


def events(twin: World, lines: Iterable[tuple[str, Any]], *, fault: str, error: Any, named: bool, done: bool) -> Answer:
    """A stream of server-sent events, ``named`` or not. ``fault`` cut: the connection ends in its middle; error_midway: ``error``
    comes there, after the good status; error_at_once: in place of all; drip: it comes a byte at a time."""

    def event(kind: str, data: Any) -> bytes:
        return (f"event: {kind}\n" if named else "").encode() + f"data: {json.dumps(data)}\n\n".encode()

    def written() -> Iterator[bytes]:
        for at, (kind, data) in enumerate(lines):
            if fault == "error_at_once" or (fault == "error_midway" and at == 4):
                yield event("error", error)
                return
            if fault == "cut" and at == 4:  # some words have been said
                raise Cut
            if fault == "bad_bytes" and at == 4:
                yield b"data: \xff\xfe\n\n"
            yield event(kind, data)
            if twin.llm.pause_s:
                twin.stopping.wait(twin.llm.pause_s)
        if fault == "cut":
            raise Cut
        if done:
            yield b"data: [DONE]\n\n"

    return Answer(
        200, content_type="text/event-stream", chunks=_dripped(twin, written()) if fault == "drip" else written()
    )


def _dripped(twin: World, parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        for at in range(len(part)):
            twin.stopping.wait(DRIP_S)
            yield part[at : at + 1]


def key_of(call: Call) -> str:
    return call.headers.get("x-api-key", "") or call.headers.get("authorization", "").removeprefix("Bearer ")


def authorise(twin: World, call: Call, refuse: Refuse) -> None:
    key = key_of(call)
    if not key or (twin.llm.key and not hmac.compare_digest(key.encode("utf-8", "replace"), twin.llm.key.encode())):
        raise Refused(refuse("invalid_api_key", 401))


def known_model(twin: World, name: Any, refuse: Refuse) -> str:
    if not isinstance(name, str) or not name or (twin.llm.models and name not in twin.llm.models):
        raise Refused(refuse("model_not_found", 404))
    return name


def at() -> int:
    return int(time.time())
