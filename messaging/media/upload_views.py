"""Integrators' uploads over HTTP, as multipart. Must not decide anything (messaging/media/uploads.py)."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from drf_spectacular.utils import OpenApiExample, extend_schema
from pydantic import BaseModel, Field
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.content.media import name_in_form
from channels_app.models import Channel
from channels_app.selectors import channel_for_id, channel_for_kind
from conversations.files.media_links import media_address, media_link
from conversations.models import Attachment
from messaging.media.fetch import most_bytes
from messaging.media.uploads import TOO_LARGE, upload
from tenants.api.views import TenantAPIView
from tenants.errors import Invalid, PayloadTooLarge, Unprocessable
from tenants.storage.db import new_id

CHUNK = 64 * 1024  # bytes
ROOM = 64 * 1024  # for what a multipart body says beside the file
EXAMPLE_ID = "0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"


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


class UploadView(TenantAPIView):
    permissions = {"POST": "messages:send"}
    obeys_subject = True  # a file of its own, which no message has yet
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
                    "id": EXAMPLE_ID, "address": f"media:{EXAMPLE_ID}", "name": "lamp.jpg", "type": "image/jpeg",
                    "size_bytes": 482113, "width": 1600, "height": 1200, "sha256": "9f86d081884c7d65…",
                    "url": "https://chat.example.com/api/v2/media/0192f0….1763697600.c2lnbmF0dXJl",
                },
                response_only=True,
                status_codes=["201"],
            )
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        file = request.FILES.get("file")
        if file is None:
            raise Invalid("Send the file as the field `file` of a multipart body.")
        channel = self._channel(request._request.POST.get("channel", ""))
        stored = upload(new_id(), channel, None, name_in_form(file.name), file.content_type or "", file.chunks(CHUNK))
        self.audit("media.uploaded", stored)
        return Response(_shown(stored), 201)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The limits are set before anything reads the body."""
        super().initial(request, *args, **kwargs)
        check_length(request, most_bytes() + ROOM)
        request._request.upload_handlers = [LimitedUpload(request._request)]

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
            raise PayloadTooLarge(TOO_LARGE, code="too_large")
        return super().receive_data_chunk(raw_data, start)


def check_length(request: Request, limit: int) -> None:
    """What says that it is too long need not come at all."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > limit):
        raise PayloadTooLarge(TOO_LARGE, code="too_large")


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
