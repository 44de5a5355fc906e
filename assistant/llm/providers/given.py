"""The providers that the operator gives to tenants (LLM_PROVIDERS): the form of the setting.

Owns that form. Must not import Django: the environment is read before there is one.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

Name = Annotated[str, Field(min_length=1, max_length=60)]
Names = Annotated[tuple[Name, ...], Field(max_length=100)]
Capability = Literal["tools", "json", "vision", "temperature"]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Purpose = Literal["answer", "translation", "summary"]  # what the service asks models for; another would never be asked


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Defaults(_Form):
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, le=100_000)


class GivenModel(_Form):
    """A model, as assistant/llm_models.py describes its row."""

    name: str = Field(min_length=1, max_length=120)
    capabilities: tuple[Capability, ...] = ()
    context_tokens: int = Field(8192, ge=256, le=100_000_000)
    input_usd: float = Field(0, ge=0, le=100_000)
    output_usd: float = Field(0, ge=0, le=100_000)
    defaults: Defaults = Defaults()
    strength: int = Field(2, ge=1, le=3)
    intents: Names = ()
    languages: tuple[Language, ...] = Field((), max_length=100)
    purposes: tuple[Purpose, ...] = ()
    rank: int = Field(100, ge=0, le=1000)


class GivenProvider(_Form):
    """A provider with its models. ``tenants``: the slugs of those that may use it; empty: all."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,60}$")
    kind: Literal["openai", "anthropic", "compatible"]
    base_url: str = Field("", pattern=r"^(https?://[^\s\x85\ufeff]+)?$", max_length=500)
    key: SecretStr = SecretStr("")
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    system_role: Literal["system", "developer"] = "system"
    json_mode: Literal["json_schema", "json_object", "none"] = "json_schema"
    supports_usage_stream: bool = True
    supports_tools: bool = True
    requests_per_minute: int = Field(0, ge=0, le=1_000_000)
    tenants: tuple[str, ...] = ()
    models: tuple[GivenModel, ...] = Field(min_length=1, max_length=100)


_FORM = TypeAdapter(tuple[GivenProvider, ...])


def given_in(json_text: str) -> tuple[GivenProvider, ...]:
    """Raises ValueError, which quotes nothing of the text: it holds keys."""
    try:
        given = _FORM.validate_json(json_text or "[]")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"write a JSON list of providers, see docs/llm.md: {where} {first['msg']}".strip()) from None
    if len({one.name for one in given}) < len(given):
        raise ValueError("two providers have the same name")
    if any(one.kind == "compatible" and not one.base_url for one in given):
        raise ValueError("a compatible provider needs its base_url")
    return given
