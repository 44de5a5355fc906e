"""Which message of a lane may leave now, and when one that may not is looked at again.

Owns the head of a lane, holds, rates and the end of a message's life. Must not call a platform.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from messaging import wake
from messaging.models import Delivery
from messaging.rules.hold import channel_admits, channel_held_until
from tenants.access.limits import allow
from tenants.storage import prepared
from tenants.storage.db import now
from tenants.work.crew import Lane
from tenants.work.leases import put_off

OFF = timedelta(seconds=60)  # how often a switched-off channel's lanes are looked at
HEAD = prepared.Select(
    Delivery,
    lambda rows, conversation_id: (
        rows.filter(conversation_id=conversation_id, status__in=Delivery.UNFINISHED)
        .order_by("seq")
        .select_related("message__identity", "conversation")
    ),
)


def lane_head(conversation_id: uuid.UUID) -> Delivery | None:
    """The oldest unfinished delivery of a conversation: the only one that may be sent."""
    head: Delivery | None = HEAD.first(conversation_id=conversation_id)
    return head


def ready(delivery: Delivery, *, drawn: bool = False) -> bool:
    """Due, and it `may_leave`."""
    return delivery.due_at <= now() and may_leave(delivery, drawn=drawn)


def may_leave(delivery: Delivery, *, drawn: bool = False) -> bool:
    """Its channel is neither held nor over its rate, unless its place in that is ``drawn`` already. What may not leave is
    put off, not tried."""
    at = now()
    channel = channel_for_id(delivery.channel_id)
    if channel and (channel.disconnected_at or expired(delivery)):
        return True  # to be refused, for which no platform is called
    if channel is None or not channel.enabled:  # the sweep wakes it when it is on again, or the message over
        put_off(delivery, not_beyond_life(delivery, at + OFF), counts=False)
        return False
    held_until = channel_held_until(channel)
    if held_until and held_until > at:
        return later(delivery, held_until)
    wait_s = 0.0 if drawn else within_rate(channel)
    if wait_s > 0:
        return later(delivery, at + timedelta(seconds=wait_s))
    held_until = channel_admits(channel)  # last: a worker that is admitted after a hold has to send
    return later(delivery, held_until) if held_until else True


def within_rate(channel: Channel, messages: int = 1) -> float:
    """Take as many places in the channel's rate. The seconds to wait; then none is taken."""
    rate, burst = channel.adapter.rate
    if channel.rate_per_second:
        rate, burst = channel.rate_per_second, max(1, int(channel.rate_per_second))
    return (
        allow(f"channel:{channel.id}", rate, burst, messages)
        if messages > 1
        else allow(f"channel:{channel.id}", rate, burst)
    )


def expired(delivery: Delivery) -> bool:
    return not delivery.action and delivery.expires_at is not None and delivery.expires_at <= now()


def not_beyond_life(delivery: Delivery, until: datetime) -> datetime:
    """A message that waits ends when it expires, not with the pause that it is in by then."""
    return min(until, delivery.expires_at) if delivery.expires_at and not delivery.action else until


def later(delivery: Delivery, until: datetime) -> bool:
    """Put it off; that costs no try. False: it may not leave now."""
    until = not_beyond_life(delivery, until)
    if put_off(delivery, until, counts=False):
        wake_at(delivery, until)
    return False


def wake_at(delivery: Delivery, at: datetime) -> None:
    lane = Lane(delivery.tenant_id, delivery.channel_id)
    wake.deliver(delivery.conversation_id, delay_s=max(0.0, (at - now()).total_seconds()), lane=lane)
