"""The twin's integrator: a system of an integrator's own that speaks the generic webhook.

Owns the address it takes messages at, its people and their files. Must not import the adapter: what is
signed and how is written here anew, by the specification.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, Refused, Webhook, json_answer
from channels_app.twin.platform import Platform, Route
from channels_app.twin.world import World
from channels_app.words.moments import written

KIND = "webhook"
SETTINGS = {
    "webhook_url": "",
    "secret": "whsec_dHdpbi13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5",
    "dedupe": True,
    "statuses": ["delivered", "read"],
}
TOLERANCE_S = 300
SENDS = ("message", "edit", "delete")
MAX_TEXT = 4096
PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==")

# ---------------------------------------------------------------------------- calls


def take(twin: World, call: Call) -> Answer:
    """A message is kept and answered with our id for it, or changed where it is; everything else with 202."""
    settings = twin.settings[KIND]
    _authorise(call, settings["secret"])
    body = call.json()
    if body.get("type") in ("edit", "delete"):
        found = twin.journal.find(KIND, str(body.get("target", "")))
        if found is None:
            return Answer(200) if body["type"] == "delete" else _error(422, "unknown_message", "no such message")
        twin.journal.change(
            KIND, found["id"], {**found["body"], "content": body["content"]} if "content" in body else None
        )
        return Answer(200)
    if body.get("type") != "message":
        return Answer(202)
    for complaint in _complaints(body):
        return _error(422, "bad_message", complaint)
    person, reference = str(body["to"]["id"]), call.headers.get("idempotency-key", "")
    sent = twin.journal.send(KIND, f"out-{uuid4().hex[:12]}", person, body, reference, settings["dedupe"])
    if sent["id"] != sent["repeat_of"]:
        reports = [
            {"type": "status", "target": sent["id"], "ref": body["id"], "status": word} for word in settings["statuses"]
        ]
        twin.call_back(KIND, [_event(settings, report, f"status {report['status']}") for report in reports])
    return json_answer({"id": sent["id"]})


def download(twin: World, call: Call) -> Answer:
    found = twin.media.get(call.parts["name"])
    return Answer(404) if found is None else Answer(200, found[1], found[0])


def _authorise(call: Call, secret: str) -> None:
    given = {name: call.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")}
    fresh = given["timestamp"].isdigit() and abs(time.time() - int(given["timestamp"])) <= TOLERANCE_S
    expected = _sign(secret, given["id"], given["timestamp"], call.body)
    if not (given["id"] and fresh and expected in given["signature"].split(" ")):
        raise Refused(refuse("refuse_token"))


def _complaints(body: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a message, by docs/channels/webhook.md."""
    content = body.get("content")
    if body.get("version") != 1 or not body.get("id"):
        yield "version 1 and an id are needed"
    if not isinstance(body.get("to"), dict) or not body["to"].get("id"):
        yield "to.id is missing"
    if not isinstance(content, dict) or not content.get("type"):
        yield "content.type is missing"
    elif len(content.get("text") or "") > MAX_TEXT:
        yield f"content.text has more than {MAX_TEXT} characters"
    elif content.get("media") and not content["media"]["url"].startswith(("http://", "https://")):
        yield "content.media.url cannot be fetched"


_REFUSALS = {"429": 429, "500": 500, "refuse_token": 401}


def refuse(fault: str) -> Answer:
    status = _REFUSALS[fault]
    return _error(status, fault, f"refused as ordered: {fault}", **({"retry_after": "1"} if status == 429 else {}))


def _error(status: int, code: str, message: str, **headers: str) -> Answer:
    return json_answer({"error": {"code": code, "message": message}}, status, **headers)


# ------------------------------------------------------------------------- webhooks


def say(twin: World, words: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    """``from`` is any id; ``text``, or ``message``: a canonical content, or ``event``: the members of
    another event (``{"type": "typing"}``); ``name``, ``thread`` and ``reference`` are optional."""
    person = str(words.get("from") or "")
    if not person:
        raise ValueError("from, the id of a person, is required")
    content = words.get("message") or {"type": "text", "text": str(words.get("text") or "")}
    event = words.get("event") or {"type": "message", "content": content}
    if not isinstance(event, dict) or event.get("content") == {"type": "text", "text": ""}:
        raise ValueError("text, message or event is required")
    body = {"id": f"in-{uuid4().hex[:12]}", "from": {"id": person, "name": str(words.get("name") or "")}, **event}
    body |= {name: words[name] for name in ("thread", "reference") if name in words}
    twin.journal.say(KIND, body["id"], person, body)
    return body["id"], [_event(twin.settings[KIND], body, str(event["type"]))]


def _event(settings: Mapping[str, Any], members: Mapping[str, Any], label: str) -> Webhook:
    event = {"version": 1, "id": f"evt-{uuid4().hex[:12]}", "at": written(datetime.now(UTC)), **members}
    body = json.dumps(event).encode()
    return Webhook(settings["webhook_url"], body, sign(settings, "", body), label)


def sign(settings: Mapping[str, Any], url: str, body: bytes) -> dict[str, str]:
    webhook_id, timestamp = f"msg_{uuid4().hex}", str(int(time.time()))
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": _sign(str(settings["secret"]), webhook_id, timestamp, body),
    }


def _sign(secret: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.partition("_")[2])
    digest = hmac.new(key, b".".join([webhook_id.encode(), timestamp.encode(), body]), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def show(body: Mapping[str, Any]) -> dict[str, Any]:
    content = body.get("content") or {}
    facts = [content.get("text"), (content.get("media") or {}).get("url"), (content.get("location") or {}).get("name")]
    options = [*(content.get("quick_replies") or ()), *(content.get("buttons") or ())]
    options += [row for section in content.get("sections") or () for row in section["rows"]]
    options += [button for card in content.get("cards") or () for button in card["buttons"]]
    choices = [{"title": one["title"], "message": _picked(one)} for one in options if one.get("payload")]
    return {"text": " ".join(filter(None, facts)) or f"[{content.get('type') or body.get('type')}]", "choices": choices}


def _picked(option: Mapping[str, Any]) -> dict[str, Any]:
    choice = {"value": option["payload"], "title": option["title"]}
    return {"type": "quick_reply", "text": option["title"], "choice": choice}


PLATFORM = Platform(
    kind=KIND,
    settings=SETTINGS,
    routes=(
        Route("POST", r"/integrator/chat", take),
        Route("GET", r"/integrator/files/(?P<name>[\w.]+)", download),
    ),
    is_send=lambda call: call.path == "/integrator/chat" and call.json().get("type") in SENDS,
    refuse=refuse,
    say=say,
    show=show,
    channel={"api_base": "{url}/integrator/chat", "secret": "{secret}"},
    person="ana-7",
    sign=sign,
    media={"picture.gif": ("image/gif", PICTURE)},
)
