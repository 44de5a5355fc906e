"""Slack: the adapter and its configuration, for one app in one workspace.

Owns the signature, the answers to Slack's own requests and the calls by name; the rest lies in the files
named after it. Must not hold state.
https://docs.slack.dev/apis
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from channels_app.adapters.base import Adapter, ChannelConfig, constant_time_equal, require
from channels_app.adapters.slack import inbound, interactive
from channels_app.adapters.slack.calls import call, handed_over, respond, uploaded
from channels_app.adapters.slack.errors import ERRORS, GONE, NOT_THERE, raise_error
from channels_app.adapters.slack.outbound import (
    CAPABILITIES,
    DELETE,
    MAX_ALT_TEXT,
    POST_EPHEMERAL,
    SET_STATUS,
    SHARE_FILE,
    UPDATE,
    delete_of,
    edit_of,
    is_shown,
    payloads,
    public,
    target,
)
from channels_app.adapters.wire import identifier, obj, string
from channels_app.content.types import Content
from channels_app.contract import (
    BadPayload,
    CheckResult,
    ConfigError,
    Http,
    InboundItem,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    RawRequest,
    Recipient,
    Rejected,
    Reply,
    Sender,
    SendError,
    SendResult,
    read_json,
)

REPLAY_WINDOW_S = 300
SLACK_HOST = re.compile(r"([a-z0-9-]+\.)*(slack\.com|slack-files\.com|slack-gov\.com)")
RECIPIENT = re.compile(r"[UWDCG][A-Z0-9]{5,31}", re.ASCII)
#: calls that post nothing, or nothing that a later call can name
NAMELESS = (SHARE_FILE, SET_STATUS, POST_EPHEMERAL, UPDATE, DELETE)
SCOPES = ("chat:write", "im:history", "app_mentions:read", "files:read", "files:write")


class SlackConfig(ChannelConfig):
    """One app in one workspace. ``signing_secret`` belongs to the app and signs what comes in,
    ``bot_token`` to the workspace."""

    api_base: str = Field(default="https://slack.com", pattern=r"^https?://")
    bot_token: str = Field(
        pattern=r"^(xoxe\.)?xox[bp]-[A-Za-z0-9-]{4,}$",
        description="Bot User OAuth Token, xoxb-… (without token rotation: it would expire after 12 hours)",
    )
    signing_secret: str = Field(pattern=r"^[^\s\x85\ufeff]{8,}$", description="From Basic Information, App Credentials")
    team_id: str = Field(
        default="",
        pattern=r"^([TE][A-Z0-9]{2,30})?$",
        description="Workspace (T…) or enterprise (E…); events of others are ignored. Empty: take all",
    )
    follow_threads: bool = Field(
        default=False,
        description="In a thread where the bot was mentioned, later replies of the same person need no mention",
    )
    command_ack: str = Field(
        default="One moment …", max_length=500, description="What a slash command shows at once, to its author only"
    )
    command_answers: Literal["channel", "ephemeral"] = Field(
        default="channel", description="Whether everybody in the channel sees the answer to a command"
    )
    typing_status: str = Field(
        default="is typing…", max_length=50, description="Follows the app's name, in threads; empty: no status"
    )
    list_label: str = Field(default="Choose…", min_length=1, max_length=150, description="Stands in a closed menu")

    @property
    def root(self) -> str:
        return self.api_base.rstrip("/")

    @property
    def bearer(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.bot_token}"}

    def trusts(self, url: str) -> bool:
        """Whether ``url`` is Slack's own, so that a token may go there."""
        try:
            parts, base = urlsplit(url), urlsplit(self.api_base)
        except ValueError:
            return False
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
            return True
        return parts.scheme == "https" and SLACK_HOST.fullmatch(parts.netloc) is not None


class Slack(Adapter):
    kind: ClassVar[str] = "slack"
    errors = ERRORS
    label: ClassVar[str] = "Slack"
    icon: ClassVar[str] = "tag"
    address_hint: ClassVar[str] = "A member's id like U0123ABCD, or a channel's like C0123ABCD"
    signature_header: ClassVar[str] = "x-slack-signature"
    replay_window_s: ClassVar[int] = REPLAY_WINDOW_S
    config_class: ClassVar[type[ChannelConfig]] = SlackConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"bot_token", "signing_secret"})
    capabilities = CAPABILITIES
    starts_conversations: ClassVar[bool] = True
    debounce_s: ClassVar[float] = 1.0
    upload_life_s: ClassVar[int] = 48 * 3600  # as long as its owner leaves it there
    rate: ClassVar[tuple[float, int]] = (5.0, 10)  # several hundred a minute and workspace, one a second and place

    # ---- inbound -------------------------------------------------------------------

    def handshake(self, raw: RawRequest, config: SlackConfig) -> Reply | None:
        """Answers url_verification (signed) and the empty check of the certificate (not always signed)."""
        if b"ssl_check" in raw.body and _form(raw).get("ssl_check") == "1" and "command" not in _form(raw):
            return Reply()
        if b"url_verification" not in raw.body or not _is_json(raw):
            return None
        try:
            body = raw.json()
        except BadPayload:
            return None
        if string(body, "type") != "url_verification":
            return None
        _require_signature(raw, config)
        return Reply(body=string(body, "challenge", limit=500))

    def verify(self, raw: RawRequest, config: SlackConfig, http: Http) -> None:
        """The only place that looks at the clock: five minutes either way."""
        _require_signature(raw, config)

    def lane(self, raw: RawRequest, config: SlackConfig) -> str:
        return inbound.author(raw.json()) if _is_json(raw) else interactive.author(raw.form())

    def parse(self, raw: RawRequest, config: SlackConfig) -> Sequence[InboundItem]:
        """A retried request (X-Slack-Retry-Num) is read like any other: the first may have been lost."""
        if _is_json(raw):
            return tuple(inbound.items(raw.json(), config.team_id, config.follow_threads))
        return tuple(interactive.items(raw.form(), config.team_id, config.command_answers == "ephemeral"))

    def acknowledge(self, raw: RawRequest, config: SlackConfig) -> Reply:
        """A command shows a word to its author, a menu that asks for its options gets none; all else is quiet."""
        form = {} if _is_json(raw) else _form(raw)
        if "payload" in form:
            return _json_reply({"options": []}) if _asks_for_options(form["payload"]) else Reply()
        if form.get("command") and config.command_ack:
            return _json_reply({"response_type": "ephemeral", "text": config.command_ack})
        return Reply()

    # ---- outbound ------------------------------------------------------------------

    def check_recipient(self, address: str, config: SlackConfig) -> str:
        return "" if RECIPIENT.fullmatch(address) else "Slack needs the id of a user or a channel, like U0123ABCD."

    def sender_at(self, address: str, name: str, config: SlackConfig) -> Sender | None:
        """A person of the workspace that the channel's settings name."""
        return inbound.person(config.team_id, address, name=name) if address[:1] in ("U", "W") else None

    def render(self, message: OutboundMessage, config: SlackConfig) -> Sequence[Payload]:
        """Raises Rejected for media without a public link (media_not_public)."""
        return tuple(payloads(message, config.list_label))

    def send(self, payload: Payload, config: SlackConfig, http: Http) -> SendResult:
        """One call; a file takes three, of which only the last shows anything."""
        body = dict(payload.json or {})
        if payload.path == SHARE_FILE:
            body = uploaded(body, config, http)
        try:
            answer = call(payload.path, body, config, http)
        except Rejected as refused:
            if payload.path == DELETE and refused.code == GONE:
                return SendResult()
            url = string(payload.facts, "response_url")
            if refused.code not in NOT_THERE or not config.trusts(url):
                raise
            return respond(url, body, refused, http)
        if payload.path in NAMELESS:
            return SendResult()
        ts = identifier(answer, "ts") or identifier(answer, "message_ts")
        if not ts:
            raise OutcomeUnknown("no_message_id", "the platform's answer names no message")
        return SendResult(inbound.message_id(identifier(answer, "channel") or str(body.get("channel", "")), ts))

    def edit(self, platform_id: str, payload: Payload, recipient: Recipient, config: SlackConfig) -> Payload:
        return edit_of(platform_id, payload)

    def delete(self, platform_id: str, reference: str, recipient: Recipient, config: SlackConfig) -> Payload:
        return delete_of(platform_id)

    def uploads(self, content: Content) -> bool:
        """Pictures of a service that Slack cannot reach; other files go there as they are sent."""
        return content.type == "image" and is_shown(content.media) and not public(content.media)

    def upload(self, content: Content, body: bytes, config: SlackConfig, http: Http) -> str:
        """A file that no channel sees, until a picture's block names it.

        https://docs.slack.dev/reference/block-kit/composition-objects/slack-file-object"""
        assert content.media is not None
        name = content.media.file_name or content.type
        file_id = handed_over(body, name, (content.media.alt_text or "")[:MAX_ALT_TEXT], config, http)
        call(SHARE_FILE, {"files": [{"id": file_id, "title": name}]}, config, http)
        return file_id

    def signal(self, action: str, recipient: Recipient, config: SlackConfig) -> Payload | None:
        """A status in threads, gone after two minutes or with the next message; there are no read marks."""
        channel, root = target(recipient)
        if action != "typing" or not root or not config.typing_status:
            return None
        return Payload(SET_STATUS, json={"channel_id": channel, "thread_ts": root, "status": config.typing_status})

    def locate(self, ref: MediaRef, config: SlackConfig, http: Http) -> tuple[str, Mapping[str, str]]:
        """The token goes to Slack's own hosts only. With a bad one Slack answers a login page with 200: look
        at the type of what comes."""
        answer = http.request("GET", f"{config.root}/api/files.info?file={ref.id}", headers=config.bearer)
        raise_error(answer)
        file = obj(answer.json(), "file")
        address = string(file, "url_private_download") or string(file, "url_private")
        if not address:
            raise Rejected("no_media_url", "the platform names no address for this file", status=answer.status)
        if not config.trusts(address):
            raise Rejected("foreign_media", "the file lies outside of Slack", status=answer.status)
        return address, config.bearer

    def check(self, config: SlackConfig, http: Http) -> CheckResult:
        """auth.test names the workspace; the token's scopes come as a header."""
        try:
            answer = http.request("POST", f"{config.root}/api/auth.test", headers=config.bearer)
            raise_error(answer)
        except ConfigError as error:
            return CheckResult("credential_refused", error.detail or error.code, {"code": error.code})
        except SendError as error:
            return CheckResult("unknown", error.detail or error.sentence, {"code": error.code})
        body = obj(answer.json())
        facts: dict[str, Any] = {name: string(body, name, limit=200) for name in ("team", "team_id", "user_id", "url")}
        if config.team_id and config.team_id not in (facts["team_id"], string(body, "enterprise_id")):
            return CheckResult("degraded", f"The token belongs to another workspace: {facts['team_id']}.", facts)
        granted = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",")} - {""}
        missing = [scope for scope in SCOPES if granted and scope not in granted]
        if missing:
            return CheckResult("degraded", f"The token lacks scopes: {', '.join(missing)}.", facts)
        return CheckResult("healthy", facts=facts)


# ------------------------------------------------------------------------------ requests


def _require_signature(raw: RawRequest, config: SlackConfig) -> None:
    stamp = raw.headers.get("x-slack-request-timestamp", "")
    require(stamp.isascii() and stamp.isdigit() and len(stamp) <= 12, "X-Slack-Request-Timestamp is no time")
    require(abs(time.time() - int(stamp)) <= REPLAY_WINDOW_S, "X-Slack-Request-Timestamp is not of now")
    signed = b"v0:" + stamp.encode() + b":" + raw.body
    digest = hmac.new(config.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
    given = raw.headers.get("x-slack-signature", "")
    require(constant_time_equal(given, f"v0={digest}"), "X-Slack-Signature does not match the body")


def _is_json(raw: RawRequest) -> bool:
    """A form never begins like this: it escapes braces and brackets."""
    return raw.body.lstrip()[:1] in (b"{", b"[")


def _form(raw: RawRequest) -> dict[str, str]:
    try:
        return raw.form()
    except BadPayload:
        return {}


def _asks_for_options(payload: str) -> bool:
    try:
        return string(read_json(payload), "type") == "block_suggestion"
    except BadPayload:
        return False


def _json_reply(value: Any) -> Reply:
    return Reply(body=json.dumps(value), content_type="application/json")
