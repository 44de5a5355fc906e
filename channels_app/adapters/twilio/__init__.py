"""What SMS and Voice over Twilio have in common.

Owns configuration, numbers and calls; signature and errors lie in the files of those names. Must not
know messages or calls of people: see adapters/sms.py and adapters/voice/.
https://www.twilio.com/docs/usage/webhooks
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import phonenumbers
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from channels_app.adapters.base import ChannelConfig
from channels_app.adapters.twilio import signature
from channels_app.adapters.twilio.errors import raise_error
from channels_app.adapters.wire import string
from channels_app.contract import (
    BadPayload,
    CheckResult,
    ConfigError,
    Http,
    Payload,
    RawRequest,
    Recipient,
    Reply,
    Sender,
    SendError,
)

API_VERSION = "2010-04-01"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SID = re.compile(r"[A-Za-z0-9]{2,64}")


def _phone_number(value: str) -> str:
    if value and not e164(value):
        raise ValueError("write the number with its country code, as +15005550001")
    return e164(value)


PhoneNumber = Annotated[str, AfterValidator(_phone_number)]
WebAddress = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s\x85\ufeff?#]+)?$", max_length=500)]


class TwilioConfig(ChannelConfig):
    """One account. ``auth_token`` signs the webhooks, and the calls as well unless an API key does."""

    api_base: str = Field(default="https://api.twilio.com", pattern=r"^https?://")
    account_sid: str = Field(pattern=r"^AC[0-9a-zA-Z]{2,62}$", description="Account SID, begins with AC")
    auth_token: str = Field(min_length=1, description="Primary auth token: Twilio signs its webhooks with it")
    api_key_sid: str = Field(
        default="", pattern=r"^(SK[0-9a-zA-Z]{2,62})?$", description="API key for calls; empty: none"
    )
    api_key_secret: str = Field(default="", description="Secret of the API key")
    webhook_url: WebAddress = Field(
        default="",
        description="The webhook as Twilio knows it: behind a proxy, and for the delivery status of messages to new people",
    )

    @model_validator(mode="after")
    def whole_key(self) -> TwilioConfig:
        if bool(self.api_key_sid) != bool(self.api_key_secret):
            raise ValueError("api_key_sid and api_key_secret belong together")
        return self

    @property
    def basic(self) -> Mapping[str, str]:
        """The header that proves who calls."""
        pair = f"{self.api_key_sid or self.account_sid}:{self.api_key_secret or self.auth_token}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}

    def path(self, resource: str) -> str:
        """The path of a resource of the account."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/{resource}"

    def url(self, path: str) -> str:
        return f"{self.api_base.rstrip('/')}{path}"


# --------------------------------------------------------------------------- inbound


def verify(raw: RawRequest, config: TwilioConfig) -> None:
    """Raises BadSignature unless Twilio signed this request to this address."""
    signature.verify(raw, config.auth_token, public_url(raw, config))


def public_url(raw: RawRequest, config: TwilioConfig) -> str:
    """The address that Twilio called: as configured, else as the request came in."""
    if not config.webhook_url:
        return raw.url
    query = urlsplit(raw.url).query or urlencode(raw.query)
    return f"{config.webhook_url}?{query}" if query else config.webhook_url


def webhook_of(raw: RawRequest, config: TwilioConfig) -> str:
    """The address of this channel's webhook, without a query."""
    return config.webhook_url or raw.url.partition("?")[0]


def fields(raw: RawRequest) -> dict[str, str]:
    """Query and form of the request in one: our own names are lower-case, Twilio's begin with a capital.
    Raises BadPayload."""
    found = {**raw.query, **(raw.form() if raw.method == "POST" else {})}
    if not string(found, "AccountSid"):
        raise BadPayload("not a request of Twilio's: there is no AccountSid")
    return found


def twiml(document: str) -> Reply:
    """A TwiML document as the answer to a webhook."""
    return Reply(body=document, content_type="text/xml; charset=utf-8")


SILENCE = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

# ---------------------------------------------------------------------------- people


def e164(value: str, region: str | None = None) -> str:
    """The number as ``+`` and digits, or "" when it cannot be one. ``region`` (ISO 3166) reads numbers
    without a country code."""
    try:
        number = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written if E164.fullmatch(written) else ""


def person(said: Mapping[str, str], number: str) -> Sender | None:
    """The person who has ``number`` (a short code and a sender's name stay as they are); None without one."""
    value = e164(number) or number.strip()
    if not value or len(value) > 255:
        return None
    known = {name: said.get(f"From{name.title()}", "")[:100] for name in ("country", "state", "city", "zip")}
    return Sender("phone", value, profile={name: place for name, place in known.items() if place})


def webhook_for(recipient: Recipient, config: TwilioConfig) -> str:
    """Where Twilio shall call back about a message to ``recipient``; "" when we do not know it yet."""
    return config.webhook_url or string(recipient.reference, "webhook") or recipient.webhook


# --------------------------------------------------------------------------- outbound


def post(payload: Payload, config: TwilioConfig, http: Http) -> dict[str, Any]:
    """Make one call and give the resource it made. Raises a SendError."""
    answer = http.request(payload.method, config.url(payload.path), headers=config.basic, data=payload.form)
    raise_error(answer)
    body = answer.json()
    return body if isinstance(body, dict) else {}


def check_account(config: TwilioConfig, http: Http, number: str, address: str) -> CheckResult:
    """Whether the account answers and is active, and whether ``number`` ("": not asked) is its own with
    a webhook in the field ``address`` (sms_url or voice_url)."""
    try:
        account = get(config, http, f"/{API_VERSION}/Accounts/{config.account_sid}.json")
        status = string(account, "status", limit=40)
        if status != "active":
            return CheckResult("degraded", f"The account is {status or 'in an unknown state'}.", {"status": status})
        if not number:
            return CheckResult("healthy", facts={"status": status})
        query = urlencode({"PhoneNumber": number})
        found = get(config, http, config.path(f"IncomingPhoneNumbers.json?{query}")).get("incoming_phone_numbers")
    except ConfigError as error:
        return CheckResult("credential_refused", error.detail, {"code": error.code})
    except SendError as error:
        return CheckResult("unknown", error.detail or error.sentence, {"code": error.code})
    line = found[0] if isinstance(found, list) and found else None
    if not line:
        return CheckResult("degraded", f"The account has no number {number}.", {"status": status})
    called = string(line, address, limit=500)
    facts = {"status": status, address: called}
    if not called or (config.webhook_url and called != config.webhook_url):
        return CheckResult("degraded", f"The number's {address} does not lead to this channel's webhook.", facts)
    return CheckResult("healthy", facts=facts)


def get(config: TwilioConfig, http: Http, path: str) -> dict[str, Any]:
    """One resource, or a list of them. Raises a SendError."""
    answer = http.request("GET", config.url(path), headers=config.basic)
    raise_error(answer)
    body = answer.json()
    return body if isinstance(body, dict) else {}
