"""``/api/v2/system/tenants``: the tenants of the service, for its operators (API-2, TEN-2).

Must not remove one: that takes its slug typed, in the console or by ``manage.py remove_tenant``.
"""

from __future__ import annotations

import uuid
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from chatsvc.web.operators.system import ONLY, TAGS
from tenants.access.limits import client_ip
from tenants.access.members import tenant_create
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.people.tenant_views import EXAMPLE, TenantChange, TenantShape, settings_changed, tenant_shape
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant
from tenants.people.tenant import tenant_change
from tenants.scope import tenant_scope
from tenants.trail.audit import audit

FACTS = ("id", "name", "slug", "status", "created_at", "updated_at")
TENANTS = Walk("tenants", latest=True, sorts={"created_at": ""}, searched=("name", "slug"), dated="created_at")
BRIEF = {name: EXAMPLE[name] for name in FACTS}


class TenantBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    slug: str = Field(min_length=1, max_length=63, pattern=r"^[-a-zA-Z0-9_]+$", description="Its short name, for good")
    name: str = Field(min_length=1, max_length=200)


class OperatedTenantChange(TenantChange):
    status: Literal["active", "suspended"] = Field("active", description="suspended: refused at every entrance")


class TenantItem(BaseModel):
    id: uuid.UUID
    name: str
    slug: str
    status: Literal["active", "suspended", "removing"]
    created_at: Moment
    updated_at: Moment


class TenantPage(Page):
    items: list[TenantItem]


class TenantQuery(ListQuery):
    status: Literal["active", "suspended", "removing"] | None = None


class OperatedTenant(TenantShape):
    """One tenant."""


class SystemTenantsView(TenantAPIView):
    operators_only = True
    permissions = {"GET": "system:read", "POST": "system:write"}

    @extend_schema(
        operation_id="system_tenant_list",
        summary="List tenants",
        description=f"The newest first; `search_query`: in name and slug. {ONLY}",
        tags=TAGS,
        parameters=[TenantQuery],  # type: ignore[list-item]
        responses=TenantPage,
        examples=[answered(listed(BRIEF))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, TenantQuery)
        rows = Tenant.objects.filter(**({"status": query.status} if query.status else {}))
        return Response(TENANTS.answer(rows, query, shape=lambda page: map(_brief, page)))

    @extend_schema(
        operation_id="system_tenant_create",
        summary="Make a tenant",
        description="With the default roles; its first member is made by `manage.py create_user` or in the console. 409 "
        f"`tenant_exists`. {ONLY}",
        tags=TAGS,
        request=TenantBody,
        responses={201: OperatedTenant},
        examples=[asked({"slug": "acme", "name": "Acme"}), answered(EXAMPLE, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, TenantBody)
        row = tenant_create(slug=body.slug, name=body.name)
        with tenant_scope(row.id):
            audit(self.principal, "tenant.created", row, None, client_ip(request._request))
        return Response(tenant_shape(row, whole=True), 201)


class SystemTenantView(TenantAPIView):
    operators_only = True
    permissions = {"GET": "system:read", "PATCH": "system:write"}

    @extend_schema(
        operation_id="system_tenant_get",
        summary="One tenant and its settings",
        description=ONLY,
        tags=TAGS,
        responses=OperatedTenant,
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request, tenant_id: uuid.UUID) -> Response:
        return Response(tenant_shape(_tenant(tenant_id), whole=True))

    @extend_schema(
        operation_id="system_tenant_change",
        summary="Change a tenant",
        description="As the tenant changes itself, and beyond: its status, and rate limits above those that it has. 409 "
        f"`tenant_removing`, and `own_tenant`: the tenant that the token is of is suspended by a token of another one. {ONLY}",
        tags=TAGS,
        request=OperatedTenantChange,
        responses=OperatedTenant,
        examples=[asked({"status": "suspended"}), answered({**EXAMPLE, "status": "suspended"})],
    )
    def patch(self, request: Request, tenant_id: uuid.UUID) -> Response:
        body, given = parse_body(request, OperatedTenantChange), _tenant(tenant_id)
        change, fields = settings_changed(body)
        status = body.status if "status" in body.model_fields_set else ""
        fields = sorted([*fields, *(["status"] if status else [])])
        if status == Tenant.Status.SUSPENDED and given.id == self.principal.tenant_id:  # it could not be undone by it
            raise Conflict(
                "A token does not suspend its own tenant: use one of another, or the console.", code="own_tenant"
            )

        def told(stored: Tenant) -> None:
            with tenant_scope(stored.id):
                audit(self.principal, "tenant.updated", stored, {"fields": fields}, client_ip(request._request))

        row = tenant_change(given.id, change, operator=True, name=body.name, status=status, then=told)
        return Response(tenant_shape(row, whole=True))


def _brief(row: Tenant) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FACTS}


def _tenant(tenant_id: uuid.UUID) -> Tenant:
    row = Tenant.objects.filter(id=tenant_id).first()
    if row is None:
        raise NotFound("There is no such tenant.", code="tenant_not_found")
    return row
