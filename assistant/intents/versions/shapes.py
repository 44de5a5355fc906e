"""How versions of what was learnt look in the API."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.intents.learning.stored import training_state
from assistant.intents.versions.listed import Listed
from assistant.intents.versions.models import TrainingLane
from assistant.models import TrainedModel
from tenants.api.moments import Moment
from tenants.api.pages import Page


class TrainingItem(BaseModel):
    id: uuid.UUID
    version: int
    state: Literal["learning", "ready", "too_large"] = Field(
        description="`too_large`: what it learnt passed 12 MB and could not be kept. Where its first look at a text had been "
        "kept before, that answers alone; otherwise each process learns it for itself"
    )
    newest: bool = Field(
        description="What examples and articles teach now; it answers once it is ready, unless another is held"
    )
    answers: bool = Field(description="People are answered from this one")
    pinned: bool = Field(description="It answers until it is released, whatever is taught")
    kept: bool = Field(description="What it learnt is kept: it can be activated")
    trained_at: Moment
    examples: dict[str, int] = Field(description="How many examples of each intent it learnt from")
    facts: int
    metrics: dict[str, Any] = Field(
        description="Held-out precision, recall and confusion, where they were measured; `looks` by letters alone and "
        "by meaning as well; `against`: those of another version on the same texts"
    )


class TrainingShape(TrainingItem):
    """A version of what was learnt."""


class HeldShape(BaseModel):
    training_id: uuid.UUID
    version: int
    pinned: bool = Field(description="It stays until it is released; otherwise until something else is taught")
    since: Moment
    usable: bool = Field(description="False: this release cannot read what it learnt, and the newest answers")


class TrainingRunItem(BaseModel):
    state: Literal["queued", "running", "done", "failed"]
    stage: Literal["", "letters", "meaning", "measuring"] = Field(
        description="The look that is being learnt, or that what was learnt is being measured"
    )
    percent: int = Field(description="Of all of it")
    code: str = Field(description="Why it failed: `training_failed`, `training_not_kept`, `worker_lost`; else empty")
    training_id: uuid.UUID | None = Field(description="The version that came of it")
    against: uuid.UUID | None = Field(description="The version it was to be compared with, where one was named")
    asked_at: Moment
    ended_at: Moment | None


class TrainingRunShape(TrainingRunItem):
    """How far the training is that was asked for last."""


class TrainingRunBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    against: uuid.UUID | None = Field(
        None, description="The version to compare with; none: the one that answers, or that answered before"
    )


class TrainingList(Page):
    run: TrainingRunItem | None = Field(description="The training that was asked for last; null: none ever was")
    held: HeldShape | None = Field(description="The version that was chosen to answer; null: the newest does")
    items: list[TrainingItem]


class ActivateBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pinned: bool = Field(False, description="It stays whatever is taught; otherwise until something else is taught")


def training_shape(row: TrainedModel, of: Listed) -> dict[str, Any]:
    pinned = of.held is not None and of.held.pinned and of.held.row.id == row.id
    return {
        "id": row.id, "version": row.version, "state": training_state(row), "newest": row.id == of.newest_id,
        "answers": row.id == of.answers_id, "pinned": pinned, "kept": row.id in of.kept,
        "trained_at": row.trained_at, "examples": row.state.get("intents", {}), "facts": row.state.get("facts", 0),
        "metrics": row.metrics,
    }  # fmt: skip


def run_shape(lane: TrainingLane) -> dict[str, Any]:
    return {
        "state": lane.state, "stage": lane.stage, "percent": lane.percent, "code": lane.code,
        "training_id": lane.trained_id, "against": lane.against_id, "asked_at": lane.asked_at, "ended_at": lane.ended_at,
    }  # fmt: skip


def head_shape(of: Listed, lane: TrainingLane | None) -> dict[str, Any]:
    held = of.held
    told = held and {
        "training_id": held.row.id, "version": held.row.version, "pinned": held.pinned, "since": held.since,
        "usable": held.usable and held.row.id in of.kept,
    }  # fmt: skip
    return {"run": run_shape(lane) if lane else None, "held": told}
