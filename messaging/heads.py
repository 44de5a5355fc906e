"""Lanes: which unfinished rows may be taken up now, and which wait for another one, a channel or an endpoint.

Owns the order among receipts, deliveries and calls, in one query each. Must not change a row: a worker asks again when
it leases one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from channels_app.contract import EVERYBODY
from messaging.models import Delivery, InboundEvent, WebhookDelivery

# ------------------------------------------------------------------------------ receipts


def receipts(rows: QuerySet[InboundEvent], _: datetime | None = None) -> QuerySet[InboundEvent]:
    """Of open receipts those that wait for no other."""
    earlier = _unfinished(OuterRef("channel")).filter(_sooner(OuterRef("place"), OuterRef("id")))
    behind_own = Exists(earlier.filter(lane=OuterRef("lane")))
    behind_all = Exists(earlier.filter(lane=EVERYBODY))
    behind_any = Exists(earlier.exclude(lane=""))
    return rows.filter(
        Q(lane="") | Q(Q(lane=EVERYBODY), ~behind_any) | Q(~Q(lane__in=("", EVERYBODY)), ~behind_own, ~behind_all)
    )


def receipts_behind(receipt: InboundEvent) -> QuerySet[InboundEvent]:
    """The unfinished receipts that wait for this one, in their order."""
    later = Q(place__gt=receipt.place) | Q(place=receipt.place, id__gt=receipt.id)
    waiting = _unfinished(receipt.channel_id).filter(later, _crossing(receipt.lane))
    return waiting.order_by("place", "id")


def receipt_next() -> QuerySet[InboundEvent]:
    """Within a query of one receipt, of a person's lane, those that wait for it, in their order."""
    later = Q(place__gt=OuterRef("place")) | Q(place=OuterRef("place"), id__gt=OuterRef("id"))
    crossing = Q(lane=OuterRef("lane")) | Q(lane=EVERYBODY)
    return _unfinished(OuterRef("channel")).filter(later, crossing).order_by("place", "id")


def _unfinished(channel: Any) -> QuerySet[InboundEvent]:
    # unscoped: a channel has one tenant
    return InboundEvent.objects.unscoped().filter(channel=channel, status=InboundEvent.Status.RECEIVED)


def _sooner(place: Any, id: Any) -> Q:
    """Came before; ids decide among those that were stored at the same time."""
    return Q(place__lt=place) | Q(place=place, id__lt=id)


def _crossing(lane: str) -> Q:
    """The lanes that keep their order with this one."""
    if lane == EVERYBODY:
        return ~Q(lane="")
    return Q(lane__in=(lane, EVERYBODY)) if lane else Q(pk__in=())


# ------------------------------------------------------------------- deliveries and calls


def deliveries(rows: QuerySet[Delivery], at: datetime) -> QuerySet[Delivery]:
    """Of unfinished deliveries the first of each lane, where the channel is neither off nor held, or where they are
    to be refused: expired, or on a channel that was disconnected."""
    # unscoped: a conversation has one tenant
    unfinished = Delivery.objects.unscoped().filter(status__in=Delivery.UNFINISHED)
    earlier = unfinished.filter(conversation=OuterRef("conversation"), seq__lt=OuterRef("seq"))
    free = Q(channel__health=None) | Q(channel__health__held_until=None) | Q(channel__health__held_until__lte=at)
    over = Q(expires_at__lte=at, action=None) | Q(channel__disconnected_at__isnull=False)
    return rows.filter(~Exists(earlier), Q(free, channel__enabled=True) | over)


def lane(conversation: Any) -> QuerySet[Delivery]:
    """The unfinished deliveries of a conversation, which are sent by ``seq``."""
    # unscoped: a conversation has one tenant
    return Delivery.objects.unscoped().filter(conversation=conversation, status__in=Delivery.UNFINISHED)


def calls(rows: QuerySet[WebhookDelivery], at: datetime) -> QuerySet[WebhookDelivery]:
    """Of unfinished calls those whose endpoint is neither off, paused nor held."""
    free = Q(endpoint__held_until=None) | Q(endpoint__held_until__lte=at)
    return rows.filter(free, endpoint__enabled=True, endpoint__paused_at=None)
