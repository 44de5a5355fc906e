"""Settings of a tenant that have parts: alerts, flows, assignment, budgets, features."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tenants.names import Said

Hours = Annotated[float, Field(gt=0, le=24 * 365)]
WebAddress = Annotated[str, Field(pattern=r"^(https?://[^\s\x85\ufeff]+)?$", max_length=500)]


#: kinds of alerts (tenants/members/alert_choice.py) of which a tenant may want none
Quiet = Literal["escalations", "late", "dead_letters", "engine", "malformed", "flagged", "budget"]


class Alerts(BaseModel):
    """How staff are told of what needs them, each way that is set, and when a channel counts as silent or degraded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: bool = Field(
        True, description="Mail the members who can do something about it, as each has chosen at My alerts"
    )
    slack_webhook_url: WebAddress = Field("", description="A Slack incoming webhook")
    webhook_url: WebAddress = Field("", description="Gets what has happened as JSON")
    silent_after_hours: Hours | None = Field(
        48, description="Hours of silence of a busy channel after which staff are told"
    )
    silent_after_hours_of: dict[str, Hours | None] = Field({}, description="The same for one channel, by its key")
    quiet: tuple[Quiet, ...] = Field((), description="What staff are not told of outside the console")
    bad_signatures: int = Field(20, ge=1, description="Unproven requests between two checks that are too many")

    def silence_h(self, channel_key: str) -> float | None:
        return self.silent_after_hours_of.get(channel_key, self.silent_after_hours)


FlowId = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.\-]+$")]
FlowMark = Annotated[str, Field(min_length=1, max_length=1000)]


class Flow(BaseModel):
    """How a new conversation begins. ``channels`` are keys or kinds of channels, ``starters`` payloads of
    suggestions and the ``ref`` of links and advertisements: a flow that names none applies as the default only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: FlowId
    intent: str = Field(
        "", max_length=100, description="Where the assistant goes unless the person wants something else"
    )
    greeting: Annotated[str, Said] = Field("", max_length=1000, description="Said before the first reply")
    slots: dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(max_length=200)]] = Field({}, max_length=30)
    channels: tuple[FlowMark, ...] = Field((), max_length=100)
    starters: tuple[FlowMark, ...] = Field((), max_length=100)


Way = Literal["off", "round_robin", "least_busy"]


class Assignment(BaseModel):
    """Who gets a conversation that waits for a colleague. A rule gives to members who are online, in open hours, up to
    their capacity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    way: Way = Field(
        "off",
        description="off: colleagues take conversations themselves; round_robin: whose turn it is; least_busy: who has "
        "the fewest",
    )
    way_of_team: dict[Annotated[str, Field(min_length=1, max_length=60)], Way] = Field(
        {}, max_length=100, description="The same for what waits for one team, by its name"
    )

    @property
    def on(self) -> bool:
        return any(way != "off" for way in (self.way, *self.way_of_team.values()))

    def of_team(self, name: str) -> Way:
        """``name``: "" of what waits for no team."""
        return self.way_of_team.get(name, self.way)


Usd = Annotated[float, Field(ge=0, le=1_000_000)]


class LlmBudget(BaseModel):
    """What language models may cost the tenant on a day (UTC), in US dollars; without a value: no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    soft_usd: Usd | None = Field(None, description="From here on staff are told and the cheapest model is asked first")
    hard_usd: Usd | None = Field(
        None, description="Up to here models that cost something are asked; then the built-in assistant answers"
    )
    hand_over: bool = Field(
        False, description="Beyond the hard limit a colleague gets what a model would have answered, not the built-in"
    )


class Features(BaseModel):
    """What a tenant may switch off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    assistant: bool = Field(True, description="Off: no engine is asked, every conversation waits for a human")
    transcripts: bool = Field(True, description="Voice messages are put into words, where a transcriber is configured")
    uploads: bool = Field(True, description="Visitors of the web chat may send files")
    typing: bool = Field(True, description="People see that the bot or an agent is writing")
    read_marks: bool = Field(True, description="People see that their messages were read")
