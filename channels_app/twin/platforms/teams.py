"""The twin's Teams: login, published keys, the connector's conversations and attachments, and activities
signed as the platform signs them.

Owns the platform's words as its documentation gives them. Must not import the adapter.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote
from uuid import NAMESPACE_URL, uuid4, uuid5

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from channels_app.twin.calls import Answer, Call, Refused, Webhook, json_answer
from channels_app.twin.platform import Platform, Route
from channels_app.twin.world import World

KIND = "teams"
SETTINGS = {
    "webhook_url": "",
    "app_id": "99999999-0000-4000-8000-000000000009",
    "app_secret": "twin-app-secret",
    "tenant_id": "11111111-2222-3333-4444-555555555555",
    "bot_name": "Desk",
    "blocked": [],  # directory ids of people who removed the app
    "statuses": ["read"],
}
ISSUER = "https://api.botframework.com"
SCOPE = "https://api.botframework.com/.default"
KID = "twin-key-1"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAX_BYTES = 100 * 1024  # of a message in UTF-16
PICTURE, FILE = "920000000000001", "920000000000002"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ADAPTIVE, HERO = "application/vnd.microsoft.card.adaptive", "application/vnd.microsoft.card.hero"
_id_lock, _last_id = threading.Lock(), 0

# -------------------------------------------------------------------------- who is who


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def openid(twin: World, call: Call) -> Answer:
    address = f"{call.base}/teams/v1/.well-known/keys"
    return json_answer({"issuer": ISSUER, "jwks_uri": address, "id_token_signing_alg_values_supported": ["RS256"]})


def keys(twin: World, call: Call) -> Answer:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(_key().public_key(), as_dict=True)
    return json_answer({"keys": [{**public, "use": "sig", "kid": KID, "x5t": KID, "endorsements": ["msteams"]}]})


def token(twin: World, call: Call) -> Answer:
    """A token is a number and its proof, so that the twin need not remember the ones it gave out."""
    settings = twin.settings[KIND]
    form = {name: values[-1] for name, values in parse_qs(call.body.decode()).items()}
    if form.get("grant_type") != "client_credentials" or form.get("scope") != SCOPE:
        return _login_error(400, "invalid_request", 900144, "The request body must contain grant_type and scope.")
    if form.get("client_id") != settings["app_id"] or call.parts["authority"] not in (
        settings["tenant_id"],
        "botframework.com",
    ):
        return _login_error(400, "unauthorized_client", 700016, "Application was not found in the directory.")
    if not hmac.compare_digest(form.get("client_secret", "").encode(), str(settings["app_secret"]).encode()):
        return _login_error(401, "invalid_client", 7000215, "Invalid client secret provided.")
    number = uuid4().hex
    value = f"{number}.{_proof(settings, number)}"
    return json_answer({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": value})


def _login_error(status: int, error: str, number: int, words: str) -> Answer:
    described = f"AADSTS{number}: {words} Trace ID: {uuid4()}"
    return json_answer({"error": error, "error_description": described, "error_codes": [number]}, status)


def _proof(settings: Mapping[str, Any], number: str) -> str:
    return hmac.new(str(settings["app_secret"]).encode(), number.encode(), hashlib.sha256).hexdigest()


def _authorised(twin: World, call: Call) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = twin.settings[KIND]
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    number, _, proof = given.partition(".")
    if scheme != "Bearer" or not hmac.compare_digest(proof, _proof(settings, number)):
        raise Refused(refuse("refuse_token"))
    return settings


# ------------------------------------------------------------------------------- calls


def create(twin: World, call: Call) -> Answer:
    """The same pair of bot and person always has the same conversation."""
    settings, body = _authorised(twin, call), call.json()
    members = [str(member["id"]) for member in body.get("members", ())]
    if body.get("bot", {}).get("id") != f"28:{settings['app_id']}":
        return _error("BadArgument", "Bot id is missing or of another bot.")
    if body.get("isGroup") is not False or len(members) != 1 or body.get("tenantId") != settings["tenant_id"]:
        return _error("BadSyntax", "One member and the tenantId are required for a personal conversation.")
    person = members[0].removeprefix("29:")
    if not GUID.fullmatch(person):
        return _error("BadArgument", "Unknown member id; an e-mail address is none.")
    _require_reachable(settings, person)
    return json_answer({"id": f"a:{person}", "serviceUrl": _service_url(twin)}, 201)


def post(twin: World, call: Call) -> Answer:
    settings, body = _authorised(twin, call), call.json()
    conversation = unquote(call.parts["conversation"])
    if not conversation.startswith(("a:", "19:")):
        return _error("ConversationNotFound", "Conversation not found.", 404)
    person = conversation.removeprefix("a:")
    _require_reachable(settings, person)
    for status, code, complaint in _complaints(body, conversation):
        return _error(code, complaint, status)
    sent_id = _new_id()
    if body["type"] == "message":
        twin.journal.send(KIND, sent_id, person, body, "", dedupe=False)
        if "read" in settings["statuses"] and conversation.startswith("a:"):
            twin.call_back(KIND, [_read(twin, person, sent_id)])
    return json_answer({"id": sent_id}, 201)


def edit(twin: World, call: Call) -> Answer:
    body = call.json()
    found = _own_activity(twin, call)
    for status, code, complaint in _complaints(body, unquote(call.parts["conversation"])):
        return _error(code, complaint, status)
    twin.journal.change(KIND, found["id"], body)
    return json_answer({"id": found["id"]})


def delete(twin: World, call: Call) -> Answer:
    twin.journal.change(KIND, _own_activity(twin, call)["id"], None)
    return Answer(200)


def _own_activity(twin: World, call: Call) -> Mapping[str, Any]:
    """The activity of the app's that a call names, where the person still has the app."""
    settings, conversation = _authorised(twin, call), unquote(call.parts["conversation"])
    person = conversation.removeprefix("a:")
    _require_reachable(settings, person)
    found = twin.journal.find(KIND, unquote(call.parts["activity"]))
    if found is None or found["person"] != person:
        raise Refused(_error("ActivityNotFoundInConversation", "Message does not exist in the thread.", 404))
    return found


def picture(twin: World, call: Call) -> Answer:
    _authorised(twin, call)
    return file(twin, call)


def file(twin: World, call: Call) -> Answer:
    found = twin.media.get(call.parts["node"])
    return Answer(404) if found is None else Answer(200, found[1], found[0])


def _require_reachable(settings: Mapping[str, Any], person: str) -> None:
    if person in settings["blocked"]:
        error = {"code": "Forbidden", "subCode": "MessageWritesBlocked", "message": "The app was removed."}
        raise Refused(json_answer({"error": error}, 403))


def _complaints(body: Mapping[str, Any], conversation: str) -> Iterator[tuple[int, str, str]]:
    """What the platform would say against an activity, by its documented limits."""
    if body.get("type") not in ("message", "typing"):
        yield 400, "BadArgument", "Unknown activity type"
    elif len(json.dumps(body, ensure_ascii=False).encode("utf-16-le")) > MAX_BYTES:
        yield 413, "MessageSizeTooBig", "Message size too large"
    elif body["type"] == "message" and not (body.get("text") or body.get("attachments")):
        yield 400, "BadSyntax", "Activity must have text or attachments"
    if body.get("conversation", {}).get("id", conversation) != conversation:
        yield 400, "BadArgument", "The activity is of another conversation"
    if body.get("text") and body.get("textFormat") not in ("plain", "markdown", "xml"):
        yield 400, "BadArgument", "Unknown textFormat"
    actions = body.get("suggestedActions", {}).get("actions", ())
    if len(actions) > 6 or any(action["type"] != "imBack" for action in actions):
        yield 400, "BadArgument", "Up to six imBack actions can be suggested"
    for attachment in body.get("attachments", ()):
        yield from _card_complaints(attachment)


def _card_complaints(attachment: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    kind, content = attachment.get("contentType"), attachment.get("content", {})
    if kind == HERO:
        types = {button["type"] for button in content.get("buttons", ())}
        if len(content.get("buttons", ())) > 6 or not types <= {"openUrl", "messageBack", "imBack", "invoke", "signin"}:
            yield 400, "BadArgument", "Up to six buttons of known types stand on a hero card"
    elif kind == ADAPTIVE:
        known = content.get("type") == "AdaptiveCard" and content.get("version", "9") <= "1.5"
        rows = [element["actions"] for element in content.get("body", ()) if element["type"] == "ActionSet"]
        if not known or any(len(row) > 6 for row in rows):
            yield 400, "BadArgument", "Not an adaptive card of version 1.5 with rows of up to six actions"
    elif not str(kind).startswith("image/") or not str(attachment.get("contentUrl")).startswith(("https:", "data:")):
        yield 400, "BadArgument", "Unknown attachment"


_REFUSALS = {
    "429": ("Throttled", 429, "Too many requests"),
    "500": ("ServiceError", 500, "Something went wrong"),
    "refuse_token": ("Unauthorized", 401, "Authorization has been denied for this request."),
}


def refuse(fault: str) -> Answer:
    code, status, words = _REFUSALS[fault]
    return _error(code, words, status, **({"retry_after": "1"} if status == 429 else {}))


def _error(code: str, words: str, status: int = 400, **headers: str) -> Answer:
    return json_answer({"error": {"code": code, "message": words}}, status, **headers)


# ---------------------------------------------------------------------------- activities


def say(twin: World, words: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    """``from`` is a directory id or any name; ``text``, or ``message``: members of an activity (type, value,
    attachments …); ``name`` is optional."""
    spoken = words.get("message") or {"text": str(words.get("text") or ""), "textFormat": "plain"}
    if not words.get("from") or not isinstance(spoken, dict) or spoken.get("text") == "":
        raise ValueError("from, and text or a message, are required")
    asked = str(words["from"])
    person = asked if GUID.fullmatch(asked) else str(uuid5(NAMESPACE_URL, asked))
    activity = _activity(twin, person, str(words.get("name") or "Demo colleague"), spoken)
    twin.journal.say(KIND, activity["id"], person, activity)
    return activity["id"], [_webhook(twin, activity, f"{activity['type']}")]


def _read(twin: World, person: str, message_id: str) -> Webhook:
    name = "application/vnd.microsoft.readReceipt"
    told = {"type": "event", "name": name, "value": {"lastReadMessageId": message_id}}
    return _webhook(twin, _activity(twin, person, "", told), "read receipt")


def _activity(twin: World, person: str, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    settings = twin.settings[KIND]
    tenant = settings["tenant_id"]
    return {
        "type": "message",
        "id": _new_id(),
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "serviceUrl": _service_url(twin),
        "channelId": "msteams",
        "from": {"id": f"29:{person}", "aadObjectId": person, **({"name": name} if name else {})},
        "recipient": {"id": f"28:{settings['app_id']}", "name": settings["bot_name"]},
        "conversation": {"id": f"a:{person}", "conversationType": "personal", "tenantId": tenant},
        "channelData": {"tenant": {"id": tenant}},
        **said,
    }


def _webhook(twin: World, activity: Mapping[str, Any], label: str) -> Webhook:
    settings, now = twin.settings[KIND], int(time.time())
    claims = {"iss": ISSUER, "aud": settings["app_id"], "nbf": now, "exp": now + 3600}
    claims["serviceurl"] = activity["serviceUrl"]
    proof = jwt.encode(claims, _key(), algorithm="RS256", headers={"kid": KID, "x5t": KID})
    headers = {"content-type": "application/json; charset=utf-8", "authorization": f"Bearer {proof}"}
    return Webhook(settings["webhook_url"], json.dumps(activity).encode(), headers, label)


def _new_id() -> str:
    """The time in milliseconds, as on the platform, where a read receipt means all until its own."""
    global _last_id
    with _id_lock:
        _last_id = max(_last_id + 1, int(time.time() * 1000))
        return str(_last_id)


def _service_url(twin: World) -> str:
    return f"{twin.url}/teams/emea/{twin.settings[KIND]['tenant_id']}/"


def show(body: Mapping[str, Any]) -> dict[str, Any]:
    value, attachments = body.get("value"), body.get("attachments", ())
    texts = [str(body["text"])] if body.get("text") else []
    actions = list(body.get("suggestedActions", {}).get("actions", ()))
    for attachment in attachments:
        content = attachment.get("content") or {}
        texts += [str(content[name]) for name in ("title", "text") if content.get(name)]
        actions += content.get("buttons", ())
        for element in content.get("body", ()):
            texts += [str(part["text"]) for part in (element, *element.get("items", ())) if part.get("text")]
            actions += [*element.get("actions", ()), *filter(None, (element.get("selectAction"),))]
        texts += [str(attachment["contentUrl"])] if attachment.get("contentUrl") else []
    if not texts:
        texts = [str(value.get("title", "")) if isinstance(value, dict) else f"[{body.get('type')}]"]
    return {"text": "\n".join(texts), "choices": [choice for action in actions if (choice := _choice(action))]}


def _choice(action: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a person's press of a button sends; None for links."""
    told = action.get("data", {}).get("msteams", action)
    if told.get("type") not in ("messageBack", "imBack"):
        return None
    said = {"text": told["value"]} if told["type"] == "imBack" else {"text": told["text"], "value": told["value"]}
    return {"title": action["title"], "message": said}


CONNECTOR = r"/teams(?:/emea/[\w-]+)?/v3"
PLATFORM = Platform(
    kind=KIND,
    settings=SETTINGS,
    routes=(
        Route("GET", r"/teams/v1/\.well-known/openidconfiguration", openid),
        Route("GET", r"/teams/v1/\.well-known/keys", keys),
        Route("POST", r"/teams/(?P<authority>[\w.-]+)/oauth2/v2\.0/token", token),
        Route("POST", rf"{CONNECTOR}/conversations", create),
        Route("POST", rf"{CONNECTOR}/conversations/(?P<conversation>[^/]+)/activities(?:/[^/]+)?", post),
        Route("PUT", rf"{CONNECTOR}/conversations/(?P<conversation>[^/]+)/activities/(?P<activity>[^/]+)", edit),
        Route("DELETE", rf"{CONNECTOR}/conversations/(?P<conversation>[^/]+)/activities/(?P<activity>[^/]+)", delete),
        Route("GET", rf"{CONNECTOR}/attachments/(?P<node>\w+)/views/original", picture),
        Route("GET", r"/teams/files/(?P<node>\w+)", file),
    ),
    is_send=lambda call: (
        "/activities" in call.path and (call.method == "DELETE" or call.json().get("type") == "message")
    ),
    refuse=refuse,
    say=say,
    show=show,
    channel={
        "api_base": "{url}/teams",
        "login_base": "{url}/teams",
        "openid_url": "{url}/teams/v1/.well-known/openidconfiguration",
        "service_hosts": ["{host}"],
        "app_id": "{app_id}",
        "client_secret": "{app_secret}",
        "tenant_id": "{tenant_id}",
    },
    person="00000000-0000-4000-8000-000000000001",
    media={PICTURE: ("image/png", DOT), FILE: ("application/pdf", b"%PDF-1.4 twin")},
)
