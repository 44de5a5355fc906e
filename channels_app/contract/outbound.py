"""What goes to a platform: a message, its payload, what came of it, and the state of the channel.

Owns the outbound items. Must not know how a platform is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channels_app.content.types import Content


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
class Complaint:
    """What a platform would refuse. ``field`` is the path in the content, ``code`` stable, ``sentence`` for people."""

    field: str
    code: str
    sentence: str


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
    many seconds the person listens to it; what is sent before, unasked, would cut it short (speech). ``thread``: where
    it went, as what is said there will name it, for a message to a person who has not written."""

    platform_id: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    busy_s: float = 0.0
    thread: str = ""


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
