"""The rules of safety that a tenant may set (MSG-3): what is flagged, hidden, listed, told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

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
    """What flags a message of a person, and what is done then. ``words`` are matched whole, whatever their
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
