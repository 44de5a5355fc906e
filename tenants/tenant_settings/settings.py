"""Everything a tenant may set, with its type and its default (TEN-2)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tenants.hours import BusinessHours
from tenants.names import Said
from tenants.tenant_settings.parts import Alerts, Assignment, Features, Flow, FlowMark, LlmBudget
from tenants.tenant_settings.safety import MOST, Hidden, SafetyRules

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=15)]
WEEK_MINUTES = 7 * 24 * 60
ChannelKey = Annotated[str, Field(min_length=1, max_length=40)]


class TenantSettings(BaseModel):
    """Everything a tenant may set, with what holds when it does not. None: the deployment's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    languages: tuple[Language, ...] = Field(
        ("en",), description="What is spoken here, like en or pt-BR, one per line; the first is the default"
    )
    region: str = Field("", pattern=r"^([A-Z]{2})?$", description="ISO 3166: where phone numbers without a + are from")
    safety: SafetyRules = SafetyRules()
    bot_name: Annotated[str, Said] = Field(
        "Assistant", min_length=1, max_length=60, description="What people see of the assistant"
    )
    agent_names: Literal["first", "full", "none"] = Field(
        "first", description="What people see of an agent: first name or full name, with the picture, or neither"
    )
    system_prompt: str = Field(
        "",
        max_length=8000,
        description="What language models are told of your company; a version of the prompt that is active counts instead",
    )
    provider_mask: Hidden = Field(
        ("card_number", "iban", "national_id"),
        max_length=MOST,
        description="What providers of language models never get: marks stand in its place, and the words are put back in the answer",
    )
    prompt_tokens: int = Field(
        6000, ge=1000, le=200_000, description="Tokens of one prompt at most; where the model has less room, that holds"
    )
    greeting: Annotated[str, Said] = Field(
        "", max_length=1000, description="Said by the assistant to a greeting; empty: ours"
    )
    fallback_reply: Annotated[str, Said] = Field(
        "Sorry, I cannot answer right now. Please try again in a moment.",
        min_length=1,
        max_length=1000,
        description="Said while nothing answers: the engine is away",
    )
    fallback_replies: dict[Language, Annotated[str, Field(min_length=1, max_length=1000), Said]] = Field(
        {}, max_length=50, description="The same by language, for people whose language it is"
    )
    business_hours: BusinessHours = Field(BusinessHours(), description="When people answer; the bot answers always")
    business_hours_of: dict[ChannelKey, BusinessHours] = Field(
        {}, max_length=100, description="The same for one channel, by its key"
    )
    out_of_hours_reply: Annotated[str, Said] = Field(
        "", max_length=1000, description="Said once to who waits for people outside their hours; empty: ours"
    )
    out_of_hours_replies: dict[Language, Annotated[str, Field(min_length=1, max_length=1000), Said]] = Field(
        {}, max_length=50, description="The same by language, for people whose language it is"
    )
    expected_reply_minutes: int | None = Field(
        None, ge=1, le=WEEK_MINUTES, description="How soon people usually answer, as those who wait are told"
    )
    queue_told_on: tuple[FlowMark, ...] = Field(
        (),
        max_length=100,
        description="On which channels, by key or kind, people who are handed over by day are told their place by a "
        "message; the web chat shows it anyway",
    )
    first_response_minutes: int | None = Field(
        None, ge=1, le=WEEK_MINUTES, description="Open minutes after which a person has waited too long for one of us"
    )
    assignment: Assignment = Field(Assignment(), description="Who gets a conversation that waits for a colleague")
    stop_reply: str = Field("", max_length=1000, description="Confirms STOP; empty: ours, in the word's language")
    help_reply: str = Field("", max_length=1000, description="Answers HELP; empty: ours, in the word's language")
    rate_limit: int | None = Field(None, ge=1, le=1_000_000, description="Requests a minute of the whole tenant")
    burst_limit: int | None = Field(None, ge=1, le=1_000_000, description="Requests of the whole tenant at once")
    user_rate_limit: int | None = Field(
        None, ge=1, le=1_000_000, description="Requests a minute per user, key, address"
    )
    user_burst_limit: int | None = Field(
        None, ge=1, le=1_000_000, description="Requests at once per user, key, address"
    )
    retention_days: int | None = Field(
        None,
        ge=0,
        le=36_500,
        description="Days after its end that a conversation is kept, with its messages and files; 0: for ever",
    )
    knowledge_days: int = Field(
        180, ge=0, le=3650, description="Days after which an article is listed that staff have not checked; 0: never"
    )
    legal_hold: bool = Field(False, description="As long as it is on nothing is purged, erased or deleted")
    engine: str = Field("", max_length=40, description="Name of the engine that answers; empty: the deployment's")
    allowed_models: tuple[Annotated[str, Field(max_length=120)], ...] = Field(
        (), description="Language models that may be asked, by name or provider/name; empty: all that are set up"
    )
    default_model: str = Field("", max_length=120, description="The language model that is asked first")
    llm_budget: LlmBudget = LlmBudget()
    assistant: dict[Literal["high", "medium", "known", "handover_after"], float] = Field(
        {},
        description="How sure the built-in assistant must be, from 0 to 1: to answer (high), to ask back (medium), to know a "
        "fact (known); after how many misunderstandings a human is asked for. Empty: ours",
    )
    flows: tuple[Flow, ...] = Field((), max_length=50, description="How conversations begin, by where people come from")
    default_flow: str = Field("", max_length=60, description="Id of the flow that applies where no other does")
    event_words: bool = Field(False, description="Events carry what people say, to Kafka and to integrators' webhooks")
    csat_enabled: bool = Field(True, description="People are asked how it was when a conversation has ended")
    csat_channels: tuple[FlowMark, ...] = Field(
        ("web",),
        max_length=100,
        description="On which channels, by key or kind; all but the web chat's ask by a message",
    )
    alerts: Alerts = Alerts()
    features: Features = Features()
    second_factor: bool = Field(
        False,
        description="Members sign in with a second step: an app's code or a passkey. Members without one see nothing but the "
        "page on which they set it up",
    )

    def hours_of(self, channel_key: str) -> BusinessHours:
        """When people answer on a channel."""
        return self.business_hours_of.get(channel_key, self.business_hours)
