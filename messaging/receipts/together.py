"""Receipts of many people at once: those that hold one message each are stored with it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from django.db.models import OuterRef, Subquery

from channels_app.contract import EVERYBODY, InboundMessage
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from conversations.contacts.people import ids_of
from messaging import heads
from messaging.accept import accept
from messaging.arrivals.entrance import Accepted
from messaging.health.watch import inbound_seen
from messaging.many.accept import Arrival, accept_many
from messaging.models import InboundEvent
from messaging.rating.taken import may_rate
from messaging.receipts.reading import items_of, timed
from messaging.receipts.settling import receipt_close
from messaging.reports.revise import changes_apply, changes_waiting
from tenants.storage import prepared
from tenants.storage.db import now
from tenants.tenant_settings import settings_for
from tenants.work.crew import Told
from tenants.work.leases import LeaseLost, settle_untried, untried

log = structlog.get_logger(__name__)

#: when messages of receipts are stored: whether changes of any of them were quicker, and the next receipts of the lanes
AFTERWARDS = prepared.Select(
    InboundEvent,
    lambda rows, ids, platform_ids: rows.filter(id__in=ids).values_list(
        "id", *changes_waiting(OuterRef("channel"), platform_ids), Subquery(heads.receipt_next().values("id")[:1])
    ),
)


@dataclass(frozen=True, kw_only=True)
class Opened(Arrival):
    """The only message of a receipt that no worker has tried."""

    receipt: InboundEvent


def opened_of(receipt: InboundEvent, context: Context) -> Opened | None:
    """`only_message`, as it can be stored at once."""
    found = only_message(receipt)
    return Opened(*found, context=context, receipt=receipt) if found else None


def only_message(receipt: InboundEvent) -> tuple[Channel, InboundMessage] | None:
    """Of a receipt that no worker has tried, the message, if it holds one and nothing else; and its channel."""
    channel = channel_for_id(receipt.channel_id) if receipt.lane != EVERYBODY and untried(receipt) else None
    if channel is None:
        return None
    try:
        items = items_of(receipt, channel)
    except Exception:  # noqa: BLE001  to be told by who has leased it
        return None
    only = timed(items[0], receipt.created_at) if len(items) == 1 else None
    if not isinstance(only, InboundMessage) or not only.platform_id or may_rate(channel, only.content):
        return None
    return channel, only


def of_different_people(found: Iterable[Opened | None]) -> list[Opened]:
    """In the order in which every process locks rows of several people."""
    by_person: dict[tuple[Any, ...], Opened] = {}
    taken: set[tuple[Any, ...]] = set()
    for one in found:
        ids = {(one.channel.id, *known_as) for known_as in ids_of(one.inbound.sender)} if one else set()
        if one and not ids & taken:
            taken |= ids
            by_person[min(ids)] = one
    return [by_person[person] for person in sorted(by_person)]


def accepted_at_once(opened: Sequence[Opened]) -> list[Opened]:
    """Store the messages and be done with their receipts, in one transaction. Returns those of which that went well; of
    the others nothing is changed: they are leased then, and what goes wrong is counted."""
    for channel in {one.channel.id: one.channel for one in opened}.values():
        inbound_seen(channel)
    return [one for one, outcome in zip(opened, _outcomes(opened), strict=True) if _ended(one, outcome)]


def _outcomes(opened: Sequence[Opened]) -> Sequence[Accepted | Exception]:
    if len(opened) > 1:
        return accept_many(opened, along=_close_as_seen)
    try:
        [one] = opened
        return [one.context.run(accept, one.channel, one.inbound, along=partial(_close_as_seen, opened))]
    except Exception as error:  # noqa: BLE001  as `accept_many` tells it
        return [error]


def _ended(one: Opened, outcome: Accepted | Exception) -> bool:
    """Whether its receipt is done with."""
    if isinstance(outcome, Exception):
        log.info("receipt_not_at_once", receipt=str(one.receipt.id), error=type(outcome).__name__)
        return False
    return not outcome.duplicate or receipt_close(one.receipt, InboundEvent.Status.IGNORED, "repeated")


def _close_as_seen(opened: Sequence[Opened]) -> None:
    """Raises LeaseLost, which undoes the transaction: another worker has a receipt of these."""
    ended, receipts = InboundEvent.Status.PROCESSED, [one.receipt for one in opened]
    if settings_for(receipts[0].tenant_id).safety.mask:  # what is left of its request is of each
        closed = all(receipt_close(receipt, ended, "") for receipt in receipts)
    else:
        closed = settle_untried(receipts, status=ended, reason="", processed_at=now())
    if not closed:
        raise LeaseLost


def followers_of(stored: Sequence[Opened]) -> list[Told]:
    """Apply changes that were quicker than the messages. The next receipts of the lanes."""
    by_id = {one.receipt.id: one for one in stored}
    following = []
    for receipt_id, revised, reacted, next_id in AFTERWARDS.run(
        ids=list(by_id), platform_ids=[one.inbound.platform_id for one in stored]
    ):
        one = by_id[receipt_id]
        if revised or reacted:
            changes_apply(one.channel.id, one.inbound.platform_id)
        if next_id and one.receipt.lane:
            following.append(Told(next_id, one.context))
    return following
