"""The twin's SMS: Twilio's message and media calls, and the webhooks of what people write.

Owns the platform's words as its documentation gives them. Must not import the adapter.
https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels_app.twin.calls import Answer, Call, Webhook, json_answer
from channels_app.twin.platform import Platform, Route
from channels_app.twin.platforms import twilio
from channels_app.twin.world import World

KIND = "sms"
SETTINGS = {
    **twilio.SETTINGS,
    "messaging_service_sid": "MG00000000000000000000000000000001",
    "dedupe": False,
    "advanced_opt_out": True,
    "statuses": ["queued", "sent", "delivered"],
}
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MEDIA = "ME00000000000000000000000000000001"
OPT_OUTS = {"STOP": "STOP", "UNSUBSCRIBE": "STOP", "START": "START", "UNSTOP": "START", "HELP": "HELP"}


def messages(twin: World, call: Call) -> Answer:
    twilio.authorise(call)
    body, settings = twilio.form(call), twin.settings[KIND]
    for code, complaint in _complaints(twin, body):
        return twilio.error(code, complaint)
    call_back = body.get("StatusCallback", "")
    reference = parse_qs(urlsplit(call_back).query).get("ref", [""])[0]
    message = twilio.sid("MM" if "MediaUrl" in body else "SM")
    sent = twin.journal.send(KIND, message, body["To"], body, reference, settings["dedupe"])
    if call_back and sent["id"] != sent["repeat_of"]:
        twin.call_back(KIND, [_status(settings, call_back, sent, word) for word in settings["statuses"]])
    made = {
        "sid": sent["id"],
        "account_sid": call.parts["account"],
        "from": body.get("From"),
        "to": body["To"],
        "body": body.get("Body", ""),
        "status": "queued",
        "direction": "outbound-api",
        "num_segments": str(1 + max(0, len(body.get("Body", "")) - 8) // 153),
        "error_code": None,
    }
    return json_answer(made, 201)


def _complaints(twin: World, body: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    settings, to = twin.settings[KIND], body.get("To", "")
    if not to:
        yield 21604, "A 'To' phone number is required."
    if not (twilio.E164.fullmatch(to) or twilio.SHORT_CODE.fullmatch(to)):
        yield 21211, f"Invalid 'To' Phone Number: {to[:4]}XXXX"
    if not (body.get("From") or body.get("MessagingServiceSid")):
        yield 21603, "A 'From' phone number is required."
    if body.get("From", settings["number"]) != settings["number"]:
        yield 21606, "The 'From' phone number provided is not a valid message-capable phone number."
    if not (body.get("Body") or body.get("MediaUrl")):
        yield 21602, "Message body is required."
    if len(body.get("Body", "")) > 1600:
        yield 21617, "The concatenated message body exceeds the 1600 character limit."
    if body.get("StatusCallback") and not urlsplit(body["StatusCallback"]).netloc:
        yield 21609, "The StatusCallback URL is not a valid URL."
    if to in _stopped(twin):
        yield 21610, "Attempt to send to unsubscribed recipient"


def _stopped(twin: World) -> set[str]:
    """Who wrote STOP and no START since."""
    words = [
        (entry["person"], entry["body"].get("OptOutType"))
        for entry in twin.journal.entries()
        if entry["platform"] == KIND
    ]
    last = {person: word for person, word in words if word in ("STOP", "START")}
    return {person for person, word in last.items() if word == "STOP"}


def media(twin: World, call: Call) -> Answer:
    twilio.authorise(call)
    found = twin.media.get(call.parts["media"])
    return (
        twilio.error(20404, "The requested resource was not found", 404)
        if found is None
        else Answer(200, found[1], found[0])
    )


# ------------------------------------------------------------------------------ webhooks


def say(twin: World, words: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    """``from`` is a phone number; ``text``, ``media`` (ids of files, one or a list), ``message`` (further
    parameters of the webhook) are optional, but something must be said."""
    settings, number = twin.settings[KIND], str(words.get("from", ""))
    files = [words["media"]] if isinstance(words.get("media"), str) else list(words.get("media") or ())
    text, more = str(words.get("text") or ""), {str(k): str(v) for k, v in dict(words.get("message") or {}).items()}
    if not (twilio.E164.fullmatch(number) or twilio.SHORT_CODE.fullmatch(number)):
        raise ValueError("from must be a phone number")
    if not (text or files or more):
        raise ValueError("text, media or a message is required")
    message = twilio.sid("MM" if files else "SM")
    base = f"{twin.url}/2010-04-01/Accounts/{settings['account_sid']}/Messages/{message}/Media"
    said = {"MessageSid": message, "SmsSid": message, "SmsMessageSid": message, "From": number, "To": settings["number"],
            "Body": text, "NumMedia": str(len(files)), "NumSegments": "1", "SmsStatus": "received"}  # fmt: skip
    for place, file in enumerate(files):
        said |= {f"MediaUrl{place}": f"{base}/{file}", f"MediaContentType{place}": twin.media[file][0]}
    if settings["advanced_opt_out"] and text.strip().upper() in OPT_OUTS:
        said["OptOutType"] = OPT_OUTS[text.strip().upper()]
    said |= more
    twin.journal.say(KIND, message, number, said)
    return message, [twilio.webhook(settings, settings["webhook_url"], said, "message")]


def _status(settings: Mapping[str, Any], url: str, sent: Mapping[str, Any], word: str) -> Webhook:
    said = {"MessageSid": sent["id"], "SmsSid": sent["id"], "MessageStatus": word, "SmsStatus": word,
            "To": sent["person"], "From": settings["number"]}  # fmt: skip
    if word in ("failed", "undelivered"):
        said["ErrorCode"] = "30008"
    return twilio.webhook(settings, url, said, f"status {word}")


def show(body: Mapping[str, Any]) -> dict[str, Any]:
    pictures = [str(value) for name, value in sorted(body.items()) if name.startswith("MediaUrl")]
    return {"text": "\n".join(part for part in (str(body.get("Body", "")), *pictures) if part), "choices": []}


PLATFORM = Platform(
    kind=KIND,
    settings=SETTINGS,
    routes=(
        Route("POST", rf"{twilio.ACCOUNT}/Messages\.json", messages),
        Route("GET", rf"{twilio.ACCOUNT}/Messages/\w+/Media/(?P<media>\w+)", media),
        *twilio.ROUTES,
    ),
    is_send=lambda call: call.method == "POST" and call.path.endswith("/Messages.json"),
    refuse=twilio.refuse,
    say=say,
    show=show,
    channel={**twilio.CHANNEL, "from_number": "{number}"},
    person=twilio.PERSON,
    sign=twilio.sign,
    media={MEDIA: ("image/png", DOT)},
)
