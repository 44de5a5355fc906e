"""``/api/v2/tools``: what the tenant's assistant may call."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.tools import listing
from assistant.tools.models import Tool
from assistant.tools.shapes import (
    OfferedList,
    OfferedQuestion,
    ToolChange,
    ToolCreate,
    ToolDetail,
    ToolList,
    ToolTried,
    ToolTry,
    ToolWithSecret,
    tool_shape,
)
from assistant.tools.trying import tool_try
from tenants.api.pages import NoQuery
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query

TAGS = ["tools"]
SCHEMA = {"type": "object", "properties": {"order": {"type": "string", "maxLength": 20}}, "required": ["order"]}
WANTED = {
    "name": "cancel_order", "title": "Cancel your order", "description": "Cancels an order that has not been sent",
    "schema": SCHEMA, "url": "https://shop.example.com/tools/cancel",
}  # fmt: skip
TOOL = {
    "id": "0192f0d0-7b1a-7c3e-9a55-000000000020", "kind": "http", **WANTED, "secret": "••••a2c=", "remote": "",
    "changes": True, "enabled": True, "timeout_s": 5, "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip
OFFERED = {
    "name": "order_status", "title": "", "description": "Where an order is", "schema": SCHEMA, "reads_only": True, "usable": "",
}  # fmt: skip


class ToolsView(TenantAPIView):
    permissions = {"GET": "models:read", "POST": "models:write"}

    @extend_schema(
        operation_id="tool_list",
        summary="List tools",
        description="All that the assistant may call for a person, by name; 32 at most. Nothing that is not listed here can be called.",
        tags=TAGS,
        responses=ToolList,
        examples=[answered({"items": [TOOL]})],
    )
    def get(self, request: Request) -> Response:
        parse_query(request, NoQuery)
        return Response({"items": [tool_shape(row) for row in Tool.objects.order_by("name")]})

    @extend_schema(
        operation_id="tool_create",
        summary="Let the assistant call something",
        description="The answer shows the secret that signs the calls, this once.",
        tags=TAGS,
        request=ToolCreate,
        responses={201: ToolWithSecret},
        examples=[
            asked(WANTED),
            answered({**TOOL, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwK1fTq0mFa2c="}, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        row = listing.tool_create(**parse_body(request, ToolCreate).model_dump(by_alias=True))
        self.audit("tool.created", row, {"name": row.name, "kind": row.kind})
        return Response({**tool_shape(row), "secret": row.secret}, 201)


class ToolView(TenantAPIView):
    permissions = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}

    @extend_schema(
        operation_id="tool_get",
        summary="One tool",
        description="Its address, arguments and whether the person is asked first. The secret is masked.",
        tags=TAGS,
        responses=ToolDetail,
        examples=[answered(TOOL)],
    )
    def get(self, request: Request, tool_id: uuid.UUID) -> Response:
        return Response(tool_shape(listing.tool_for_id(tool_id)))

    @extend_schema(
        operation_id="tool_change",
        summary="Change a tool",
        description="Holds from the next turn on. What a person was asked to agree to before is called only where it still fits.",
        tags=TAGS,
        request=ToolChange,
        responses=ToolDetail,
        examples=[asked({"enabled": False}), answered({**TOOL, "enabled": False})],
    )
    def patch(self, request: Request, tool_id: uuid.UUID) -> Response:
        row = listing.tool_for_id(tool_id)
        changes = parse_body(request, ToolChange).given()
        listing.tool_change(row, **changes)
        self.audit("tool.updated", row, {"fields": sorted(changes)})
        return Response(tool_shape(row))

    @extend_schema(
        operation_id="tool_delete",
        summary="Take a tool off the list",
        description="From the next turn on it cannot be called, not even where a person was asked already.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, tool_id: uuid.UUID) -> Response:
        row = listing.tool_for_id(tool_id)
        self.audit("tool.deleted", row)
        row.delete()
        return Response(status=204)


class ToolTryView(TenantAPIView):
    permissions = {"POST": "models:write"}

    @extend_schema(
        operation_id="tool_try",
        summary="Call a tool once, now",
        description="A real call, for nobody: `person` is empty. It has three seconds; one at a time per tenant, else 429 `busy`. "
        "400 `arguments_invalid` where the arguments do not fit the schema.",
        tags=TAGS,
        request=ToolTry,
        responses=ToolTried,
        examples=[
            asked({"arguments": {"order": "AC-1"}}),
            answered({"code": "ok", "text": "cancelled", "took_ms": 42}),
        ],
    )
    def post(self, request: Request, tool_id: uuid.UUID) -> Response:
        row = listing.tool_for_id(tool_id)
        given = parse_body(request, ToolTry).arguments
        outcome = tool_try(row, given)
        self.audit("tool.tried", row)
        return Response({"code": outcome.code, "text": outcome.text, "took_ms": outcome.took_ms})


class OfferedView(TenantAPIView):
    permissions = {"POST": "models:write"}

    @extend_schema(
        operation_id="tool_offered_list",
        summary="What an MCP server offers",
        description="Asks a server of the Model Context Protocol, by streamable HTTP, for its tools, at most 200, to put some on "
        "the list. What it says of a tool holds as it is put there; what it says later changes nothing. 422 "
        "`mcp_server_unusable` where it gives no list within three seconds.",
        tags=TAGS,
        request=OfferedQuestion,
        responses=OfferedList,
        examples=[asked({"url": "https://tools.example.com/mcp"}), answered({"items": [OFFERED]})],
    )
    def post(self, request: Request) -> Response:
        from assistant.tools import offering  # the SDK, which other addresses do without

        body = parse_body(request, OfferedQuestion)
        items = [
            {
                "name": one.name, "title": one.title, "description": one.description, "schema": one.schema,
                "reads_only": one.reads_only, "usable": offering.unusable(one),
            }
            for one in offering.offered_asked(body.url, body.token)
        ]  # fmt: skip
        return Response({"items": items})
