"""``GET /api/v2/chat/figures``: how business goes, by day, channel and colleague (ADM-3, OPS-5)."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Any, ClassVar

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.figures.asked import MOST_DAYS, USUAL, Asked, last_days, period_refused
from messaging.figures.facts import SPREADS
from messaging.figures.read import Report, cost_usd, mean_rating, ratings_of, report, share
from messaging.figures.sheet import Sheet
from messaging.figures.spread import Spread
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import Invalid


def _only_a_date(value: Any) -> Any:
    """Neither a time nor a number of seconds."""
    return date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_only_a_date)]


class FiguresQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    RANGES: ClassVar = (("start_date", "end_date"),)

    days: int = Field(USUAL, ge=1, le=MOST_DAYS, description="Up to today; not with `start_date` and `end_date`")
    start_date: Day | None = Field(None, description="First day (UTC)")
    end_date: Day | None = Field(None, description=f"Last day (UTC), at most {MOST_DAYS} days from the first")
    channel_id: uuid.UUID | None = None
    team_id: uuid.UUID | None = Field(None, description="Only what happened to conversations while the team had them")
    agent_id: uuid.UUID | None = Field(
        None, description="Only what this member of staff wrote, and what happened to conversations that were theirs"
    )


class Times(BaseModel):
    """Durations in seconds; null when there are none. Percentiles are within 5 % of the exact ones."""

    count: int
    median_s: float | None
    p90_s: float | None
    mean_s: float | None
    longest_s: float | None


class Satisfaction(BaseModel):
    """The last rating of each conversation counts."""

    count: int
    mean: float | None
    ratings: dict[str, int] = Field(description="Rating from 1 to 5 → how many gave it")


class Counts(BaseModel):
    started: int = Field(description="Conversations that began; 0 of a team or a member of staff")
    bot_alone: int = Field(description="Of those that ended: the bot answered and no human was asked for")
    escalated: int = Field(description="Conversations that a human was asked for, or took over; each once")
    ended: int
    abandoned: int = Field(description="Of those that ended: they fell silent, or the person left without an answer")
    received: int = Field(description="Messages of people")
    sent_by_bot: int
    sent_by_staff: int
    delivered: int = Field(description="As platforms report it")
    failed: int = Field(description="Deliveries that failed for good")
    sessions: int = Field(description="Visits that began")
    answers: int = Field(description="Answers that an engine made")
    fallbacks: int = Field(description="Fallback replies: no answer came about")
    input_tokens: int
    output_tokens: int


class FigureSet(Counts):
    bot_alone_share: float | None = Field(description="`bot_alone` of `ended`, from 0 to 1")
    cost_usd: float
    satisfaction: Satisfaction
    times: dict[str, Times] = Field(description="; ".join(f"`{name}`: {about}" for name, about in SPREADS.items()))


class DayOfFigures(Counts):
    day: date


class ChannelOfFigures(FigureSet):
    channel_id: uuid.UUID


class AgentOfFigures(FigureSet):
    agent_id: uuid.UUID


class Figures(BaseModel):
    start_date: date
    end_date: date
    total: FigureSet
    days: list[DayOfFigures] = Field(description="Every day of the period, also those without any")
    channels: list[ChannelOfFigures]
    agents: list[AgentOfFigures]


NO_TIMES = {"count": 0, "median_s": None, "p90_s": None, "mean_s": None, "longest_s": None}
COUNTED = {
    "started": 120, "bot_alone": 71, "escalated": 34, "ended": 115, "abandoned": 9, "received": 480, "sent_by_bot": 360,
    "sent_by_staff": 95, "delivered": 402, "failed": 3, "sessions": 131, "answers": 350, "fallbacks": 2,
    "input_tokens": 315000, "output_tokens": 42000,
}  # fmt: skip
TOLD = {
    **COUNTED, "bot_alone_share": 0.617, "cost_usd": 1.31,
    "satisfaction": {"count": 18, "mean": 4.3, "ratings": {"1": 0, "2": 1, "3": 2, "4": 5, "5": 10}},
    "times": {
        "first_answer": {"count": 118, "median_s": 0.8, "p90_s": 1.9, "mean_s": 1.1, "longest_s": 240.0},
        "first_response": {"count": 33, "median_s": 84.0, "p90_s": 402.0, "mean_s": 156.2, "longest_s": 1260.0},
        "response": {"count": 88, "median_s": 61.5, "p90_s": 310.0, "mean_s": 118.9, "longest_s": 1260.0},
        "resolution": {"count": 106, "median_s": 640.0, "p90_s": 3900.0, "mean_s": 1411.7, "longest_s": 27800.0},
    },
}  # fmt: skip
EXAMPLE = {
    "start_date": "2026-01-31", "end_date": "2026-01-31", "total": TOLD, "days": [{"day": "2026-01-31", **COUNTED}],
    "channels": [{"channel_id": "0192f0d0-7b1a-7c3e-9a55-000000000004", **TOLD}],
    "agents": [
        {**TOLD, "agent_id": "0192f0d0-7b1a-7c3e-9a55-000000000009", "started": 0, "received": 0, "sent_by_bot": 0,
         "times": {**TOLD["times"], "first_answer": NO_TIMES}},  # type: ignore[dict-item]
    ],
}  # fmt: skip


class FiguresView(TenantAPIView):
    permissions = {"GET": "analytics:read"}

    @extend_schema(
        operation_id="figures_get",
        summary="Figures of a period",
        description="What the console's dashboard shows: counts, times and ratings of the last 30 days, or of the days that "
        "are asked for. They are rolled up from events, within seconds, and belong to the day (UTC) on which something "
        "happened.",
        tags=["chat"],
        parameters=[FiguresQuery],  # type: ignore[list-item]
        responses=Figures,
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, FiguresQuery)
        first, last = _period(query)
        asked = Asked(
            [self.principal.tenant_id], first, last, channel=query.channel_id, team=query.team_id, agent=query.agent_id,
            by_agent=True,
        )  # fmt: skip
        return Response(_told(asked, report(asked)))


def _period(query: FiguresQuery) -> tuple[date, date]:
    if query.start_date is None and query.end_date is None:
        return last_days(query.days)
    if query.start_date is None or query.end_date is None or "days" in query.model_fields_set:
        raise Invalid("Give `start_date` with `end_date`, or `days`.", code="range_invalid")
    if refused := period_refused(query.start_date, query.end_date):
        raise Invalid(refused, code="range_invalid")
    return query.start_date, query.end_date


def _told(asked: Asked, told: Report) -> dict[str, Any]:
    return {
        "start_date": asked.first.isoformat(),
        "end_date": asked.last.isoformat(),
        "total": figures_shape(told.total),
        "days": [{"day": day.isoformat(), **_counts(sheet)} for day, sheet in told.days.items()],
        "channels": [{"channel_id": str(id), **figures_shape(sheet)} for id, sheet in told.channels.items() if id.int],
        "agents": [{"agent_id": str(id), **figures_shape(sheet)} for id, sheet in told.agents.items()],
    }


def figures_shape(sheet: Sheet) -> dict[str, Any]:
    given = ratings_of(sheet)
    return {
        **_counts(sheet),
        "bot_alone_share": share(sheet.counts["bot_alone"], sheet.counts["ended"]),
        "cost_usd": cost_usd(sheet),
        "satisfaction": {
            "count": sum(given.values()), "mean": mean_rating(sheet), "ratings": {str(s): n for s, n in given.items()},
        },
        "times": {name: _times(sheet.spreads.get(name, Spread())) for name in SPREADS},
    }  # fmt: skip


def _counts(sheet: Sheet) -> dict[str, int]:
    return {name: sheet.counts[name] for name in Counts.model_fields}


def _times(spread: Spread) -> dict[str, Any]:
    longest = spread.longest_ms if spread.count else None
    taken = (spread.percentile_ms(0.5), spread.percentile_ms(0.9), spread.mean_ms, longest)
    seconds = (None if took is None else round(took / 1000, 3) for took in taken)
    return {"count": spread.count, **dict(zip(("median_s", "p90_s", "mean_s", "longest_s"), seconds, strict=True))}
