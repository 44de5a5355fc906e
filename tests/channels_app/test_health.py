"""What a finding makes of a channel: the whole table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels_app.health import DISABLED, Finding, health_move, health_row, next_state, state_of
from channels_app.models import ChannelHealth, ChannelIncident
from tenants.storage.db import atomic, now
from tests.factories import ChannelFactory

HEALTHY, SILENT, DEGRADED, REFUSED = "healthy", "silent", "degraded", "credential_refused"
ALL = (HEALTHY, SILENT, DEGRADED, REFUSED)


@pytest.mark.parametrize("present", ALL)
@pytest.mark.parametrize("found", ALL)
def test_a_check_knows_all_and_decides_alone(present, found) -> None:
    assert next_state(present, Finding(found, "check")) == found


@pytest.mark.parametrize(
    ("present", "finding", "held", "after"),
    [
        (HEALTHY, Finding(REFUSED, "send"), False, REFUSED),
        (SILENT, Finding(DEGRADED, "send"), False, DEGRADED),
        (REFUSED, Finding(DEGRADED, "send"), True, REFUSED),
        (DEGRADED, Finding(REFUSED, "platform"), False, REFUSED),
        (REFUSED, Finding(HEALTHY, "send"), True, HEALTHY),
        (DEGRADED, Finding(HEALTHY, "send"), False, DEGRADED),
        (SILENT, Finding(HEALTHY, "inbound"), False, HEALTHY),
        (REFUSED, Finding(HEALTHY, "inbound"), True, REFUSED),
        (DEGRADED, Finding(HEALTHY, "inbound"), False, DEGRADED),
        (DEGRADED, Finding(HEALTHY, "staff"), False, HEALTHY),
    ],
    ids=str,
)
def test_the_others_make_worse_or_end_what_they_disprove(present, finding, held, after) -> None:
    assert next_state(present, finding, held=held) == after


def move(channel, state, source="check", **more):
    health_row(channel)
    with atomic():
        return health_move(channel, Finding(state, source, f"was {state}", **more))


@pytest.mark.django_db
def test_an_incident_lasts_from_the_first_trouble_to_the_recovery(scope) -> None:
    channel = ChannelFactory(tenant=scope)
    first = move(channel, DEGRADED)
    worse = move(channel, REFUSED)
    assert not move(channel, REFUSED).moved
    assert first.incident == worse.incident
    assert ChannelIncident.objects.get(is_open=True).state == REFUSED
    ended = move(channel, HEALTHY)
    assert (ended.before, ended.after, ended.incident) == (REFUSED, HEALTHY, first.incident)
    assert ChannelIncident.objects.get().closed_at is not None
    assert move(channel, SILENT).incident != first.incident


@pytest.mark.django_db
def test_a_hold_is_released_by_recovery_only(scope) -> None:
    channel = ChannelFactory(tenant=scope)
    assert not move(channel, REFUSED, "send", hold_s=30).released
    row = ChannelHealth.objects.get(channel=channel)
    assert row.held_until > now() + timedelta(seconds=20)
    assert not move(channel, HEALTHY, "inbound").released
    assert move(channel, HEALTHY, "send").released
    row.refresh_from_db()
    assert (row.state, row.held_until, row.failures, row.reason) == (HEALTHY, None, 0, "")


@pytest.mark.django_db
def test_another_tenants_incidents_stay_apart(scope, other_tenant) -> None:
    move(ChannelFactory(tenant=scope), DEGRADED)
    assert ChannelIncident.objects.get().tenant_id == scope.id
    theirs = ChannelFactory(tenant=other_tenant)
    assert not ChannelIncident.objects.filter(channel=theirs).exists()


@pytest.mark.django_db
def test_a_channel_that_is_off_is_disabled_whatever_its_row_says(scope) -> None:
    channel = ChannelFactory(tenant=scope, enabled=False)
    assert state_of(channel, ChannelHealth(channel=channel, state=DEGRADED)) == DISABLED
    assert state_of(ChannelFactory(tenant=scope), None) == "unchecked"
