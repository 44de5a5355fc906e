"""``/api/v2/token-families``: the exchanges whose tokens are out, and their end (TEN-3)."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.access.grants.families import family_end, family_state
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import NotFound
from tenants.models import TokenFamily

TAGS = ["auth"]
FAMILIES = Walk("token-families", latest=True, sorts={"created_at": ""}, searched=("subject",), dated="created_at")
State = Literal["valid", "expired", "revoked", "reused"]
FAMILY = {
    "id": "0192f0d1-11f2-7d44-8f3a-5b0c9d1e2f31", "subject": "user-42", "key_prefix": "ab12cd34",
    "permissions": ["messages:send"], "state": "valid", "refreshes": 3, "refreshed_at": "2026-01-31T12:00:00.000Z",
    "expires_at": "2026-02-14T12:00:00.000Z", "ended_at": None, "created_at": "2026-01-31T09:00:00.000Z",
}  # fmt: skip


class FamilyShape(BaseModel):
    id: uuid.UUID = Field(description="`fam` of its tokens")
    subject: str = Field(description="`sub` of its tokens")
    key_prefix: str = Field(description="Of the API key that was exchanged")
    permissions: list[str] = Field(description="Those of the exchange; a key that is narrowed narrows them")
    state: State = Field(description="reused: a refresh token came twice, and the family has ended")
    refreshes: int
    refreshed_at: Moment
    expires_at: Moment = Field(description="Of its refresh token")
    ended_at: Moment | None
    created_at: Moment


class FamilyDetail(FamilyShape):
    """One family."""


class FamilyPage(Page):
    items: list[FamilyShape]


class FamilyQuery(ListQuery):
    subject: str | None = Field(None, max_length=200)


def family_shape(row: TokenFamily) -> dict[str, Any]:
    names = ("id", "subject", "key_prefix", "permissions", "expires_at", "ended_at", "created_at")
    told = {"state": family_state(row), "refreshes": row.moves, "refreshed_at": row.moved_at}
    return {**{name: getattr(row, name) for name in names}, **told}


class FamiliesView(TenantAPIView):
    permissions = {"GET": "keys:read"}

    @extend_schema(
        operation_id="token_families_list",
        summary="List families of tokens",
        description="All tokens of one exchange are a family. The newest first; for 30 days after the last of them expired.",
        tags=TAGS,
        parameters=[FamilyQuery],  # type: ignore[list-item]
        responses=FamilyPage,
        examples=[answered(listed(FAMILY))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, FamilyQuery)
        rows = TokenFamily.objects.filter(**({"subject": query.subject} if query.subject else {}))
        return Response(FAMILIES.answer(rows, query, shape=lambda page: map(family_shape, page)))


class FamilyView(TenantAPIView):
    permissions = {"GET": "keys:read", "DELETE": "keys:write"}

    @extend_schema(
        operation_id="token_family_get",
        description="For whom it was issued, how often it was refreshed, and when and why it ended.",
        summary="One family of tokens",
        tags=TAGS,
        responses=FamilyDetail,
        examples=[answered(FAMILY)],
    )
    def get(self, request: Request, family_id: uuid.UUID) -> Response:
        return Response(family_shape(_family(family_id)))

    @extend_schema(
        operation_id="token_family_delete",
        summary="End a family of tokens",
        description="Every token of it is refused, here at once and elsewhere within a second. Its row stays.",
        tags=TAGS,
        responses={200: FamilyDetail},
        examples=[answered({**FAMILY, "state": "revoked", "ended_at": "2026-01-31T13:00:00.000Z"})],
    )
    def delete(self, request: Request, family_id: uuid.UUID) -> Response:
        if _family(family_id).ended_at is None and family_end(family_id, TokenFamily.Ended.REVOKED):
            self.audit("tokenfamily.revoked", f"tokenfamily:{family_id}")
        return Response(family_shape(_family(family_id)))


def _family(family_id: uuid.UUID) -> TokenFamily:
    row: TokenFamily | None = TokenFamily.objects.filter(id=family_id).first()
    if row is None:
        raise NotFound("There is no such family of tokens.", code="token_family_not_found")
    return row
