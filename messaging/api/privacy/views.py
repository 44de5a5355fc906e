"""``/api/v1/privacy/export`` and ``/delete``: what a person may ask for, and the records of it (PRIV-1, PRIV-2)."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging import wake
from messaging.api.privacy.shapes import (
    DeletionDetail,
    DeletionPage,
    DeletionQuery,
    ExportDetail,
    ExportPage,
    ExportQuery,
    PersonBody,
    deletion_shape,
    export_shape,
)
from messaging.privacy.erase import erasure_start
from messaging.privacy.export.job import export_get, export_start
from messaging.privacy.models import Erasure, Export
from messaging.privacy.requested import demand_taken
from tenants.access.limits import client_ip
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound

TAGS = ["privacy"]
SORTS: Any = {"by": "created_at", "latest": True, "sorts": {"created_at": "created_at"}, "dated": "created_at"}
EXPORTS = Walk("exports", searched=("requested_by",), **SORTS)
DELETIONS = Walk("deletions", searched=("requested_by",), **SORTS)

PERSON = {"contact_id": "0192f0d0-7b1a-7c3e-9a55-00000000000d"}
BEGUN: dict[str, Any] = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000e1", **PERSON, "status": "running", "progress": 0, "table": None, "counts": {},
    "requested_by": "key:ab12cd34", "created_at": "2026-01-31T12:00:00.000Z", "finished_at": None, "size": None, "sha256": None,
    "downloads": 0, "downloaded_at": None, "expires_at": None, "download_url": None,
}  # fmt: skip
READY = {
    **BEGUN, "status": "ready", "progress": 100, "counts": {"contact": 1, "messages": 41, "files": 2},
    "finished_at": "2026-01-31T12:00:09.000Z", "size": 18_230, "expires_at": "2026-02-07T12:00:09.000Z",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "download_url": "https://chat.example.com/api/v1/privacy/download/0192f0d07b1a7c3e9a550000000000e1.1769861709.qF0…",
}  # fmt: skip
ERASING: dict[str, Any] = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000e2", **PERSON, "status": "running", "table": None, "counts": {},
    "requested_by": "key:ab12cd34", "created_at": "2026-01-31T12:00:00.000Z", "finished_at": None,
}  # fmt: skip
GONE = {
    **ERASING, "status": "done", "counts": {"conversations.Message": 41, "conversations.Contact": 1},
    "finished_at": "2026-01-31T12:00:05.000Z",
}  # fmt: skip


class ExportsView(TenantAPIView):
    permission = "privacy:export"

    @extend_schema(
        operation_id="privacy_export_list",
        summary="Exports of persons",
        description="The latest first; records stay when their file is gone. `sort_by`: `created_at`.",
        tags=TAGS,
        parameters=[ExportQuery],  # type: ignore[list-item]
        responses=ExportPage,
        examples=[answered(listed(READY))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, ExportQuery)
        rows = Export.objects.filter(**query.model_dump(include={"contact_id", "status"}, exclude_none=True))
        return Response(EXPORTS.answer(rows, query, shape=lambda page: map(export_shape, page)))

    @extend_schema(
        operation_id="privacy_export_create",
        summary="Export everything about a person",
        description="Made in the background: ask for its state. While one is being made, that is answered. 409 `being_erased`; "
        "409 `person_ambiguous`: several contacts have this `learner_id`, and `details` names them. 409 `privacy_off`: the "
        "operator takes no such requests here.",
        tags=TAGS,
        request=PersonBody,
        responses={202: ExportDetail},
        examples=[asked(PERSON), answered(BEGUN, 202)],
    )
    def post(self, request: Request) -> Response:
        demand_taken()
        begun = export_start(parse_body(request, PersonBody).contact(), self.principal, client_ip(request._request))
        wake.privacy()
        return Response(export_shape(begun), 202)


class ExportView(TenantAPIView):
    permission = "privacy:export"

    @extend_schema(
        operation_id="privacy_export_get",
        description="Its state, how far it is and, once it is done, a signed link for its file, which runs out.",
        summary="One export: how far it is, and where its file is",
        tags=TAGS,
        responses=ExportDetail,
        examples=[answered(READY)],
    )
    def get(self, request: Request, export_id: uuid.UUID) -> Response:
        return Response(export_shape(export_get(export_id)))


class DeletionsView(TenantAPIView):
    permission = "privacy:delete"

    @extend_schema(
        operation_id="privacy_deletion_list",
        summary="Erasures of persons",
        description="The latest first; ids and counts, nothing of the person. `sort_by`: `created_at`.",
        tags=TAGS,
        parameters=[DeletionQuery],  # type: ignore[list-item]
        responses=DeletionPage,
        examples=[answered(listed(GONE))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, DeletionQuery)
        rows = Erasure.objects.filter(**query.model_dump(include={"contact_id", "status"}, exclude_none=True))
        return Response(DELETIONS.answer(rows, query, shape=lambda page: map(deletion_shape, page)))

    @extend_schema(
        operation_id="privacy_deletion_create",
        summary="Erase a person",
        description="For good, in the background: everything they said, sent and are known by. There is no way back. "
        "409 `legal_hold`: a hold keeps the person; 409 `person_ambiguous`: several contacts have this `learner_id`, and "
        "`details` names them. 409 `privacy_off`: the operator takes no such requests here.",
        tags=TAGS,
        request=PersonBody,
        responses={202: DeletionDetail},
        examples=[asked(PERSON), answered(ERASING, 202)],
    )
    def post(self, request: Request) -> Response:
        demand_taken()
        begun = erasure_start(parse_body(request, PersonBody).contact(), self.principal, client_ip(request._request))
        wake.privacy()
        return Response(deletion_shape(begun), 202)


class DeletionView(TenantAPIView):
    permission = "privacy:delete"

    @extend_schema(
        operation_id="privacy_deletion_get",
        description="Its state, how far it is, and what was removed; never what it was.",
        summary="One erasure: how far it is",
        tags=TAGS,
        responses=DeletionDetail,
        examples=[answered(GONE)],
    )
    def get(self, request: Request, deletion_id: uuid.UUID) -> Response:
        found = Erasure.objects.filter(id=deletion_id).first()
        if found is None:
            raise NotFound("There is no such erasure.", code="deletion_not_found")
        return Response(deletion_shape(found))
