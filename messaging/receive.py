"""The webhook's way in: a request is verified, stored whole, acknowledged, and understood afterwards.

Owns receipts (InboundEvent) and what each parsed item leads to. Must not know any platform.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import OuterRef, QuerySet, Subquery

from channels_app.contract import (
    EVERYBODY,
    BadPayload,
    ChannelNotice,
    Ignored,
    InboundItem,
    InboundMessage,
    Malformed,
    RawRequest,
    Reaction,
    Revision,
    Signal,
    StatusUpdate,
    TemplateStatus,
    erased,
    too_long,
)
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.templates.sync import template_status_apply
from conversations.contacts.people import ids_of
from conversations.timeline import system_event, work_given_up
from messaging import heads, wake
from messaging.accept import Accepted, accept
from messaging.deliver import file_sent_again
from messaging.health.watch import channel_notice, inbound_seen
from messaging.many.accept import Arrival, accept_many
from messaging.models import InboundEvent
from messaging.rating.taken import may_rate, rating_take
from messaging.reports.contact_signals import signal_apply
from messaging.reports.delivery_status import status_apply
from messaging.reports.revise import changes_apply, changes_waiting, reaction_take, revision_take
from messaging.rules import repeats
from messaging.shutdown import stopping
from tenants.errors import Invalid, Unavailable
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, now, on_commit, retried, server_trouble
from tenants.tenant_settings import settings_for
from tenants.work.crew import Lane, Told
from tenants.work.leases import (
    A_DAY,
    WORKER_LOST,
    LeaseLost,
    claim,
    put_off,
    server_back,
    settle,
    settle_untried,
    untried,
)

log = structlog.get_logger(__name__)

TRIES = A_DAY
TRIES_OF_ALL = 3  # then a request of several people gives up its place among those of others
WOKEN_BEHIND = 100  # receipts that a crossing one lets go at once; the sweep wakes the others
#: behind every receipt of the channel that was acknowledged before this one came, whatever the clocks say. Requests that
#: are stored at the same time may get the same place
PLACE = prepared.Next(InboundEvent, "place", lambda rows, channel: rows.filter(channel=channel))
#: a receipt for which no other is to be waited. Nothing comes before the head of a lane any more, so this look is good
HEADS = prepared.Select(
    InboundEvent, lambda rows, ids: heads.receipts(rows.filter(id__in=ids, status=InboundEvent.Status.RECEIVED))
)
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


@retried
def receipt_store(channel: Channel, raw: RawRequest) -> InboundEvent | None:
    """Keep a verified request. None when the very same one is here already: the platform resent it."""
    line = f"{raw.method} {raw.path} {sorted(raw.query.items())}\n"
    digest = hashlib.sha256(line.encode() + raw.body).hexdigest()
    if repeats.stored_before(channel.id, digest):
        return None
    lane = _lane(channel, raw)
    try:
        with atomic():
            receipt = InboundEvent(
                tenant_id=channel.tenant_id, channel=channel, lane=lane, digest=digest, request=raw.to_stored(),
                place=PLACE.behind(channel=channel.id),
            )  # fmt: skip
            prepared.insert([receipt])
            on_commit(lambda: wake.parse(receipt.id, lane=Lane(receipt.tenant_id, receipt.channel_id)))
            on_commit(lambda: repeats.stored(channel.id, digest))
    except IntegrityError as error:
        if not key_taken(error):
            raise
        on_commit(lambda: repeats.stored(channel.id, digest))
        return None
    return receipt


def receipt_process(receipt_id: uuid.UUID) -> int:
    """Understand a stored request, then those of the same people that have waited for it. Returns how many were done.

    Stops where a receipt waits for an earlier one, is not due, or is another worker's.
    """
    done = 0
    next_id: uuid.UUID | None = receipt_id
    while next_id and not stopping.is_set():
        receipt: InboundEvent | None = HEADS.first(ids=[next_id])
        if receipt is None or not _leased(receipt):
            break
        done += 1
        next_id = _next_of(receipt)
    return done


def receipts_take(told: Sequence[Told]) -> int:
    """`receipt_process` for the first calls of receipts of one tenant. Those that hold one message and nothing else are
    not leased before, and stored in one transaction. Not for calls of the sweep: a receipt that ends its workers has to
    be counted."""
    done, waiting = 0, list(told)
    while waiting and not stopping.is_set():
        found = {receipt.id: receipt for receipt in HEADS.run(ids=[one.row_id for one in waiting])}
        opened = _of_different_people(
            one.context.run(_opened, found[one.row_id], one.context) for one in waiting if one.row_id in found
        )
        stored = _accepted_at_once(opened) if opened else []
        following = _follow(stored) if stored else []
        for one in stored:
            del found[one.receipt.id]
        for receipt in found.values():
            if _leased(receipt):
                done += 1
                next_id = _next_of(receipt)
                following += [Told(next_id)] if next_id else []
        done += len(stored)
        waiting = following
    return done


def receipt_take(receipt_id: uuid.UUID) -> int:
    """`receipts_take` for one."""
    return receipts_take([Told(receipt_id)])


def _leased(receipt: InboundEvent) -> bool:
    """Lease the head of a lane, and whether it is done with."""
    return bool(claim(receipt, timedelta(seconds=settings.ENV["DELIVERY_LEASE_S"]))) and _process(receipt)


def _lane(channel: Channel, raw: RawRequest) -> str:
    """A request that cannot be read now is understood, or found malformed, by itself."""
    try:
        return channel.adapter.lane(raw, channel.adapter_config())
    except BadPayload:
        return ""
    except Exception as error:  # noqa: BLE001  an adapter's bug must not refuse a request: it keeps the order of all
        log.error("receipt_lane_unknown", channel=str(channel.id), error=type(error).__name__)
        return EVERYBODY


def _opened(receipt: InboundEvent, context: Context) -> Opened | None:
    found = _only_message(receipt)
    return Opened(*found, context=context, receipt=receipt) if found else None


def _only_message(receipt: InboundEvent) -> tuple[Channel, InboundMessage] | None:
    """Of a receipt that no worker has tried, the message, if it holds one and nothing else; and its channel."""
    channel = channel_for_id(receipt.channel_id) if receipt.lane != EVERYBODY and untried(receipt) else None
    if channel is None:
        return None
    try:
        items = _items(receipt, channel)
    except Exception:  # noqa: BLE001  to be told by who has leased it
        return None
    only = _timed(items[0], receipt.created_at) if len(items) == 1 else None
    if not isinstance(only, InboundMessage) or not only.platform_id or may_rate(channel, only.content):
        return None
    return channel, only


def _of_different_people(found: Iterable[Opened | None]) -> list[Opened]:
    """In the order in which every process locks rows of several people."""
    by_person: dict[tuple[Any, ...], Opened] = {}
    taken: set[tuple[Any, ...]] = set()
    for one in found:
        ids = {(one.channel.id, *known_as) for known_as in ids_of(one.inbound.sender)} if one else set()
        if one and not ids & taken:
            taken |= ids
            by_person[min(ids)] = one
    return [by_person[person] for person in sorted(by_person)]


def _accepted_at_once(opened: Sequence[Opened]) -> list[Opened]:
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
    return not outcome.duplicate or _close(one.receipt, InboundEvent.Status.IGNORED, "repeated")


def _close_as_seen(opened: Sequence[Opened]) -> None:
    """Raises LeaseLost, which undoes the transaction: another worker has a receipt of these."""
    ended, receipts = InboundEvent.Status.PROCESSED, [one.receipt for one in opened]
    if settings_for(receipts[0].tenant_id).safety.mask:  # what is left of its request is of each
        closed = all(_close(receipt, ended, "") for receipt in receipts)
    else:
        closed = settle_untried(receipts, status=ended, reason="", processed_at=now())
    if not closed:
        raise LeaseLost


def _follow(stored: Sequence[Opened]) -> list[Told]:
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


def _process(receipt: InboundEvent) -> bool:
    """True when the receipt is done with, one way or the other."""
    if receipt.worn_out:
        return receipt_give_up(receipt, WORKER_LOST)
    try:
        return _understand(receipt)
    except Exception as error:  # noqa: BLE001  the receipt is tried again; it is never lost
        return _failed(receipt, error)


def _understand(receipt: InboundEvent) -> bool:
    channel = channel_for_id(receipt.channel_id)
    if channel is None:
        return _close(receipt, InboundEvent.Status.IGNORED, "channel is gone")
    if RawRequest.from_stored(receipt.request).is_erased:
        return _close(receipt, InboundEvent.Status.IGNORED, "not kept")
    try:
        items = _items(receipt, channel)
    except BadPayload as error:
        return _malformed(receipt, str(error))
    if any(isinstance(item, InboundMessage) for item in items):
        inbound_seen(channel)
    reasons = _items_apply(receipt, channel, items)
    if any(isinstance(item, Malformed) for item in items):
        return _malformed(receipt, "; ".join(dict.fromkeys(reasons)))
    if len(reasons) == len(items):
        return _close(receipt, InboundEvent.Status.IGNORED, "; ".join(dict.fromkeys(reasons)) or "nothing in it")
    return _close(receipt, InboundEvent.Status.PROCESSED, "; ".join(dict.fromkeys(reasons)))


def _malformed(receipt: InboundEvent, why: str) -> bool:
    """Staff are told. It stays whole, to be processed again: what was understood of it is not taken twice."""
    with atomic():
        closed = _close(receipt, InboundEvent.Status.MALFORMED, why)
        if closed:
            system_event(receipt.tenant_id, "chat.system.webhook_malformed", {"receipt_id": str(receipt.id)})
    return closed


def _items_apply(receipt: InboundEvent, channel: Channel, items: Sequence[InboundItem]) -> list[str]:
    """Each item by itself: one that fails holds back only what its own person did after it, and at the last try not even
    that. Returns why nothing came of those that led to nothing. Raises what the first one failed with, after the others."""
    reasons, failure, held = [], None, set[tuple[Any, ...]]()
    is_last = TRIES.over(receipt.attempts)
    for item in items:
        whose = set(ids_of(item.sender)) if isinstance(item, InboundMessage | Revision | Reaction | Signal) else set()
        if whose & held and not is_last:
            continue
        try:
            reason = _item_apply(channel, _timed(item, receipt.created_at))
        except Exception as error:
            if _ours(error):  # the others would fail, too
                raise
            failure, held = failure or error, held | whose
        else:
            reasons += [reason] if reason else []
    if failure:
        raise failure
    return reasons


def _ours(error: Exception) -> bool:
    """Whether it is trouble of our own servers, and nothing is wrong with the receipt."""
    return server_trouble(error) or isinstance(error, Unavailable)


def _items(receipt: InboundEvent, channel: Channel) -> Sequence[InboundItem]:
    """What the request says, read once. Raises BadPayload."""
    if receipt.items is None:
        raw = RawRequest.from_stored(receipt.request)
        receipt.items = [_kept(item) for item in channel.adapter.parse(raw, channel.adapter_config())]
    return receipt.items


def _kept(item: InboundItem) -> InboundItem:
    """The item, unless an id in it does not fit: PostgreSQL would refuse it for a day, and what stands behind it."""
    name = too_long(item)
    return Ignored(f"too_long:{name}") if name else item


def _timed(item: InboundItem, received: datetime) -> InboundItem:
    """The item with the time at which it happened: the platform's where it tells one, never later than we had it."""
    if isinstance(item, InboundMessage):
        return replace(item, sent_at=min(item.sent_at or received, received), dated=item.sent_at is not None)
    if isinstance(item, StatusUpdate | Revision | Reaction | Signal):
        return replace(item, at=min(item.at or received, received))
    return item


def _failed(receipt: InboundEvent, error: Exception) -> bool:
    """Trouble of our own servers costs no try; anything else is tried for a day, in its place in the lane."""
    ours = _ours(error)
    name = type(error).__name__
    log.error("receipt_failed", receipt=str(receipt.id), error=name, attempts=receipt.attempts, counts=not ours)
    if ours:
        put_off(receipt, server_back(), counts=False, reason=name)
    elif TRIES.over(receipt.attempts):
        return receipt_give_up(receipt, name)
    else:
        put_off(receipt, TRIES.next(receipt.attempts), reason=name, lane=_narrowed(receipt))
    return False


def _narrowed(receipt: InboundEvent) -> str:
    """A request of several people that fails again and again must not stop the whole channel for a day."""
    return "" if receipt.lane == EVERYBODY and receipt.attempts >= TRIES_OF_ALL else receipt.lane


def receipt_give_up(receipt: InboundEvent, reason: str) -> bool:
    """Kept for inspection and replay, and told. False, and nothing is, when another worker has it by now."""
    with atomic():
        closed = _close(receipt, InboundEvent.Status.FAILED, reason)
        if closed:
            work_given_up("receipts", receipt, reason)
    return closed


def receipts_replay(receipts: QuerySet[InboundEvent]) -> int:
    """Process receipts of a queryset again, with fresh tries, in their old places. Every message in them is
    deduplicated by its own id: what was taken already is not taken twice. Returns how many."""
    finished = InboundEvent.objects.exclude(status=InboundEvent.Status.RECEIVED)  # a worker's own is left alone
    count = 0
    for receipt_id in list(receipts.order_by("place", "id").values_list("id", flat=True)):
        again = finished.filter(id=receipt_id).update(
            status=InboundEvent.Status.RECEIVED, attempts=0, leases=0, claim=None, due_at=now(), processed_at=None,
            reason="",
        )  # fmt: skip
        if again:
            count += 1
            on_commit(partial(wake.parse, receipt_id))
    return count


def _item_apply(channel: Channel, item: InboundItem) -> str:
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
    if item.status == "failed" and item.code in channel.adapter.media_codes:
        file_sent_again(channel, item)
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


def _close(receipt: InboundEvent, status: str, reason: str) -> bool:
    """A tenant that hides personal data keeps no request, either, once it is understood (MSG-3)."""
    understood = status in (InboundEvent.Status.PROCESSED, InboundEvent.Status.IGNORED)
    hides = understood and settings_for(receipt.tenant_id).safety.mask
    kept = {"request": erased(receipt.request)} if hides else {}
    return settle(receipt, status=status, reason=reason[:300], processed_at=now(), **kept)


def _next_of(receipt: InboundEvent) -> uuid.UUID | None:
    """The next receipt of the lane, for this worker; those of other lanes that waited for a crossing one are woken."""
    waiting = heads.receipts_behind(receipt).values_list("id", flat=True)
    if receipt.lane != EVERYBODY:
        return waiting.first()
    for receipt_id in waiting[:WOKEN_BEHIND]:
        wake.parse(receipt_id)
    return None
