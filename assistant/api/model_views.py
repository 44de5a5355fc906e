"""``/api/v2/models``: a tenant's language models, tried with words of the caller's, and what they took (AI-5, API-1)."""

from __future__ import annotations

import datetime
import uuid
from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.llm.chat import ChatResult
from assistant.llm.providers.given import Capability, Language, Purpose
from assistant.llm.providers.setup import model_change, model_create, model_get
from assistant.llm.providers.trying import model_try
from assistant.models import LanguageModel, ModelUse
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.names import Said

TAGS = ["models"]
MODELS = Walk("models", latest=True, sorts={"created_at": ""}, searched=("name",), dated="created_at")
USE = Walk("model-use", latest=True, sorts={"created_at": ""}, searched=("model",), dated="created_at")
Capabilities = Annotated[list[Capability], Field(max_length=4)]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(max_length=100)]
Languages = Annotated[list[Language], Field(max_length=100)]
Purposes = Annotated[list[Purpose], Field(max_length=100)]
PROVIDER_ID = "0192f0d0-7b1a-7c3e-9a55-0000000000a1"
BODY = {
    "provider_id": PROVIDER_ID, "name": "gpt-x-mini", "capabilities": ["tools", "json"], "context_tokens": 128000,
    "input_usd": 0.15, "output_usd": 0.6,
}  # fmt: skip
MODEL = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000b1", **BODY, "full_name": "openai/gpt-x-mini", "defaults": {}, "strength": 2,
    "intents": [], "languages": [], "purposes": [], "rank": 100, "enabled": True,
    "created_at": "2026-01-31T12:00:00.000Z", "updated_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip


class ModelDefaults(BaseModel):
    """What holds where a question says nothing else; what is not named is left to the provider."""

    model_config = ConfigDict(extra="forbid")

    temperature: float = Field(0, ge=0, le=2)
    max_tokens: int = Field(800, ge=1, le=100_000, description="The most that an answer may have")


class ModelBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    provider_id: uuid.UUID
    name: Annotated[str, Said] = Field(min_length=1, max_length=120, description="The provider's id of it")
    capabilities: Capabilities = Field([], description="What it can do beside answering in words")
    context_tokens: int = Field(8192, ge=256, le=100_000_000, description="Prompt and answer together")
    input_usd: float = Field(0, ge=0, le=100_000, description="US dollars per million tokens")
    output_usd: float = Field(0, ge=0, le=100_000, description="US dollars per million tokens")
    defaults: ModelDefaults = ModelDefaults()
    strength: int = Field(2, ge=1, le=3, description="How hard a question it is meant for")
    intents: Names = Field([], description="What alone it is asked for; empty: everything")
    languages: Languages = Field([], description="ISO 639-1; empty: all")
    purposes: Purposes = Field([], description="empty: all")
    rank: int = Field(100, ge=0, le=1000, description="The lower, the sooner it is asked")
    enabled: bool = True


class ModelChange(Changes):
    name: Annotated[str, Said] = Field("", min_length=1, max_length=120)
    capabilities: Capabilities = []
    context_tokens: int = Field(8192, ge=256, le=100_000_000)
    input_usd: float = Field(0, ge=0, le=100_000)
    output_usd: float = Field(0, ge=0, le=100_000)
    defaults: ModelDefaults = ModelDefaults()
    strength: int = Field(2, ge=1, le=3)
    intents: Names = []
    languages: Languages = []
    purposes: Purposes = []
    rank: int = Field(100, ge=0, le=1000)
    enabled: bool = True


class ModelItem(BaseModel):
    id: uuid.UUID
    provider_id: uuid.UUID
    name: str
    full_name: str = Field(description="As the settings `default_model` and `allowed_models` may name it")
    capabilities: list[Capability]
    context_tokens: int
    input_usd: float
    output_usd: float
    defaults: dict[str, float]
    strength: int
    intents: list[str]
    languages: list[str]
    purposes: list[str]
    rank: int
    enabled: bool
    created_at: Moment
    updated_at: Moment


class ModelShape(ModelItem):
    """A language model."""


class ModelPage(Page):
    items: list[ModelItem]


class ModelTry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Said] = Field(min_length=1, max_length=4000)
    system: str = Field("", max_length=8000)
    max_tokens: int = Field(200, ge=1, le=2000)


class ModelTried(BaseModel):
    ok: bool
    code: str = Field(description="Why it failed, as docs/llm.md lists; empty where it went well")
    text: str
    stop: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    took_ms: int


class UseItem(BaseModel):
    """What a model took on a day (UTC)."""

    id: uuid.UUID
    day: datetime.date
    model: str
    questions: int
    failures: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    mean_ms: int = Field(description="Of those that were answered")


class UsePage(Page):
    items: list[UseItem]


USED = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000c1", "day": "2026-01-31", "model": "openai/gpt-x-mini", "questions": 214, "failures": 2, "input_tokens": 310220,
    "output_tokens": 21904, "cost_usd": 0.0597, "mean_ms": 812,
}  # fmt: skip


class ModelsView(TenantAPIView):
    permissions = {"GET": "models:read", "POST": "models:write"}

    @extend_schema(
        operation_id="model_list",
        summary="List language models",
        description="The tenant's own, the newest first; those that the operator gives are not among them.",
        tags=TAGS,
        parameters=[ListQuery],  # type: ignore[list-item]
        responses=ModelPage,
        examples=[answered(listed(MODEL))],
    )
    def get(self, request: Request) -> Response:
        rows = LanguageModel.objects.select_related("provider")
        return Response(
            MODELS.answer(rows, parse_query(request, ListQuery), shape=lambda page: [model_shape(row) for row in page])
        )

    @extend_schema(
        operation_id="model_create",
        summary="Set up a language model",
        description="It may be asked from the next question on.",
        tags=TAGS,
        request=ModelBody,
        responses={201: ModelShape},
        examples=[asked(BODY), answered(MODEL, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, ModelBody)
        row = model_create(body.provider_id, _stored(body.model_dump(exclude={"provider_id"}), body.defaults))
        self.audit("languagemodel.created", row)
        return Response(model_shape(row), 201)


class ModelView(TenantAPIView):
    permissions = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}

    @extend_schema(
        operation_id="model_get",
        summary="One language model",
        description="The whole of it.",
        tags=TAGS,
        responses=ModelShape,
        examples=[answered(MODEL)],
    )
    def get(self, request: Request, model_id: uuid.UUID) -> Response:
        return Response(model_shape(model_get(model_id)))

    @extend_schema(
        operation_id="model_change",
        summary="Change a language model",
        description="Changes the fields that the request names and no others.",
        tags=TAGS,
        request=ModelChange,
        responses=ModelShape,
        examples=[asked({"rank": 10}), answered({**MODEL, "rank": 10})],
    )
    def patch(self, request: Request, model_id: uuid.UUID) -> Response:
        body, row = parse_body(request, ModelChange), model_get(model_id)
        given = _stored(body.given(), body.defaults)
        model_change(row, given)
        self.audit("languagemodel.updated", row, {"fields": sorted(given)})
        return Response(model_shape(row))

    @extend_schema(
        operation_id="model_delete",
        summary="Delete a language model",
        description="What it has taken stays counted.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, model_id: uuid.UUID) -> Response:
        row = model_get(model_id)
        self.audit("languagemodel.deleted", row)
        row.delete()
        return Response(status=204)


class ModelTestView(TenantAPIView):
    permissions = {"POST": "models:write"}

    @extend_schema(
        operation_id="model_test",
        summary="Try a language model",
        description="Asks this model, switched off or not, and no other; it is paid for, within the day's budget. How it went "
        "stands in the answer, which is 200 either way.",
        tags=TAGS,
        request=ModelTry,
        responses=ModelTried,
        examples=[
            asked({"text": "Where is my parcel?", "system": "Be brief."}),
            answered({
                "ok": True, "code": "", "text": "It comes tomorrow.", "stop": "stop", "input_tokens": 21,
                "output_tokens": 5, "cost_usd": 0.000006, "took_ms": 640,
            }),
        ],
    )  # fmt: skip
    def post(self, request: Request, model_id: uuid.UUID) -> Response:
        body, row = parse_body(request, ModelTry), model_get(model_id)
        done = model_try(row, body.text, system=body.system, max_tokens=body.max_tokens)
        result = done.result or ChatResult("", "stop", "")
        tried = {
            "ok": done.result is not None, "code": done.code, "text": result.text, "stop": result.stop if done.result else "",
            "took_ms": result.latency_ms, "input_tokens": result.input_tokens, "output_tokens": result.output_tokens,
            "cost_usd": result.cost_usd,
        }  # fmt: skip
        self.audit("languagemodel.tested", row, {"code": tried["code"]})
        return Response(tried)


class ModelUseView(TenantAPIView):
    permissions = {"GET": "models:read"}

    @extend_schema(
        operation_id="model_use_list",
        summary="What language models took",
        description="One entry for each day (UTC) and model, of the operator's models, too.",
        tags=TAGS,
        parameters=[ListQuery],  # type: ignore[list-item]
        responses=UsePage,
        examples=[answered(listed(USED))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, ListQuery)
        return Response(USE.answer(ModelUse.objects.all(), query, shape=lambda page: [use_shape(row) for row in page]))


def _stored(facts: dict[str, Any], defaults: ModelDefaults) -> dict[str, Any]:
    """Of the defaults those that were named."""
    return {**facts, "defaults": defaults.model_dump(exclude_unset=True)} if "defaults" in facts else facts


def model_shape(row: LanguageModel) -> dict[str, Any]:
    own = {name: getattr(row, name) for name in ModelItem.model_fields if name != "full_name"}
    return {**own, "full_name": f"{row.provider.name}/{row.name}"}


def use_shape(row: ModelUse) -> dict[str, Any]:
    counts = ("id", "day", "model", "questions", "failures", "input_tokens", "output_tokens")
    return {
        **{name: getattr(row, name) for name in counts},
        "cost_usd": row.cost_micros / 1_000_000,
        "mean_ms": round(row.latency_ms / max(1, row.questions)),
    }
