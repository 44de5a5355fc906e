"""``/api/v2/audit``: who did what, and from where (TEN-6). Must not change the trail."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.models import AuditEntry

ENTRIES = Walk(
    "audit", by="created_at", latest=True, sorts={"created_at": "created_at"}, searched=("actor", "action", "target"),
    dated="created_at",
)  # fmt: skip
ENTRY = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000ac", "at": "2026-01-31T12:00:00.000Z", "actor": "user:ana",
    "action": "channel.updated", "target": "channel:0192f0d0-7b1a-7c3e-9a55-00000000000c", "changes": {"fields": ["name"]},
    "ip": "203.0.113.7",
}  # fmt: skip


class AuditShape(BaseModel):
    id: uuid.UUID
    at: Moment
    actor: str = Field(description="user:<name>, key:<prefix>, token:…, visitor:… or system")
    action: str
    target: str = Field(description="<noun>:<id>")
    changes: dict[str, Any] = Field(description="Names of what changed; never a secret or words of people")
    ip: str | None


class AuditPage(Page):
    items: list[AuditShape]


class AuditQuery(ListQuery):
    actor: str | None = Field(None, max_length=200)
    action: str | None = Field(None, max_length=80, description="An action, or its noun with a dot: `channel.`")
    target: str | None = Field(None, max_length=200)


class AuditView(TenantAPIView):
    permissions = {"GET": "audit:read"}

    @extend_schema(
        operation_id="audit_list",
        summary="The audit trail",
        description="The latest first. `sort_by`: `created_at`.",
        tags=["audit"],
        parameters=[AuditQuery],  # type: ignore[list-item]
        responses=AuditPage,
        examples=[answered(listed(ENTRY))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, AuditQuery)
        given = {name: value for name in ("actor", "target") if (value := getattr(query, name))}
        if query.action:
            given["action__startswith" if query.action.endswith(".") else "action"] = query.action
        rows = AuditEntry.objects.filter(**given)
        return Response(ENTRIES.answer(rows, query, shape=lambda page: map(audit_shape, page)))


def audit_shape(row: AuditEntry) -> dict[str, Any]:
    names = ("id", "actor", "action", "target", "changes", "ip")
    return {**{name: getattr(row, name) for name in names}, "at": row.created_at}
