"""What each item of a receipt asks for, by its kind. Must not know any platform."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from channels_app.contract import (
    ChannelNotice,
    Ignored,
    InboundItem,
    InboundMessage,
    Malformed,
    Reaction,
    Revision,
    Signal,
    StatusUpdate,
    TemplateStatus,
)
from channels_app.models import Channel
from channels_app.templates.sync import template_status_apply
from conversations.contacts.people import ids_of
from messaging import wake
from messaging.accept import accept
from messaging.health.watch import channel_notice
from messaging.models import InboundEvent
from messaging.rating.taken import rating_take
from messaging.receipts.reading import timed
from messaging.receipts.settling import TRIES, ours
from messaging.reports.contact_signals import signal_apply
from messaging.reports.delivery_status import status_apply
from messaging.reports.revise import changes_apply, reaction_take, revision_take
from tenants.errors import Invalid

#: what rows of their own know when it comes again: messages by their ids, statuses by their rank
KNOWN_AGAIN = (InboundMessage, StatusUpdate, Ignored)


def items_apply(receipt: InboundEvent, channel: Channel, items: Sequence[InboundItem]) -> list[str]:
    """Each item by itself: one that fails holds back only what its own person did after it, and at the last try not even
    that. What was done of the receipt before is not done again: by now it may be undone. Returns why nothing came of those
    that led to nothing. Raises what the first one failed with, after the others."""
    reasons, failure, held = [], None, set[tuple[Any, ...]]()
    met = Counter[str]()
    is_last = TRIES.over(receipt.attempts)
    for item in items:
        mark = _mark_of(item, met)
        whose = set(ids_of(item.sender)) if isinstance(item, InboundMessage | Revision | Reaction | Signal) else set()
        if whose & held and not is_last:
            continue
        if mark in (receipt.done or ()):
            reasons.append("repeated")
            continue
        try:
            reason = item_apply(channel, timed(item, receipt.created_at))
        except Exception as error:
            if ours(error):  # the others would fail, too
                raise
            failure, held = failure or error, held | whose
        else:
            reasons += [reason] if reason else []
            receipt.done = [*(receipt.done or ()), mark] if mark and not reason else receipt.done
    if failure:
        raise failure
    return reasons


def _mark_of(item: InboundItem, met: Counter[str]) -> str:
    """By which an item that cannot be known again by itself is known when its receipt is tried again; else "". The same may
    be told twice in one request, with something else between: ``met`` counts them."""
    if isinstance(item, KNOWN_AGAIN):
        return ""
    digest = hashlib.sha256(repr(item).encode()).hexdigest()[:16]
    met[digest] += 1
    return f"{digest}.{met[digest]}"


def item_apply(channel: Channel, item: InboundItem) -> str:
    """Do what one item asks for. Returns why nothing was done, or "". Repeats do nothing twice."""
    apply = APPLY.get(type(item))
    try:
        return apply(channel, item) if apply else f"no use for {type(item).__name__}"
    finally:  # the next item is another message's
        structlog.contextvars.unbind_contextvars("conversation_id", "message_id")


def _message(channel: Channel, item: InboundMessage) -> str:
    if rating_take(channel, item):
        return "a rating"
    try:
        accepted = accept(channel, item)
    except Invalid as error:
        return error.code
    if item.platform_id:  # an edit or a reaction may have been quicker
        changes_apply(channel.id, item.platform_id)
    return "repeated" if accepted.duplicate else ""


def _status(channel: Channel, item: StatusUpdate) -> str:
    status_apply(channel, item)
    return ""


def _notice(channel: Channel, item: ChannelNotice) -> str:
    channel_notice(channel, item)
    return ""


def _template_status(channel: Channel, item: TemplateStatus) -> str:
    if not template_status_apply(channel, item):
        wake.sync_templates(channel.id)  # one that we have not seen yet
    return ""


def _ignored(channel: Channel, item: Ignored) -> str:
    return item.reason


APPLY: dict[type, Callable[[Channel, Any], str]] = {
    InboundMessage: _message,
    StatusUpdate: _status,
    Revision: revision_take,
    Reaction: reaction_take,
    Signal: signal_apply,
    TemplateStatus: _template_status,
    ChannelNotice: _notice,
    Ignored: _ignored,
    Malformed: _ignored,
}
