"""``GET /api/v2/retention``: how long the tenant keeps what was said, and what a purge would remove now (PRIV-3)."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from messaging.privacy.retention import preview
from tenants.api.views import TenantAPIView, answered

RETENTION = {
    "days": 365,
    "legal_hold": False,
    "before": "2025-01-31T12:00:00Z",
    "conversations": 12,
    "messages": 340,
    "files": 5,
    "sessions": 20,
    "events": 85,
    "oldest": "2025-01-02T08:15:00Z",
}


class RetentionShape(BaseModel):
    days: int = Field(description="Days after its end that a conversation is kept; 0: for ever")
    legal_hold: bool = Field(description="Nothing is purged while it is on")
    before: Moment | None = Field(
        description="Chats that had ended by then fall due, and threads in which nothing has happened since; null: nothing does"
    )
    conversations: int = Field(description="That fall due now; those that something is still on its way of go later")
    messages: int
    files: int
    sessions: int
    events: int = Field(
        description="That belong to no conversation; of them those stay that name a contact with a legal hold"
    )
    oldest: Moment | None = Field(description="When something was said last in the first of them")


class RetentionView(TenantAPIView):
    permissions = {"GET": "tenants:read"}

    @extend_schema(
        operation_id="retention_get",
        summary="What retention removes",
        description="Set by `retention_days` and `legal_hold` of the tenant's settings. Conversations that are open, and those "
        "of contacts with a legal hold, are not among them.",
        tags=["privacy"],
        responses=RetentionShape,
        examples=[answered(RETENTION)],
    )
    def get(self, request: Request) -> Response:
        return Response(RetentionShape(**asdict(preview())))
