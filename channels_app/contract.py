"""What an adapter and the rest of the service say to each other.

Owns the frozen dataclasses that cross the edge and the closed family of send errors.
Must not import Django, models or any adapter: adapters are tested without a database.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from channels_app.content import Capabilities, Content

# --------------------------------------------------------------------------- inbound


@dataclass(frozen=True)
class RawRequest:
    """One HTTP request as it came in: what the webhook view builds, the receipt stores,
    the worker reopens and the payload files of the tests contain.

    ``headers`` has lower-case names. ``query`` keeps the last value of a repeated key.
    ``url`` is the absolute public address as the platform called it (Twilio signs it).
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""

    def json(self) -> Any:
        """The body as JSON (see read_json). Raises BadPayload."""
        return read_json(self.body)

    def form(self) -> dict[str, str]:
        """The body as ``application/x-www-form-urlencoded``; the last of a repeated key wins.
        Raises BadPayload when it is not UTF-8."""
        from urllib.parse import parse_qsl

        try:
            return _storable(dict(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, errors="strict")))
        except ValueError as error:
            raise BadPayload("body is not a form") from error

    def to_stored(self) -> dict[str, Any]:
        """A JSON-safe dict; ``from_stored`` gives the same request back."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "query": dict(self.query),
            "body": base64.b64encode(self.body).decode("ascii"),
            "url": self.url,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> RawRequest:
        return cls(**{**stored, "body": base64.b64decode(stored["body"])})


def read_json(source: bytes | str) -> Any:
    """JSON of the outside world as every database can store it: no NaN, no Infinity, no NUL, no lone
    surrogate. Raises BadPayload for anything else, and for nesting deeper than Python can follow."""
    try:
        return _storable(json.loads(source, parse_constant=_finite, parse_float=_finite))
    except (ValueError, RecursionError) as error:
        raise BadPayload("body is not JSON") from error


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number} is not a number that can be stored")
    return value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_storable(key): _storable(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_storable(member) for member in value]
    return value


@dataclass(frozen=True)
class Reply:
    """The HTTP answer a platform expects."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


class BadSignature(Exception):
    """The request does not prove that it comes from the platform: answered 401, not stored."""


class BadPayload(Exception):
    """The request is genuine but cannot be read: kept for inspection, answered 200."""


@dataclass(frozen=True)
class Sender:
    """Who wrote, in the platform's own terms.

    ``value`` is the id that stays; (``scheme``, ``scope``, ``value``) is unique within a channel's
    tenant. ``address`` is where a reply goes when it differs from ``value``. ``aliases`` are other
    ids of the same person that the platform itself vouches for in this very event, as
    (scheme, scope, value).
    """

    scheme: str  # "phone", "wa_user", "psid", "slack", "teams", "web", "user"
    value: str
    scope: str = ""
    address: str = ""
    name: str = ""
    profile: Mapping[str, Any] = field(default_factory=dict)
    aliases: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True)
class MediaRef:
    """Media that still lies with the platform. One of ``id`` (ask the API) and ``url`` is set."""

    kind: str  # image, audio, video, file, sticker
    id: str = ""
    url: str = ""
    mime: str = ""
    sha256: str = ""
    size: int | None = None
    name: str = ""


@dataclass(frozen=True)
class InboundMessage:
    """Something a person said. ``platform_id`` is unique within the channel and removes repeats.

    ``follow_up``: said near us, not to us (a thread's reply without a mention): it counts only while the
    conversation of this sender and ``thread`` is open, and opens none.
    """

    platform_id: str
    sender: Sender
    content: Content
    sent_at: datetime | None = None
    thread: str = ""  # platform conversation or thread id; "" where a person is the conversation
    reply_to: str = ""  # platform id of the quoted message
    media: Sequence[MediaRef] = ()
    opens_window_s: int | None = None  # seconds in which free replies are allowed from now on
    reference: Mapping[str, Any] = field(default_factory=dict)  # handed back with every reply (Recipient)
    follow_up: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message we sent. ``status``: sent, delivered, read or failed.

    ``client_ref`` is the reference we gave along with the send, when the platform returns it.
    ``up_to`` (with no ``platform_id``) means every message to ``sender`` until that time.
    """

    platform_id: str
    status: str
    at: datetime | None = None
    client_ref: str = ""
    code: str = ""
    detail: str = ""
    sender: Sender | None = None
    up_to: datetime | None = None


@dataclass(frozen=True)
class Revision:
    """An edit (``content`` set) or a deletion (``content`` None) of a message of the person."""

    platform_id: str  # of this very event
    target: str  # platform id of the message that changes
    sender: Sender
    content: Content | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Reaction:
    """An emoji on a message; ``emoji`` "" takes the person's reaction back."""

    platform_id: str
    target: str
    sender: Sender
    emoji: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Signal:
    """Something short-lived or structural, without transcript text.

    ``kind``: typing, read, joined, left, human_took_over (staff answered with the platform's own
    app: the bot steps back), identity_changed (``sender`` is the person's present id, its aliases the
    former ones), ended (hang-up), reopened, stopped.
    """

    kind: str
    sender: Sender
    platform_id: str = ""
    thread: str = ""
    at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ignored:
    """An event that is understood to be none of our business, or unknown: kept with its reason."""

    reason: str
    platform_id: str = ""


@dataclass(frozen=True)
class TemplateStatus:
    """The platform has judged a message template. ``status`` and ``reason`` in its own words, lower case."""

    name: str
    language: str  # the platform's tag, "en_US"
    status: str
    reason: str = ""


@dataclass(frozen=True)
class ChannelNotice:
    """The platform tells that something happened to the account itself: the app was removed, a token revoked.
    ``state``: credential_refused or degraded. ``reason`` is for staff, ``code`` the platform's word."""

    state: str
    reason: str
    code: str = ""
    platform_id: str = ""


InboundItem = InboundMessage | StatusUpdate | Revision | Reaction | Signal | TemplateStatus | ChannelNotice | Ignored


# -------------------------------------------------------------------------- outbound


@dataclass(frozen=True)
class Recipient:
    """Where a message goes: the identity's address, with what the conversation's last inbound message
    taught (``thread``, ``last_inbound_id``, ``reference``)."""

    address: str
    scheme: str = ""
    scope: str = ""
    thread: str = ""
    last_inbound_id: str = ""  # platform id of the person's last message (typing, read marks)
    reference: Mapping[str, Any] = field(default_factory=dict)
    webhook: str = ""  # the channel's own address, where the platform takes one along with a send


@dataclass(frozen=True)
class OutboundMessage:
    """One message on its way out, content already fitted to the channel.

    ``client_ref`` is stable over all tries of this message: give it to the platform wherever it
    takes one, so that a repeat can be recognised there. ``by_human``: a colleague wrote it, not the
    bot (some platforms allow them more).
    """

    client_ref: str
    recipient: Recipient
    content: Content
    reply_to: str = ""
    by_human: bool = False


@dataclass(frozen=True)
class Payload:
    """One API call that ``render`` prepared: JSON-safe, without secrets.

    ``path`` is relative to the channel's API base, or an absolute URL. ``facts`` are not sent: what a
    preview shows beside the call (segments of an SMS) and what ``send`` must know of it.
    """

    path: str
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    method: str = "POST"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SendResult:
    """The platform took one payload. ``platform_id`` "" where it gives none back. ``busy_s``: about how
    many seconds the person listens to it; what is sent before, unasked, would cut it short (speech)."""

    platform_id: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    busy_s: float = 0.0


class SendError(Exception):
    """Why a send did not work. The family is closed: every failure maps to one subclass.

    ``outcome`` is the class of the attempt, ``retryable`` whether another try may help,
    ``holds_channel`` whether the channel itself is at fault (attempts are not burnt then),
    ``sentence`` what staff read in the console.
    """

    outcome = "permanent"
    retryable = False
    holds_channel = False
    sentence = "The message could not be sent."

    def __init__(
        self, code: str = "", detail: str = "", *, retry_after: float | None = None, status: int | None = None
    ):
        super().__init__(f"{type(self).__name__} {code} {detail}".strip())
        self.code = code
        self.detail = detail[:500]
        self.retry_after = retry_after  # seconds
        self.status = status  # HTTP status, when there was one


class Rejected(SendError):
    sentence = "The platform refused this message for good."


class ContactBlocked(SendError):
    sentence = "This person cannot be reached on this channel (blocked, opted out or gone)."


class WindowClosed(SendError):
    sentence = "The reply window is closed: send an approved template."


class ConfigError(SendError):
    outcome = "config"
    retryable = True
    holds_channel = True
    sentence = "The platform refused the channel's credentials: mend them, held messages then go out."


class Throttled(SendError):
    outcome = "throttled"
    retryable = True
    sentence = "The platform asked us to slow down."


class Unreachable(SendError):
    outcome = "retryable"
    retryable = True
    sentence = "The platform could not be reached or had a fault of its own."


class OutcomeUnknown(SendError):
    """The request went out and no answer came back: the platform may have taken it."""

    outcome = "unknown"
    retryable = True
    sentence = "The platform did not answer in time: the message may have arrived."


# ------------------------------------------------------------------------------ http


class Http(Protocol):
    """The outbound HTTP client handed to an adapter (see channels_app/http.py).

    ``request`` returns (status, lower-case headers, body). It raises Unreachable when no connection
    came about and OutcomeUnknown when the request was sent and the answer did not come.
    It never follows redirects, keeps time-outs, refuses private addresses unless the channel's own
    configuration names them, and records a redacted trace.
    """

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> HttpAnswer: ...

    def fetch(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int) -> HttpAnswer:
        """GET a file whole, redirects followed and each checked. Raises Rejected ``too_large`` as well."""
        ...


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or {} when it is not (platforms answer HTML in bad times)."""
        try:
            return read_json(self.body)
        except BadPayload:
            return {}


@dataclass(frozen=True)
class RemoteTemplate:
    """One language of a message template as the platform lists it. ``text`` is all of its words, with
    ``{{variable}}`` where a value goes, named as ``render`` takes them (TemplateUse.variables).
    ``status``: the platform's word in lower case, "approved" when it may be used. ``unsupported`` says
    why we cannot send it all the same, or is ""."""

    name: str
    language: str
    text: str
    status: str
    category: str = ""
    platform_id: str = ""
    reason: str = ""
    unsupported: str = ""


@dataclass(frozen=True)
class CheckResult:
    """The finding of ``check``. ``state``: healthy, degraded, credential_refused or unknown."""

    state: str
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


__all__ = [
    name for name in list(globals()) if name[0].isupper() and name not in {"Any", "Mapping", "Protocol", "Sequence"}
] + ["Capabilities", "Content"]
