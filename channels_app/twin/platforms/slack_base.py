"""What every call to the twin's Slack begins and ends with: who asks, how it is refused, and the ids of what is posted.

Owns these. Must not import the adapter.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from channels_app.twin.calls import Answer, Call, Refused, json_answer
from channels_app.twin.world import World

KIND = "slack"
_numbers = itertools.count(1)


def authorised(twin: World, call: Call) -> dict[str, Any]:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(error("not_authed"))
    if not token.startswith("xox") or token.endswith("revoked"):
        raise Refused(refuse("refuse_token"))
    return call.json()


def refuse(fault: str) -> Answer:
    """Refusals of a token come with 200."""
    answers = {
        "429": lambda: error("ratelimited", 429, retry_after="1"),
        "500": lambda: error("service_unavailable", 500),
        "refuse_token": lambda: error("invalid_auth"),
    }
    return answers[fault]()


def error(code: str, status: int = 200, **headers: str) -> Answer:
    return json_answer({"ok": False, "error": code}, status, **headers)


def opened(channel: str) -> str:
    """A person's direct channel has their number in this twin."""
    return f"D{channel[1:]}" if channel[:1] in ("U", "W") else channel


def new_ts() -> str:
    """Unique per channel, as the platform promises: seconds, and a number where it has microseconds."""
    return f"{int(time.time())}.{next(_numbers) % 1_000_000:06d}"


def new_id(channel: str) -> str:
    return f"{channel}:{new_ts()}"
