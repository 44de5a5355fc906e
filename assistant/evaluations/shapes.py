"""How evaluation questions and reports look in the API."""

from __future__ import annotations

import uuid
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from assistant.engines import NAMES
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page
from tenants.api.parse import Changes
from tenants.names import Said

Fact = Annotated[str, Field(min_length=1, max_length=500, pattern=r"[^\s\x85\ufeff]"), Said]
Question = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"[^\s\x85\ufeff]"), Said]
SPOKEN = r"^([a-z]{2}(-[A-Z]{2})?)?$"
SetName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[-a-zA-Z0-9_]+$")]
EngineName = Annotated[
    str,
    Field(
        pattern=NAMES,
        description="`current`: what answers people now; `builtin`: the built-in assistant; `model:<name>`: "
        "one language model alone; `prompt:<version>`: a version of the prompt, active or not",
    ),
]


class CaseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    set: SetName = Field("main", description="The set it belongs to")
    question: Question
    language: str = Field(
        "",
        max_length=5,
        pattern=SPOKEN,
        description="ISO 639-1, with or without a country, as `pt-BR`; empty suits all",
    )
    intent: str = Field("", max_length=60, description="The name of the intent that must be recognised")
    facts: list[Fact] = Field([], max_length=20, description="Words that must all stand in the answer")
    source: str = Field("", max_length=500, description="Title, address or id of what must be cited")


class CaseChange(Changes):
    set: SetName = "main"
    question: Question = "?"
    language: str = Field("", max_length=5, pattern=SPOKEN)
    intent: str = Field("", max_length=60)
    facts: list[Fact] = Field([], max_length=20)
    source: str = Field("", max_length=500)


class CaseItem(BaseModel):
    id: uuid.UUID
    set: str
    question: str
    language: str
    intent: str
    facts: list[str]
    source: str
    created_at: Moment


class CaseShape(CaseItem):
    """A question, and what is expected of its answer."""


class CasePage(Page):
    items: list[CaseItem]


class CaseQuery(ListQuery):
    set: str = Field("", max_length=60, description="Of this set alone")


class RunBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    set: SetName = Field("main", description="Which questions are asked")
    engine: EngineName = Field(
        "current", description="`current`: what answers people now; `builtin`: the built-in assistant"
    )
    against: list[EngineName] = Field([], max_length=1, description="An engine to compare it with")


class VerdictShape(BaseModel):
    id: uuid.UUID
    question: str
    right: bool
    missed: list[str] = Field(description="What the answer lacks: answer, model, intent, facts, source")
    intent: str
    text: str
    sources: list[str]
    latency_ms: int
    error: str = Field(description="The code of why there is no answer; else empty")
    model: str = Field(description="Which answered, as `provider/name`; empty: the built-in assistant")
    degraded: str = Field(
        description="What failed at the model, where the built-in stood in for it: a wrong answer of `model:` and `prompt:`"
    )


class ReportShape(BaseModel):
    """How an engine did on a set."""

    engine: str
    asked: int
    right: int
    share: float = Field(description="Of the questions asked that were answered right")
    left_out: int = Field(description="Questions for which the time did not suffice")
    failed: int = Field(description="Questions at which the engine, or the model that it asked, failed")
    missed: dict[str, int]
    p50_ms: int
    p95_ms: int
    cost_usd: float
    verdicts: list[VerdictShape]


class ChangedAnswer(BaseModel):
    id: uuid.UUID
    question: str
    before: str
    after: str


class DifferenceShape(BaseModel):
    """What is different with `engine` from `against`."""

    share: float
    better: list[ChangedAnswer]
    worse: list[ChangedAnswer]
    reworded: list[ChangedAnswer]


class RunShape(BaseModel):
    report: ReportShape
    against: list[ReportShape]
    differences: list[DifferenceShape] = Field(description="One for each of `against`")
