"""Watching over channels: what a finding leads to, and the look at every channel now and then.

Owns the transaction in which a channel changes its state, its event is written and its held messages are
made due. Must not decide the state (channels_app/health.py) nor tell staff (outbox/alerts.py, from the event).
"""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.db.models import F, Q

from channels_app.contract import ChannelNotice, CheckResult
from channels_app.health import Change, Finding, State, health_forget, health_move, health_row
from channels_app.models import Channel, ChannelHealth, IncompleteChannel
from channels_app.services import bad_signatures_take, http_for
from conversations.models import Message
from conversations.timeline import system_event
from messaging import wake
from messaging.models import Delivery, InboundEvent
from messaging.shutdown import stopping
from tenants.errors import Conflict
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, now, on_commit, retried
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

JITTER = 0.2  # part of the interval by which checks are spread
REFUSED_HOLD_S = 600.0  # the checks, too, find out when the credentials work again
SEEN_EVERY = timedelta(minutes=1)
BUSY = 10  # messages of people within a week before the last one: such a channel has something to miss
PROVED = timedelta(minutes=15)  # a webhook that was taken since then speaks for the secret
MOST = 500  # lanes woken at once; the sweep wakes the others


# ------------------------------------------------------------------- what a finding does


@retried
def channel_found(channel: Channel, finding: Finding) -> Change:
    """Apply a finding with all that follows from it, in one transaction."""
    with tenant_scope(channel.tenant_id):
        health_row(channel)
        with atomic():
            change = health_move(channel, finding)
            if change.moved:
                _announce(channel, change, finding)
        health_forget(channel.id)
        if change.released:
            _lanes_due(channel)
    return change


@retried
def channel_release(channel: Channel) -> None:
    """Staff may have repaired the channel: one message tries it at once, and the others follow when that works."""
    with tenant_scope(channel.tenant_id):
        held = ChannelHealth.objects.filter(channel=channel, held_until__gt=now())
        with atomic():
            held.update(held_until=now(), failures=0)
        health_forget(channel.id)
        _lanes_due(channel)


def channel_saved(channel: Channel) -> None:
    """Call after staff have saved a channel: what is held is tried with the new settings. A channel that
    was switched off is not checked."""
    if channel.enabled:
        channel_release(channel)
        ChannelHealth.objects.filter(channel=channel).update(noticed_until=None)
        proved = ChannelHealth.objects.filter(channel=channel, state=State.HEALTHY)
        proved.update(state=State.UNCHECKED)  # that was proved of the settings before
        health_forget(channel.id)
        channel_check_soon(channel)
    else:
        channel_found(channel, Finding(State.HEALTHY, "staff", "switched off"))


def channel_check_soon(channel: Channel) -> None:
    """Let a worker ask the platform at once. Raises Conflict ``channel_disconnected``."""
    _require_connected(channel)
    ChannelHealth.objects.filter(channel=channel).update(checked_at=None)
    wake.watch(channel.id)


def _require_connected(channel: Channel) -> None:
    if channel.disconnected_at:
        raise Conflict("This channel is disconnected.", code="channel_disconnected")


def channel_notice(channel: Channel, notice: ChannelNotice) -> None:
    """The platform itself tells that something is wrong with the account, or is right again."""
    hold_s = REFUSED_HOLD_S if notice.state == State.CREDENTIAL_REFUSED else 0.0
    channel_found(channel, Finding(notice.state, "platform", notice.reason, notice.code, hold_s, notice.lasting))


def _announce(channel: Channel, change: Change, finding: Finding) -> None:
    facts = {
        "channel_id": str(channel.id),
        "incident_id": str(change.incident.id) if change.incident else None,
        "state": change.after if channel.enabled else "disabled",
        "previous": change.before,
    }
    if change.after == State.HEALTHY:
        system_event(channel.tenant_id, "chat.system.channel_recovered", facts)
    else:
        facts |= {"reason": finding.reason[:300], "code": finding.code[:60]}
        system_event(channel.tenant_id, "chat.system.channel_degraded", facts)
    log.info(
        "channel_state_changed", channel=str(channel.id), state=change.after, previous=change.before, code=finding.code
    )


def _lanes_due(channel: Channel) -> None:
    """What was put off for the channel may be tried now; the order within each lane is deliver's. In batches, each
    committed by itself: one that a crash left out is due when its hold would have ended."""
    waiting, at = Delivery.objects.filter(channel=channel, status=Delivery.Status.QUEUED), now()
    put_off = waiting.filter(due_at__gt=at).order_by("due_at").values_list("id", flat=True)
    while (batch := list(put_off[:MOST])) and not stopping.is_set():
        waiting.filter(id__in=batch).update(due_at=at)
    for lane in dict.fromkeys(waiting.order_by("due_at").values_list("conversation_id", flat=True)[:MOST]):
        on_commit(partial(wake.deliver, lane))


# ------------------------------------------------------------------------------- checks


def channel_check(channel: Channel) -> CheckResult:
    """Ask the platform, look at our own figures, and apply what was found. A member of staff asked, so
    a platform that is content ends every hold. Raises Conflict ``channel_disconnected``."""
    _require_connected(channel)
    asked = channel_ask(channel)
    ChannelHealth.objects.filter(id=health_row(channel).id).update(checked_at=now())
    if finding := _verdict(channel, asked):
        channel_found(channel, finding)
    return asked


def channel_ask(channel: Channel) -> CheckResult:
    """What the platform says about the channel; changes nothing."""
    try:
        return channel.adapter.check(channel.adapter_config(), http_for(channel))
    except IncompleteChannel as error:  # stored before a field was added
        return CheckResult("degraded", error.message, {"code": error.code})
    except Exception as error:  # noqa: BLE001  an adapter's bug must not end the watch
        log.error("channel_check_crashed", kind=channel.kind, error=type(error).__name__)
        return CheckResult("unknown", "The check itself failed.", {"code": type(error).__name__})


def _verdict(channel: Channel, asked: CheckResult) -> Finding | None:
    """The worst of what the platform and our own figures say; None when there is nothing to go by."""
    code = str(asked.facts.get("code", ""))
    if asked.state in (State.CREDENTIAL_REFUSED, State.DEGRADED):
        hold_s = REFUSED_HOLD_S if asked.state == State.CREDENTIAL_REFUSED else 0.0
        return Finding(asked.state, "check", asked.detail, code, hold_s)
    own = _signatures(channel) or _silence(channel)
    if own:
        return own
    if asked.state == State.HEALTHY:
        return Finding(State.HEALTHY, "check")
    return Finding(State.UNCHECKED, "doubt", asked.detail, code) if code else None


def _signatures(channel: Channel) -> Finding | None:
    """Too many requests since the last check whose proof did not hold, and none whose did: where the platform's own
    get through, the secret is right and the others are strangers'."""
    seen = bad_signatures_take(channel)
    if seen < settings_for(channel.tenant_id).alerts.bad_signatures or _proved_lately(channel):
        return None
    reason = f"{seen} webhook requests since the last check could not prove their origin: is the signing secret right?"
    return Finding(State.DEGRADED, "check", reason, "bad_signatures")


def _proved_lately(channel: Channel) -> bool:
    newest = (
        InboundEvent.objects.filter(channel=channel).order_by("-place").values_list("created_at", flat=True).first()
    )
    return newest is not None and newest > now() - PROVED


def _silence(channel: Channel) -> Finding | None:
    """No message has come in for too long on a channel where people used to write."""
    hours = settings_for(channel.tenant_id).alerts.silence_h(channel.key)
    last = ChannelHealth.objects.get(channel=channel).last_inbound_at
    if hours is None or last is None or now() - last < timedelta(hours=hours):
        return None
    week_before = Q(created_at__gt=last - timedelta(days=7), created_at__lte=last + SEEN_EVERY)
    said = Message.objects.filter(week_before, channel=channel, direction=Message.Direction.INBOUND)
    if len(said.values_list("id", flat=True)[:BUSY]) < BUSY:
        return None
    return Finding(State.SILENT, "check", f"Nothing has come in since {last:%Y-%m-%d %H:%M} UTC.", "silent")


def inbound_seen(channel: Channel) -> None:
    """A person wrote: kept to the minute, and the end of a silence."""
    health = health_row(channel)
    if not health.last_inbound_at or now() - health.last_inbound_at >= SEEN_EVERY:
        ChannelHealth.objects.filter(channel=channel).update(last_inbound_at=now())
        health_forget(channel.id)
    if health.state in (State.SILENT, State.UNCHECKED):
        channel_found(channel, Finding(State.HEALTHY, "inbound"))


# ------------------------------------------------------------------------------ the round


def channels_due(at: datetime | None = None) -> list[uuid.UUID]:
    """Enabled channels of active tenants whose last check is long enough ago: those never checked, then the longest."""
    every = settings.ENV["CHANNEL_CHECK_INTERVAL_S"]
    if not every:
        return []
    since = (at or now()) - timedelta(seconds=every)
    # unscoped: the round spans all tenants; each check opens the scope of its own
    channels = Channel.objects.unscoped().filter(enabled=True, tenant__status="active")
    never_or_long_ago = Q(health=None) | Q(health__checked_at=None) | Q(health__checked_at__lte=since)
    longest_first = F("health__checked_at").asc(nulls_first=True)  # engines differ in where they put NULL
    return list(channels.filter(never_or_long_ago).order_by(longest_first).values_list("id", flat=True)[:MOST])


def channels_watch() -> int:
    """Wake a check of every channel that is due; spread, so that not all platforms are asked at once."""
    due = channels_due()
    for channel_id in due:
        wake.watch(channel_id, delay_s=random.uniform(0, 10))  # noqa: S311  no secret
    return len(due)


def channel_watch(channel: Channel) -> CheckResult | None:
    """One check of the round; None when another worker has it or it is not due any more.

    While sends fail although the platform is content with the credentials, one held message proves it:
    the state changes when that works, not before, so that staff are not told of a recovery every few minutes.
    """
    health, at = health_row(channel), now()
    every = settings.ENV["CHANNEL_CHECK_INTERVAL_S"] * random.uniform(1 - JITTER, 1)  # noqa: S311
    due = ChannelHealth.objects.filter(id=health.id).filter(
        Q(checked_at=None) | Q(checked_at__lte=at - timedelta(seconds=every))
    )
    if not due.update(checked_at=at):
        return None
    asked = channel_ask(channel)
    finding = _verdict(channel, asked)
    if finding and finding.state == State.HEALTHY and _sends_fail(channel):
        channel_release(channel)
    elif finding:
        channel_found(channel, finding)
    return asked


def _sends_fail(channel: Channel) -> bool:
    failing = ChannelHealth.objects.filter(channel=channel, failures__gt=0, held_until__isnull=False).exists()
    return failing and Delivery.objects.filter(channel=channel, status__in=Delivery.UNFINISHED).exists()
