"""``/api/v2/chat/inbox``: the lists that staff work from, their counts, and filters that are kept."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.agents.inbox.filters import filter_get, filter_rows, filter_save
from messaging.agents.inbox.lists import PERSONAL, Filter, inbox_counts, inbox_page
from messaging.agents.inbox.rows import inbox_shapes
from messaging.agents.models import SavedFilter
from messaging.api.agents.acting import acting, acting_required, reads_words
from messaging.api.agents.shapes import (
    CountsQuery,
    FilterBody,
    FilterList,
    FilterQuery,
    FilterShape,
    FiltersQuery,
    InboxCounts,
    InboxPage,
    InboxQuery,
)
from messaging.api.chat_views import CONVERSATION
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query

FILTERS = Walk(
    "inbox-filters", by="name", sorts={"name": "name", "created_at": ""}, searched=("name",), dated="created_at"
)
ROW = {
    **CONVERSATION, "control_owner": "human", "held_by": "queue", "team": None, "snoozed_until": None,
    "labels": [{"id": "0192f0d0-7b1a-7c3e-9a55-00000000001a", "name": "Refund", "color": "red"}], "unread": 2,
    "flags": [], "expected_response_type": None, "failed": False, "late": True, "agent_read_seq": 0,
}  # fmt: skip
COUNTS = {"waiting": 3, "mine": 2, "colleagues": 7, "bot": 41, "snoozed": 1, "mentions": 0}
SAVED = {
    "id": "0192f0d0-7b1a-7c3e-9a55-00000000002b", "name": "Urgent on WhatsApp", "view": "waiting",
    "filter": {"channel": "whatsapp", "priority": "urgent"}, "shared": True, "owner": None,
}  # fmt: skip


class InboxView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "conversations:read"}

    @extend_schema(
        operation_id="inbox_list",
        summary="One view of the inbox",
        description="waiting: the most urgent first, and then who waits longest. mine: those that wait, then the others. "
        "The others: the latest first. mine and mentions are those of `agent`: without one, and without a credential of a "
        "member of staff, they are refused (`agent_required`). `search` looks in all views, the newest first. Pages follow `cursor`.",
        tags=["inbox"],
        parameters=[InboxQuery],  # type: ignore[list-item]
        responses=InboxPage,
        examples=[answered({"items": [ROW], "next_cursor": None, "has_next": False})],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, InboxQuery)
        words = reads_words(self)
        member = (acting_required if query.view in PERSONAL else acting)(self, query.agent)
        page = inbox_page(
            query.view, member, _limits(query), size=query.page_size, cursor=query.cursor or "",
            words=words,
        )  # fmt: skip
        items = inbox_shapes(page.rows, words=words)
        return Response({"items": items, "next_cursor": page.cursor or None, "has_next": bool(page.cursor)})


class InboxCountsView(TenantAPIView):
    permissions = {"GET": "conversations:read"}

    @extend_schema(
        operation_id="inbox_counts_get",
        summary="How many conversations each view of the inbox has",
        description="1000 means that many or more. mine and mentions count for `agent`, 0 without one. `search` does not count here.",
        tags=["inbox"],
        parameters=[CountsQuery],  # type: ignore[list-item]
        responses=InboxCounts,
        examples=[answered(COUNTS)],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, CountsQuery)
        return Response(inbox_counts(acting(self, query.agent), _limits(query)))


class FiltersView(TenantAPIView):
    permissions = {"GET": "conversations:read", "POST": "conversations:write"}

    @extend_schema(
        operation_id="inbox_filter_list",
        summary="Kept filters of the inbox",
        description="The tenant's, and those of `agent` alone, by name; `search_query`: in it.",
        tags=["inbox"],
        parameters=[FiltersQuery],  # type: ignore[list-item]
        responses=FilterList,
        examples=[answered(listed(SAVED))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, FiltersQuery)
        rows = filter_rows(acting(self, query.agent))
        return Response(FILTERS.answer(rows, query, shape=lambda page: map(_shape, page)))

    @extend_schema(
        operation_id="inbox_filter_create",
        description="Keeps parameters of the inbox's list under a name, for one member of staff or for all.",
        summary="Keep a filter of the inbox",
        tags=["inbox"],
        request=FilterBody,
        responses={201: FilterShape},
        examples=[
            asked({"name": SAVED["name"], "view": "waiting", "filter": SAVED["filter"], "shared": True}),
            answered(SAVED, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, FilterBody)
        row = filter_save(
            body.name, body.view, body.filter, owner=None if body.shared else acting_required(self, body.agent),
            tenant_id=self.principal.tenant_id,
        )  # fmt: skip
        self.audit("savedfilter.created", row)
        return Response(_shape(row), 201)


class FilterView(TenantAPIView):
    permissions = {"GET": "conversations:read", "PUT": "conversations:write", "DELETE": "conversations:write"}

    @extend_schema(
        operation_id="inbox_filter_get",
        summary="One kept filter",
        description="The tenant's, or one of `agent` alone.",
        tags=["inbox"],
        parameters=[FilterQuery],  # type: ignore[list-item]
        responses=FilterShape,
        examples=[answered(SAVED)],
    )
    def get(self, request: Request, filter_id: uuid.UUID) -> Response:
        return Response(_shape(filter_get(filter_id, acting(self, parse_query(request, FilterQuery).agent))))

    @extend_schema(
        operation_id="inbox_filter_put",
        description="Replaces its name, its parameters and with whom it is shared.",
        summary="Change a kept filter",
        tags=["inbox"],
        request=FilterBody,
        responses=FilterShape,
        examples=[asked({"name": SAVED["name"], "filter": SAVED["filter"], "shared": True}), answered(SAVED)],
    )
    def put(self, request: Request, filter_id: uuid.UUID) -> Response:
        body = parse_body(request, FilterBody)
        row = filter_get(filter_id, acting(self, body.agent))
        row = filter_save(
            body.name, body.view, body.filter, owner=None if body.shared else acting_required(self, body.agent),
            tenant_id=row.tenant_id, row=row,
        )  # fmt: skip
        self.audit("savedfilter.updated", row)
        return Response(_shape(row))

    @extend_schema(
        operation_id="inbox_filter_delete",
        description="The conversations that it showed are not touched.",
        summary="Delete a kept filter",
        tags=["inbox"],
        parameters=[FilterQuery],  # type: ignore[list-item]
        responses={204: None},
    )
    def delete(self, request: Request, filter_id: uuid.UUID) -> Response:
        row = filter_get(filter_id, acting(self, parse_query(request, FilterQuery).agent))
        self.audit("savedfilter.deleted", row)
        row.delete()
        return Response(status=204)


def _limits(query: Filter) -> Filter:
    return Filter(**{name: getattr(query, name) for name in Filter.model_fields})


def _shape(row: SavedFilter) -> dict[str, Any]:
    limits = {name: value for name, value in row.query.items() if name != "view"}
    owner = {"id": row.owner.id, "name": row.owner.get_username()} if row.owner else None
    return {
        "id": row.id, "name": row.name, "view": row.query.get("view", "waiting"), "filter": limits,
        "shared": row.owner_id is None, "owner": owner,
    }  # fmt: skip
