"""Circuit breaker and hold of a channel, shared by all workers through the ChannelHealth row.

A refused credential or an unreachable platform stops the channel, not the messages: nothing is tried
and no attempt is used up until ``held_until``; then one message tries it, and the others follow when it works.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from channels_app.contract import ConfigError, OutcomeUnknown, SendError, Unreachable
from channels_app.health import Finding, State, health_forget, health_row
from channels_app.models import Channel, ChannelHealth
from messaging.health.watch import channel_found
from tenants.storage.db import now

FAILURES_TO_OPEN = 5  # in a row
OPEN_S = 15.0
REFUSED_S = (30.0, 60.0, 120.0, 300.0, 600.0)
PROBE = timedelta(seconds=20)  # in which the one try must have ended; then another may be made


def channel_held_until(channel: Channel) -> datetime | None:
    return health_row(channel).held_until


def channel_admits(channel: Channel) -> datetime | None:
    """None: send. Otherwise until when to wait. When a hold has run out, the first worker that asks is admitted
    and the others wait for what becomes of it."""
    held_until, at = health_row(channel).held_until, now()
    if held_until is None or held_until > at:
        return held_until
    ours = ChannelHealth.objects.filter(channel=channel, held_until=held_until).update(held_until=at + PROBE)
    health_forget(channel.id)
    return None if ours else channel_held_until(channel)


def channel_worked(channel: Channel) -> None:
    """A send was taken. Costs nothing while the channel is well."""
    health = health_row(channel)
    if health.held_until or health.state == State.UNCHECKED:
        channel_found(channel, Finding(State.HEALTHY, "send"))
    elif health.failures:
        ChannelHealth.objects.filter(channel=channel).update(failures=0)
        health_forget(channel.id)


def channel_failed(channel: Channel, error: SendError) -> None:
    """A send failed; only what is the channel's or the platform's fault counts."""
    if not isinstance(error, ConfigError | Unreachable | OutcomeUnknown):
        return
    failures = health_row(channel).failures + 1
    ChannelHealth.objects.filter(channel=channel).update(failures=F("failures") + 1)
    health_forget(channel.id)
    reason = f"{error.sentence} ({error.code})"
    if isinstance(error, ConfigError):
        hold_s = REFUSED_S[min(failures, len(REFUSED_S)) - 1]
        channel_found(channel, Finding(State.CREDENTIAL_REFUSED, "send", reason, error.code, hold_s))
    elif failures >= FAILURES_TO_OPEN:
        channel_found(channel, Finding(State.DEGRADED, "send", reason, error.code, OPEN_S))
