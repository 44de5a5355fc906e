"""What the twin's SMS and Voice share: Twilio's account, its errors and its signature.

Owns the words that both use, as the documentation gives them. Must not import the adapters.
https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, Refused, Webhook, json_answer
from channels_app.twin.platform import Route
from channels_app.twin.world import World

ACCOUNT = r"/2010-04-01/Accounts/(?P<account>AC[0-9a-zA-Z]+)"
SETTINGS = {
    "webhook_url": "",
    "auth_token": "twin-auth-token",
    "account_sid": "AC00000000000000000000000000000001",
    "number": "+15005550001",
}
#: the part of a channel's configuration that SMS and Voice share
CHANNEL = {"api_base": "{url}", "account_sid": "{account_sid}", "auth_token": "{auth_token}"}
PERSON = "+15005550006"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SHORT_CODE = re.compile(r"\d{3,8}")


def authorise(call: Call) -> None:
    """Basic credentials: the account's own or an API key's. Raises Refused."""
    scheme, _, credentials = call.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(credentials).decode().partition(":")
    except ValueError:
        user = password = ""
    own = user == call.parts["account"] or user.startswith("SK")
    if scheme.lower() != "basic" or not own or password in ("", "revoked"):
        raise Refused(refuse("refuse_token"))


def form(call: Call) -> dict[str, str]:
    """The body as a form; a repeated name keeps its last value."""
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))


_REFUSALS = {
    "429": (20429, 429, "Too Many Requests"),
    "500": (20500, 500, "Internal Server Error"),
    "refuse_token": (20003, 401, "Authenticate"),
}


def refuse(fault: str) -> Answer:
    code, status, words = _REFUSALS[fault]
    return error(code, words, status, **({"retry_after": "1"} if status == 429 else {}))


def error(code: int, words: str, status: int = 400, **headers: str) -> Answer:
    body = {"code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return json_answer(body, status, **headers)


def sid(prefix: str) -> str:
    return f"{prefix}{uuid4().hex}"


def webhook(
    settings: Mapping[str, Any],
    url: str,
    fields: Mapping[str, str],
    label: str,
    then: Callable[[bytes], None] | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> Webhook:
    """``fields`` as a signed form to ``url``."""
    said = {"AccountSid": settings["account_sid"], "ApiVersion": "2010-04-01", **fields}
    body = urlencode(said).encode()
    return Webhook(url, body, sign(settings, url, body), label, then=then, wanted=wanted)


def sign(settings: Mapping[str, Any], url: str, body: bytes) -> dict[str, str]:
    said = parse_qsl(body.decode(), keep_blank_values=True)
    text = url + "".join(name + value for name, value in sorted(said))
    digest = hmac.new(str(settings["auth_token"]).encode(), text.encode(), hashlib.sha1).digest()
    signature = base64.b64encode(digest).decode()
    return {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}


# -------------------------------------------------------------------------- the account


def account(twin: World, call: Call) -> Answer:
    authorise(call)
    return json_answer({"sid": call.parts["account"], "friendly_name": "Twin", "status": "active", "type": "Full"})


def numbers(twin: World, call: Call) -> Answer:
    authorise(call)
    sms, voice = twin.settings["sms"], twin.settings["voice"]
    wanted = call.query.get("PhoneNumber", "")
    owned = [
        {
            "phone_number": number,
            "sms_url": sms["webhook_url"] if number == sms["number"] else "",
            "voice_url": voice["webhook_url"] if number == voice["number"] else "",
        }
        for number in dict.fromkeys((sms["number"], voice["number"]))
        if wanted in ("", number)
    ]
    return json_answer({"incoming_phone_numbers": owned, "page": 0})


ROUTES = (
    Route("GET", rf"{ACCOUNT}\.json", account),
    Route("GET", rf"{ACCOUNT}/IncomingPhoneNumbers\.json", numbers),
)
