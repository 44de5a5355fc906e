"""What ``parse`` makes of a request: everything a platform can tell us.

Owns the inbound items. Must not know how they are applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels_app.content.types import Content


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
    dated: bool = True  # False: the platform tells no time, and ``sent_at`` is that of the arrival
    thread: str = ""  # platform conversation or thread id; "" where a person is the conversation
    reply_to: str = ""  # platform id of the message that is quoted or answered
    also_quoted: Sequence[str] = ()  # of the messages in ``content.quote.further``, their platform ids
    in_thread: bool = False  # ``reply_to`` is the root of a thread, which every answer in there names
    media: Sequence[MediaRef] = ()
    opens_window_s: int | None = None  # seconds in which free replies are allowed from now on
    reference: Mapping[str, Any] = field(default_factory=dict)  # handed back with every reply (Recipient)
    follow_up: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message we sent. ``status``: sent, delivered, read or failed.

    ``client_ref`` is the reference we gave along with the send, when the platform returns it.
    ``up_to`` (with no ``platform_id``) means every message to ``sender`` in ``thread`` until that time.
    """

    platform_id: str
    status: str
    at: datetime | None = None
    client_ref: str = ""
    code: str = ""
    detail: str = ""
    sender: Sender | None = None
    up_to: datetime | None = None
    thread: str = ""


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
    """An emoji on a message; ``emoji`` "" takes the person's reaction back: that of ``taken``, where they may have put
    several and only the last one is kept; "": whichever it is."""

    platform_id: str
    target: str
    sender: Sender
    emoji: str = ""
    at: datetime | None = None
    taken: str = ""


@dataclass(frozen=True)
class Signal:
    """Something short-lived or structural, without transcript text.

    ``kind``: typing, read, joined, left, human_took_over (staff answered with the platform's own
    app: the bot steps back), human_wanted (a human is asked for, and has not come yet), handed_back (they give the
    conversation back to us), identity_changed (``sender`` is the person's present id, its aliases the
    former ones), ended (hang-up), reopened (the person takes our messages again), stopped, shut (nothing can be said in
    ``thread`` any more). ``opens``: it belongs into a timeline also where no conversation is open, and begins one (a meeting).
    """

    kind: str
    sender: Sender
    platform_id: str = ""
    thread: str = ""
    at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    opens: bool = False


@dataclass(frozen=True)
class Ignored:
    """An event that is understood to be none of our business, or unknown: kept with its reason."""

    reason: str
    platform_id: str = ""


@dataclass(frozen=True)
class Malformed(Ignored):
    """A part of a request that is not what the platform promises: kept with its place, which never quotes what stands
    there. What else the request holds is taken; the receipt counts as malformed, and stays whole."""


@dataclass(frozen=True)
class TemplateStatus:
    """The platform has judged a message template. ``status`` and ``reason`` in its own words, lower case."""

    name: str
    language: str  # the platform's tag, "en_US"
    status: str
    reason: str = ""


@dataclass(frozen=True)
class ChannelNotice:
    """The platform tells that something happened to the account itself: the app was removed, a token revoked, the
    page blocked. ``state``: credential_refused or degraded; healthy takes a ``lasting`` one back. ``reason`` is for
    staff, ``code`` the platform's word. ``lasting``: no check sees it, so that none ends it before a day is over."""

    state: str
    reason: str
    code: str = ""
    platform_id: str = ""
    lasting: bool = False


#: characters of the ids that can be kept; no platform has longer ones
LONGEST = {"platform_id": 255, "thread": 255, "scheme": 20, "scope": 100, "value": 255, "address": 255}


def too_long(item: InboundItem) -> str:
    """The name of an id in ``item`` that is too long to be kept, or "". The id of a change is only compared."""
    compared = isinstance(item, Revision | Reaction | Signal)
    own = {"platform_id": "" if compared else getattr(item, "platform_id", ""), "thread": getattr(item, "thread", "")}
    sender: Sender | None = getattr(item, "sender", None)
    ids = [own]
    if sender:
        ids.append({"scheme": sender.scheme, "scope": sender.scope, "value": sender.value, "address": sender.address})
        ids += [{"scheme": scheme, "scope": scope, "value": value} for scheme, scope, value in sender.aliases]
    return next((name for one in ids for name, id in one.items() if len(id) > LONGEST[name]), "")


InboundItem = InboundMessage | StatusUpdate | Revision | Reaction | Signal | TemplateStatus | ChannelNotice | Ignored
