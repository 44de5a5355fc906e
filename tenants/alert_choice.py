"""Which alerts a member of staff wants by mail (EVT-5): kinds, and whether at any hour.

Owns the meaning of ``Membership.alerts``. Must not send anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

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


class AlertChoice(BaseModel):
    """``in_hours_only``: by mail only while people of the tenant answer; what is over by then is not sent later."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    quiet: tuple[Kind, ...] = ()
    in_hours_only: bool = False

    def wants(self, kind: str, *, is_open: bool) -> bool:
        return kind not in self.quiet and (is_open or not self.in_hours_only)


def choice_read(stored: Any) -> AlertChoice:
    """What a membership holds; one that was made by hand and is not valid counts as none."""
    try:
        return AlertChoice.model_validate(stored or {})
    except ValidationError:
        return AlertChoice()
