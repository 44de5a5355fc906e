"""``GET /api/v2/media/<token>``: a file by its signed link.

Must not ask who the reader is: the link is the permission, and it runs out. Owns the headers that keep a
stranger's file from doing anything in a reader's browser.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any, Literal

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request

from channels_app.content.forms import FORMS
from channels_app.content.media import kind_of
from conversations.files.media_links import attachment_id_for
from conversations.models import Attachment
from messaging.media.shown import Served, served
from tenants.access.auth import require_active
from tenants.access.permissions import PUBLIC
from tenants.api.views import TenantAPIView, parse_query
from tenants.errors import Forbidden, NotFound, Unavailable

CHUNK = 64 * 1024  # bytes
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",  # widgets show it on other people's pages
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
}


AS = ("shown", "original", *FORMS)


class MediaQuery(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    size: Literal["full", "thumb"] = "full"
    form: Literal[AS] = Field("shown", alias="as")  # type: ignore[valid-type]  # names of the table


class MediaView(TenantAPIView):
    permission = PUBLIC
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="media_get",
        summary="A file of a message, by its signed link",
        description="The link comes with the message and runs out; read the message again for a new one. "
        "Ranges are answered with 206. With an S3 bucket the answer is a redirect to it.",
        tags=["media"],
        auth=[],
        parameters=[
            OpenApiParameter("token", str, OpenApiParameter.PATH),
            OpenApiParameter("size", str, enum=["full", "thumb"], description="thumb: at most 320 × 320 pixels"),
            OpenApiParameter(
                "as",
                str,
                enum=AS,
                description="`shown` (when left out): the file, or the form of it that browsers show (HEIC as JPEG); "
                "`original`: the file as it came; the others: what was made of it for a channel",
            ),
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        examples=[OpenApiExample("A file", value="…", media_type="application/octet-stream", response_only=True)],
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        query = parse_query(request, MediaQuery)
        found = attachment_id_for(token)
        # unscoped: the link was signed by us and is the permission; it names the row
        attachment = Attachment.objects.unscoped().filter(id=found[0]).first() if found else None
        if found is None or attachment is None or attachment.state in Attachment.LOST:
            raise NotFound("There is no such file, or its link has run out.", code="media_not_found")
        _demand_reader(request, attachment)
        if attachment.state == Attachment.State.REMOTE:
            raise Unavailable("The file is still being fetched.", code="media_pending", retry_after=5)
        file = served(attachment, query.form, query.size)
        answer = _elsewhere(file, found[1]) if settings.ENV["MEDIA_S3_BUCKET"] else _here(request, file)
        for name, value in HEADERS.items():
            answer[name] = value
        answer["Cache-Control"] = f"private, max-age={min(found[1], 3600)}"
        return answer


def _demand_reader(request: Request, attachment: Attachment) -> None:
    """Of a suspended tenant only staff go on reading, in the console. Raises Forbidden ``tenant_suspended``."""
    try:
        require_active(attachment.tenant_id)
    except Forbidden:
        if not getattr(get_user(request._request), "is_staff", False):
            raise


def _disposition(file: Served) -> str:
    """Only what cannot act is shown in place; everything else is saved."""
    return content_disposition_header(kind_of(file.mime) == "file", file.title) or "attachment"


def _elsewhere(file: Served, seconds: int) -> HttpResponse:
    given = {"ResponseContentType": file.mime, "ResponseContentDisposition": _disposition(file)}
    address = default_storage.url(file.name, parameters=given, expire=min(seconds, 3600))  # type: ignore[call-arg]
    return HttpResponseRedirect(address)


def _here(request: Request, chosen: Served) -> HttpResponseBase:
    """The file, or the part of it that a player asks for."""
    try:
        file = default_storage.open(chosen.name, "rb")
    except FileNotFoundError as error:
        raise NotFound("There is no such file any more.", code="media_not_found") from error
    size = file.size
    span = _span(request.headers.get("Range", ""), size)
    if span is None:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = span
    file.seek(first)
    answer = streamed(request, file, last - first + 1, chosen.mime)
    answer["Content-Disposition"] = _disposition(chosen)
    if (first, last) != (0, size - 1):
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {first}-{last}/{size}"
    return answer


def streamed(request: Request, file: Any, length: int, mime: str) -> StreamingHttpResponse:
    """``length`` bytes of the file from where it stands, which is closed afterwards."""
    chunks: Any = _later if isinstance(request._request, ASGIRequest) else _now
    answer = StreamingHttpResponse(chunks(file, length), content_type=mime)
    answer._resource_closers.append(file.close)  # type: ignore[attr-defined]  # as Django's FileResponse does
    answer["Content-Length"] = str(length)
    return answer


def _span(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte that are asked for: all of them without a (single, well-formed) range; None when
    the range lies outside."""
    match = RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size - 1
    if not match[1]:
        return (max(0, size - int(match[2])), size - 1) if int(match[2]) else None
    first, last = int(match[1]), min(int(match[2] or size), size - 1)
    return (first, last) if first <= last else None


def _now(file: IO[bytes], left: int) -> Iterator[bytes]:
    while left > 0 and (chunk := file.read(min(CHUNK, left))):
        left -= len(chunk)
        yield chunk


async def _later(file: IO[bytes], left: int) -> AsyncIterator[bytes]:
    """The same for an event loop, which must not wait for a disk."""
    while left > 0 and (chunk := await sync_to_async(file.read, thread_sensitive=False)(min(CHUNK, left))):
        left -= len(chunk)
        yield chunk
