"""The webhook's way in: a request is verified, stored whole, acknowledged, and understood afterwards.

Owns receipts (InboundEvent): the order in which they are taken up, and of what is done with each (`receipts/`: reading,
applying, settling). Must not know any platform.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet

from channels_app.contract import BadPayload, InboundMessage, Malformed, RawRequest
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from messaging import heads, wake
from messaging.health.watch import inbound_seen
from messaging.models import InboundEvent
from messaging.receipts.applying import items_apply
from messaging.receipts.reading import digest_of, items_of, lane_of
from messaging.receipts.settling import (
    receipt_close,
    receipt_failed,
    receipt_give_up,
    receipt_malformed,
    receipt_next_of,
)
from messaging.receipts.together import accepted_at_once, followers_of, of_different_people, opened_of
from messaging.rules import repeats
from messaging.shutdown import stopping
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, now, on_commit, retried
from tenants.work.crew import Lane, Told
from tenants.work.leases import WORKER_LOST, claim

#: behind every receipt of the channel that was acknowledged before this one came, whatever the clocks say. Requests that
#: are stored at the same time may get the same place
PLACE = prepared.Next(InboundEvent, "place", lambda rows, channel: rows.filter(channel=channel))
#: a receipt for which no other is to be waited. Nothing comes before the head of a lane any more, so this look is good
HEADS = prepared.Select(
    InboundEvent, lambda rows, ids: heads.receipts(rows.filter(id__in=ids, status=InboundEvent.Status.RECEIVED))
)


@retried
def receipt_store(channel: Channel, raw: RawRequest) -> InboundEvent | None:
    """Keep a verified request. None when the very same one is here already: the platform resent it."""
    digest = digest_of(channel, raw)
    if repeats.stored_before(channel.id, digest):
        return None
    lane = lane_of(channel, raw)
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
        next_id = receipt_next_of(receipt)
    return done


def receipts_take(told: Sequence[Told]) -> int:
    """`receipt_process` for the first calls of receipts of one tenant. Those that hold one message and nothing else are
    not leased before, and stored in one transaction. Not for calls of the sweep: a receipt that ends its workers has to
    be counted."""
    done, waiting = 0, list(told)
    while waiting and not stopping.is_set():
        found = {receipt.id: receipt for receipt in HEADS.run(ids=[one.row_id for one in waiting])}
        opened = of_different_people(
            one.context.run(opened_of, found[one.row_id], one.context) for one in waiting if one.row_id in found
        )
        stored = accepted_at_once(opened) if opened else []
        following = followers_of(stored) if stored else []
        for one in stored:
            del found[one.receipt.id]
        for receipt in found.values():
            if _leased(receipt):
                done += 1
                next_id = receipt_next_of(receipt)
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


def _process(receipt: InboundEvent) -> bool:
    """True when the receipt is done with, one way or the other."""
    if receipt.worn_out:
        return receipt_give_up(receipt, WORKER_LOST)
    try:
        return _understand(receipt)
    except Exception as error:  # noqa: BLE001  the receipt is tried again; it is never lost
        return receipt_failed(receipt, error)


def _understand(receipt: InboundEvent) -> bool:
    channel = channel_for_id(receipt.channel_id)
    if channel is None:
        return receipt_close(receipt, InboundEvent.Status.IGNORED, "channel is gone")
    if RawRequest.from_stored(receipt.request).is_erased:
        return receipt_close(receipt, InboundEvent.Status.IGNORED, "not kept")
    try:
        items = items_of(receipt, channel)
    except BadPayload as error:
        return receipt_malformed(receipt, str(error))
    if any(isinstance(item, InboundMessage) for item in items):
        inbound_seen(channel)
    reasons = items_apply(receipt, channel, items)
    if any(isinstance(item, Malformed) for item in items):
        return receipt_malformed(receipt, "; ".join(dict.fromkeys(reasons)))
    if len(reasons) == len(items):
        return receipt_close(receipt, InboundEvent.Status.IGNORED, "; ".join(dict.fromkeys(reasons)) or "nothing in it")
    return receipt_close(receipt, InboundEvent.Status.PROCESSED, "; ".join(dict.fromkeys(reasons)))


def receipts_replay(receipts: QuerySet[InboundEvent]) -> int:
    """Process receipts of a queryset again, with fresh tries, in their old places. Every message in them is
    deduplicated by its own id, and of other items it is kept which were done: nothing is taken twice. Returns how many."""
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
