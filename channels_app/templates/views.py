"""``/api/v2/templates``: a tenant's message templates, and those its channels' platforms have approved."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.content.types import Content, TemplateUse
from channels_app.models import Channel
from channels_app.templates.resolve import language_of, render, template_resolved, variables_in
from channels_app.templates.store import (
    TemplateBody,
    TemplateChange,
    TemplateDetail,
    TemplatePage,
    TemplateQuery,
    template_change,
    template_create,
    template_delete,
    template_get,
    template_page,
    template_shape,
)
from tenants.api.pages import listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound
from tenants.tenant_settings import settings_for

VARIANTS = {
    "en": {
        "content": {"type": "text", "text": "Hello {{name}}, order {{order}} is on its way.", "format": "plain"},
        "defaults": {"name": "there"},
        "external": {"template": "order_shipped", "language": "en_US", "parameters": {"1": "{{order}}"}},
    }
}
TEMPLATE = {
    "id": "0192f0d0-7b1a-5c3e-9a55-000000000001",
    "name": "order_shipped",
    "channel_id": None,
    "category": "",
    "languages": ["en"],
    "variables": ["name", "order"],
    "variants": VARIANTS,
    "synced_at": None,
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:00.000Z",
}


class TemplatesView(TenantAPIView):
    permissions = {"GET": "templates:read", "POST": "templates:write"}

    @extend_schema(
        operation_id="template_list",
        summary="List templates",
        description="By name: the tenant's own, and with `channel_id` set those of a channel's platform.",
        tags=["templates"],
        parameters=[TemplateQuery],  # type: ignore[list-item]
        responses=TemplatePage,
        examples=[answered(listed(TEMPLATE))],
    )
    def get(self, request: Request) -> Response:
        return Response(template_page(parse_query(request, TemplateQuery)))

    @extend_schema(
        operation_id="template_create",
        summary="Create a template",
        description="`{{variable}}` may stand in any text of the content. A message uses it as "
        '`{"type": "template", "template": {"name": …, "language": …, "variables": {…}}}`.',
        tags=["templates"],
        request=TemplateBody,
        responses={201: TemplateDetail},
        examples=[
            asked({"name": "order_shipped", "variants": VARIANTS}),
            answered(TEMPLATE, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, TemplateBody)
        row = template_create(name=body.name, variants=body.variants)
        self.audit("template.created", row)
        return Response(template_shape(row), 201)


class TemplateView(TenantAPIView):
    permissions = {"GET": "templates:read", "PATCH": "templates:write", "DELETE": "templates:write"}

    @extend_schema(
        operation_id="template_get",
        description="All its variants by language, with the state that the platform gave them.",
        summary="One template",
        tags=["templates"],
        responses=TemplateDetail,
        examples=[answered(TEMPLATE)],
    )
    def get(self, request: Request, template_id: uuid.UUID) -> Response:
        return Response(template_shape(template_get(template_id)))

    @extend_schema(
        operation_id="template_change",
        summary="Change a template",
        description="Replaces all its languages. Messages that are stored already keep their words.",
        tags=["templates"],
        request=TemplateChange,
        responses=TemplateDetail,
        examples=[
            asked({"variants": VARIANTS}),
            answered(TEMPLATE),
        ],
    )
    def patch(self, request: Request, template_id: uuid.UUID) -> Response:
        body = parse_body(request, TemplateChange)
        row = template_change(template_id, variants=body.variants)
        self.audit("template.updated", row)
        return Response(template_shape(row))

    @extend_schema(
        operation_id="template_delete",
        description="Messages that were sent with it stay as they are. The platform's own copy is not touched.",
        summary="Delete a template",
        tags=["templates"],
        responses={204: None},
    )
    def delete(self, request: Request, template_id: uuid.UUID) -> Response:
        self.audit("template.deleted", template_delete(template_id))
        return Response(status=204)


class TemplatePreviewRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    language: str | None = Field(None, max_length=15)
    variables: dict[str, str] = Field(default_factory=dict, max_length=100)
    channel_id: uuid.UUID | None = Field(None, description="As it would be sent there")


class TemplatePreview(BaseModel):
    language: str
    variables: list[str]
    content: Content


class TemplatePreviewView(TenantAPIView):
    permissions = {"POST": "templates:read"}

    @extend_schema(
        operation_id="template_preview",
        summary="What a template says",
        description="With these variables, in the language asked for or the nearest one there is.",
        tags=["templates"],
        request=TemplatePreviewRequest,
        responses=TemplatePreview,
        examples=[
            asked({"language": "en-GB", "variables": {"order": "AC-10042"}}),
            answered(
                {
                    "language": "en",
                    "variables": ["name", "order"],
                    "content": {"type": "text", "text": "Hello there, order AC-10042 is on its way."},
                },
            ),
        ],
    )
    def post(self, request: Request, template_id: uuid.UUID) -> Response:
        body = parse_body(request, TemplatePreviewRequest)
        row = template_get(template_id)
        languages = [body.language or "", *settings_for(row.tenant_id).languages]
        language = language_of(row.variants, languages)
        variant = row.variants[language]
        if body.channel_id:
            channel = Channel.objects.filter(id=body.channel_id).first()
            if channel is None:
                raise NotFound("There is no such channel.", code="channel_not_found")
            use = TemplateUse(name=row.name, language=body.language or language, variables=body.variables)
            content = template_resolved(channel, Content(type="template", template=use), languages)
        else:
            content = render(variant["content"], {**variant.get("defaults", {}), **body.variables})
        shown = {"language": language, "variables": variables_in(variant["content"]), "content": content.to_json()}
        return Response(shown)
