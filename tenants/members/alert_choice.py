"""Which alerts a member of staff wants (EVT-5): kinds, by mail or in the browser, and at which hours.

Owns the meaning of ``Membership.alerts``. Must not send anything.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tenants.hours import BusinessHours, is_open, known_zone

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"  # EMAIL_BACKEND where no mail server is set
Kind = Literal[
    "escalations",
    "late",
    "dead_letters",
    "engine",
    "malformed",
    "flagged",
    "channels",
    "webhooks",
    "given_up",
    "budget",
]
Call = Literal["mention", "assigned"]  # what concerns one member alone

#: kind → what staff call it
KINDS: Mapping[str, str] = dict(
    zip(
        get_args(Kind),
        (
            "A person waits for a colleague",
            "A person has waited too long",
            "Messages could not be delivered",
            "The assistant does not answer, or answers again",
            "A platform sent what could not be understood",
            "A person's message broke a safety rule",
            "A channel does not work, or works again",
            "An integrator's webhook was paused",
            "Work was given up",
            "Language models have cost what a day may cost",
        ),
        strict=True,
    )
)
CALLS: Mapping[str, str] = {
    "mention": "A colleague names me in a note",
    "assigned": "A conversation is given to me",
}


def _known_or_none(name: str) -> str:
    return known_zone(name) if name else ""


class AlertChoice(BaseModel):
    """``in_hours_only``: by mail only while people of the tenant answer. ``rest_from`` up to ``rest_until``: each day,
    also over midnight, no mail, by the clock of ``time_zone``; "" is the tenant's. Nothing of it is sent later.

    ``quiet``, ``quiet_calls``: not by mail; ``quiet_in_browser``: not in the inbox, where hours count for nothing, for
    who has it open is at work.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    quiet: tuple[Kind, ...] = ()
    quiet_calls: tuple[Call, ...] = ()  # apart: the release before knows no calls in ``quiet``
    quiet_in_browser: tuple[Kind | Call, ...] = ()
    in_hours_only: bool = False
    rest_from: datetime.time | None = None
    rest_until: datetime.time | None = None
    time_zone: Annotated[str, AfterValidator(_known_or_none)] = ""

    def wants(self, kind: str, *, is_open: bool) -> bool:
        """By mail."""
        return kind not in (*self.quiet, *self.quiet_calls) and (is_open or not self.in_hours_only)

    def mailed(self, kind: str, hours: BusinessHours, at: datetime.datetime) -> bool:
        """Whether the member is mailed an alert of ``kind`` now; ``hours``: of the tenant."""
        return self.wants(kind, is_open=is_open(hours, at)) and not self.rests(at, hours.zone)

    def shown(self, kind: str) -> bool:
        """In the inbox, while the member has it open."""
        return kind not in self.quiet_in_browser

    def rests(self, at: datetime.datetime, zone: datetime.tzinfo) -> bool:
        """Whether ``at`` lies in the member's quiet hours; ``zone``: of the tenant."""
        if self.rest_from is None or self.rest_until is None:
            return False
        own = zoneinfo.ZoneInfo(self.time_zone) if self.time_zone else zone
        clock = at.astimezone(own).time()
        if self.rest_from <= self.rest_until:
            return self.rest_from <= clock < self.rest_until
        return clock >= self.rest_from or clock < self.rest_until


def choice_read(stored: Any) -> AlertChoice:
    """What a membership holds; one that was made by hand and is not valid counts as none."""
    try:
        return AlertChoice.model_validate(stored or {})
    except ValidationError:
        return AlertChoice()
