"""The configuration of a phone line that a bot answers.

Owns the fields and their limits. Must not decide what happens in a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from channels_app.adapters.twilio import PhoneNumber, TwilioConfig, WebAddress
from channels_app.adapters.voice.speech import Phrases

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class VoiceConfig(TwilioConfig, Phrases):
    """One number that is called. The phrases are those of the line's own language; ``other_languages``
    gives those of further ones, by the language of the bot's reply."""

    folded: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "What the line says": (*Phrases.model_fields, "other_languages"),
        "How it listens": (
            *("reprompts", "silence_s", "min_confidence", "speech_model", "speech_end_s", "hints", "barge_in"),
            "profanity_filter",
        ),
        "While the caller waits": ("filler_after_s", "wait_s", "patience_s", "hold_music_url", "dial_timeout_s"),
    }

    number: PhoneNumber = Field(default="", description="The number that is called; asked for in the health check")
    other_languages: Mapping[Language, Phrases] = Field(
        default_factory=dict, description="Two-letter code → language, voice and phrases"
    )
    handover_number: PhoneNumber = Field(default="", description="Where calls are put through; empty: the call ends")
    operator_key: str = Field(default="0", pattern=r"^[0-9*#]?$", description="Key that asks for a human; empty: none")
    dial_timeout_s: int = Field(default=30, ge=5, le=600, description="How long it rings at the colleague's")
    reprompts: int = Field(
        default=2, ge=0, le=9, description="How often a question is asked again before the bot gives up"
    )
    min_confidence: float = Field(
        default=0.3, ge=0, le=1, description="Speech below it is asked for again; 0: take all"
    )
    silence_s: int = Field(default=6, ge=1, le=60, description="Silence after a question that counts as no answer")
    speech_end_s: Literal["auto", "1", "2", "3", "4", "5"] = Field(
        default="2", description="Silence that ends what a person says; auto only with a model that knows it"
    )
    speech_model: str = Field(default="default", pattern=r"^[A-Za-z0-9_-]{1,60}$")
    hints: str = Field(default="", max_length=2000, description="Words that are likely to be said, with commas")
    profanity_filter: bool = Field(default=False, description="Show swear words as stars")
    barge_in: bool = Field(default=True, description="The caller may interrupt the bot")
    filler_after_s: int = Field(default=3, ge=1, le=10, description="Silence before the bot asks to wait")
    wait_s: int = Field(default=6, ge=1, le=10, description="Length of one round of waiting")
    patience_s: int = Field(default=40, ge=5, le=300, description="After it the bot apologises and hands over")
    hold_music_url: WebAddress = Field(default="", description="A clip of about wait_s seconds; empty: silence")

    @model_validator(mode="after")
    def model_knows_auto(self) -> VoiceConfig:
        if self.speech_end_s == "auto" and self.speech_model in ("default", "phone_call"):
            raise ValueError(f"speech_end_s cannot be auto with the model {self.speech_model}")
        return self

    def phrases(self, language: str) -> Phrases:
        """Those of ``language`` (two letters), or the line's own."""
        return self.other_languages.get(language, self)
