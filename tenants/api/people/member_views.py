"""``/api/v2/members/{id}``: a member of staff's place in the tenant, read, changed and taken away (TEN-4).

How colleagues work (presence, teams, how much they have in hand) is messaging/api/agents/team_views.py.
"""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.moments import Moment
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.models import Membership
from tenants.people.admins import is_admin
from tenants.people.members import member_change, member_get, member_remove, role_named
from tenants.people.second import require_may_reset, second_reset

TAGS = ["members"]
PLACE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000aa", "name": "ben", "full_name": "Ben Ito", "email": "ben@example.com",
    "picture": None, "role": "agent", "admin": False, "active": True, "second_factor": True,
    "last_login": "2026-01-31T08:00:00.000Z",
    "joined_at": "2026-01-02T09:00:00.000Z",
}  # fmt: skip


class PlaceChange(Changes):
    role: str = Field("", min_length=1, max_length=60, description="The name of a role of the tenant")
    picture: str = Field(
        "", max_length=500, pattern=r"^(https://[^\s\x85\ufeff]+)?$",
        description="Address of a square picture that visitors see beside the name; https, empty: none",
    )  # fmt: skip


class PlaceShape(BaseModel):
    id: uuid.UUID
    name: str = Field(description="The user name, by which other calls take an `agent`")
    full_name: str
    email: str
    picture: str | None
    role: str
    admin: bool = Field(description="The role may do everything")
    active: bool = Field(description="False: the account is switched off")
    second_factor: bool = Field(description="They sign in with a second step")
    last_login: Moment | None
    joined_at: Moment


class MemberView(TenantAPIView):
    permissions = {"GET": "members:read", "PATCH": "members:write", "DELETE": "members:write"}

    @extend_schema(
        operation_id="member_get",
        summary="One member of staff",
        description="`GET /members` lists them. A person becomes a member by an invitation (`POST /invitations`).",
        tags=TAGS,
        responses=PlaceShape,
        examples=[answered(PLACE)],
    )
    def get(self, request: Request, user_id: uuid.UUID) -> Response:
        return Response(_shape(member_get(user_id)))

    @extend_schema(
        operation_id="member_change",
        summary="Change a member's role or picture",
        description="What is left out stays. 403 `more_than_yours`: what the role gives or takes away, you have yourself. 404 "
        "`unknown_role`; 409 `last_admin`: the tenant would have no member left who may do everything.",
        tags=TAGS,
        request=PlaceChange,
        responses=PlaceShape,
        examples=[asked({"role": "agent"}), answered(PLACE)],
    )
    def patch(self, request: Request, user_id: uuid.UUID) -> Response:
        given = parse_body(request, PlaceChange).given()
        if "role" in given:
            given["role"] = role_named(given["role"])
        row = member_change(user_id, self.principal.permissions, given)
        changes = {"fields": sorted(given), **({"role": row.role.name} if "role" in given else {})}
        self.audit("membership.updated", row, changes)
        return Response(_shape(row))

    @extend_schema(
        operation_id="member_delete",
        summary="Take a member's place away",
        description="At once; the account stays, with its places in other tenants. 403 `more_than_yours`; 409 `last_admin`.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, user_id: uuid.UUID) -> Response:
        row = member_remove(user_id, self.principal.permissions)
        self.audit("membership.deleted", row, {"role": row.role.name})
        return Response(status=204)


class MemberSecondFactorView(TenantAPIView):
    permissions = {"DELETE": "members:write"}

    @extend_schema(
        operation_id="member_second_factor_delete",
        summary="Reset a member's second step",
        description="For a lost device: their devices and codes on paper end, they are signed out everywhere, and sign in by the "
        "password alone until they set it up again. 403 `operators_only`: the account is a member of other tenants, too, or a "
        "superuser; `more_than_yours`.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, user_id: uuid.UUID) -> Response:
        row = member_get(user_id)
        require_may_reset(row.user, {self.principal.tenant_id: self.principal.permissions})
        second_reset(row.user)
        self.audit("second_factor.reset", row.user)
        return Response(status=204)


def _shape(row: Membership) -> dict[str, Any]:
    user = row.user
    return {
        "id": user.id, "name": user.get_username(), "full_name": user.get_full_name(), "email": user.email,
        "picture": row.picture or None, "role": row.role.name, "admin": is_admin(row.role), "active": user.is_active,
        "second_factor": user.second_factor_at is not None,        "last_login": user.last_login, "joined_at": row.created_at,
    }  # fmt: skip
