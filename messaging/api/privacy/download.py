"""``GET /api/v1/privacy/download/<token>``: the file of an export by its signed link.

Must not ask who the reader is: the link is the permission, and it runs out. Each download is counted and stands in the trail.
"""

from __future__ import annotations

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request

from messaging.media.views import streamed
from messaging.privacy.export.job import download_note
from messaging.privacy.export.package import export_id_for, package_name, package_open
from messaging.privacy.models import Export
from tenants.access.auth import require_active
from tenants.access.limits import client_ip
from tenants.access.permissions import PUBLIC
from tenants.api.views import TenantAPIView
from tenants.errors import NotFound
from tenants.scope import tenant_scope
from tenants.trail.audit import audit

ELSEWHERE_S = 60  # that the bucket's own address works
MIME = "application/zip"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class DownloadView(TenantAPIView):
    permission = PUBLIC
    http_method_names = ["get"]

    @extend_schema(
        operation_id="privacy_download_get",
        summary="The file of an export, by its signed link",
        description="The link comes with the export and runs out after 15 minutes: read the export again for a new one. Each "
        "download is counted. With an S3 bucket the answer is a redirect to it.",
        tags=["privacy"],
        auth=[],
        parameters=[OpenApiParameter("token", str, OpenApiParameter.PATH)],
        responses={(200, MIME): OpenApiTypes.BINARY},
        examples=[OpenApiExample("A file", value="…", media_type=MIME, response_only=True)],
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        export_id = export_id_for(token)
        # unscoped: the link was signed by us and is the permission; it names the row
        export = Export.objects.unscoped().filter(id=export_id).first() if export_id else None
        if export is None or export.status != Export.Status.READY:
            raise NotFound("There is no such file, or its link has run out.", code="export_not_found")
        require_active(export.tenant_id)
        with tenant_scope(export.tenant_id):
            answer = _answer(request, export)
            if not download_note(export):
                answer.close()
                raise NotFound("The file is erased by now.", code="export_not_found")
            facts = {"export": str(export.id)}
            audit(
                "link", "contact.export_downloaded", f"contact:{export.contact_id}", facts, client_ip(request._request)
            )
        for name, value in HEADERS.items():
            answer[name] = value
        return answer


def _answer(request: Request, export: Export) -> HttpResponseBase:
    disposition = f'attachment; filename="export-{export.contact_id}.zip"'
    name = export.place["file"]
    if settings.ENV["MEDIA_S3_BUCKET"]:
        given = {"ResponseContentType": MIME, "ResponseContentDisposition": disposition}
        where = package_name(export.tenant_id, export.id, name)
        return HttpResponseRedirect(default_storage.url(where, parameters=given, expire=ELSEWHERE_S))  # type: ignore[call-arg]
    try:
        file = package_open(export.tenant_id, export.id, name)
    except FileNotFoundError as error:
        raise NotFound("The file is erased by now.", code="export_not_found") from error
    answer = streamed(request, file, file.size, MIME)
    answer["Content-Disposition"] = disposition
    return answer
