"""``GET /api/v2/chat/messages``: messages by what they say."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors
from conversations.search.find import found_page, wanted
from conversations.shapes import FoundPage, SearchQuery
from messaging.api.chat_views import MESSAGE
from tenants.api.views import TenantAPIView, answered, parse_query

SNIPPET = [{"text": "Order ", "mark": False}, {"text": "12345", "mark": True}, {"text": " left", "mark": False}]


class MessagesFoundView(TenantAPIView):
    reads = "message"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="message_search",
        summary="Search messages",
        description="The newest message first, over the whole text of each. What is deleted is not found, and of what was "
        "edited the present text. Where few of many messages with these words fit the other parameters, a page may hold "
        "fewer than `page_size`: go on while `has_next`.",
        tags=["chat"],
        parameters=[SearchQuery],  # type: ignore[list-item]
        responses=FoundPage,
        examples=[answered({"items": [{**MESSAGE, "snippet": SNIPPET}], "next_cursor": None, "has_next": False})],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, SearchQuery)
        search = wanted(
            query.search_query, conversation_id=query.conversation_id, start=query.start_date, end=query.end_date,
            rows=selectors.message_filters(query),
        )  # fmt: skip
        page = found_page(search, size=query.page_size, cursor=query.cursor, shape=selectors.found_messages)
        return Response(page)
