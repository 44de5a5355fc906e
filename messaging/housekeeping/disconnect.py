"""Channels that staff disconnected: closed at once, then brought to rest; what people said stays.

What was acknowledged before is still understood and its files are fetched, for LONGEST at most: only then the secrets
go. Must not delete a row.
"""

from __future__ import annotations

import itertools
from datetime import timedelta

import structlog

from channels_app.models import Channel
from channels_app.services import channel_close, secrets_erase
from conversations.models import Attachment, Conversation
from messaging.health.watch import channel_release, channel_saved
from messaging.models import InboundEvent
from messaging.rules.control import conversation_end
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More, batches
from tenants.storage.db import now

log = structlog.get_logger(__name__)

LONGEST = timedelta(hours=1)


def channel_disconnect(channel: Channel, more: More) -> None:
    """Close the channel for good and do what follows while ``more``; housekeeping does the rest. In its scope."""
    channel_close(channel)
    channel_saved(channel)  # its health is no worry any more
    channel_release(channel)  # what waits to be sent fails now, and not when a hold has ended
    log.info("channel_disconnected", channel=str(channel.id), kind=channel.kind)
    _clear(channel, more)


def disconnected_clear(more: More) -> int:
    """Bring closed channels of all tenants to rest; how many came to it."""
    # unscoped: of all tenants; each is cleared inside its own scope
    closed = Channel.objects.unscoped().filter(disconnected_at__isnull=False, cleared_at=None)
    count, failures = 0, Failures()
    for channel in closed.order_by("disconnected_at"):
        if more():
            with failures.apart(channel=str(channel.id)), tenant_scope(channel.tenant_id):
                count += _clear(channel, more)
    failures.tell()
    return count


def _clear(channel: Channel, more: More) -> bool:
    """False when something is left for the next run."""
    closed_at = channel.disconnected_at
    if closed_at and closed_at > now() - LONGEST and _expected(channel):
        return False
    open_ones = Conversation.objects.filter(channel=channel, is_open__in=[True])
    for found in batches(open_ones, more=more):
        for row in itertools.takewhile(lambda _: more(), found):
            conversation_end(row.id, reason="channel_disconnected")
    if not more() or open_ones.exists():
        return False
    secrets_erase(channel)
    return True


def _expected(channel: Channel) -> bool:
    """Whether something that was acknowledged still needs the channel's secrets."""
    received = InboundEvent.objects.filter(channel=channel, status=InboundEvent.Status.RECEIVED)
    remote = Attachment.objects.filter(channel=channel, state=Attachment.State.REMOTE, message__isnull=False)
    return received.exists() or remote.exists()
