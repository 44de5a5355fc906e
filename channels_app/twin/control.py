"""The twin's own API below /_twin/ and its page: for tests, chaos runs and demos.

Owns these addresses. Must not be reachable for a web page of another site: changes need a JSON
content type, which browsers do not send across sites unasked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from channels_app.twin import faults
from channels_app.twin.platform import Answer, Call, json_answer
from channels_app.twin.platforms import PLATFORMS

if TYPE_CHECKING:
    from channels_app.twin.server import Twin

PAGE = Path(__file__).with_name("page.html")
SECRETS = frozenset({"app_secret", "auth_token", "secret", "signing_secret", "verify_token"})
LAST = 200  # lines of traffic on the page
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def answer(twin: Twin, call: Call) -> Answer:
    handler = HANDLERS.get((call.method, call.path))
    if handler is None:
        return _wrong("unknown_address", "the twin has no such address", 404)
    if call.method == "POST" and not call.headers.get("content-type", "").startswith("application/json"):
        return _wrong("not_json", "content-type must be application/json", 415)
    try:
        return handler(twin, call)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        return _wrong("bad_request", str(error), 400)


def page(twin: Twin, call: Call) -> Answer:
    return Answer(200, PAGE.read_bytes(), "text/html; charset=utf-8", {"content-security-policy": PAGE_POLICY})


def messages(twin: Twin, call: Call) -> Answer:
    """``messages``: what people received, in order. ``repeats``: sends whose reference came before."""
    return json_answer({"messages": twin.sent, "repeats": twin.repeats})


def forget(twin: Twin, call: Call) -> Answer:
    twin.journal.clear()
    twin.requests.clear()
    twin.callbacks.log.clear()
    return json_answer({"ok": True})


def configure(twin: Twin, call: Call) -> Answer:
    """Settings of ``platform`` (whatsapp unless named); with ``"handshake": true`` the webhook address
    is checked at once and the answer says whether it passed."""
    body = call.json()
    platform, check = str(body.pop("platform", "whatsapp")), body.pop("handshake", False)
    twin.configure(platform, **body)
    return json_answer({"ok": True, **({"handshake": twin.handshake(platform)} if check else {})})


def order_fault(twin: Twin, call: Call) -> Answer:
    """``fault``, and optionally times (null: until cleared), probability and seconds."""
    body = call.json()
    twin.faults.order(str(body.pop("fault", "")), **body)
    return json_answer({"ok": True, "faults": twin.faults.listed()})


def clear_faults(twin: Twin, call: Call) -> Answer:
    twin.faults.clear()
    return json_answer({"ok": True, "faults": []})


def say(twin: Twin, call: Call) -> Answer:
    body = call.json()
    return json_answer({"id": twin.say(body, str(body.get("platform", "whatsapp")))})


def state(twin: Twin, call: Call) -> Answer:
    """All that the page shows; without secrets and without headers."""
    settings = {kind: {n: v for n, v in own.items() if n not in SECRETS} for kind, own in twin.settings.items()}
    chat = [_line(entry, PLATFORMS[entry["platform"]].show(entry["body"])) for entry in twin.journal.entries()[-LAST:]]
    calls = [
        {"at": one.at, "line": f"{one.method} {one.path}", "status": one.status, "fault": one.fault}
        for one in list(twin.requests)[-LAST:]
    ]
    hooks = list(twin.callbacks.log)[-LAST:]
    people = {kind: {"person": one.person, "handshake": one.handshake is not None} for kind, one in PLATFORMS.items()}
    ordered = {"faults": twin.faults.listed(), "fault_names": faults.NAMES}
    return json_answer(
        {"settings": settings, "platforms": people, "chat": chat, "calls": calls, "webhooks": hooks, **ordered}
    )


def _line(entry: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    facts = {name: entry[name] for name in ("direction", "platform", "id", "person", "at", "repeat_of")}
    return {**facts, **shown}


def _wrong(code: str, message: str, status: int) -> Answer:
    return json_answer({"error": {"code": code, "message": message}}, status)


HANDLERS: dict[tuple[str, str], Callable[[Twin, Call], Answer]] = {
    ("GET", "/"): page,
    ("GET", "/_twin/state"): state,
    ("GET", "/_twin/messages"): messages,
    ("DELETE", "/_twin/messages"): forget,
    ("POST", "/_twin/configure"): configure,
    ("POST", "/_twin/faults"): order_fault,
    ("DELETE", "/_twin/faults"): clear_faults,
    ("POST", "/_twin/say"): say,
}
