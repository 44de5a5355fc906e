"""Uploads over HTTP: visitors' by ticket, integrators' as multipart. Must not decide anything (uploads.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from pydantic import BaseModel, Field
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.models import Channel
from channels_app.selectors import channel_for_id, channel_for_kind
from conversations.media_links import media_address, media_link
from conversations.models import Attachment
from messaging.media import most_bytes
from messaging.uploads import MESSAGES, ticket_issue, ticket_read, upload, visitor_upload
from messaging.webchat_frames import TicketRequest
from messaging.webchat_views import VISITOR, WebchatView
from tenants.db import new_id
from tenants.errors import Invalid, PayloadTooLarge, Unprocessable
from tenants.views import TenantAPIView, parse_body

CHUNK = 64 * 1024  # bytes
ROOM = 64 * 1024  # for what a multipart body says beside the file
FILE = "0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"


class UploadTicket(BaseModel):
    file: str = Field(description="What a `send` of kind `file` names in `files`")
    url: str = Field(description="Where the bytes are posted, relative to this address")
    expires_in: int = Field(description="Seconds")
    limit: int = Field(description="Bytes of the largest file")


class VisitorFile(BaseModel):
    file: str
    name: str
    type: str = Field(description="MIME type, told from the bytes")
    size_bytes: int
    url: str = Field(description="A signed link that runs out")


class StoredFile(BaseModel):
    """A file that waits for a message; it is removed after a day without one."""

    id: str
    address: str = Field(description="For `content.media.url` of a message")
    name: str
    type: str = Field(description="MIME type, told from the bytes")
    size_bytes: int
    width: int | None
    height: int | None
    sha256: str
    url: str = Field(description="A signed link that runs out")


TICKET = {"file": FILE, "url": "/api/v2/webchat/h2k9Qm/files/eyJ…", "expires_in": 600, "limit": 52428800}


class TicketView(WebchatView):
    @extend_schema(
        operation_id="webchat_upload_ticket",
        summary="Ask for the right to upload a file",
        tags=["webchat"],
        auth=[],
        parameters=[VISITOR],
        request=TicketRequest,
        responses=UploadTicket,
        examples=[
            OpenApiExample(
                "A photo", value={"name": "lamp.jpg", "type": "image/jpeg", "size": 482113}, request_only=True
            ),
            OpenApiExample("A ticket", value=TICKET, response_only=True),
        ],
    )
    def post(self, request: Request, key: str) -> Response:
        return Response(ticket_issue(self.channel, self.visitor(request), parse_body(request, TicketRequest)))


class VisitorUploadView(WebchatView):
    @extend_schema(
        operation_id="webchat_upload",
        summary="Upload a visitor's file",
        description="The body is the file. The same file again gives the same answer.",
        tags=["webchat"],
        auth=[],
        parameters=[OpenApiParameter("ticket", str, OpenApiParameter.PATH)],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=VisitorFile,
        examples=[
            OpenApiExample(
                "Stored",
                value={
                    "file": FILE,
                    "name": "lamp.jpg",
                    "type": "image/jpeg",
                    "size_bytes": 482113,
                    "url": "https://chat.example.com/api/v2/media/0192f0….1763697600.c2lnbmF0dXJl",
                },
                response_only=True,
            )
        ],
    )
    def post(self, request: Request, key: str, ticket: str) -> Response:
        right = ticket_read(self.channel, ticket)
        _check_length(request, most_bytes())
        stored = visitor_upload(self.channel, right, _body(request))
        return Response(
            {
                "file": str(stored.id),
                "name": stored.name,
                "type": stored.mime,
                "size_bytes": stored.size,
                "url": media_link(stored.id),
            }
        )


class UploadView(TenantAPIView):
    permissions = {"POST": "messages:send"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="media_upload",
        summary="Upload a file for a message",
        description="Put `address` into `content.media.url` of a message, once for a user's message. Types are told "
        "from the bytes: images, audio, video, PDF, office documents, text and ZIP are taken.",
        tags=["media"],
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "channel": {"type": "string", "description": "Kind of channel it is for; any when left out"},
                },
                "required": ["file"],
            }
        },
        responses={201: StoredFile},
        examples=[
            OpenApiExample(
                "Stored",
                value={
                    "id": FILE, "address": f"media:{FILE}", "name": "lamp.jpg", "type": "image/jpeg",
                    "size_bytes": 482113, "width": 1600, "height": 1200, "sha256": "9f86d081884c7d65…",
                    "url": "https://chat.example.com/api/v2/media/0192f0….1763697600.c2lnbmF0dXJl",
                },
                response_only=True,
                status_codes=["201"],
            )
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        _check_length(request, most_bytes() + ROOM)
        request._request.upload_handlers = [LimitedUpload(request._request)]
        file = request.FILES.get("file")
        if file is None:
            raise Invalid("Send the file as the field `file` of a multipart body.")
        channel = self._channel(request._request.POST.get("channel", ""))
        stored = upload(new_id(), channel, None, file.name or "", file.content_type or "", file.chunks(CHUNK))
        self.audit("media.uploaded", stored)
        return Response(_shown(stored), 201)

    def _channel(self, kind: str) -> Channel:
        tenant_id = self.principal.tenant_id
        if kind:
            found = channel_for_kind(tenant_id, kind[:20])
        else:
            first = Channel.objects.filter(enabled=True).order_by("created_at").values_list("id", flat=True).first()
            found = channel_for_id(first) if first else None
        if found is None:
            raise Unprocessable("This tenant has no such channel.", code="channel_not_configured")
        return found


class LimitedUpload(TemporaryFileUploadHandler):
    """Stops a multipart body that is longer than it may be, while it comes."""

    taken = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> Any:
        self.taken += len(raw_data)
        if self.taken > most_bytes():
            raise PayloadTooLarge(MESSAGES["too_large"], code="too_large")
        return super().receive_data_chunk(raw_data, start)


def _check_length(request: Request, limit: int) -> None:
    """What says that it is too long need not come at all."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdigit() and int(length) > limit:
        raise PayloadTooLarge(MESSAGES["too_large"], code="too_large")


def _body(request: Request) -> Iterator[bytes]:
    while chunk := request._request.read(CHUNK):
        yield chunk


def _shown(stored: Attachment) -> dict[str, Any]:
    return {
        "id": str(stored.id),
        "address": media_address(stored.id),
        "name": stored.name,
        "type": stored.mime,
        "size_bytes": stored.size,
        "width": stored.width,
        "height": stored.height,
        "sha256": stored.sha256,
        "url": media_link(stored.id),
    }
