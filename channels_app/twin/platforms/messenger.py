"""The twin's Messenger: the Send API, page, subscription and profile calls of the Graph API, and its
webhooks.

Owns the platform's words as its documentation gives them. Must not import the adapter.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/send-api
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, Refused, Webhook, json_answer
from channels_app.twin.platform import Platform, Route
from channels_app.twin.world import World

KIND = "messenger"
SETTINGS = {
    "webhook_url": "",
    "app_secret": "twin-app-secret",
    "verify_token": "twin-verify-token",
    "page_id": "200000000000002",
    "app_id": "111",
    "dedupe": False,
    "subscribed_fields": [
        *("messages", "messaging_postbacks", "messaging_optins", "messaging_referrals", "messaging_handovers"),
        *("message_deliveries", "message_reads", "message_echoes", "message_edits", "message_reactions", "standby"),
        "messaging_policy_enforcement",
    ],
    "statuses": ["echo", "delivery", "read"],
    "window_closed": False,
    "require_proof": False,  # every call must bring its appsecret_proof
    "profile": {},
}
#: the Graph API of WhatsApp has the same addresses, so this one lies below /messenger
NODE = r"/messenger/v\d+\.\d+/(?P<node>\w+)"
PHOTO = "910000000000001"  # lies at /messenger/media/<this>.gif, as on the platform's CDN
DOT = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
ACTIONS = ("typing_on", "typing_off", "mark_seen", "react", "unreact")
FILES = ("image", "audio", "video", "file")

# ---------------------------------------------------------------------------- calls


def messages(twin: World, call: Call) -> Answer:
    settings = _authorised(twin, call)
    body = call.json()
    for code, subcode, complaint in [*_complaints(body, settings), *_file_complaints(twin, body)]:
        return _error(code, complaint, subcode=subcode)
    person = str(body["recipient"]["id"])
    if "sender_action" in body:
        return json_answer({"recipient_id": person})
    reference = str(body["message"].get("metadata", ""))
    sent = twin.journal.send(KIND, _new_id(), person, body, reference, settings["dedupe"])
    if sent["id"] != sent["repeat_of"]:
        twin.call_back(KIND, [REPORTS[word](settings, sent) for word in settings["statuses"]])
    return json_answer({"recipient_id": person, "message_id": sent["id"]})


def message_attachments(twin: World, call: Call) -> Answer:
    _authorised(twin, call)
    found = call.file("filedata")
    if found is None or b"is_reusable" not in call.body:
        return _error(100, "Upload attachment failure", subcode=2018047)
    node = str(uuid4().int % 10**15)
    twin.media[node] = found
    return json_answer({"attachment_id": node})


def page(twin: World, call: Call) -> Answer:
    settings = _authorised(twin, call)
    return json_answer({"id": settings["page_id"], "name": "Twin"})


def subscribed_apps(twin: World, call: Call) -> Answer:
    settings = _authorised(twin, call)
    app = {"id": settings["app_id"], "name": "Twin", "subscribed_fields": settings["subscribed_fields"]}
    return json_answer({"data": [app]})


def profile(twin: World, call: Call) -> Answer:
    """Shown on GET, changed member by member on POST; a menu needs "Get Started"."""
    settings = _authorised(twin, call)
    if call.method == "GET":
        wanted = call.query.get("fields", "").split(",")
        shown = {name: value for name, value in settings["profile"].items() if name in wanted}
        return json_answer({"data": [shown] if shown else []})
    whole = {**settings["profile"], **call.json()}
    if whole.get("persistent_menu") and not whole.get("get_started"):
        return _error(100, "You must set a Get Started button if you also wish to use persistent menu.")
    settings["profile"] = whole
    return json_answer({"result": "success"})


def download(twin: World, call: Call) -> Answer:
    """A file of the CDN: its address is all that is needed."""
    found = twin.media.get(call.parts["node"])
    return Answer(404) if found is None else Answer(200, found[1], found[0])


def _authorised(twin: World, call: Call) -> dict[str, Any]:
    """The settings, for a call with a good token (as a header or a parameter)."""
    settings = twin.settings[KIND]
    scheme, _, bearer = call.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else call.query.get("access_token", "")
    if token in ("", "revoked"):
        raise Refused(refuse("refuse_token"))
    if settings["require_proof"]:
        proof = _hmac(settings, token.encode())
        if not hmac.compare_digest(call.query.get("appsecret_proof", "").encode(), proof.encode()):
            raise Refused(_error(100, "Invalid appsecret_proof provided in the API argument"))
    if (node := call.parts["node"]) not in ("me", settings["page_id"]):
        raise Refused(_error(100, f"Unsupported request. Object with ID '{node}' does not exist", subcode=33))
    return settings


def _complaints(body: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """What the platform would say against a call, by its documented limits: (code, subcode, words)."""
    message, action, kind = body.get("message") or {}, body.get("sender_action"), body.get("messaging_type")
    if not str(body.get("recipient", {}).get("id", "")).isdigit():
        yield 100, 2018001, "No matching user found"
    if bool(message) == bool(action):
        yield 100, 0, "Must send either message or sender_action"
    elif action:
        if action not in ACTIONS:
            yield 100, 0, "Invalid sender_action"
    elif kind not in ("RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"):
        yield 100, 0, "Param messaging_type must be one of RESPONSE, UPDATE, MESSAGE_TAG, UTILITY"
    elif kind == "MESSAGE_TAG" and body.get("tag") not in ("HUMAN_AGENT", "CUSTOMER_FEEDBACK"):
        yield 100, 0, "Invalid or retired message tag"
    else:
        if settings["window_closed"] and kind in ("RESPONSE", "UPDATE"):
            yield 10, 2018278, "This message is sent outside of allowed window."
        yield from _message_complaints(message)


def _file_complaints(twin: World, body: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    payload = ((body.get("message") or {}).get("attachment") or {}).get("payload") or {}
    if "attachment_id" in payload and payload["attachment_id"] not in twin.media:
        yield 100, 2018074, "Invalid Attachment ID"


def _message_complaints(message: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    if sum(name in message for name in ("text", "attachment", "template")) != 1:
        yield 100, 0, "Message must have exactly one of text, attachment and template"
    if "text" in message and not 0 < len(message["text"]) <= 2000:
        yield 100, 0, "Length of param message[text] must be less than or equal to 2000"
    if len(message.get("metadata", "")) > 1000:
        yield 100, 0, "Length of param message[metadata] must be less than or equal to 1000"
    replies = message.get("quick_replies", [])
    if len(replies) > 13:
        yield 100, 0, "Too many quick replies: at most 13"
    for reply in replies:
        if reply["content_type"] == "text" and not _fits(reply, 20):
            yield 100, 0, "Quick reply title or payload is missing or too long"
    if "attachment" in message:
        yield from _attachment_complaints(message["attachment"])


def _attachment_complaints(attachment: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    kind, payload = attachment["type"], attachment["payload"]
    if kind in FILES:
        if "attachment_id" not in payload and not str(payload.get("url", "")).startswith("http"):
            yield 100, 2018008, "Failed to fetch the file from the url"
        return
    shelf = payload.get("elements", [])
    if payload.get("template_type") == "button":
        shelf = [payload]
        if not 0 < len(payload.get("text", "")) <= 640 or not payload.get("buttons"):
            yield 100, 0, "Button template needs a text of at most 640 characters and buttons"
    elif payload.get("template_type") != "generic" or not 1 <= len(shelf) <= 10:
        yield 100, 0, "Invalid template, or not one to ten elements"
    else:
        for element in shelf:
            if not 0 < len(element.get("title", "")) <= 80 or len(element.get("subtitle", "")) > 80 or len(element) < 2:
                yield 100, 0, "Element title or subtitle is missing or too long, or stands alone"
    for element in shelf:
        yield from _button_complaints(element.get("buttons", []))


def _button_complaints(buttons: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int, str]]:
    if len(buttons) > 3:
        yield 100, 0, "Too many buttons: at most 3"
    for button in buttons:
        complete = button.get("url") if button.get("type") == "web_url" else _fits(button, 20)
        if button.get("type") not in ("web_url", "postback", "phone_number") or not complete:
            yield 100, 0, "Invalid button"


def _fits(option: Mapping[str, Any], longest: int) -> bool:
    return 0 < len(option.get("title", "")) <= longest and 0 < len(option.get("payload", "")) <= 1000


_REFUSALS = {
    "429": (613, 429, "Calls to this API have exceeded the rate limit."),
    "500": (2, 500, "Service temporarily unavailable"),
    "refuse_token": (190, 401, "Invalid OAuth 2.0 Access Token"),
}


def refuse(fault: str) -> Answer:
    code, status, words = _REFUSALS[fault]
    headers = {"retry_after": "1"} if status == 429 else {}
    return _error(code, words, status, 0, **headers)


def _error(code: int, words: str, status: int = 400, subcode: int = 0, **headers: str) -> Answer:
    error = {"message": f"(#{code}) {words}", "type": "OAuthException", "code": code, "fbtrace_id": uuid4().hex[:11]}
    return json_answer({"error": {**error, **({"error_subcode": subcode} if subcode else {})}}, status, **headers)


# ------------------------------------------------------------------------- webhooks


def say(twin: World, words: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    """``from`` is a page-scoped id; ``text``, or ``message``: an object that is put beside sender and
    recipient (``{"message": …}``, ``{"postback": …}``, ``{"reaction": …}`` …)."""
    settings, person = twin.settings[KIND], str(words.get("from", ""))
    if not person.isdigit():
        raise ValueError("from must be a page-scoped id")
    event = words.get("message") or {"message": {"text": str(words.get("text") or "")}}
    if not isinstance(event, dict) or event == {"message": {"text": ""}}:
        raise ValueError("text, or a message with an event, is required")
    message_id = _new_id()
    event = {name: _with_id(name, part, message_id) for name, part in event.items()}
    twin.journal.say(KIND, message_id, person, event)
    return message_id, [_webhook(settings, {**_ends(person, settings), **event}, " ".join(event))]


def _with_id(name: str, part: Any, message_id: str) -> Any:
    return {"mid": message_id, **part} if name in ("message", "postback") else part


def _ends(person: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"sender": {"id": person}, "recipient": {"id": settings["page_id"]}, "timestamp": _now_ms()}


def _echo(settings: Mapping[str, Any], sent: Mapping[str, Any]) -> Webhook:
    ends = {"sender": {"id": settings["page_id"]}, "recipient": {"id": sent["person"]}, "timestamp": _now_ms()}
    message = {"mid": sent["id"], "is_echo": True, "app_id": int(settings["app_id"]), **sent["body"]["message"]}
    return _webhook(settings, {**ends, "message": message}, "echo")


def _delivery(settings: Mapping[str, Any], sent: Mapping[str, Any]) -> Webhook:
    ends = _ends(sent["person"], settings)
    receipt = {"mids": [sent["id"]], "watermark": ends.pop("timestamp")}
    return _webhook(settings, {**ends, "delivery": receipt}, "delivery")


def _read(settings: Mapping[str, Any], sent: Mapping[str, Any]) -> Webhook:
    return _webhook(settings, {**_ends(sent["person"], settings), "read": {"watermark": _now_ms()}}, "read")


REPORTS = {"echo": _echo, "delivery": _delivery, "read": _read}


def _webhook(settings: Mapping[str, Any], event: Mapping[str, Any], label: str) -> Webhook:
    entry = {"id": settings["page_id"], "time": _now_ms(), "messaging": [event]}
    body = json.dumps({"object": "page", "entry": [entry]}).encode()
    return Webhook(settings["webhook_url"], body, sign(settings, "", body), label)


def sign(settings: Mapping[str, Any], url: str, body: bytes) -> dict[str, str]:
    return {"content-type": "application/json", "x-hub-signature-256": f"sha256={_hmac(settings, body)}"}


def handshake(settings: Mapping[str, Any]) -> tuple[Webhook, bytes]:
    challenge = str(uuid4().int % 10**10)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": settings["verify_token"]}
    return Webhook(f"{settings['webhook_url']}?{urlencode(query)}", b"", {}, "handshake", "GET"), challenge.encode()


def show(body: Mapping[str, Any]) -> dict[str, Any]:
    message = body.get("message") or {}
    payload = message.get("attachment", {}).get("payload", {})
    elements = payload.get("elements", [])
    pressed = body.get("postback", {}).get("title") or message.get("template", {}).get("name")
    texts = [message.get("text"), payload.get("text"), payload.get("url"), pressed, *(e.get("title") for e in elements)]
    text = " / ".join(str(one) for one in texts if one) or f"[{' '.join(body)}]"
    buttons = [button for holder in (payload, *elements) for button in holder.get("buttons", ())]
    presses = [
        {"title": b["title"], "message": {"postback": {"title": b["title"], "payload": b["payload"]}}}
        for b in buttons
        if b["type"] == "postback"
    ]
    picks = [
        {
            "title": reply["title"],
            "message": {"message": {"text": reply["title"], "quick_reply": {"payload": reply["payload"]}}},
        }
        for reply in message.get("quick_replies", ())
        if reply["content_type"] == "text"
    ]
    return {"text": text, "choices": presses + picks}


def _hmac(settings: Mapping[str, Any], message: bytes) -> str:
    return hmac.new(str(settings["app_secret"]).encode(), message, hashlib.sha256).hexdigest()


def _now_ms() -> int:
    return int(time.time() * 1000)


def _new_id() -> str:
    return f"m_{uuid4().hex}"


PLATFORM = Platform(
    kind=KIND,
    settings=SETTINGS,
    routes=(
        Route("POST", rf"{NODE}/messages", messages),
        Route("POST", rf"{NODE}/message_attachments", message_attachments),
        Route("GET", rf"{NODE}/subscribed_apps", subscribed_apps),
        Route("GET", rf"{NODE}/messenger_profile", profile),
        Route("POST", rf"{NODE}/messenger_profile", profile),
        Route("GET", NODE, page),
        Route("GET", r"/messenger/media/(?P<node>\d+)\.\w+", download),
    ),
    is_send=lambda call: call.path.endswith("/messages") and "message" in call.json(),
    refuse=refuse,
    say=say,
    show=show,
    channel={
        "api_base": "{url}/messenger",
        "access_token": "twin-access-token",
        "page_id": "{page_id}",
        "app_id": "{app_id}",
        "app_secret": "{app_secret}",
        "verify_token": "{verify_token}",
    },
    person="24680135790001",
    sign=sign,
    handshake=handshake,
    media={PHOTO: ("image/gif", DOT)},
)
