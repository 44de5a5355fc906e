"""How a receipt ends, and what it leads to when it fails: it is tried for a day, in its place, and never lost."""

from __future__ import annotations

import uuid
from typing import Any

import structlog

from channels_app.contract import EVERYBODY, erased
from conversations.timeline import system_event, work_given_up
from messaging import heads, wake
from messaging.models import InboundEvent
from tenants.errors import Unavailable
from tenants.storage.db import atomic, now, server_trouble
from tenants.tenant_settings import settings_for
from tenants.work.leases import A_DAY, put_off, server_back, settle

log = structlog.get_logger(__name__)

TRIES = A_DAY
TRIES_OF_ALL = 3  # then a request of several people gives up its place among those of others
WOKEN_BEHIND = 100  # receipts that a crossing one lets go at once; the sweep wakes the others


def receipt_close(receipt: InboundEvent, status: str, reason: str) -> bool:
    """A tenant that hides personal data keeps no request, either, once it is understood (MSG-3)."""
    understood = status in (InboundEvent.Status.PROCESSED, InboundEvent.Status.IGNORED)
    hides = understood and settings_for(receipt.tenant_id).safety.mask
    kept = {"request": erased(receipt.request)} if hides else {}
    return settle(receipt, status=status, reason=reason[:300], processed_at=now(), **kept, **_done(receipt))


def receipt_malformed(receipt: InboundEvent, why: str) -> bool:
    """Staff are told. It stays whole, to be processed again: what was understood of it is not taken twice."""
    with atomic():
        closed = receipt_close(receipt, InboundEvent.Status.MALFORMED, why)
        if closed:
            system_event(receipt.tenant_id, "chat.system.webhook_malformed", {"receipt_id": str(receipt.id)})
    return closed


def receipt_failed(receipt: InboundEvent, error: Exception) -> bool:
    """Trouble of our own servers costs no try; anything else is tried for a day, in its place in the lane."""
    is_ours = ours(error)
    name = type(error).__name__
    log.error("receipt_failed", receipt=str(receipt.id), error=name, attempts=receipt.attempts, counts=not is_ours)
    if is_ours:
        put_off(receipt, server_back(), counts=False, reason=name, **_done(receipt))
    elif TRIES.over(receipt.attempts):
        return receipt_give_up(receipt, name)
    else:
        put_off(receipt, TRIES.next(receipt.attempts), reason=name, lane=_narrowed(receipt), **_done(receipt))
    return False


def _done(receipt: InboundEvent) -> dict[str, Any]:
    """What is written of the items that were done, if any of them has to be known again."""
    return {"done": receipt.done} if receipt.done else {}


def ours(error: Exception) -> bool:
    """Whether it is trouble of our own servers, and nothing is wrong with the receipt."""
    return server_trouble(error) or isinstance(error, Unavailable)


def _narrowed(receipt: InboundEvent) -> str:
    """A request of several people that fails again and again must not stop the whole channel for a day."""
    return "" if receipt.lane == EVERYBODY and receipt.attempts >= TRIES_OF_ALL else receipt.lane


def receipt_give_up(receipt: InboundEvent, reason: str) -> bool:
    """Kept for inspection and replay, and told. False, and nothing is, when another worker has it by now."""
    with atomic():
        closed = receipt_close(receipt, InboundEvent.Status.FAILED, reason)
        if closed:
            work_given_up("receipts", receipt, reason)
    return closed


def receipt_next_of(receipt: InboundEvent) -> uuid.UUID | None:
    """The next receipt of the lane, for this worker; those of other lanes that waited for a crossing one are woken."""
    waiting = heads.receipts_behind(receipt).values_list("id", flat=True)
    if receipt.lane != EVERYBODY:
        return waiting.first()
    for receipt_id in waiting[:WOKEN_BEHIND]:
        wake.parse(receipt_id)
    return None
