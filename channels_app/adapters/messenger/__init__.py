"""Facebook Messenger: the adapter and its configuration.

Owns the calls and the signature; inbound, outbound, errors and page profile lie in the files of those
names. Must not hold state.
https://developers.facebook.com/documentation/business-messaging/messenger-platform
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from pydantic import Field, model_validator

from channels_app.adapters.base import Adapter, ChannelConfig, constant_time_equal, require
from channels_app.adapters.messenger.errors import ERRORS, raise_error
from channels_app.adapters.messenger.inbound import Page, items, people
from channels_app.adapters.messenger.outbound import CAPABILITIES, bodies
from channels_app.adapters.messenger.profile import FIELDS, MenuItem, differs, profile_of
from channels_app.adapters.wire import array, identifier, obj, string
from channels_app.content.types import Content
from channels_app.contract import (
    BadPayload,
    CheckResult,
    ConfigError,
    Http,
    HttpAnswer,
    InboundItem,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    RawRequest,
    Recipient,
    Reply,
    Sender,
    SendError,
    SendResult,
    lane_of,
)

#: what the page must be subscribed to for the channel to hear everything it understands
SUBSCRIPTION = (
    "messages messaging_postbacks messaging_optins messaging_referrals messaging_handovers message_deliveries "
    "message_reads message_echoes message_edits message_reactions messaging_policy_enforcement standby"
).split()
ESSENTIAL = frozenset({"messages", "messaging_postbacks"})
RECIPIENT = re.compile(r"[0-9]{5,32}", re.ASCII)
FILE_ID = re.compile(r"[0-9A-Za-z_.\-]{1,200}", re.ASCII)
HUMAN_WINDOW_S = 7 * 24 * 3600
ACTIONS = {"typing": "typing_on", "read": "mark_seen"}


class MessengerConfig(ChannelConfig):
    """One page and the app that speaks for it. ``app_secret`` signs webhooks, ``verify_token`` is the
    string typed into the dashboard for the check of the address, ``access_token`` is the page's."""

    api_base: str = Field(default="https://graph.facebook.com", pattern=r"^https?://")
    api_version: str = Field(default="v25.0", pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$")
    page_id: str = Field(pattern=r"^[0-9]{1,32}$", description="The page's number, not its name")
    app_id: str = Field(pattern=r"^[0-9]{1,32}$", description="Tells our own messages from those of colleagues")
    access_token: str = Field(min_length=1, description="The page access token, with pages_messaging")
    app_secret: str = Field(min_length=1)
    verify_token: str = Field(min_length=1)
    appsecret_proof: bool = Field(default=True, description="Prove with every call that we know the app secret")
    human_agent: bool = Field(
        default=False, description="The app has the Human Agent permission: colleagues may reply for seven days"
    )
    persona_id: str = Field(default="", pattern=r"^[0-9]{0,32}$", description="The persona colleagues reply as")
    get_started: str = Field(default="", max_length=1000, description='Payload of the "Get Started" button')
    greeting: str = Field(default="", max_length=160, description="Shown before the first message")
    menu: tuple[MenuItem, ...] = Field(
        default=(), max_length=20, description='Persistent menu: [{"title": …, "payload": … or "url": …}]'
    )

    @model_validator(mode="after")
    def menu_needs_get_started(self) -> MessengerConfig:
        if self.menu and not self.get_started:
            raise ValueError("a persistent menu needs get_started")
        return self

    @property
    def page_profile(self) -> dict[str, Any]:
        return profile_of(self.get_started, self.greeting, self.menu)


class Messenger(Adapter):
    kind: ClassVar[str] = "messenger"
    errors = ERRORS
    label: ClassVar[str] = "Facebook Messenger"
    platform: ClassVar[str] = "Messenger"
    icon: ClassVar[str] = "forum"
    address_hint: ClassVar[str] = "The page-scoped id of a person who has written to the page"
    signature_header: ClassVar[str] = "x-hub-signature-256"
    config_class: ClassVar[type[ChannelConfig]] = MessengerConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"access_token", "app_secret", "verify_token"})
    capabilities = CAPABILITIES
    upload_life_s: ClassVar[int] = 90 * 24 * 3600
    starts_conversations: ClassVar[bool] = True
    debounce_s: ClassVar[float] = 1.5
    rate: ClassVar[tuple[float, int]] = (40.0, 80)  # texts may go at 300/s, sounds and videos at 10/s

    # ---- inbound -------------------------------------------------------------------

    def handshake(self, raw: RawRequest, config: MessengerConfig) -> Reply | None:
        """Answers the GET that the dashboard sends when the address is saved, with the challenge as text."""
        if raw.method != "GET" or "hub.mode" not in raw.query:
            return None
        require(raw.query["hub.mode"] == "subscribe", "hub.mode is not subscribe")
        require(constant_time_equal(raw.query.get("hub.verify_token", ""), config.verify_token), "wrong verify token")
        return Reply(body=raw.query.get("hub.challenge", ""))

    def verify(self, raw: RawRequest, config: MessengerConfig, http: Http) -> None:
        given = raw.headers.get("x-hub-signature-256", "")
        require(
            constant_time_equal(given, f"sha256={_hmac(config.app_secret, raw.body)}"),
            "X-Hub-Signature-256 does not match the body",
        )

    def lane(self, raw: RawRequest, config: MessengerConfig) -> str:
        return lane_of(people(raw.json(), Page(config.page_id, config.app_id)))

    def parse(self, raw: RawRequest, config: MessengerConfig) -> Sequence[InboundItem]:
        body = raw.json()
        if string(body, "object") != "page":
            raise BadPayload("not a page webhook")
        return tuple(items(body, Page(config.page_id, config.app_id)))

    # ---- outbound ------------------------------------------------------------------

    def check_recipient(self, address: str, config: MessengerConfig) -> str:
        return "" if RECIPIENT.fullmatch(address) else "Messenger needs a page-scoped user id: digits."

    def sender_at(self, address: str, name: str, config: MessengerConfig) -> Sender:
        return Sender("psid", address, scope=config.page_id, name=name)

    def render(self, message: OutboundMessage, config: MessengerConfig) -> Sequence[Payload]:
        """Raises Rejected ``media_not_public`` for a file without an address the platform could fetch."""
        rendered = bodies(message, human_agent=config.human_agent, persona_id=config.persona_id)
        return tuple(Payload(_messages_path(config), json=body) for body in rendered)

    def send(self, payload: Payload, config: MessengerConfig, http: Http) -> SendResult:
        """The platform's answer means sent; whether it arrived comes as a delivery status. A bare action (typing,
        seen) has no message id."""
        answer = _call(config, http, payload.method, payload.path, json=payload.json)
        platform_id = identifier(answer.json(), "message_id")
        if not platform_id and "message" in (payload.json or {}):
            raise OutcomeUnknown("no_message_id", "the platform's answer names no message", status=answer.status)
        return SendResult(platform_id)

    def upload(self, content: Content, body: bytes, config: MessengerConfig, http: Http) -> str:
        """https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/saving-assets"""
        assert content.media is not None
        mime, name = content.media.type, content.media.file_name or content.type
        attachment = {"type": content.type, "payload": {"is_reusable": True}}
        path = f"/{config.api_version}/{config.page_id}/message_attachments"
        form = {"message": json.dumps({"attachment": attachment})}
        answer = _call(config, http, "POST", path, data=form, files={"filedata": (name, body, mime)})
        found = identifier(answer.json(), "attachment_id")
        if not FILE_ID.fullmatch(found):
            raise OutcomeUnknown("no_attachment_id", "the platform's answer names no file", status=answer.status)
        return found

    def signal(self, action: str, recipient: Recipient, config: MessengerConfig) -> Payload | None:
        if action not in ACTIONS:
            return None
        body = {"recipient": {"id": recipient.address}, "sender_action": ACTIONS[action]}
        return Payload(_messages_path(config), json=body)

    # ---- health --------------------------------------------------------------------

    def window_s(self, config: MessengerConfig, *, by_human: bool) -> int:
        """Colleagues have seven days where the app has the Human Agent permission."""
        return HUMAN_WINDOW_S if by_human and config.human_agent else self.capabilities.window_s

    def check(self, config: MessengerConfig, http: Http) -> CheckResult:
        """Token, subscription, then the page profile, which is set to what the configuration says
        (the platform allows ten such calls in ten minutes, so only where it differs)."""
        try:
            page = _call(config, http, "GET", f"/{config.api_version}/{config.page_id}", fields="name").json()
            facts: dict[str, Any] = {"name": string(page, "name", limit=200)}
            missing = _missing_fields(config, http)
            facts |= {"missing_fields": missing} if missing else {}
            facts |= {"profile": "set"} if _profile_publish(config, http) else {}
        except ConfigError as error:
            return CheckResult("credential_refused", error.detail, {"code": error.code})
        except SendError as error:
            return CheckResult("unknown", error.detail or error.sentence, {"code": error.code})
        if ESSENTIAL.intersection(missing):
            return CheckResult("degraded", f"The page is not subscribed to {', '.join(missing)}.", facts)
        return CheckResult("healthy", facts=facts)


def _missing_fields(config: MessengerConfig, http: Http) -> list[str]:
    """The webhook fields that the page does not send to our app; [] where the token may not see them
    (that wants pages_manage_metadata, sending does not)."""
    try:
        answer = _call(config, http, "GET", f"/{config.api_version}/{config.page_id}/subscribed_apps")
    except ConfigError:
        return []
    apps = [app for app in array(answer.json(), "data") if identifier(app, "id") == config.app_id]
    fields = {field for app in apps for field in array(app, "subscribed_fields") if isinstance(field, str)}
    return [field for field in SUBSCRIPTION if field not in fields]


def _profile_publish(config: MessengerConfig, http: Http) -> bool:
    """Bring the page's profile in line with the configuration. True when it had to be changed."""
    wanted = config.page_profile
    if not wanted:
        return False
    path = f"/{config.api_version}/me/messenger_profile"
    [found, *_] = array(_call(config, http, "GET", path, fields=",".join(FIELDS)).json(), "data") or [{}]
    if not differs(wanted, obj(found)):
        return False
    _call(config, http, "POST", path, json=wanted)
    return True


def _call(
    config: MessengerConfig,
    http: Http,
    method: str,
    path: str,
    *,
    json: Any = None,
    data: Mapping[str, str] | None = None,
    files: Mapping[str, Any] | None = None,
    **query: str,
) -> HttpAnswer:
    """One call below the API base. Raises a SendError for every answer that is not a success."""
    if config.appsecret_proof:
        query["appsecret_proof"] = _hmac(config.app_secret, config.access_token.encode())
    address = f"{config.api_base.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
    headers: Mapping[str, str] = {"Authorization": f"Bearer {config.access_token}"}
    form = {"data": data, "files": files} if files else {}
    answer = http.request(method, address, headers=headers, json=json, **form)  # type: ignore[arg-type]
    raise_error(answer)
    return answer


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _messages_path(config: MessengerConfig) -> str:
    return f"/{config.api_version}/{config.page_id}/messages"
