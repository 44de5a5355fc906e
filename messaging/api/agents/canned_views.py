"""``/api/v2/canned-replies``: what staff say often."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.selectors import conversation_get
from messaging.agents.canned import canned_fill, canned_get, canned_rows, canned_save, canned_variables
from messaging.agents.models import CannedReply
from messaging.api.agents.acting import acting
from messaging.api.agents.shapes import (
    CannedBody,
    CannedChange,
    CannedFilled,
    CannedList,
    CannedQuery,
    CannedShape,
    CannedUse,
)
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query

CANNED_REPLIES = Walk(
    "canned-replies", by="shortcut", sorts={"shortcut": "shortcut", "created_at": ""}, searched=("shortcut", "title"),
    dated="created_at",
)  # fmt: skip
CONTENT = {"type": "text", "text": "Hello {{first_name}}, your refund of {{amount}} is on its way."}
BODY = {"shortcut": "refund", "title": "A refund is on its way", "content": CONTENT, "language": "en"}
CANNED = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000d1", **BODY, "variables": ["first_name", "amount"],
    "updated_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip


class CannedRepliesView(TenantAPIView):
    permissions = {"GET": "templates:read", "POST": "templates:write"}

    @extend_schema(
        operation_id="canned_reply_list",
        summary="List canned replies",
        description="By shortcut; `search_query`: in shortcut and title.",
        tags=["inbox"],
        parameters=[CannedQuery],  # type: ignore[list-item]
        responses=CannedList,
        examples=[answered(listed(CANNED))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, CannedQuery)
        query.page_size = query.page_size or query.limit
        return Response(
            CANNED_REPLIES.answer(canned_rows(query.search), query, shape=lambda page: map(canned_shape, page))
        )

    @extend_schema(
        operation_id="canned_reply_create",
        summary="Create a canned reply",
        description="`{{name}}`, `{{first_name}}`, `{{agent}}` and `{{channel}}` fill themselves in; the others are asked.",
        tags=["inbox"],
        request=CannedBody,
        responses={201: CannedShape},
        examples=[asked(BODY), answered(CANNED, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, CannedBody)
        facts = {**body.model_dump(exclude={"content"}), "content": body.content.to_json()}
        row = canned_save(CannedReply(tenant_id=self.principal.tenant_id, **facts))
        self.audit("cannedreply.created", row)
        return Response(canned_shape(row), 201)


class CannedReplyView(TenantAPIView):
    permissions = {"GET": "templates:read", "PATCH": "templates:write", "DELETE": "templates:write"}

    @extend_schema(
        operation_id="canned_reply_get",
        description="Its shortcut, title and text with their variables.",
        summary="One canned reply",
        tags=["inbox"],
        responses=CannedShape,
        examples=[answered(CANNED)],
    )
    def get(self, request: Request, canned_id: uuid.UUID) -> Response:
        return Response(canned_shape(canned_get(canned_id)))

    @extend_schema(
        operation_id="canned_reply_change",
        description="What is left out stays.",
        summary="Change a canned reply",
        tags=["inbox"],
        request=CannedChange,
        responses=CannedShape,
        examples=[asked({"title": "Refund"}), answered({**CANNED, "title": "Refund"})],
    )
    def patch(self, request: Request, canned_id: uuid.UUID) -> Response:
        body = parse_body(request, CannedChange)
        row, given = canned_get(canned_id), body.given()
        given |= {"content": body.content.to_json()} if "content" in given else {}
        row = canned_save(row, given)
        self.audit("cannedreply.updated", row, {"fields": sorted(given)})
        return Response(canned_shape(row))

    @extend_schema(
        operation_id="canned_reply_delete",
        description="What was written with it stays as it is.",
        summary="Delete a canned reply",
        tags=["inbox"],
        responses={204: None},
    )
    def delete(self, request: Request, canned_id: uuid.UUID) -> Response:
        row = canned_get(canned_id)
        self.audit("cannedreply.deleted", row)
        row.delete()
        return Response(status=204)


class CannedFillView(TenantAPIView):
    permissions = {"POST": "templates:read"}

    @extend_schema(
        operation_id="canned_reply_fill",
        summary="A canned reply, filled in for a conversation",
        description="Nothing is sent. `content` is null as long as `missing` names variables.",
        tags=["inbox"],
        request=CannedUse,
        responses=CannedFilled,
        examples=[
            asked({"conversation_id": "0192f0d0-7b1a-7c3e-9a55-000000000001", "variables": {"amount": "20 euros"}}),
            answered({
                "content": {"type": "text", "text": "Hello Mira, your refund of 20 euros is on its way."}, "missing": [],
                "values": {"first_name": "Mira", "amount": "20 euros"},
            }),
        ],
    )  # fmt: skip
    def post(self, request: Request, canned_id: uuid.UUID) -> Response:
        body = parse_body(request, CannedUse)
        row, conversation = canned_get(canned_id), conversation_get(body.conversation_id)
        filled = canned_fill(row, conversation, acting(self, body.agent), body.variables)
        return Response({
            "content": filled.content.to_json() if filled.content else None, "missing": filled.missing,
            "values": filled.values,
        })  # fmt: skip


def canned_shape(row: CannedReply) -> dict[str, Any]:
    return {
        "id": row.id, "shortcut": row.shortcut, "title": row.title, "content": row.content, "language": row.language,
        "variables": canned_variables(row), "updated_at": row.updated_at,
    }  # fmt: skip
