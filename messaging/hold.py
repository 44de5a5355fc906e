"""Circuit breaker and hold of a channel, shared by all workers through the ChannelHealth row.

A refused credential or an unreachable platform stops the channel, not the messages: nothing is tried
and no attempt is burnt until ``held_until``; then one try tells whether it works again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from channels_app.contract import ConfigError, OutcomeUnknown, SendError, Unreachable
from channels_app.models import Channel, ChannelHealth
from conversations.timeline import system_event
from tenants.db import now
from tenants.memo import Memo

FAILURES_TO_OPEN = 5  # in a row
OPEN_S = 15.0
REFUSED_S = (30.0, 60.0, 120.0, 300.0, 600.0)

_health: Memo[ChannelHealth] = Memo("channel-health", ttl=1.0)


def channel_health(channel: Channel) -> ChannelHealth:
    """The channel's health row, at most a second old."""
    found = _health.get(channel.id, lambda: ChannelHealth.objects.filter(channel=channel).first())
    return found or ChannelHealth.objects.get_or_create(channel=channel)[0]


def channel_held_until(channel: Channel) -> datetime | None:
    return channel_health(channel).held_until


def channel_worked(channel: Channel) -> None:
    """A send was taken. Costs nothing while the channel is well."""
    health = channel_health(channel)
    if not health.failures and not health.held_until:
        return
    healed = ChannelHealth.objects.filter(channel=channel).update(
        state=ChannelHealth.State.HEALTHY, failures=0, held_until=None, reason=""
    )
    _health.forget()
    if healed and health.state != ChannelHealth.State.HEALTHY:
        system_event(channel.tenant_id, "chat.system.channel_recovered", {"channel_id": str(channel.id)})


def channel_failed(channel: Channel, error: SendError) -> None:
    """A send failed; only what is the channel's or the platform's fault counts."""
    if not isinstance(error, ConfigError | Unreachable | OutcomeUnknown):
        return
    before = channel_health(channel)
    ChannelHealth.objects.filter(channel=channel).update(failures=F("failures") + 1)
    failures = before.failures + 1
    if isinstance(error, ConfigError):
        state = ChannelHealth.State.CREDENTIAL_REFUSED
        hold_s = REFUSED_S[min(failures, len(REFUSED_S)) - 1]
    elif failures >= FAILURES_TO_OPEN:
        state, hold_s = ChannelHealth.State.DEGRADED, OPEN_S
    else:
        _health.forget()
        return
    ChannelHealth.objects.filter(channel=channel).update(
        state=state, held_until=now() + timedelta(seconds=hold_s), reason=f"{error.sentence} ({error.code})"[:300]
    )
    _health.forget()
    if before.state != state:
        facts = {"channel_id": str(channel.id), "state": state, "code": error.code}
        system_event(channel.tenant_id, "chat.system.channel_degraded", facts)


def channel_release(channel: Channel) -> None:
    """Somebody mended the channel: try again at once."""
    ChannelHealth.objects.filter(channel=channel).update(
        state=ChannelHealth.State.HEALTHY, failures=0, held_until=None, reason=""
    )
    _health.forget()
