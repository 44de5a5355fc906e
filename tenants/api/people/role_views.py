"""``/api/v2/roles``: what members of staff may do, as the tenant names it (TEN-4)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from django.db.models import Count
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.models import Membership, Role
from tenants.names import Seen
from tenants.people.members import role_change, role_create, role_get, role_remove

TAGS = ["members"]
ROLES = Walk("roles", sorts={"created_at": ""}, searched=("name",), dated="created_at")
ROLE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000d1", "name": "reader", "permissions": ["conversations:read", "messages:read"],
    "members": 3, "created_at": "2026-01-31T12:00:00.000Z",
}  # fmt: skip
RoleName = Annotated[str, StringConstraints(min_length=1, max_length=60), Seen]
Permissions = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)]


class RoleBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: RoleName
    permissions: Permissions = Field(description="Names, or `*`: all, also those to come; no more than you have")


class RoleChange(Changes):
    name: RoleName = ""
    permissions: Permissions = Field([], description="All that the role has from here on")


class RoleItem(BaseModel):
    id: uuid.UUID
    name: str
    permissions: list[str]
    members: int = Field(description="Members who have it")
    created_at: Moment


class RoleShape(RoleItem):
    """A role."""


class RolePage(Page):
    items: list[RoleItem]


class RolesView(TenantAPIView):
    permissions = {"GET": "members:read", "POST": "members:write"}

    @extend_schema(
        operation_id="role_list",
        summary="List roles",
        description="The oldest first. `sort_by`: `created_at`.",
        tags=TAGS,
        parameters=[ListQuery],  # type: ignore[list-item]
        responses=RolePage,
        examples=[answered(listed(ROLE))],
    )
    def get(self, request: Request) -> Response:
        return Response(ROLES.answer(Role.objects.all(), parse_query(request, ListQuery), shape=_shapes))

    @extend_schema(
        operation_id="role_create",
        summary="Create a role",
        description="403 `more_than_yours`: no caller gives more than they have. 409 `role_exists`; 422 `too_many_roles`.",
        tags=TAGS,
        request=RoleBody,
        responses={201: RoleShape},
        examples=[
            asked({"name": "reader", "permissions": ["conversations:read", "messages:read"]}),
            answered({**ROLE, "members": 0}, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, RoleBody)
        row = role_create(self.principal.tenant_id, body.name, body.permissions, self.principal.permissions)
        self.audit("role.created", row, {"permissions": row.permissions})
        return Response(_shapes([row])[0], 201)


class RoleView(TenantAPIView):
    permissions = {"GET": "members:read", "PATCH": "members:write", "DELETE": "members:write"}

    @extend_schema(
        operation_id="role_get",
        description="Its permissions, and how many members have it.",
        summary="One role",
        tags=TAGS,
        responses=RoleShape,
        examples=[answered(ROLE)],
    )
    def get(self, request: Request, role_id: uuid.UUID) -> Response:
        return Response(_shapes([role_get(role_id)])[0])

    @extend_schema(
        operation_id="role_change",
        summary="Change a role",
        description="What is left out stays; members who have it have the change at once. 403 `more_than_yours`: what is given "
        "or taken away, and all of a role that gets another name, you have yourself. 409 `role_exists`, and `last_admin`: the tenant would have no member left who may "
        "do everything.",
        tags=TAGS,
        request=RoleChange,
        responses=RoleShape,
        examples=[asked({"permissions": ["conversations:read", "messages:read"]}), answered(ROLE)],
    )
    def patch(self, request: Request, role_id: uuid.UUID) -> Response:
        given = parse_body(request, RoleChange).given()
        row = role_change(role_id, self.principal.permissions, given)
        self.audit("role.updated", row, {"fields": sorted(given)})
        return Response(_shapes([row])[0])

    @extend_schema(
        operation_id="role_delete",
        summary="Delete a role",
        description="409 `role_in_use`: members or open invitations have it. 403 `more_than_yours`.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, role_id: uuid.UUID) -> Response:
        self.audit("role.deleted", role_remove(role_id, self.principal.permissions))
        return Response(status=204)


def _shapes(rows: Sequence[Role]) -> list[dict[str, Any]]:
    having = Membership.objects.filter(role__in=[row.id for row in rows]).order_by()
    members = dict(having.values("role").annotate(n=Count("id")).values_list("role", "n"))
    names = ("id", "name", "permissions", "created_at")
    return [{**{name: getattr(row, name) for name in names}, "members": members.get(row.id, 0)} for row in rows]
