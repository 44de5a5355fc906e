"""How proposals, comparisons and summaries look in the API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from assistant.evaluations.shapes import EngineName
from channels_app.content.types import MAX_TEXT


class SourceShape(BaseModel):
    kind: str = Field(description="article or product")
    id: str
    title: str
    url: str
    score: float


class SummaryShape(BaseModel):
    """What a conversation was about."""

    text: str = Field(description="All of it in a few lines")
    asked: list[str] = Field(description="The person's words, shortened")
    known: dict[str, str] = Field(description="Slots that were filled")
    tried: list[str] = Field(description="What the assistant took the words for, or told from its knowledge")
    waits: int = Field(description="Messages of the person that are not answered")
    messages: int = Field(description="How many messages were read for it")
    left_out: int = Field(description="How many were not")


class ToldSummaryShape(SummaryShape):
    """What a conversation was about, in a model's words."""

    model: str = Field(description="Which model wrote `text`, as `provider/name`; empty: it is the digest")


class ProposalShape(BaseModel):
    """The reply that the assistant would give."""

    text: str
    question: str = Field(
        description="The person's words that it answers, shortened: where the last ones only ask for a human, those before"
    )
    sources: list[SourceShape]
    intent: str
    confidence: float
    engine: str
    model: str
    reason: str = Field(description="Why there is no `text`: `nothing_fits`, or what stopped the engine; else empty")


class Comparison(BaseModel):
    model_config = ConfigDict(extra="forbid")

    engines: list[EngineName] = Field(min_length=1, max_length=4, description="Each is asked once")


class TranslationWanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    language: str = Field(pattern=r"^[a-z]{2}$", description="ISO 639-1: the language to read it in")


class ReplyTranslation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_TEXT, pattern=r"[^\s\x85\ufeff]")
    language: str = Field("", pattern=r"^([a-z]{2})?$", description="ISO 639-1; empty: what the person wrote last")


class TranslationShape(BaseModel):
    """Words in another language."""

    text: str
    language: str
    original: str = Field(description="The language that the words were in; empty where it is not known")
    model: str = Field(description="Which model translated it, as `provider/name`")
    kept: bool = Field(description="It was translated before: no model was asked now")


class AnswerShape(BaseModel):
    """What one engine would say."""

    engine: str
    model: str
    text: str
    contents: list[dict[str, Any]]
    intent: str
    confidence: float
    handover: bool
    sources: list[SourceShape]
    why: dict[str, Any] = Field(description="How it came about, as in the analysis of a message")
    usage: dict[str, Any]
    latency_ms: int
    error: str = Field(description="The code of why it says nothing; else empty")
    degraded: str = Field(
        description="What failed at the language model, where the built-in stands in for it; else empty"
    )


class Answers(BaseModel):
    answers: list[AnswerShape]
