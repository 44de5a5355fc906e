"""The twin's own API below /_twin/ and its page: for tests, chaos runs and demos.

Owns these addresses. Must not be reachable for a web page of another site: changes need a JSON
content type, which browsers do not send across sites unasked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from channels_app.twin import acting, faults
from channels_app.twin.calls import Answer, Call, json_answer
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.world import World

PAGE = Path(__file__).with_name("page.html")
SECRETS = frozenset({"app_secret", "auth_token", "secret", "signing_secret", "verify_token"})
LAST = 200  # lines of traffic on the page
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def answer(world: World, call: Call) -> Answer:
    handler = HANDLERS.get((call.method, call.path))
    if handler is None:
        return _wrong("unknown_address", "the twin has no such address", 404)
    if call.method == "POST" and not call.headers.get("content-type", "").startswith("application/json"):
        return _wrong("not_json", "content-type must be application/json", 415)
    try:
        return handler(world, call)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        return _wrong("bad_request", str(error), 400)


def page(world: World, call: Call) -> Answer:
    return Answer(200, PAGE.read_bytes(), "text/html; charset=utf-8", {"content-security-policy": PAGE_POLICY})


def messages(world: World, call: Call) -> Answer:
    """``messages``: what people received, in order. ``repeats``: sends whose reference came before."""
    return json_answer({"messages": world.sent, "repeats": world.repeats})


def forget(world: World, call: Call) -> Answer:
    world.journal.clear()
    world.requests.clear()
    world.callbacks.log.clear()
    return json_answer({"ok": True})


def configure(world: World, call: Call) -> Answer:
    """Settings of ``platform`` (whatsapp unless named); with ``"handshake": true`` the webhook address
    is checked at once and the answer says whether it passed."""
    body = call.json()
    platform, check = str(body.pop("platform", "whatsapp")), body.pop("handshake", False)
    world.configure(platform, **body)
    return json_answer({"ok": True, **({"handshake": acting.handshake(world, platform)} if check else {})})


def order_fault(world: World, call: Call) -> Answer:
    """``fault``, and optionally times (null: until cleared), probability and seconds."""
    body = call.json()
    world.faults.order(str(body.pop("fault", "")), **body)
    return json_answer({"ok": True, "faults": world.faults.listed()})


def clear_faults(world: World, call: Call) -> Answer:
    world.faults.clear()
    return json_answer({"ok": True, "faults": []})


def llm(world: World, call: Call) -> Answer:
    """What the language models say: ``script`` (replaces the one before; lines of when, text, calls, stop, model, times),
    ``obedient``, ``pause_s`` between two tokens, ``key``, ``models``."""
    world.llm.configure(call.json())
    return json_answer({"ok": True})


def say(world: World, call: Call) -> Answer:
    body = call.json()
    return json_answer({"id": acting.say(world, body, str(body.get("platform", "whatsapp")))})


def state(world: World, call: Call) -> Answer:
    """All that the page shows; without secrets and without headers."""
    settings = {kind: {n: v for n, v in own.items() if n not in SECRETS} for kind, own in world.settings.items()}
    chat = [_line(entry, PLATFORMS[entry["platform"]].show(entry["body"])) for entry in world.journal.entries()[-LAST:]]
    calls = [
        {"at": one.at, "line": f"{one.method} {one.path}", "status": one.status, "fault": one.fault}
        for one in list(world.requests)[-LAST:]
    ]
    hooks = list(world.callbacks.log)[-LAST:]
    people = {kind: {"person": one.person, "handshake": one.handshake is not None} for kind, one in PLATFORMS.items()}
    ordered = {"faults": world.faults.listed(), "fault_names": faults.NAMES}
    return json_answer(
        {"settings": settings, "platforms": people, "chat": chat, "calls": calls, "webhooks": hooks, **ordered}
    )


def _line(entry: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    facts = {name: entry[name] for name in ("direction", "platform", "id", "person", "at", "repeat_of")}
    gone = {"text": "Deleted", "choices": []} if entry.get("changed") == "deleted" else shown
    return {**facts, "changed": entry.get("changed", ""), **gone}


def _wrong(code: str, message: str, status: int) -> Answer:
    return json_answer({"error": {"code": code, "message": message}}, status)


HANDLERS: dict[tuple[str, str], Callable[[World, Call], Answer]] = {
    ("GET", "/"): page,
    ("GET", "/_twin/state"): state,
    ("GET", "/_twin/messages"): messages,
    ("DELETE", "/_twin/messages"): forget,
    ("POST", "/_twin/configure"): configure,
    ("POST", "/_twin/faults"): order_fault,
    ("DELETE", "/_twin/faults"): clear_faults,
    ("POST", "/_twin/llm"): llm,
    ("POST", "/_twin/say"): say,
}
