"""Which alerts a member of staff wants by mail (EVT-5): kinds, and at which hours.

Owns the meaning of ``Membership.alerts``. Must not send anything.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tenants.hours import known_zone

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"  # EMAIL_BACKEND where no mail server is set
Kind = Literal[
    "escalations", "late", "dead_letters", "engine", "malformed", "flagged", "channels", "webhooks", "given_up"
]

#: kind → what staff call it
KINDS: Mapping[str, str] = dict(
    zip(
        get_args(Kind),
        (
            "A person waits for a colleague",
            "A person has waited too long",
            "Messages could not be delivered",
            "The assistant does not answer",
            "A platform sent what could not be understood",
            "A person's message broke a safety rule",
            "A channel does not work, or works again",
            "An integrator's webhook was paused",
            "Work was given up",
        ),
        strict=True,
    )
)


def _known_or_none(name: str) -> str:
    return known_zone(name) if name else ""


class AlertChoice(BaseModel):
    """``in_hours_only``: by mail only while people of the tenant answer. ``rest_from`` up to ``rest_until``: each day,
    also over midnight, no mail, by the clock of ``time_zone``; "" is the tenant's. Nothing of it is sent later."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    quiet: tuple[Kind, ...] = ()
    in_hours_only: bool = False
    rest_from: datetime.time | None = None
    rest_until: datetime.time | None = None
    time_zone: Annotated[str, AfterValidator(_known_or_none)] = ""

    def wants(self, kind: str, *, is_open: bool) -> bool:
        return kind not in self.quiet and (is_open or not self.in_hours_only)

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
