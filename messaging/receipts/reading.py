"""What a stored request says: its items, and whose they are.

Must not write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from channels_app.contract import (
    EVERYBODY,
    BadPayload,
    Ignored,
    InboundItem,
    InboundMessage,
    RawRequest,
    Reaction,
    Revision,
    Signal,
    StatusUpdate,
    too_long,
)
from channels_app.models import Channel
from messaging.models import InboundEvent

log = structlog.get_logger(__name__)


def lane_of(channel: Channel, raw: RawRequest) -> str:
    """A request that cannot be read now is understood, or found malformed, by itself."""
    try:
        return channel.adapter.lane(raw, channel.adapter_config())
    except BadPayload:
        return ""
    except Exception as error:  # noqa: BLE001  an adapter's bug must not refuse a request: it keeps the order of all
        log.error("receipt_lane_unknown", channel=str(channel.id), error=type(error).__name__)
        return EVERYBODY


def digest_of(channel: Channel, raw: RawRequest) -> str:
    """What the very same request has in common, or what the sender calls the same event."""
    try:
        told = channel.adapter.event_id(raw, channel.adapter_config())
    except Exception:  # noqa: BLE001  malformed, or an adapter's bug, which must not refuse a request
        told = ""
    if told:
        return hashlib.sha256(f"event {told}".encode()).hexdigest()
    line = f"{raw.method} {raw.path} {sorted(raw.query.items())}\n"
    return hashlib.sha256(line.encode() + raw.body).hexdigest()


def items_of(receipt: InboundEvent, channel: Channel) -> Sequence[InboundItem]:
    """What the request says, read once. Raises BadPayload."""
    if receipt.items is None:
        raw = RawRequest.from_stored(receipt.request)
        receipt.items = [_kept(item) for item in channel.adapter.parse(raw, channel.adapter_config())]
    return receipt.items


def _kept(item: InboundItem) -> InboundItem:
    """The item, unless an id in it does not fit: PostgreSQL would refuse it for a day, and what stands behind it."""
    name = too_long(item)
    return Ignored(f"too_long:{name}") if name else item


def timed(item: InboundItem, received: datetime) -> InboundItem:
    """The item with the time at which it happened: the platform's where it tells one, never later than we had it."""
    if isinstance(item, InboundMessage):
        return replace(item, sent_at=min(item.sent_at or received, received), dated=item.sent_at is not None)
    if isinstance(item, StatusUpdate | Revision | Reaction | Signal):
        return replace(item, at=min(item.at or received, received))
    return item
