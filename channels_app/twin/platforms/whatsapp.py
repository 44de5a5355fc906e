"""The twin's WhatsApp: the messages, media and phone number calls of the Graph API, and its webhooks.

Owns the platform's words as its documentation gives them. Must not import the adapter.
https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, Refused, Webhook, json_answer
from channels_app.twin.platform import Platform, Route
from channels_app.twin.world import World

KIND = "whatsapp"
SETTINGS = {
    "webhook_url": "",
    "app_secret": "twin-app-secret",
    "verify_token": "twin-verify-token",
    "phone_number_id": "400000000000001",
    "display_phone_number": "15550100001",
    "waba_id": "300000000000001",
    "dedupe": False,
    "statuses": ["sent", "delivered", "read"],
}
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

# ---------------------------------------------------------------------------- calls


def messages(twin: World, call: Call) -> Answer:
    _authorise(call)
    body, settings = call.json(), twin.settings[KIND]
    if body.get("status") == "read":
        return json_answer({"success": True})
    for code, complaint in [*_complaints(body), *_file_complaints(twin, body)]:
        return _error(code, complaint)
    person = str(body.get("to") or body["recipient"])
    reference = str(body.get("biz_opaque_callback_data", ""))
    sent = twin.journal.send(KIND, _new_id(), person, body, reference, settings["dedupe"])
    if sent["id"] != sent["repeat_of"]:
        twin.call_back(KIND, [_status(settings, sent, word) for word in settings["statuses"]])
    known = {"wa_id": person.removeprefix("+")} if "to" in body else {"user_id": person}
    return json_answer(
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": person, **known}],
            "messages": [{"id": sent["id"], "message_status": "accepted"}],
        }
    )


def phone_number_or_media(twin: World, call: Call) -> Answer:
    _authorise(call)
    node = call.parts["node"]
    if node in twin.media:
        mime, content = twin.media[node]
        digest = hashlib.sha256(content).hexdigest()
        address = f"{call.base}/whatsapp/media/{node}"
        facts = {"id": node, "url": address, "mime_type": mime, "sha256": digest, "file_size": len(content)}
        return json_answer({"messaging_product": "whatsapp", **facts})
    if node != twin.settings[KIND]["phone_number_id"]:
        return _error(100, f"Unsupported get request. Object with ID '{node}' does not exist")
    number = twin.settings[KIND]["display_phone_number"]
    return json_answer(
        {
            "id": node,
            "verified_name": "Twin",
            "quality_rating": "GREEN",
            "status": "CONNECTED",
            "display_phone_number": f"+{number}",
        }
    )


OFFICE = "application/vnd.openxmlformats-officedocument"
KEPT_TYPES = frozenset(
    "audio/aac audio/amr audio/mpeg audio/mp4 audio/ogg image/jpeg image/png image/webp video/mp4 video/3gpp text/plain "
    "application/pdf application/msword application/vnd.ms-excel application/vnd.ms-powerpoint "
    f"{OFFICE}.wordprocessingml.document {OFFICE}.spreadsheetml.sheet {OFFICE}.presentationml.presentation".split()
)


def upload(twin: World, call: Call) -> Answer:
    _authorise(call)
    found = call.file("file")
    if found is None or b"whatsapp" not in call.body:
        return _error(100, "The parameters file and messaging_product are required.")
    if found[0].partition(";")[0] not in KEPT_TYPES:
        return _error(100, f"(#100) Param file must be a file with one of the types that are taken, not {found[0]}")
    return json_answer({"id": add_media(twin, *found)})


def download(twin: World, call: Call) -> Answer:
    _authorise(call)
    found = twin.media.get(call.parts["node"])
    return Answer(404) if found is None else Answer(200, found[1], found[0])


def add_media(twin: World, mime: str, content: bytes) -> str:
    node = str(uuid4().int % 10**15)
    twin.media[node] = (mime, content)
    return node


def _authorise(call: Call) -> None:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token in ("", "revoked"):
        raise Refused(refuse("refuse_token"))


def _complaints(body: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """What the platform would say against a message, by its documented limits."""
    kind = body.get("type")
    if body.get("messaging_product") != "whatsapp":
        yield 100, "(#100) The parameter messaging_product is required."
    if not (body.get("to") or body.get("recipient")):
        yield 131008, "Required parameter is missing: to"
    if not isinstance(kind, str) or not body.get(kind):
        yield 131008, "Required parameter is missing: type or the member of its name"
    elif kind == "text" and not 0 < len(str(body["text"].get("body", ""))) <= 4096:
        yield 100, "Param text['body'] must be at most 4096 characters long."
    elif kind == "interactive":
        yield from _choice_complaints(body["interactive"])


def _file_complaints(twin: World, body: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """A file is shown by exactly one of its id, while the platform has it, and a link."""
    kinds = ("image", "audio", "video", "document", "sticker")
    parts: list[Mapping[str, Any]] = [body[kind] for kind in kinds if kind == body.get("type") and body.get(kind)]
    filled = [
        one for component in (body.get("template") or {}).get("components", ()) for one in component["parameters"]
    ]
    parts += [one[one["type"]] for one in filled if one["type"] in ("image", "video", "document")]
    for part in parts:
        if ("id" in part) == ("link" in part):
            yield 131009, "A file has either an id or a link."
        elif "id" in part and part["id"] not in twin.media:
            yield 131009, "There is no media with this id."


def _choice_complaints(interactive: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    kind, action = interactive.get("type"), interactive.get("action", {})
    words = interactive.get("body", {}).get("text", "")
    if not 0 < len(words) <= (4096 if kind == "list" else 1024):
        yield 131009, "Body text is empty or too long."
    if kind == "location_request_message":
        if action != {"name": "send_location"}:
            yield 131009, "The action of a location request is send_location."
        return
    replies = [button.get("reply", {}) for button in action.get("buttons", ())]
    titles = [reply.get("title", "") for reply in replies]
    rows = [row for section in action.get("sections", ()) for row in section.get("rows", ())]
    if kind == "button" and not (1 <= len(titles) <= 3 and len(set(titles)) == len(titles)):
        yield 131009, "One to three buttons with different titles are allowed."
    if any(not 0 < len(title) <= 20 for title in titles):
        yield 131009, "Button title length invalid. Min length: 1, Max length: 20"
    if kind == "list" and not 1 <= len(rows) <= 10:
        yield 131009, "Total row count exceed max allowed count: 10"
    if any(not 0 < len(row.get("title", "")) <= 24 for row in rows):
        yield 131009, "Row title length invalid. Min length: 1, Max length: 24"
    ids, longest = [str(pick.get("id", "")) for pick in [*replies, *rows]], 200 if rows else 256
    if len(set(ids)) != len(ids):
        yield 131009, "Duplicated ids of buttons or rows."
    if any(one != one.strip() or not 0 < len(one) <= longest for one in ids):
        yield 131009, f"An id has 1 to {longest} characters and no blanks at its ends."


_REFUSALS = {
    "429": (130429, 429, "Rate limit hit"),
    "500": (131000, 500, "Something went wrong"),
    "refuse_token": (190, 401, "Error validating access token"),
}


def refuse(fault: str) -> Answer:
    code, status, words = _REFUSALS[fault]
    return _error(code, words, status, **({"retry_after": "1"} if status == 429 else {}))


def _error(code: int, words: str, status: int = 400, **headers: str) -> Answer:
    details = {"messaging_product": "whatsapp", "details": words}
    error = {"message": f"(#{code}) {words}", "type": "OAuthException", "code": code, "error_data": details}
    return json_answer({"error": {**error, "fbtrace_id": uuid4().hex[:11]}}, status, **headers)


# ------------------------------------------------------------------------- webhooks


def say(twin: World, words: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    """``from`` is a phone number; ``text``, or ``message``: an object with ``type`` and its member;
    ``name`` and ``user_id`` (business-scoped id) are optional."""
    settings, number = twin.settings[KIND], str(words.get("from", "")).removeprefix("+")
    if not number.isdigit():
        raise ValueError("from must be a phone number")
    spoken = words.get("message") or {"type": "text", "text": {"body": str(words.get("text") or "")}}
    if not isinstance(spoken, dict) or not spoken.get("type") or spoken.get("text") == {"body": ""}:
        raise ValueError("text, or a message with a type, is required")
    message = {"from": number, "id": _new_id(), "timestamp": str(int(time.time())), **spoken}
    contact = {"profile": {"name": str(words.get("name") or "Demo customer")}, "wa_id": number}
    if words.get("user_id"):
        message["from_user_id"] = contact["user_id"] = str(words["user_id"])
    twin.journal.say(KIND, message["id"], f"+{number}", message)
    value = {"contacts": [contact], "messages": [message]}
    return message["id"], [_webhook(settings, value, f"message {message['type']}")]


def _status(settings: Mapping[str, Any], sent: Mapping[str, Any], word: str) -> Webhook:
    person = sent["person"]
    receiver = "recipient_id" if person.removeprefix("+").isdigit() else "recipient_user_id"
    status = {"id": sent["id"], "status": word, "timestamp": str(int(time.time())), receiver: person.removeprefix("+")}
    if sent["client_ref"]:
        status["biz_opaque_callback_data"] = sent["client_ref"]
    return _webhook(settings, {"statuses": [status]}, f"status {word}")


def _webhook(settings: Mapping[str, Any], value: Mapping[str, Any], label: str) -> Webhook:
    numbers = {name: settings[name] for name in ("display_phone_number", "phone_number_id")}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": numbers, **value}}
    envelope = {"object": "whatsapp_business_account", "entry": [{"id": settings["waba_id"], "changes": [change]}]}
    body = json.dumps(envelope).encode()
    return Webhook(settings["webhook_url"], body, sign(settings, "", body), label)


def sign(settings: Mapping[str, Any], url: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(str(settings["app_secret"]).encode(), body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}


def handshake(settings: Mapping[str, Any]) -> tuple[Webhook, bytes]:
    challenge = str(uuid4().int % 10**10)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": settings["verify_token"]}
    return Webhook(f"{settings['webhook_url']}?{urlencode(query)}", b"", {}, "handshake", "GET"), challenge.encode()


def show(body: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(body.get("type", ""))
    part = body.get(kind) or {}
    if kind == "text":
        return {"text": str(part.get("body", "")), "choices": []}
    if kind == "interactive":
        return _show_choices(part)
    if kind == "button":
        return {"text": str(part.get("text", "")), "choices": []}
    facts = [
        str(part[name])
        for name in ("caption", "name", "address", "filename", "link", "latitude", "longitude")
        if part.get(name)
    ]
    values = [p.get("text", "") for component in part.get("components", ()) for p in component.get("parameters", ())]
    return {"text": " ".join([f"[{kind}]", *facts, *values]), "choices": []}


def _show_choices(part: Mapping[str, Any]) -> dict[str, Any]:
    action, picked = part.get("action", {}), part.get("button_reply") or part.get("list_reply") or {}
    text = part.get("body", {}).get("text") or picked.get("title", "")
    link = action.get("parameters", {}).get("url", "")
    replies = [("button_reply", button["reply"]) for button in action.get("buttons", ())]
    replies += [("list_reply", row) for section in action.get("sections", ()) for row in section.get("rows", ())]
    choices = [
        {"title": reply["title"], "message": {"type": "interactive", "interactive": {"type": kind, kind: dict(reply)}}}
        for kind, reply in replies
    ]
    return {"text": f"{text} {link}".strip(), "choices": choices}


def _new_id() -> str:
    return f"wamid.{base64.b64encode(uuid4().bytes).decode().rstrip('=')}"


PLATFORM = Platform(
    kind=KIND,
    settings=SETTINGS,
    routes=(
        Route("POST", r"/v\d+\.\d+/(?P<number>\d+)/messages", messages),
        Route("POST", r"/v\d+\.\d+/(?P<number>\d+)/media", upload),
        Route("GET", r"/v\d+\.\d+/(?P<node>\w+)", phone_number_or_media),
        Route("GET", r"/whatsapp/media/(?P<node>\w+)", download),
    ),
    is_send=lambda call: call.path.endswith("/messages") and "type" in call.json(),
    refuse=refuse,
    say=say,
    show=show,
    channel={
        "api_base": "{url}",
        "access_token": "twin-access-token",
        "phone_number_id": "{phone_number_id}",
        "waba_id": "{waba_id}",
        "app_secret": "{app_secret}",
        "verify_token": "{verify_token}",
    },
    person="+15550107777",
    sign=sign,
    handshake=handshake,
    media={"900000000000001": ("image/png", DOT)},
)
