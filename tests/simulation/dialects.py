"""How three platforms speak: what they post to us, and what they read of what we send.

Owns bodies and signatures. Must not decide what is said, or when.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode

from channels_app.http.standard_webhooks import headers_for

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes now").decode()


@dataclass(frozen=True)
class Words:
    """One message of a person, as their platform knows it."""

    id: str
    text: str
    by: str
    at: int  # Unix seconds, by the platform's clock


class Post(NamedTuple):
    """A webhook request, signed when it is sent."""

    body: bytes
    content_type: str
    query: str = ""


class Heard(NamedTuple):
    """What one of our calls says to the platform. ``ref`` "": no message (typing, a read mark)."""

    to: str
    text: str
    ref: str


class Dialect(ABC):
    statuses: tuple[str, ...] = ("sent", "delivered", "read")
    refused = (400, b"{}")  # the platform's "never"

    @abstractmethod
    def messages(self, said: Sequence[Words]) -> Post: ...

    @abstractmethod
    def status(self, id: str, status: str, ref: str, to: str) -> Post: ...

    @abstractmethod
    def headers(self, post: Post, url: str, at: float) -> dict[str, str]: ...

    @abstractmethod
    def heard(self, body: bytes) -> Heard: ...

    @abstractmethod
    def taken(self, id: str) -> bytes: ...


class WhatsApp(Dialect):
    refused = (400, b'{"error": {"code": 131051, "message": "unsupported"}}')

    def messages(self, said: Sequence[Words]) -> Post:
        people = dict.fromkeys(one.by for one in said)
        return self._value(
            contacts=[{"wa_id": by.strip("+"), "profile": {"name": "Mira"}} for by in people],
            messages=[
                {"id": one.id, "from": one.by.strip("+"), "timestamp": str(one.at), "type": "text",
                 "text": {"body": one.text}} for one in said
            ],
        )  # fmt: skip

    def status(self, id: str, status: str, ref: str, to: str) -> Post:
        errors = {"errors": [{"code": 131026, "title": "undeliverable"}]} if status == "failed" else {}
        told = {"id": id, "status": status, "timestamp": "1767600000", "recipient_id": to.strip("+"),
                "biz_opaque_callback_data": ref, **errors}  # fmt: skip
        return self._value(statuses=[told])

    def _value(self, **members: Any) -> Post:
        value = {"metadata": {"phone_number_id": "40001"}, **members}
        body = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
        return Post(json.dumps(body).encode(), "application/json")

    def headers(self, post: Post, url: str, at: float) -> dict[str, str]:
        return {"x-hub-signature-256": "sha256=" + hmac.new(b"app-secret", post.body, hashlib.sha256).hexdigest()}

    def heard(self, body: bytes) -> Heard:
        told = json.loads(body)
        if "status" in told:
            return Heard("", "", "")
        said = told["text"]["body"] if told["type"] == "text" else told["interactive"]["body"]["text"]
        return Heard("+" + told["to"].strip("+"), said, told["biz_opaque_callback_data"])

    def taken(self, id: str) -> bytes:
        return json.dumps({"success": True, "messages": [{"id": id}]}).encode()


class Sms(Dialect):
    statuses = ("sent", "delivered")
    refused = (400, b'{"code": 21211, "message": "not a phone number"}')

    def messages(self, said: Sequence[Words]) -> Post:
        [one] = said
        return self._form(MessageSid=one.id, From=one.by, To="+15005550001", Body=one.text)

    def status(self, id: str, status: str, ref: str, to: str) -> Post:
        word = "undelivered" if status == "failed" else status
        error = {"ErrorCode": "30003"} if status == "failed" else {}
        return self._form(MessageSid=id, MessageStatus=word, To=to, From="+15005550001", **error)._replace(
            query=urlencode({"ref": ref})
        )

    def _form(self, **fields: str) -> Post:
        return Post(urlencode({"AccountSid": "AC01", **fields}).encode(), "application/x-www-form-urlencoded")

    def headers(self, post: Post, url: str, at: float) -> dict[str, str]:
        fields = sorted((name, value) for name, [value] in parse_qs(post.body.decode()).items())
        signed = url + "".join(name + value for name, value in fields)
        return {
            "x-twilio-signature": base64.b64encode(hmac.new(b"token", signed.encode(), hashlib.sha1).digest()).decode()
        }

    def heard(self, body: bytes) -> Heard:
        form = {name: value for name, [value] in parse_qs(body.decode()).items()}
        _, _, query = form["StatusCallback"].partition("?")
        return Heard(form["To"], form["Body"], parse_qs(query)["ref"][0])

    def taken(self, id: str) -> bytes:
        return json.dumps({"sid": id, "status": "queued"}).encode()


class Webhook(Dialect):
    refused = (400, b'{"error": {"code": "recipient_unreachable"}}')

    def messages(self, said: Sequence[Words]) -> Post:
        [one] = said
        content = {"type": "text", "text": one.text}
        return self._event(type="message", id=one.id, **{"from": {"id": one.by}}, content=content)

    def status(self, id: str, status: str, ref: str, to: str) -> Post:
        return self._event(type="status", id=f"{id}-{status}", status=status, target=id, ref=ref)

    def _event(self, **members: Any) -> Post:
        return Post(json.dumps({"version": 1, **members}).encode(), "application/json")

    def headers(self, post: Post, url: str, at: float) -> dict[str, str]:
        return headers_for("msg_1", int(at), post.body, [SECRET])

    def heard(self, body: bytes) -> Heard:
        told = json.loads(body)
        if told["type"] != "message":
            return Heard("", "", "")
        return Heard(told["to"]["id"], told["content"]["text"], told["id"])

    def taken(self, id: str) -> bytes:
        return json.dumps({"id": id}).encode()


DIALECTS: dict[str, Dialect] = {"whatsapp": WhatsApp(), "sms": Sms(), "webhook": Webhook()}
CONFIG: dict[str, dict[str, Any]] = {
    "whatsapp": {"phone_number_id": "40001"},
    "sms": {"account_sid": "AC01", "from_number": "+15005550001"},
    "webhook": {},
    "web": {},
}
SECRETS: dict[str, dict[str, str]] = {
    "whatsapp": {"access_token": "token", "app_secret": "app-secret", "verify_token": "verify"},
    "sms": {"auth_token": "token"},
    "webhook": {"secret": SECRET},
    "web": {},
}
