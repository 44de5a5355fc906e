"""What a tenant may set (TEN-2): keys, types and defaults, and the remembered state of each tenant.

Owns the meaning of ``Tenant.settings``. Must not act on any of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import structlog
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tenants.errors import Invalid
from tenants.hours import BusinessHours
from tenants.models import Tenant
from tenants.storage.memo import Memo

log = structlog.get_logger(__name__)

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=15)]


#: what a rule of safety may name; what of it stands in words can be hidden
Personal = Literal["card_number", "iban", "national_id", "email", "phone", "profanity"]
Flag = Literal[
    "card_number",
    "iban",
    "national_id",
    "email",
    "phone",
    "profanity",
    "too_long",
    "too_many_links",
    "prompt_injection",
]
PERSONAL: tuple[str, ...] = get_args(Personal)
#: flag → what people call it
FLAGS: Mapping[str, str] = dict(
    zip(
        get_args(Flag),
        (
            "a payment card's number",
            "a bank account's number (IBAN)",
            "a state's number of a person",
            "an e-mail address",
            "a phone number",
            "a word of your list",
            "too long",
            "too many links",
            "words that try to give the assistant orders",
        ),
        strict=True,
    )
)
Hidden = tuple[Personal, ...]
Named = tuple[Flag, ...]
MOST = len(FLAGS)


class ReplyRules(BaseModel):
    """The same of what the assistant and staff write to people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mask: Hidden = Field((), max_length=MOST, description="Hidden before a reply is stored and sent")
    alert: Named = Field((), max_length=MOST, description="Staff are told outside the console")
    review: Named = Field((), max_length=MOST, description="The reply is listed for staff to look at")


class SafetyRules(BaseModel):
    """What flags a message of a person, and what is done then (MSG-3). ``words`` are matched whole, whatever their
    case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_length: int = Field(4096, ge=1, le=100_000, description="Characters")
    max_links: int = Field(5, ge=0, le=1000)
    card_numbers: bool = Field(True, description="Flag what looks like a payment card's number")
    words: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        (), max_length=2000, description="Flagged as profanity"
    )
    mask: Hidden = Field(
        (), max_length=MOST, description="Hidden before anything is stored: staff, engine and integrators never see it"
    )
    keep: Hidden = Field(
        (),
        max_length=MOST,
        description="Of what is hidden, what is kept encrypted for those with `messages:reveal`; all else is stored nowhere",
    )
    alert: Named = Field((), max_length=MOST, description="Staff are told outside the console, as `alerts` say")
    review: Named = Field((), max_length=MOST, description="The message is listed for staff to look at")
    hand_over: Named = Field((), max_length=MOST, description="A human is asked for, and the bot keeps still")
    replies: ReplyRules = Field(ReplyRules(), description="The same of what the assistant and staff write")


WEEK_MINUTES = 7 * 24 * 60
ChannelKey = Annotated[str, Field(min_length=1, max_length=40)]
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
    """How a new conversation begins (CONV-10). ``channels`` are keys or kinds of channels, ``starters`` payloads of
    suggestions and the ``ref`` of links and advertisements: a flow that names none applies as the default only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: FlowId
    intent: str = Field(
        "", max_length=100, description="Where the assistant goes unless the person wants something else"
    )
    greeting: str = Field("", max_length=1000, description="Said before the first reply")
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
    """What language models may cost the tenant on a day (UTC), in US dollars; None: no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    soft_usd: Usd | None = Field(None, description="From here on staff are told and the cheapest model is asked first")
    hard_usd: Usd | None = Field(
        None, description="Up to here models that cost something are asked; then the built-in assistant answers"
    )
    hand_over: bool = Field(
        False, description="Beyond the hard limit a colleague gets what a model would have answered, not the built-in"
    )


class Features(BaseModel):
    """What a tenant may switch off (TEN-2)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    assistant: bool = Field(True, description="Off: no engine is asked, every conversation waits for a human")
    transcripts: bool = Field(True, description="Voice messages are put into words, where a transcriber is configured")
    uploads: bool = Field(True, description="Visitors of the web chat may send files")
    typing: bool = Field(True, description="People see that the bot or an agent is writing")
    read_marks: bool = Field(True, description="People see that their messages were read")


class TenantSettings(BaseModel):
    """Everything a tenant may set, with what holds when it does not. None: the deployment's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    languages: tuple[Language, ...] = Field(
        ("en",), description="What is spoken here, like en or pt-BR, one per line; the first is the default"
    )
    region: str = Field("", pattern=r"^([A-Z]{2})?$", description="ISO 3166: where phone numbers without a + are from")
    safety: SafetyRules = SafetyRules()
    bot_name: str = Field("Assistant", min_length=1, max_length=60, description="What people see of the assistant")
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
    greeting: str = Field("", max_length=1000, description="Said by the assistant to a greeting; empty: ours")
    fallback_reply: str = Field(
        "Sorry, I cannot answer right now. Please try again in a moment.",
        min_length=1,
        max_length=1000,
        description="Said while nothing answers: the engine is away",
    )
    fallback_replies: dict[Language, Annotated[str, Field(min_length=1, max_length=1000)]] = Field(
        {}, max_length=50, description="The same by language, for people whose language it is"
    )
    business_hours: BusinessHours = Field(BusinessHours(), description="When people answer; the bot answers always")
    business_hours_of: dict[ChannelKey, BusinessHours] = Field(
        {}, max_length=100, description="The same for one channel, by its key"
    )
    out_of_hours_reply: str = Field(
        "", max_length=1000, description="Said once to who waits for people outside their hours; empty: ours"
    )
    out_of_hours_replies: dict[Language, Annotated[str, Field(min_length=1, max_length=1000)]] = Field(
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


#: settings that nothing obeys yet, by what will. Refused where they are set: a legal hold that does not hold,
#: or hours that are not kept, is worse than none (PRIV-4)
AWAITED: dict[str, str] = {
    "engine": "a choice of engines",
}


#: what a tenant may choose up to the operator's MAX_RATE_LIMIT
LIMITS = ("rate_limit", "burst_limit", "user_rate_limit", "user_burst_limit")


def settings_check(given: Mapping[str, Any]) -> TenantSettings:
    """What is about to be stored, typed. Raises Invalid ``invalid_settings`` with a detail per wrong setting,
    for one that nothing obeys yet (``not_obeyed_yet``) and a rate beyond the operator's ceiling."""
    try:
        wanted = TenantSettings.model_validate(given)
    except ValidationError as error:
        raise _invalid(
            {"field": ".".join(map(str, one["loc"])), "message": one["msg"], "code": one["type"]}
            for one in error.errors()
        ) from error
    defaults = TenantSettings()
    early = [name for name in AWAITED if getattr(wanted, name) != getattr(defaults, name)]
    if early:
        raise _invalid(
            {
                "field": name,
                "message": f"Nothing obeys this yet: it comes with {AWAITED[name]}.",
                "code": "not_obeyed_yet",
            }
            for name in early
        )
    flows = [flow.id for flow in wanted.flows]
    if len(set(flows)) < len(flows):
        raise _invalid([{"field": "flows", "message": "Two flows have the same id.", "code": "repeated_id"}])
    if wanted.default_flow and wanted.default_flow not in flows:
        raise _invalid([{"field": "default_flow", "message": "No flow has this id.", "code": "unknown_flow"}])
    most: int = settings.ENV["MAX_RATE_LIMIT"]
    above = [name for name in LIMITS if most and (getattr(wanted, name) or 0) > most]
    if above:
        message = f"The operator allows at most {most}."
        raise _invalid({"field": name, "message": message, "code": "above_the_ceiling"} for name in above)
    return wanted


def _invalid(details: Iterable[dict[str, str]]) -> Invalid:
    return Invalid("These settings cannot be stored.", code="invalid_settings", details=list(details))


@dataclass(frozen=True)
class TenantState:
    """What nearly every request needs to know about its tenant."""

    active: bool
    settings: TenantSettings
    removing: bool = False


#: without Redis no stamp tells other processes of a change: what they remember is a second old at most
_states: Memo[TenantState] = Memo("tenants", ttl=30 if settings.REDIS_URL else 1)


def tenant_state(tenant_id: uuid.UUID) -> TenantState | None:
    """Status and settings, about a second old at most (30 s when a row was changed without `invalidate`); None
    when there is no such tenant."""
    return _states.get(tenant_id, lambda: _load(tenant_id))


def is_active(tenant_id: uuid.UUID) -> bool:
    """Whether the tenant is served, at most 30 s old."""
    state = tenant_state(tenant_id)
    return state is not None and state.active


def suspended() -> list[uuid.UUID]:
    """The tenants that are not served."""
    return list(Tenant.objects.exclude(status=Tenant.Status.ACTIVE).values_list("id", flat=True))


def settings_for(tenant_id: uuid.UUID) -> TenantSettings:
    """The tenant's settings, as old as `tenant_state`; the defaults when there is no such tenant."""
    state = tenant_state(tenant_id)
    return state.settings if state else TenantSettings()


def invalidate(tenant_id: uuid.UUID) -> None:
    """Call after a tenant was saved: other processes follow within about a second."""
    _states.forget(tenant_id)


def _load(tenant_id: uuid.UUID) -> TenantState | None:
    row = Tenant.objects.filter(id=tenant_id).values_list("status", "settings").first()
    if row is None:
        return None
    chosen = _valid(tenant_id, row[1])
    return TenantState(
        active=row[0] == Tenant.Status.ACTIVE, settings=chosen, removing=row[0] == Tenant.Status.REMOVING
    )


def settings_read(tenant: Tenant) -> TenantSettings:
    """The settings of a row as it was read, for a form that shows them."""
    return _valid(tenant.id, tenant.settings)


def _valid(tenant_id: uuid.UUID, stored: Mapping[str, Any]) -> TenantSettings:
    """Stored by an older version or by hand: what is still good holds, and the log says which keys are not."""
    try:
        return TenantSettings.model_validate(stored)
    except ValidationError as error:
        bad = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        log.warning("tenant_settings_invalid", tenant=str(tenant_id), keys=sorted(bad))
        return TenantSettings.model_validate({key: value for key, value in stored.items() if key not in bad})
