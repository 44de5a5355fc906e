"""WhatsApp Business Cloud API: the adapter and its configuration.

Owns the calls and the signature; inbound, outbound and errors lie in the files of those names. Must
not hold state.
https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlencode

from pydantic import Field

from channels_app.adapters.base import Adapter, ChannelConfig, constant_time_equal, require
from channels_app.adapters.whatsapp.errors import ERRORS, WINDOW_CODES, raise_error
from channels_app.adapters.whatsapp.inbound import items, people
from channels_app.adapters.whatsapp.outbound import CAPABILITIES, bodies, names_file
from channels_app.adapters.whatsapp.templates import template_complaints, template_listed
from channels_app.adapters.wire import array, identifier, obj, string
from channels_app.content.types import Content
from channels_app.contract import (
    BadPayload,
    CheckResult,
    Complaint,
    ConfigError,
    Http,
    InboundItem,
    MediaLost,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    RawRequest,
    Recipient,
    Rejected,
    RemoteTemplate,
    Reply,
    Sender,
    SendError,
    SendResult,
    lane_of,
)

TEMPLATE_FIELDS = "id,name,language,status,category,components,rejected_reason"
#: a number with its country's code, or a business-scoped user id (inbound.py)
RECIPIENT = re.compile(r"\+?[1-9][0-9]{5,14}|[A-Z]{2}\.[A-Za-z0-9]{1,128}", re.ASCII)
UNWELL = frozenset({"BANNED", "RESTRICTED", "FLAGGED", "RATE_LIMITED", "DISCONNECTED", "DELETED"})  # of a number
FILE_ID = re.compile(r"[0-9A-Za-z_.\-]{1,200}", re.ASCII)
FILE_CODES = frozenset({"100", "131009"})  # said of a file that the platform no longer knows, among other things
MAX_TEMPLATE_PAGES = 100  # of 100; an account may have 6000


class WhatsAppConfig(ChannelConfig):
    """One business phone number. ``app_secret`` signs webhooks, ``verify_token`` is the string typed
    into the dashboard for the check of the address, ``access_token`` is the system user's."""

    api_base: str = Field(default="https://graph.facebook.com", pattern=r"^https?://")
    api_version: str = Field(default="v25.0", pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$")
    phone_number_id: str = Field(pattern=r"^[0-9]{1,32}$")
    waba_id: str = Field(default="", pattern=r"^[0-9]{0,32}$")
    access_token: str = Field(min_length=1)
    app_secret: str = Field(min_length=1)
    verify_token: str = Field(min_length=1)
    list_label: str = Field(default="Options", min_length=1, max_length=20, description="Opens a list of choices")

    def url(self, path: str) -> str:
        """The absolute address of a path below the versioned API."""
        return f"{self.api_base.rstrip('/')}/{self.api_version}/{path}"

    @property
    def bearer(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


class WhatsApp(Adapter):
    kind: ClassVar[str] = "whatsapp"
    errors = ERRORS
    label: ClassVar[str] = "WhatsApp Business"
    platform: ClassVar[str] = "WhatsApp"
    address_hint: ClassVar[str] = (
        "A phone number like +4915112345678, of a person who wrote to this number in the last 24 hours; "
        "others get an approved template only"
    )
    signature_header: ClassVar[str] = "x-hub-signature-256"
    config_class: ClassVar[type[ChannelConfig]] = WhatsAppConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"access_token", "app_secret", "verify_token"})
    capabilities = CAPABILITIES
    starts_conversations: ClassVar[bool] = True
    consent_words: ClassVar[bool] = True
    debounce_s: ClassVar[float] = 1.5
    rate: ClassVar[tuple[float, int]] = (80.0, 160)
    lists_templates: ClassVar[bool] = True
    typing_reads: ClassVar[bool] = True
    upload_life_s: ClassVar[int] = 30 * 24 * 3600
    media_codes: ClassVar[frozenset[str]] = frozenset({"131053"})
    window_codes: ClassVar[frozenset[str]] = WINDOW_CODES

    # ---- inbound -------------------------------------------------------------------

    def handshake(self, raw: RawRequest, config: WhatsAppConfig) -> Reply | None:
        """Answers the GET that the dashboard sends when the address is saved, with the challenge as text."""
        if raw.method != "GET" or "hub.mode" not in raw.query:
            return None
        require(raw.query["hub.mode"] == "subscribe", "hub.mode is not subscribe")
        require(constant_time_equal(raw.query.get("hub.verify_token", ""), config.verify_token), "wrong verify token")
        return Reply(body=raw.query.get("hub.challenge", ""))

    def verify(self, raw: RawRequest, config: WhatsAppConfig, http: Http) -> None:
        digest = hmac.new(config.app_secret.encode(), raw.body, hashlib.sha256).hexdigest()
        given = raw.headers.get("x-hub-signature-256", "")
        require(constant_time_equal(given, f"sha256={digest}"), "X-Hub-Signature-256 does not match the body")

    def lane(self, raw: RawRequest, config: WhatsAppConfig) -> str:
        return lane_of(people(raw.json()))

    def parse(self, raw: RawRequest, config: WhatsAppConfig) -> Sequence[InboundItem]:
        body = raw.json()
        if string(body, "object") != "whatsapp_business_account":
            raise BadPayload("not a whatsapp_business_account webhook")
        return tuple(items(body, config.phone_number_id, config.waba_id))

    # ---- outbound ------------------------------------------------------------------

    def check_recipient(self, address: str, config: WhatsAppConfig) -> str:
        return "" if RECIPIENT.fullmatch(address) else "WhatsApp needs a phone number in E.164, like +15550100001."

    def sender_at(self, address: str, name: str, config: WhatsAppConfig) -> Sender:
        digits = address.removeprefix("+")
        return Sender("phone", f"+{digits}", name=name) if digits.isdigit() else Sender("wa_user", address, name=name)

    def check_content(self, content: Content, config: WhatsAppConfig) -> Sequence[Complaint]:
        return tuple(template_complaints(content.template)) if content.template else ()

    def render(self, message: OutboundMessage, config: WhatsAppConfig) -> Sequence[Payload]:
        """Raises Rejected for content the platform would refuse (media_not_public, payload_too_long)."""
        path = _messages_path(config)
        return tuple(Payload(path, json=body) for body in bodies(message, config.list_label))

    def send(self, payload: Payload, config: WhatsAppConfig, http: Http) -> SendResult:
        """The platform's answer means accepted; what became of it comes as statuses."""
        url = f"{config.api_base.rstrip('/')}{payload.path}"
        answer = http.request(payload.method, url, headers=config.bearer, json=payload.json)
        try:
            raise_error(answer)
        except Rejected as error:
            if error.code in FILE_CODES and names_file(payload.json):
                raise MediaLost(error.code, error.detail, status=error.status) from error
            raise
        body = answer.json()
        accepted = _first(body, "messages")
        if not accepted and obj(body).get("success") is not True:
            raise OutcomeUnknown("no_message_id", "the platform's answer names no message", status=answer.status)
        contact = _first(body, "contacts")
        known = {name: identifier(contact, name) for name in ("wa_id", "user_id")}
        known["message_status"] = string(accepted, "message_status", limit=60)
        return SendResult(identifier(accepted, "id"), {name: value for name, value in known.items() if value})

    def upload(self, content: Content, body: bytes, config: WhatsAppConfig, http: Http) -> str:
        """https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media"""
        assert content.media is not None
        mime, name = content.media.type, content.media.file_name or content.type
        address = config.url(f"{config.phone_number_id}/media")
        form = {"messaging_product": "whatsapp", "type": mime}
        answer = http.request("POST", address, headers=config.bearer, data=form, files={"file": (name, body, mime)})
        raise_error(answer)
        return _file_id(identifier(answer.json(), "id"))

    def signal(self, action: str, recipient: Recipient, config: WhatsAppConfig) -> Payload | None:
        """Both need the person's last message; typing marks it as read, too, and vanishes after 25 s."""
        if action not in ("read", "typing") or not recipient.last_inbound_id:
            return None
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": recipient.last_inbound_id}
        typing = {"typing_indicator": {"type": "text"}} if action == "typing" else {}
        return Payload(_messages_path(config), json={**body, **typing})

    def templates(self, config: WhatsAppConfig, http: Http) -> Sequence[RemoteTemplate]:
        """Page by page. Raises Rejected ``no_waba_id`` when the channel does not say whose they are."""
        if not config.waba_id:
            raise Rejected("no_waba_id", "the channel's configuration names no WhatsApp Business account (waba_id)")
        found: list[RemoteTemplate] = []
        after = ""
        for _ in range(MAX_TEMPLATE_PAGES):
            query = urlencode({"fields": TEMPLATE_FIELDS, "limit": "100", **({"after": after} if after else {})})
            answer = http.request(
                "GET", config.url(f"{config.waba_id}/message_templates?{query}"), headers=config.bearer
            )
            raise_error(answer)
            body = answer.json()
            found += [template for entry in array(body, "data") if (template := template_listed(entry))]
            after = string(body, "paging", "cursors", "after") if string(body, "paging", "next") else ""
            if not after:
                return found
        raise Rejected("too_many_templates", f"more than {MAX_TEMPLATE_PAGES} pages")

    def locate(self, ref: MediaRef, config: WhatsAppConfig, http: Http) -> tuple[str, Mapping[str, str]]:
        """The address lives five minutes and wants the token."""
        query = f"{ref.id}?phone_number_id={config.phone_number_id}"
        answer = http.request("GET", config.url(query), headers=config.bearer)
        raise_error(answer)
        address = string(answer.json(), "url")
        if not address:
            raise Rejected("no_media_url", "the platform names no address for this media", status=answer.status)
        return address, config.bearer

    def check(self, config: WhatsAppConfig, http: Http) -> CheckResult:
        address = config.url(f"{config.phone_number_id}?fields=verified_name,quality_rating,status")
        try:
            answer = http.request("GET", address, headers=config.bearer)
            raise_error(answer)
        except ConfigError as error:
            return CheckResult("credential_refused", error.detail, {"code": error.code})
        except SendError as error:
            return CheckResult("unknown", error.detail or error.sentence, {"code": error.code})
        facts = {name: string(answer.json(), name, limit=200) for name in ("verified_name", "quality_rating", "status")}
        if facts["quality_rating"] == "RED":
            return CheckResult("degraded", "The platform rates this number's quality as low.", facts)
        if facts["status"] in UNWELL:
            return CheckResult("degraded", f"The platform says that this number is {facts['status'].lower()}.", facts)
        return CheckResult("healthy", facts=facts)


def _file_id(found: str) -> str:
    if not FILE_ID.fullmatch(found):
        raise OutcomeUnknown("no_media_id", "the platform's answer names no file")
    return found


def _messages_path(config: WhatsAppConfig) -> str:
    return f"/{config.api_version}/{config.phone_number_id}/messages"


def _first(body: object, name: str) -> dict[str, object]:
    found = obj(body).get(name)
    return obj(found[0]) if isinstance(found, list) and found else {}
