"""``/api/v2/token-issuers``: services of the tenant's own whose tokens are taken (TEN-3)."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.access.permissions import require_held
from tenants.access.signing.issuers import issuer_change, issuer_create, issuer_end
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound
from tenants.models import Tenant, TrustedIssuer

TAGS = ["auth"]
ISSUERS = Walk("token-issuers", latest=True, sorts={"created_at": ""}, searched=("issuer",), dated="created_at")


class IssuerBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    issuer: str = Field(min_length=1, max_length=500, description="`iss` of its tokens, letter by letter")
    audience: str = Field(
        min_length=1,
        max_length=300,
        description="`aud` of its tokens, or one of them. One that contains your tenant's id no other tenant can take",
    )
    jwks_url: str = Field(min_length=1, max_length=500, description="Where its public keys stand; https")
    permissions: list[Annotated[str, Field(max_length=60)]] = Field(
        min_length=1,
        max_length=100,
        description="The most that its tokens have, or `*`; no more than your credential has",
    )


class IssuerChange(Changes):
    """What is left out stays. Issuer and audience name the tenant, and stay."""

    jwks_url: str = Field("", min_length=1, max_length=500, description="Where its public keys stand; https")
    permissions: list[Annotated[str, Field(max_length=60)]] = Field(
        [], min_length=1, max_length=100, description="The most that its tokens have, or `*`"
    )


class IssuerShape(BaseModel):
    id: uuid.UUID
    issuer: str
    audience: str
    jwks_url: str
    permissions: list[str]
    key_ids: list[str] = Field(description="Of the keys that were fetched last")
    fetched_at: Moment | None
    created_at: Moment


class IssuerDetail(IssuerShape):
    """One issuer."""


class IssuerPage(Page):
    items: list[IssuerShape]


class IssuerQuery(ListQuery):
    pass


ASKED = {
    "issuer": "https://id.example.com/", "audience": "chat", "jwks_url": "https://id.example.com/.well-known/jwks.json",
    "permissions": ["messages:send"],
}  # fmt: skip
ISSUER = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000c1", **ASKED, "key_ids": ["2026-01"], "fetched_at": "2026-01-31T12:00:00.000Z",
    "created_at": "2026-01-02T09:00:00.000Z",
}  # fmt: skip


def issuer_shape(row: TrustedIssuer) -> dict[str, Any]:
    names = ("id", "issuer", "audience", "jwks_url", "permissions", "fetched_at", "created_at")
    return {**{name: getattr(row, name) for name in names}, "key_ids": sorted(row.keys)}


class IssuersView(TenantAPIView):
    permissions = {"GET": "tenants:read", "POST": "tenants:write"}

    @extend_schema(
        operation_id="token_issuers_list",
        summary="List trusted token issuers",
        description="The newest first.",
        tags=TAGS,
        parameters=[IssuerQuery],  # type: ignore[list-item]
        responses=IssuerPage,
        examples=[answered(listed(ISSUER))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, IssuerQuery)
        return Response(ISSUERS.answer(TrustedIssuer.objects.all(), query, shape=lambda page: map(issuer_shape, page)))

    @extend_schema(
        operation_id="token_issuer_create",
        summary="Trust a token issuer",
        description="Its keys are fetched first: 422 `issuer_keys_unusable`, 503 `issuer_away`. 409 `issuer_taken`: issuer and "
        "audience name one tenant, the first; an audience that contains a tenant's id is that tenant's alone. 403 `more_than_yours`: a credential gives no more than it has.",
        tags=TAGS,
        request=IssuerBody,
        responses={201: IssuerDetail},
        examples=[asked(ASKED), answered(ISSUER, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, IssuerBody)
        require_held(self.principal.permissions, after=body.permissions)
        tenant = Tenant.objects.get(id=self.principal.tenant_id)
        row = issuer_create(tenant, **body.model_dump())
        self.audit("tokenissuer.created", f"tokenissuer:{row.id}", {"permissions": row.permissions})
        return Response(issuer_shape(row), 201)


class IssuerView(TenantAPIView):
    permissions = {"GET": "tenants:read", "PATCH": "tenants:write", "DELETE": "tenants:write"}

    @extend_schema(
        operation_id="token_issuer_get",
        description="Whose tokens are taken, where their keys lie, and the most that such a token may do.",
        summary="One trusted token issuer",
        tags=TAGS,
        responses=IssuerDetail,
        examples=[answered(ISSUER)],
    )
    def get(self, request: Request, issuer_id: uuid.UUID) -> Response:
        return Response(issuer_shape(_issuer(issuer_id)))

    @extend_schema(
        operation_id="token_issuer_change",
        summary="Change a trusted token issuer",
        description="Its permissions count at once for tokens that are out, elsewhere within a second. At another `jwks_url` the "
        "keys are fetched first (422 `issuer_keys_unusable`, 503 `issuer_away`), and tokens by the former keys are refused. 403 "
        "`more_than_yours`: no caller gives or takes permissions that they do not have. Another issuer or audience is another "
        "entry.",
        tags=TAGS,
        request=IssuerChange,
        responses=IssuerDetail,
        examples=[asked({"permissions": ["messages:send"]}), answered(ISSUER)],
    )
    def patch(self, request: Request, issuer_id: uuid.UUID) -> Response:
        changes, row = parse_body(request, IssuerChange).given(), _issuer(issuer_id)
        before = row.permissions
        require_held(self.principal.permissions, before=before, after=changes.get("permissions", before))
        if changes.get("jwks_url", row.jwks_url) != row.jwks_url:  # the keys' holder may do all that it may
            require_held(self.principal.permissions, after=before)
        changed = issuer_change(row, **changes)
        self.audit(
            "tokenissuer.updated",
            f"tokenissuer:{row.id}",
            {"fields": sorted(changes), "permissions": changed.permissions},
        )
        return Response(issuer_shape(changed))

    @extend_schema(
        operation_id="token_issuer_delete",
        summary="Trust a token issuer no longer",
        description="Its tokens are refused, here at once and elsewhere within a second.",
        tags=TAGS,
        responses={200: IssuerDetail},
        examples=[answered(ISSUER)],
    )
    def delete(self, request: Request, issuer_id: uuid.UUID) -> Response:
        row = _issuer(issuer_id)
        told = issuer_shape(row)
        issuer_end(row)
        self.audit("tokenissuer.deleted", f"tokenissuer:{issuer_id}")
        return Response(told)


def _issuer(issuer_id: uuid.UUID) -> TrustedIssuer:
    row: TrustedIssuer | None = TrustedIssuer.objects.filter(id=issuer_id).first()
    if row is None:
        raise NotFound("There is no such issuer.", code="token_issuer_not_found")
    return row
