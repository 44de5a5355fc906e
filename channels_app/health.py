"""How a channel fares: the state machine, its row and its incidents.

Owns the one decision what a finding makes of a channel, written by compare-and-set along with the
incident. Must not ask a platform, send anything or know messages: messaging/health/watch.py does.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels_app.models import Channel, ChannelHealth, ChannelIncident
from tenants.errors import Unavailable
from tenants.storage.db import now
from tenants.storage.memo import Memo

State = ChannelHealth.State
WELL = (State.UNCHECKED, State.HEALTHY)  # nothing wrong is known: no incident, and staff are not told
DISABLED = "disabled"  # shown for a channel that is switched off; never stored
DISCONNECTED = "disconnected"  # for one that is so for good
SEVERITY = {State.UNCHECKED: 0, State.HEALTHY: 0, State.SILENT: 1, State.DEGRADED: 2, State.CREDENTIAL_REFUSED: 3}
RACES = 5
NOTICED = timedelta(days=1)  # so long a platform's lasting notice counts for more than checks

#: what staff do about a state; the reason beside it says what was found
ADVICE = {
    State.CREDENTIAL_REFUSED: "Enter valid credentials on the channel's page; held messages then go out by themselves.",
    State.DEGRADED: "Repair what the reason names, then press Check now; messages wait and are tried again.",
    State.SILENT: "Check at the platform that the webhook address is entered and its events are subscribed.",
}

_rows: Memo[ChannelHealth] = Memo("channel-health", ttl=1.0)


@dataclass(frozen=True)
class Finding:
    """What was learnt about a channel.

    ``source``: check (the platform was asked, everything is known), doubt (it was asked and did not answer: what
    was proved before is not current), send, inbound, platform (it told us) or staff. ``hold_s``: seconds in which
    nothing is to be sent; 0: no reason to hold. ``lasting``: the platform told what a check does not see.
    """

    state: str
    source: str
    reason: str = ""
    code: str = ""
    hold_s: float = 0.0
    lasting: bool = False


@dataclass(frozen=True)
class Change:
    """What a finding has changed. ``incident`` is the one that was opened, changed or closed;
    ``released``: what was held may go out."""

    before: str
    after: str
    incident: ChannelIncident | None = None
    released: bool = False

    @property
    def moved(self) -> bool:
        """Whether there is something to tell: a proof that comes or grows old is none."""
        return self.before != self.after and not {self.before, self.after} <= set(WELL)


def state_of(channel: Channel, health: ChannelHealth | None) -> str:
    """The state to show: disconnected, disabled, or the stored one."""
    if channel.disconnected_at:
        return DISCONNECTED
    if not channel.enabled:
        return DISABLED
    return str(health.state) if health else str(State.UNCHECKED)


def next_state(present: str, finding: Finding, *, held: bool = False, noticed: bool = False) -> str:
    """The state that ``finding`` leads to; ``held``: the present one came from sends that failed; ``noticed``: from
    what the platform told and no check sees.

    A check knows all else and decides alone. Everything else can make matters worse, and ends only what it
    disproves: a message that came in ends the silence, a send that worked ends the hold, the platform's word what
    the platform told.
    """
    if noticed and finding.source == "check" and SEVERITY[State(finding.state)] < SEVERITY[State(present)]:
        return present
    if finding.source in ("check", "staff"):
        return finding.state
    if finding.state == State.UNCHECKED:
        return finding.state if present in WELL else present
    if finding.state == State.HEALTHY:
        ended = {
            "inbound": present in (State.SILENT, State.UNCHECKED),
            "send": held or present == State.UNCHECKED,
            "platform": noticed,
        }.get(finding.source, False)
        return str(State.HEALTHY) if ended else present
    return max(present, finding.state, key=lambda state: SEVERITY[State(state)])


def health_row(channel: Channel) -> ChannelHealth:
    """The channel's row, at most a second old. Not within a transaction: it may have to be made."""
    found = _rows.get(channel.id, lambda: ChannelHealth.objects.filter(channel=channel).first())
    return found or ChannelHealth.objects.get_or_create(channel=channel)[0]


def health_forget(channel_id: uuid.UUID) -> None:
    """Call after the channel's row was changed."""
    _rows.forget(channel_id)


def health_move(channel: Channel, finding: Finding) -> Change:
    """Apply a finding to the row and the incident, in the caller's transaction and tenant scope.

    The UPDATE compares the state it was decided from and locks the row until the commit, so that each
    transition happens once. Raises Unavailable when others were faster five times.
    """
    for _ in range(RACES):
        health = ChannelHealth.objects.get(channel=channel)
        noticed = health.noticed_until is not None and health.noticed_until > now()
        after = next_state(health.state, finding, held=health.held_until is not None, noticed=noticed)
        changes = _changes(health, finding, after, now())
        if ChannelHealth.objects.filter(id=health.id, state=health.state).update(**changes):
            incident = _incident_follow(channel, after, finding) if after != health.state else None
            released = health.held_until is not None and changes.get("held_until", True) is None
            return Change(str(health.state), str(after), incident, released)
    raise Unavailable("The channel's state changes too fast; try again.", retry_after=1)


def _changes(health: ChannelHealth, finding: Finding, after: str, at: datetime) -> dict[str, Any]:
    """What the finding writes into the row."""
    changes: dict[str, Any] = {"state": after}
    if after != health.state:
        changes["state_since"] = at
    if after == State.HEALTHY:
        return {**changes, "reason": "", "failures": 0, "held_until": None, "noticed_until": None}
    if finding.lasting:
        changes["noticed_until"] = at + NOTICED
    if after == finding.state:
        changes["reason"] = finding.reason[:300]
    if finding.hold_s:
        changes["held_until"] = at + timedelta(seconds=finding.hold_s)
    elif finding.source in ("check", "staff") and after == finding.state:
        changes |= {"held_until": None, "failures": 0}
    return changes


def _incident_follow(channel: Channel, after: str, finding: Finding) -> ChannelIncident | None:
    """Open, change or close the incident; the lock on the health row makes us the only one here."""
    incident = ChannelIncident.objects.filter(channel=channel, is_open=True).first()
    if after in WELL:
        if incident:
            incident.is_open, incident.closed_at = False, now()
            incident.save(update_fields=["is_open", "closed_at"])
        return incident
    if incident is None:
        reason = finding.reason[:300]
        return ChannelIncident.objects.create(tenant_id=channel.tenant_id, channel=channel, state=after, reason=reason)
    incident.state, incident.reason = after, finding.reason[:300]
    incident.save(update_fields=["state", "reason"])
    return incident
