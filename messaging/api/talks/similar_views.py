"""``…/similar``: messages and conversations like a given one, by what they mean (AI-8)."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.vectors import similar, texts
from assistant.vectors.port import StoreAway
from conversations import selectors
from conversations.models import Conversation, Message
from conversations.shapes import ConversationShape, MessageShape
from messaging.api.agents.acting import reads_words
from messaging.api.chat_views import CONVERSATION, MESSAGE
from messaging.api.talks.conversation_views import NOT_AVAILABLE
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import NotAvailable, Unavailable

LIKE = (
    "By what is said, in whatever language; nothing is compared letter by letter. The best first. `ready` is false as long "
    "as nothing here is known as a vector: what was written is a quarter of a minute later, and what says next to nothing "
    "never. 501 `not_available` where the service has no encoder, 503 `unavailable` while the store of vectors is away."
)


class SimilarQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(10, ge=1, le=50)


class SimilarMessage(BaseModel):
    score: float = Field(description="0 to 1")
    message: MessageShape


class SimilarMessages(BaseModel):
    ready: bool
    items: list[SimilarMessage]


class SimilarConversation(BaseModel):
    score: float = Field(description="0 to 1: of the three messages in it that are most like this conversation")
    conversation: ConversationShape


class SimilarConversations(BaseModel):
    ready: bool
    items: list[SimilarConversation]


class SimilarMessagesView(TenantAPIView):
    reads = "message"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="message_similar_list",
        summary="Messages like this one",
        description=f"What people and staff wrote in other conversations. {LIKE}",
        tags=["chat"],
        parameters=[SimilarQuery],  # type: ignore[list-item]
        responses={200: SimilarMessages},
        examples=[answered({"ready": True, "items": [{"score": 0.81, "message": MESSAGE}]}), NOT_AVAILABLE],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        query, row = parse_query(request, SimilarQuery), selectors.message_get(message_id)
        found = _answered(similar.messages_like, row, query.limit)
        rows = list(Message.objects.select_related("delivery").filter(id__in=[one.id for one in found or ()]))
        shown = {row.id: shape for row, shape in zip(rows, selectors.message_shapes(rows), strict=True)}
        items = [{"score": one.score, "message": shown[one.id]} for one in found or () if one.id in shown]
        return Response({"ready": found is not None, "items": items})


class SimilarConversationsView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "conversations:read"}

    @extend_schema(
        operation_id="conversation_similar_list",
        summary="Conversations like this one",
        description=f"By what people and staff wrote in it, its last 50 messages. {LIKE}",
        tags=["chat"],
        parameters=[SimilarQuery],  # type: ignore[list-item]
        responses={200: SimilarConversations},
        examples=[answered({"ready": True, "items": [{"score": 0.74, "conversation": CONVERSATION}]}), NOT_AVAILABLE],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        query = parse_query(request, SimilarQuery)
        selectors.conversation_get(conversation_id)
        found = _answered(similar.conversations_like, conversation_id, query.limit)
        rows = Conversation.objects.select_related("channel", "contact", "assignee", "team").filter(
            id__in=[one.id for one in found or ()]
        )
        words = reads_words(self)
        shown = {row.id: selectors.conversation_shape(row, words=words) for row in rows}
        items = [{"score": one.score, "conversation": shown[one.id]} for one in found or () if one.id in shown]
        return Response({"ready": found is not None, "items": items})


def _answered(look: Any, of: Any, limit: int) -> list[similar.LikeThis] | None:
    if not texts.available():
        raise NotAvailable("No model that compares what is said is set up on this service.")
    try:
        found: list[similar.LikeThis] | None = look(of, limit)
    except StoreAway as error:
        raise Unavailable("The store of vectors does not answer now.") from error
    return found
