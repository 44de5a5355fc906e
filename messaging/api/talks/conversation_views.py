"""``/api/v2/chat/conversations/{id}/…``: what is done with a conversation beside talking (API-1, CONV-6, CONV-8)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors
from conversations.export.formats import FORMATS
from conversations.export.lines import Talk
from messaging.api.agents.acting import reads_words
from messaging.api.chat_views import DETAIL
from messaging.api.talks.shapes import (
    ConversationChanged,
    ConversationMetrics,
    Escalation,
    Export,
    Rated,
    Rating,
)
from messaging.rating.taken import conversation_rate
from messaging.talks.change import escalate
from messaging.talks.metrics import conversation_metrics
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.scope import tenant_scope
from tenants.storage.db import atomic

TAGS = ["chat"]
METRICS = {
    "status": "completed", "messages": 14, "by_role": {"agent": 2, "bot": 5, "system": 2, "visitor": 5},
    "deliveries": {"read": 7}, "turns": {"answered": 5}, "answer_ms": 420, "files": 1, "control_changes": 3,
    "first_reply_seconds": 2, "duration_seconds": 1260, "satisfaction": 5,
}  # fmt: skip

NOT_AVAILABLE = OpenApiExample(
    "Not available",
    value={
        "status": "error", "data": None,
        "error": {"code": "not_available", "message": "No model is set up.", "details": None, "request_id": "019a2f6e"},
        "meta": {"request_id": "019a2f6e", "timestamp": "2026-01-31T12:00:00.000Z"},
    },
    response_only=True,
    status_codes=["501"],
)  # fmt: skip


class EscalateView(TenantAPIView):
    permissions = {"POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_escalate",
        summary="Ask for a human",
        description="The bot keeps still and the person waits in the queue, as when they ask for a human themselves. Nothing "
        "happens where a human is in control.",
        tags=TAGS,
        request=Escalation,
        responses=ConversationChanged,
        examples=[
            asked({"reason": "order_lost"}),
            answered({**DETAIL, "status": "escalated", "held_by": "queue"}),
        ],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        reason = parse_body(request, Escalation).reason
        conversation = escalate(conversation_id, reason)
        if not conversation.repeated:
            self.audit("conversation.escalated", conversation)
        return Response(selectors.conversation_detail(conversation.id, words=reads_words(self)))


class MetricsView(TenantAPIView):
    permissions = {"GET": "conversations:read"}

    @extend_schema(
        operation_id="conversation_metrics_get",
        description="Counts of its messages, deliveries and turns, and how long answers took.",
        summary="Figures of a conversation",
        tags=TAGS,
        responses=ConversationMetrics,
        examples=[answered(METRICS)],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response(conversation_metrics(conversation_id))


class RatingView(TenantAPIView):
    permissions = {"GET": "conversations:read", "POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_rating_get",
        description="The rating with its comment, and whether the person was asked for one.",
        summary="How the person rated it",
        tags=TAGS,
        responses=Rated,
        examples=[answered({"score": 5})],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response({"score": selectors.conversation_get(conversation_id).satisfaction})

    @extend_schema(
        operation_id="conversation_rate",
        summary="Hand in the person's rating",
        description="From a form of your own. The last one counts.",
        tags=TAGS,
        request=Rating,
        responses=Rated,
        examples=[asked({"score": 5}), answered({"score": 5})],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        score = parse_body(request, Rating).score
        with atomic():
            conversation = conversation_rate(conversation_id, score)
        self.audit("conversation.rated", conversation)
        return Response({"score": conversation.satisfaction})


class ExportView(TenantAPIView):
    permissions = {"POST": "messages:read"}

    @extend_schema(
        operation_id="conversation_export",
        summary="A conversation as a file",
        description="From its first entry to its last. JSON has each message as this API shows it; CSV, text, HTML and PDF "
        "have time, name, words and names of files. Internal notes are not part of it. 422 `pdf_too_long`: 400,000 "
        "characters; HTML and text have any length.",
        tags=TAGS,
        request=Export,
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
        examples=[
            asked({"format": "csv"}),
            OpenApiExample(
                "CSV", value="seq,time,role,name,text,files,status\r\n", media_type="text/csv", response_only=True
            ),
        ],
        extensions={"x-raw-answer": True},
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> StreamingHttpResponse:
        chosen = FORMATS[parse_body(request, Export).format]
        talk = Talk.of(conversation_id)
        pieces: Iterable[bytes] = self._pieces(talk, chosen.write)
        pieces = list(pieces) if chosen.whole else pieces
        self.audit("conversation.exported", talk.row, {"format": chosen.extension})
        answer = StreamingHttpResponse(pieces, content_type=chosen.mime)
        name = f"conversation-{conversation_id}.{chosen.extension}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        return answer

    def _pieces(self, talk: Talk, write: Callable[[Talk], Iterator[str] | Iterator[bytes]]) -> Iterator[bytes]:
        """Made while they are sent, after the request's own scope has ended."""
        with tenant_scope(talk.row.tenant_id):
            yield from (piece.encode() if isinstance(piece, str) else piece for piece in write(talk))
