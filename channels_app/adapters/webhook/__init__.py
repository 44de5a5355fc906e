"""The generic channel: signed JSON in, signed JSON out, for systems that have no kind of their own.

Owns the calls and what their answers mean; what comes in lies in envelope.py. Must not hold state.
docs/channels/webhook.md
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import Field, field_validator

from channels_app.adapters.base import Adapter, ChannelConfig, raise_for_status, require
from channels_app.adapters.webhook.envelope import VERSION, author_of, item_of
from channels_app.adapters.wire import identifier, obj, string
from channels_app.content.types import EVERYTHING, MAX_MEDIA_BYTES, MIME_TYPES
from channels_app.contract import (
    BadPayload,
    CheckResult,
    ConfigError,
    ContactBlocked,
    Http,
    HttpAnswer,
    Ignored,
    InboundItem,
    OutboundMessage,
    Payload,
    RawRequest,
    Reaction,
    Recipient,
    Rejected,
    Reply,
    SendError,
    SendResult,
    Signal,
    WindowClosed,
)
from channels_app.http.standard_webhooks import TOLERANCE_S, complaint, headers_for, key_of

#: nothing is there that takes messages: held until the address is corrected, no message is lost for it
MISDIRECTED = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
#: words an integrator may answer with, as ``{"error": {"code": …}}``; they count more than the status
ERRORS: dict[str, type[SendError]] = {"recipient_unreachable": ContactBlocked, "window_closed": WindowClosed}


class WebhookConfig(ChannelConfig):
    """One integrator's address. ``secret`` verifies what comes and signs what goes; while it is being
    replaced the old one stays valid as ``previous_secret``."""

    api_base: str = Field(
        pattern=r"^https?://[^\s\x85\ufeff]+$", max_length=2048, description="The address that messages are posted to"
    )
    secret: str = Field(pattern="^whsec_", description="whsec_ followed by 24 to 64 random bytes in base64")
    previous_secret: str = Field(default="", description="Still valid while the secret is being replaced")

    @field_validator("secret", "previous_secret")
    @classmethod
    def usable(cls, value: str) -> str:
        if value:
            key_of(value)
        return value

    @property
    def secrets(self) -> list[str]:
        return [secret for secret in dict.fromkeys((self.secret, self.previous_secret)) if secret]


class Webhook(Adapter):
    kind: ClassVar[str] = "webhook"
    errors = ERRORS
    label: ClassVar[str] = "Webhook (generic)"
    platform: ClassVar[str] = "the connected system"
    icon: ClassVar[str] = "webhook"
    signature_header: ClassVar[str] = "webhook-signature"
    replay_window_s: ClassVar[int] = TOLERANCE_S
    starts_conversations: ClassVar[bool] = True
    config_class: ClassVar[type[ChannelConfig]] = WebhookConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"secret", "previous_secret"})
    capabilities = EVERYTHING.model_copy(
        update={
            "types": EVERYTHING.types - {"template"},  # an integrator gets a template's words
            "media_types": dict.fromkeys(MIME_TYPES, MAX_MEDIA_BYTES),
            "typing": True,
            "typing_interval_s": 5,
            "read_marks": True,
            "edits": True,
            "can_edit": True,
            "can_delete": True,
            "reactions": True,
            "threads": True,
            "quotes": True,
            "receipts": frozenset({"sent", "delivered", "read", "failed"}),
        }
    )

    # ---- inbound -------------------------------------------------------------------

    def verify(self, raw: RawRequest, config: WebhookConfig, http: Http) -> None:
        why = complaint(raw.headers, raw.body, config.secrets, time.time())
        require(not why, why)

    def lane(self, raw: RawRequest, config: WebhookConfig) -> str:
        return author_of(raw.json())

    def event_id(self, raw: RawRequest, config: WebhookConfig) -> str:
        """Of what no row knows again by its id."""
        [item] = self.parse(raw, config)
        return item.platform_id if isinstance(item, Signal | Reaction) else ""

    def parse(self, raw: RawRequest, config: WebhookConfig) -> Sequence[InboundItem]:
        """One event per request."""
        return (item_of(raw.json()),)

    def acknowledge(self, raw: RawRequest, config: WebhookConfig) -> Reply:
        """An integrator can correct what it sends, so it is told: 422 with the place that is wrong."""
        try:
            [item] = self.parse(raw, config)
        except BadPayload as error:
            return _reply(422, error={"code": "invalid_event", "message": str(error)})
        return _reply(200, ignored=item.reason) if isinstance(item, Ignored) else _reply(200, accepted=True)

    # ---- outbound ------------------------------------------------------------------

    def render(self, message: OutboundMessage, config: WebhookConfig) -> Sequence[Payload]:
        """The canonical content as it is. Raises Rejected ``media_not_public``."""
        media = message.content.media
        if media and not media.url.startswith(("https://", "http://")):
            raise Rejected("media_not_public", "media must have a public link when it is sent")
        author = "human" if message.by_human else "bot"
        said = {"content": message.content.to_json(), "by": author, "reply_to": message.reply_to}
        return (_payload("message", message.client_ref, message.recipient, **said),)

    def send(self, payload: Payload, config: WebhookConfig, http: Http) -> SendResult:
        """Any 2xx means taken. An answer without an id is good enough: statuses may name our reference."""
        answer = _post(payload.json or {}, config, http)
        return SendResult(identifier(answer.json(), "id"))

    def edit(self, platform_id: str, payload: Payload, recipient: Recipient, config: WebhookConfig) -> Payload:
        return Payload("", json={**(payload.json or {}), "type": "edit", "target": platform_id})

    def delete(self, platform_id: str, reference: str, recipient: Recipient, config: WebhookConfig) -> Payload:
        return _payload("delete", reference, recipient, target=platform_id)

    def signal(self, action: str, recipient: Recipient, config: WebhookConfig) -> Payload | None:
        """``typing`` until the next message or for ten seconds, ``read`` up to the person's last message."""
        if action not in ("typing", "read"):
            return None
        return _payload(action, f"{action}_{uuid4().hex}", recipient, target=recipient.last_inbound_id)

    def check(self, config: WebhookConfig, http: Http) -> CheckResult:
        """Posts an event ``ping``, which is answered like all others."""
        try:
            _post({"version": VERSION, "type": "ping", "id": f"ping_{uuid4().hex}"}, config, http)
        except (ConfigError, Rejected) as error:
            state = "credential_refused" if error.status in (401, 403) else "degraded"
            return CheckResult(state, error.detail or error.sentence, {"code": error.code})
        except SendError as error:
            return CheckResult("unknown", error.detail or error.sentence, {"code": error.code})
        return CheckResult("healthy")


def _payload(word: str, event_id: str, recipient: Recipient, **parts: Any) -> Payload:
    body = {
        "version": VERSION,
        "type": word,
        "id": event_id,
        "to": {"id": recipient.address},
        "thread": recipient.thread,
        "reference": dict(recipient.reference),
    }
    return Payload("", json={**body, **parts})


def _post(event: Any, config: WebhookConfig, http: Http) -> HttpAnswer:
    """The id of the event stays the same over all tries, so a repeat can be recognised by it."""
    body = json.dumps(event, separators=(",", ":")).encode()
    webhook_id = string(event, "id").replace(".", "_")  # a full stop separates what is signed
    signed = headers_for(webhook_id, int(time.time()), body, config.secrets)
    headers = {"content-type": "application/json", "idempotency-key": string(event, "id"), **signed}
    answer = http.request("POST", config.api_base, headers=headers, content=body)
    _raise_error(answer)
    return answer


def _raise_error(answer: HttpAnswer) -> None:
    """Raise the SendError that ``answer`` speaks of; return when it speaks of none."""
    if 200 <= answer.status < 300:
        return
    error = obj(answer.json(), "error")
    code, detail = string(error, "code", limit=60), string(error, "message", limit=500)
    if code in ERRORS:
        raise ERRORS[code](code, detail, status=answer.status)
    if answer.status in MISDIRECTED:
        wrong = "gone" if answer.status == 410 else "wrong_address"
        raise ConfigError(wrong, detail or f"the address answers {answer.status}", status=answer.status)
    raise_for_status(answer, code, detail)


def _reply(status: int, **members: Any) -> Reply:
    return Reply(status, json.dumps(members), "application/json")
