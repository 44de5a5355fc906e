"""What events on channels, endpoints, budgets and trainings say."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from conversations.event_schemas.base import Data, OfChannel


class ChannelState(OfChannel):
    """A channel stopped working as it should, or recovered."""

    incident_id: UUID | None = None
    state: str
    previous: str = ""
    reason: str = ""
    code: str = ""


class EngineRecovered(Data):
    """The engine answers people again: it has, and for some minutes no fallback reply was sent in its place."""

    ill_since: AwareDatetime = Field(description="The first fallback reply")
    failed_at: AwareDatetime = Field(description="The last one")
    answered_at: AwareDatetime
    failures: int


class WebhookMalformed(Data):
    """A platform's request was signed well but could not be understood; it is kept for replay."""

    receipt_id: UUID


class WebhookPaused(Data):
    """An integrator's endpoint failed again and again; nothing is sent there until staff resume it."""

    endpoint_id: UUID
    description: str = ""
    reason: str = ""


class WorkGivenUp(Data):
    """Something that came in or was to go out was tried for as long as it may be; staff can start it again."""

    work: str = Field(
        description="receipts (requests of platforms), turns (answers of the assistant) or files (of people)"
    )
    row_id: UUID
    reason: str = ""


class BudgetReached(Data):
    """Language models have cost a tenant what its limits of a day (UTC) say; told once a day for each of the two."""

    stop: Literal["soft", "hard"] = Field(
        description="soft: the cheapest model is asked first; hard: none that costs something"
    )
    day: date
    limit_usd: float


class ModelChanged(Data):
    """Which version of what a tenant's assistant has learnt answers was decided anew."""

    training_id: UUID
    version: int = Field(description="The version that was chosen, or that answers no longer")
    pinned: bool = Field(description="It stays until it is released, whatever is taught")
    why: Literal["activated", "released", "replaced"] = Field(
        description="activated: it was chosen to answer; released: the newest answers again; replaced: something else was "
        "taught, and it was not pinned"
    )


class TrainingEnded(Data):
    """A training of the assistant that was asked for came to its end."""

    state: Literal["done", "failed"]
    code: str = Field("", description="Why it failed")
    training_id: UUID | None = Field(None, description="What was learnt")
    version: int | None = None


class Ping(Data):
    """A test call, made on request; nothing has happened, and ``data`` is empty."""
