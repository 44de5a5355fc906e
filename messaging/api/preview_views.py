"""``/api/v2/channels/{id}/preview``: a message as its channel would show and send it."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.api.preview import Preview, PreviewRequest, preview
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.errors import Forbidden

SAID = {"type": "text", "text": "**Your order** is on its way.", "format": "markdown"}
SHOWN = {"type": "text", "text": "Your order is on its way.", "format": "plain"}
ANSWER = {
    "parts": [SHOWN],
    "payloads": [
        {
            "method": "POST",
            "path": "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json",
            "json": None,
            "form": {"To": "+15550100001", "From": "+15550100002", "Body": "Your order is on its way."},
            "facts": {"encoding": "GSM-7", "units": 25, "count": 1},
        }
    ],
    "cuts": ["markdown → plain text"],
    "splits": 1,
    "numbered": False,
    "segments": 1,
    "window": {"open": True, "expires_at": None},
    "templates": [],
    "problem": None,
}


class PreviewView(TenantAPIView):
    permissions = {"POST": "channels:read"}

    @extend_schema(
        operation_id="channel_preview",
        summary="What would be sent",
        description="The same code as delivery's: parts, API calls, what is cut or split, SMS segments, the state of "
        "the reply window. Nothing is sent. With `conversation_id` it also needs `conversations:read`.",
        tags=["channels"],
        request=PreviewRequest,
        responses=Preview,
        examples=[
            asked({"content": SAID}),
            answered(ANSWER),
        ],
    )
    def post(self, request: Request, channel_id: uuid.UUID) -> Response:
        body = parse_body(request, PreviewRequest)
        if body.conversation_id and "conversations:read" not in self.principal.permissions:
            raise Forbidden(details={"permission": "conversations:read"})
        return Response(preview(channel_id, body).model_dump(mode="json", by_alias=True))
