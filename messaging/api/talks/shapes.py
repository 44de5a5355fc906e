"""How the acts on one conversation or message look in the API: pydantic models for bodies, queries and answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from conversations.shapes import ConversationDetail
from tenants.api.parse import Changes

Priority = Literal["low", "normal", "high", "urgent"]


class ConversationChange(Changes):
    subject: str = Field("", max_length=200)
    priority: Priority = Field("normal", description="By it those are listed who wait for a human")


class ConversationChanged(ConversationDetail):
    """The conversation as it is now."""


class Escalation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=40, pattern="^[a-z0-9_]*$", description="A code of yours; events tell it")


class Rating(BaseModel):
    model_config = ConfigDict(extra="forbid")

    score: int = Field(ge=1, le=5)


class Rated(BaseModel):
    score: int | None = Field(description="1 to 5; null as long as the person has not rated it")


class Export(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv", "text", "html", "pdf"] = Field(
        "json",
        description="csv: no cell is a formula; html: one page without foreign parts, to be read or printed; pdf: up to "
        "400,000 characters",
    )


class ConversationMetrics(BaseModel):
    """Figures of one conversation; times in seconds."""

    status: str
    messages: int
    by_role: dict[str, int]
    deliveries: dict[str, int] = Field(description="By status")
    turns: dict[str, int] = Field(description="Answers of the assistant by what came of them")
    answer_ms: int | None = Field(description="How long the assistant thought, on average")
    files: int
    control_changes: int
    first_reply_seconds: int | None
    duration_seconds: int | None = Field(description="To its end, or to the last message of one that goes on")
    satisfaction: int | None


class Removed(BaseModel):
    messages: int
