"""``/api/v2/audit``: who did what, and from where, as a list and as a file (TEN-6). Must not change the trail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.trail.export import FORMS
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.trail.audit import holder_name

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
    actor: str = Field(description="user:<name>, key:<prefix>, system; of tokens a keyed hash of their subject")
    action: str
    target: str = Field(description="<noun>:<id>")
    changes: dict[str, Any] = Field(description="Names of what changed; never a secret or words of people")
    ip: str | None


class AuditDetail(AuditShape):
    """One entry."""


class AuditPage(Page):
    items: list[AuditShape]


class AuditQuery(ListQuery):
    actor: str | None = Field(
        None, max_length=200, description="As an entry says it; also `token:` with the subject that you gave it"
    )
    action: str | None = Field(None, max_length=80, description="An action, or its noun with a dot: `channel.`")
    target: str | None = Field(None, max_length=200)


class AuditExport(BaseModel):
    """Which entries, and in which form; the conditions are those of the list."""

    model_config = ConfigDict(extra="forbid")
    RANGES: ClassVar = (("start_date", "end_date"),)

    format: Literal["csv", "jsonl"] = Field("csv", description="csv: no cell is a formula")
    actor: str | None = Field(None, max_length=200)
    action: str | None = Field(None, max_length=80)
    target: str | None = Field(None, max_length=200)
    start_date: Moment | None = None
    end_date: Moment | None = None


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
        rows = _chosen(self.principal.tenant_id, query)
        return Response(ENTRIES.answer(rows, query, shape=lambda page: map(audit_shape, page)))


class AuditEntryView(TenantAPIView):
    permissions = {"GET": "audit:read"}

    @extend_schema(
        operation_id="audit_get",
        summary="One entry of the audit trail",
        description="Who did what, to what, and from where.",
        tags=["audit"],
        responses=AuditDetail,
        examples=[answered(ENTRY)],
    )
    def get(self, request: Request, entry_id: uuid.UUID) -> Response:
        row = AuditEntry.objects.filter(id=entry_id, tenant_id=self.principal.tenant_id).first()
        if row is None:
            raise NotFound("There is no such entry.", code="audit_entry_not_found")
        return Response(audit_shape(row))


class AuditExportView(TenantAPIView):
    permissions = {"POST": "audit:read"}

    @extend_schema(
        operation_id="audit_export",
        summary="The audit trail as a file",
        description="The oldest entry first, with the number of the seal that holds it; `jsonl` has an entry a line. Taking it "
        "stands in the trail, too (`audit.exported`).",
        tags=["audit"],
        request=AuditExport,
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/jsonl"): OpenApiTypes.STR},
        examples=[
            asked({"format": "csv", "action": "channel.", "start_date": "2026-01-01T00:00:00Z"}),
            OpenApiExample(
                "CSV", value="id,at,tenant,actor,action,target,changes,ip,seal\r\n", media_type="text/csv",
                response_only=True,
            ),
        ],
        extensions={"x-raw-answer": True},
    )  # fmt: skip
    def post(self, request: Request) -> StreamingHttpResponse:
        body = parse_body(request, AuditExport)
        form, tenant_id = FORMS[body.format], self.principal.tenant_id
        self.audit("audit.exported", "", {"format": body.format})
        rows = _chosen(tenant_id, body)
        rows = rows.filter(created_at__gte=body.start_date) if body.start_date else rows
        rows = rows.filter(created_at__lte=body.end_date) if body.end_date else rows

        def pieces() -> Iterator[bytes]:
            """Made while they are sent, after the request's own scope has ended."""
            with tenant_scope(tenant_id):
                yield from (piece.encode() for piece in form.write(rows))

        answer = StreamingHttpResponse(pieces(), content_type=form.mime)
        answer["Content-Disposition"] = f'attachment; filename="audit.{form.extension}"'
        return answer


def _chosen(tenant_id: uuid.UUID, asked_for: AuditQuery | AuditExport) -> QuerySet[AuditEntry]:
    given: dict[str, Any] = {"target": asked_for.target} if asked_for.target else {}
    if asked_for.actor:
        kind, _, subject = asked_for.actor.partition(":")
        named = holder_name(tenant_id, kind, subject)
        given["actor__in"] = [asked_for.actor, *([named] if kind in ("token", "visitor") else ())]
    if asked_for.action:
        given["action__startswith" if asked_for.action.endswith(".") else "action"] = asked_for.action
    return AuditEntry.objects.filter(**given)


def audit_shape(row: AuditEntry) -> dict[str, Any]:
    names = ("id", "actor", "action", "target", "changes", "ip")
    return {**{name: getattr(row, name) for name in names}, "at": row.created_at}
