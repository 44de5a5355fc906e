"""One call of a tenant's tool by HTTP: signed, guarded, bounded, and what came of it.

Owns the request and the reading of the answer, which is data whatever it says. Must not decide whether a tool may be called.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.tools.models import Tool
from channels_app.content.normalise import UNSTORABLE
from channels_app.contract import OutcomeUnknown, SendError
from channels_app.http import standard_webhooks
from channels_app.http.client import HttpClient
from channels_app.services import outbound_hosts

MOST_ANSWER = 65_536  # bytes of an answer that are read; a longer one is refused, not cut
UNDONE = frozenset({501, 503})  # of the server's faults, those that say that it did nothing
MOST_TOLD = 12_000  # characters of it that the model gets, the cut marked


@dataclass(frozen=True)
class Outcome:
    """``code``: "ok", or why there is no answer (stable, without what a person wrote); ``text``: what the tool said.
    ``unsure``: the request went out, and it is unknown whether it was obeyed."""

    code: str
    text: str = ""
    took_ms: int = 0
    unsure: bool = False


@dataclass(frozen=True)
class Caller:
    """For whom a tool is called. ``person`` has only what is proved; ``call_id`` is the same when a turn is answered again,
    so that the tool's server can tell a repeat."""

    conversation_id: str
    call_id: str
    person: Mapping[str, str]


def http_called(tool: Tool, arguments: Mapping[str, Any], caller: Caller, seconds: float) -> Outcome:
    """POST the arguments to the tool's address, signed as Standard Webhooks. Never raises for what the other side does."""
    body = json.dumps(
        {
            "tool": tool.name,
            "arguments": dict(arguments),
            "conversation_id": caller.conversation_id,
            "person": dict(caller.person),
        }
    ).encode()
    headers = {"content-type": "application/json", "accept": "application/json, text/plain"}
    headers |= standard_webhooks.headers_for(caller.call_id, int(time.time()), body, [tool.secret])
    began = time.monotonic()
    try:
        answer = client_of(tool, seconds).request("POST", tool.url, headers=headers, content=body)
    except SendError as error:
        return Outcome(error.code, took_ms=_since(began), unsure=isinstance(error, OutcomeUnknown))
    if not 200 <= answer.status < 300:
        unsure = answer.status >= 500 and answer.status not in UNDONE
        return Outcome(f"http_{answer.status}", took_ms=_since(began), unsure=unsure)
    try:
        return Outcome("ok", told(answer.body.decode("utf-8")), _since(began))
    except UnicodeDecodeError:
        return Outcome("answer_not_text", took_ms=_since(began), unsure=True)


def client_of(tool: Tool, seconds: float) -> HttpClient:
    """The guarded client for one call: public addresses only, save for hosts that the operator allows."""
    limit = min(float(tool.timeout_s), seconds)
    return HttpClient(
        frozenset({tool.secret} if tool.secret else ()),
        allow_hosts=outbound_hosts(),
        read_s=limit,
        total_s=limit,
        max_bytes=MOST_ANSWER,
    )


def told(words: str) -> str:
    """What of a tool's answer the model gets, without what no database keeps; a cut is marked."""
    words = UNSTORABLE.sub("", words)
    if len(words) <= MOST_TOLD:
        return words
    return f"{words[:MOST_TOLD]}\n[{len(words) - MOST_TOLD} characters more, not shown]"


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
