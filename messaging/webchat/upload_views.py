"""Visitors' uploads over HTTP, by ticket. Must not decide anything (messaging/webchat/uploads.py)."""

from __future__ import annotations

from collections.abc import Iterator

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.files.media_links import media_link
from messaging.media.fetch import most_bytes
from messaging.media.upload_views import CHUNK, EXAMPLE_ID, check_length
from messaging.webchat.frames import TicketRequest
from messaging.webchat.uploads import ticket_issue, ticket_read, visitor_upload
from messaging.webchat.views import VISITOR, WebchatView
from tenants.api.views import parse_body

TICKET = {"file": EXAMPLE_ID, "url": "/api/v2/webchat/h2k9Qm/files/eyJ…", "expires_in": 600, "limit": 52428800}


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


class TicketView(WebchatView):
    @extend_schema(
        operation_id="webchat_file_create",
        description="Answers an address that takes this one file, by PUT, for a short time. The file belongs to the visitor's conversation only once a message names it.",
        summary="Ask for the right to upload a file",
        tags=["webchat"],
        auth=VISITOR,
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
        operation_id="webchat_file_upload",
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
                    "file": EXAMPLE_ID,
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
        check_length(request, most_bytes())
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


def _body(request: Request) -> Iterator[bytes]:
    while chunk := request._request.read(CHUNK):
        yield chunk
