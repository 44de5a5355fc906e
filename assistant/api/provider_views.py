"""``/api/v2/providers``: who serves a tenant's language models, with the tenant's key (AI-5)."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.llm.providers.setup import provider_change, provider_create, provider_get, provider_test
from assistant.models import Provider
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.storage.crypto import mask

TAGS = ["models"]
PROVIDERS = Walk("providers", latest=True, sorts={"created_at": ""}, searched=("name",), dated="created_at")
Kind = Literal["openai", "anthropic", "compatible"]
MaxTokensField = Literal["max_completion_tokens", "max_tokens"]
SystemRole = Literal["system", "developer"]
JsonMode = Literal["json_schema", "json_object", "none"]
NAME = r"^[a-z0-9-]+$"
ADDRESS = r"^(https?://[^\s\x85\ufeff]+)?$"
KEY = r"^[!-~]*$"
BODY = {"name": "openai", "kind": "openai", "key": "sk-4f1d9a77c2e0b8"}
PROVIDER = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000a1", "name": "openai", "kind": "openai", "base_url": "", "key": "••••e0b8",
    "max_tokens_field": "max_completion_tokens", "system_role": "system", "json_mode": "json_schema",
    "supports_usage_stream": True, "supports_tools": True, "requests_per_minute": 0, "enabled": True,
    "created_at": "2026-01-31T12:00:00.000Z", "updated_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip


class ProviderBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60, pattern=NAME)
    kind: Kind = Field(description="`compatible`: a server that speaks OpenAI's chat completions")
    base_url: str = Field("", max_length=500, pattern=ADDRESS, description="Empty: the provider's own")
    key: str = Field("", max_length=500, pattern=KEY, description="Stored encrypted, and never told again")
    max_tokens_field: MaxTokensField = "max_completion_tokens"
    system_role: SystemRole = "system"
    json_mode: JsonMode = Field("json_schema", description="`none`: JSON is asked for in words")
    supports_usage_stream: bool = Field(True, description="Off: tokens of streams are estimated")
    supports_tools: bool = Field(True, description="Off: no question with tools goes there")
    requests_per_minute: int = Field(0, ge=0, le=1_000_000, description="0: as many as come")
    enabled: bool = True


class ProviderChange(Changes):
    name: str = Field("", min_length=1, max_length=60, pattern=NAME)
    kind: Kind = "openai"
    base_url: str = Field("", max_length=500, pattern=ADDRESS, description="Another address needs the key anew")
    key: str = Field("", max_length=500, pattern=KEY)
    max_tokens_field: MaxTokensField = "max_completion_tokens"
    system_role: SystemRole = "system"
    json_mode: JsonMode = "json_schema"
    supports_usage_stream: bool = True
    supports_tools: bool = True
    requests_per_minute: int = Field(0, ge=0, le=1_000_000)
    enabled: bool = True


class ProviderItem(BaseModel):
    id: uuid.UUID
    name: str
    kind: Kind
    base_url: str
    key: str = Field(description="Masked")
    max_tokens_field: MaxTokensField
    system_role: SystemRole
    json_mode: JsonMode
    supports_usage_stream: bool
    supports_tools: bool
    requests_per_minute: int
    enabled: bool
    created_at: Moment
    updated_at: Moment


class ProviderShape(ProviderItem):
    """A provider."""


class ProviderPage(Page):
    items: list[ProviderItem]


class ProviderTried(BaseModel):
    ok: bool
    code: str = Field(description="Why it failed, as docs/llm.md lists; empty where it went well")
    took_ms: int
    models: list[str] = Field(description="Those that the provider says it has, 500 at most")


class ProvidersView(TenantAPIView):
    permissions = {"GET": "models:read", "POST": "models:write"}

    @extend_schema(
        operation_id="provider_list",
        summary="List providers of language models",
        description="The newest first.",
        tags=TAGS,
        parameters=[ListQuery],  # type: ignore[list-item]
        responses=ProviderPage,
        examples=[answered(listed(PROVIDER))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, ListQuery)
        return Response(
            PROVIDERS.answer(Provider.objects.all(), query, shape=lambda page: [provider_shape(row) for row in page])
        )

    @extend_schema(
        operation_id="provider_create",
        summary="Set up a provider",
        description="Nothing is asked of it before it has a model. Whether address and key are right tells `test`.",
        tags=TAGS,
        request=ProviderBody,
        responses={201: ProviderShape},
        examples=[asked(BODY), answered(PROVIDER, 201)],
    )
    def post(self, request: Request) -> Response:
        row = provider_create(parse_body(request, ProviderBody).model_dump())
        self.audit("provider.created", row)
        return Response(provider_shape(row), 201)


class ProviderView(TenantAPIView):
    permissions = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}

    @extend_schema(
        operation_id="provider_get",
        summary="One provider",
        description="The whole of it, with its key masked.",
        tags=TAGS,
        responses=ProviderShape,
        examples=[answered(PROVIDER)],
    )
    def get(self, request: Request, provider_id: uuid.UUID) -> Response:
        return Response(provider_shape(provider_get(provider_id)))

    @extend_schema(
        operation_id="provider_change",
        summary="Change a provider",
        description="Changes the fields that the request names and no others; it holds from the next question on.",
        tags=TAGS,
        request=ProviderChange,
        responses=ProviderShape,
        examples=[asked({"requests_per_minute": 60}), answered({**PROVIDER, "requests_per_minute": 60})],
    )
    def patch(self, request: Request, provider_id: uuid.UUID) -> Response:
        given, row = parse_body(request, ProviderChange).given(), provider_get(provider_id)
        provider_change(row, given)
        self.audit("provider.updated", row, {"fields": sorted(given)})
        return Response(provider_shape(row))

    @extend_schema(
        operation_id="provider_delete",
        summary="Delete a provider",
        description="With its models and its key.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, provider_id: uuid.UUID) -> Response:
        row = provider_get(provider_id)
        self.audit("provider.deleted", row)
        row.delete()
        return Response(status=204)


class ProviderTestView(TenantAPIView):
    permissions = {"POST": "models:write"}

    @extend_schema(
        operation_id="provider_test",
        summary="Try a provider",
        description="Asks which models it has; costs nothing. How it went stands in the answer, which is 200 either way.",
        tags=TAGS,
        request=None,
        responses=ProviderTried,
        examples=[answered({"ok": True, "code": "", "took_ms": 212, "models": ["gpt-x", "gpt-x-mini"]})],
    )
    def post(self, request: Request, provider_id: uuid.UUID) -> Response:
        row = provider_get(provider_id)
        tried = provider_test(row)
        self.audit("provider.tested", row, {"code": tried.code})
        return Response(
            {"ok": not tried.code, "code": tried.code, "took_ms": tried.took_ms, "models": list(tried.models)}
        )


def provider_shape(row: Provider) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in ProviderItem.model_fields}, "key": mask(row.key)}
