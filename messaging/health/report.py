"""What there is to say about a channel: its state, what waits on it, what is wrong and what to do about it.

Owns the shape that the API, the console, `channel_doctor` and staff read. Must not ask a platform or change anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import BaseModel, Field

from channels_app.contract import CheckResult
from channels_app.health import ADVICE, DISABLED, DISCONNECTED, WELL, State, state_of
from channels_app.models import Channel, ChannelHealth, ChannelIncident
from channels_app.services import webhook_url
from channels_app.words.moments import Moment
from messaging.models import Delivery
from tenants.errors import NotFound

HERE = ("localhost", "127.0.0.1", "::1")


class Problem(BaseModel):
    """Something that is not as it should be."""

    what: str
    remedy: str


class Incident(BaseModel):
    """A stretch of time in which the channel was not well."""

    id: uuid.UUID
    state: str
    reason: str
    began_at: Moment
    closed_at: Moment | None


class ChannelReport(BaseModel):
    """How a channel fares. ``state``: unchecked (nothing has proved that it works), healthy, degraded, credential_refused, silent or disabled."""

    id: uuid.UUID
    kind: str
    name: str
    webhook_url: str
    state: str
    reason: str
    since: Moment | None
    checked_at: Moment | None
    last_inbound_at: Moment | None = Field(description="To the minute")
    held_until: Moment | None = Field(description="Nothing is sent before")
    waiting: int = Field(description="Messages on their way out; 1000 stands for that many or more")
    dead_letters: int
    problems: list[Problem]
    incidents: list[Incident] = Field(description="The latest ten, newest first")


def channel_named(channel_id: uuid.UUID) -> Channel:
    """A channel of the tenant in scope. Raises NotFound ``channel_not_found``."""
    channel = Channel.objects.select_related("tenant").filter(id=channel_id).first()
    if channel is None:
        raise NotFound("There is no such channel.", code="channel_not_found")
    return channel


def channel_report(channel: Channel, asked: CheckResult | None = None) -> ChannelReport:
    """The report, in the channel's tenant's scope; ``asked`` adds what the platform has just said."""
    health = ChannelHealth.objects.filter(channel=channel).first()
    deliveries = Delivery.objects.filter(channel=channel)
    state = state_of(channel, health)
    waiting = len(deliveries.filter(status__in=Delivery.UNFINISHED).values_list("id")[:1000])
    dead = len(deliveries.filter(status=Delivery.Status.FAILED, dead_at__isnull=False).values_list("id")[:1000])
    return ChannelReport(
        id=channel.id,
        kind=channel.kind,
        name=channel.name,
        webhook_url=webhook_url(channel),
        state=state,
        reason=health.reason if health and channel.enabled else "",
        since=health.state_since if health else None,
        checked_at=health.checked_at if health else None,
        last_inbound_at=health.last_inbound_at if health else None,
        held_until=health.held_until if health else None,
        waiting=waiting,
        dead_letters=dead,
        problems=list(_problems(channel, health, state, asked, dead)),
        incidents=[_incident(one) for one in ChannelIncident.objects.filter(channel=channel).order_by("-id")[:10]],
    )


def _problems(
    channel: Channel, health: ChannelHealth | None, state: str, asked: CheckResult | None, dead: int
) -> Iterator[Problem]:
    if state in (DISABLED, DISCONNECTED):
        return
    guide = f"docs/channels/{channel.kind}.md tells what belongs where."
    if health and state not in WELL:
        yield Problem(what=health.reason or state.replace("_", " "), remedy=f"{ADVICE[State(state)]} {guide}")
    if asked and "remedy" in asked.facts:
        yield Problem(what=asked.detail, remedy=str(asked.facts["remedy"]))
    elif asked and asked.state == "unknown" and "code" in asked.facts:
        what = f"The platform could not be asked: {asked.detail or asked.facts['code']}"
        yield Problem(what=what, remedy="Check api_base and the way out to it; messages wait and are tried again.")
    if (
        not _local(channel.config.get("api_base", ""))
        and channel.adapter.signature_header
        and _local(settings.PUBLIC_URL)
    ):
        what = f"The platform cannot reach {settings.PUBLIC_URL}"
        yield Problem(what=what, remedy="Set PUBLIC_URL to an address that the internet can reach.")
    if dead:
        yield Problem(what=f"{dead} dead letters", remedy="See Console → Dead letters; manage.py replay_dead_letters.")


def _local(url: str) -> bool:
    return urlsplit(url).hostname in HERE


def _incident(row: ChannelIncident) -> Incident:
    return Incident(id=row.id, state=row.state, reason=row.reason, began_at=row.created_at, closed_at=row.closed_at)
