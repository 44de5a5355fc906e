"""``/api/v2/oauth-clients``: software of others that may get tokens, made, shown once and ended (TEN-3)."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.access.api_keys import LONGEST_OVERLAP_H, overlap_s
from tenants.access.grants.clients import (
    LONGEST_URI,
    MOST_URIS,
    client_change,
    client_create,
    client_end,
    client_rotate,
)
from tenants.access.permissions import require_held
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound
from tenants.models import OAuthClient, Tenant
from tenants.names import Seen

TAGS = ["auth"]
CLIENTS = Walk("oauth-clients", latest=True, sorts={"created_at": ""}, searched=("name",), dated="created_at")


class ClientBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, description="What staff are asked about"), Seen]
    scopes: list[Annotated[str, Field(max_length=60)]] = Field(
        min_length=1, max_length=100, description="Permissions, or `*`; no more than your credential has"
    )
    redirect_uris: list[Annotated[str, Field(max_length=LONGEST_URI)]] = Field(
        default_factory=list, max_length=MOST_URIS,
        description="Where codes are sent, letter by letter: https, the scheme of an app, or http on 127.0.0.1. Left out: the "
        "client acts for itself alone",
    )  # fmt: skip
    public: bool = Field(False, description="It keeps no secret: an app on a device, a page in a browser")


class ClientChange(Changes):
    """What is left out stays. A client that has a secret keeps one."""

    name: Annotated[str, Field(min_length=1, max_length=100, description="What staff are asked about"), Seen] = ""
    scopes: list[Annotated[str, Field(max_length=60)]] = Field(
        [], min_length=1, max_length=100, description="Permissions, or `*`; no more than your credential has"
    )
    redirect_uris: list[Annotated[str, Field(max_length=LONGEST_URI)]] = Field(
        [], max_length=MOST_URIS, description="Where codes are sent, letter by letter"
    )


class SecretReplacement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keep_old_hours: int = Field(24, ge=0, le=LONGEST_OVERLAP_H, description="How long the present secret goes on")


class ClientShape(BaseModel):
    id: uuid.UUID
    client_id: str
    name: str
    scopes: list[str]
    redirect_uris: list[str]
    public: bool
    revoked_at: Moment | None
    created_at: Moment


class ClientDetail(ClientShape):
    """One client."""


class ClientShown(ClientShape):
    client_secret: str | None = Field(description="Shown this once; null of a public client")


class ClientPage(Page):
    items: list[ClientShape]


class ClientQuery(ListQuery):
    pass


CLIENT = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000b1", "client_id": "oac_ab12cd34ef56gh78", "name": "Shop analytics",
    "scopes": ["conversations:read"], "redirect_uris": ["https://analytics.example.com/callback"], "public": False,
    "revoked_at": None, "created_at": "2026-01-02T09:00:00.000Z",
}  # fmt: skip
ASKED = {
    "name": "Shop analytics", "scopes": ["conversations:read"], "redirect_uris": ["https://analytics.example.com/callback"],
}  # fmt: skip


def client_shape(row: OAuthClient) -> dict[str, Any]:
    names = ("id", "client_id", "name", "scopes", "redirect_uris", "revoked_at", "created_at")
    return {**{name: getattr(row, name) for name in names}, "public": not row.secret_hash}


class ClientsView(TenantAPIView):
    permissions = {"GET": "keys:read", "POST": "keys:write"}

    @extend_schema(
        operation_id="oauth_client_list",
        summary="List OAuth clients",
        description="The newest first; never their secrets.",
        tags=TAGS,
        parameters=[ClientQuery],  # type: ignore[list-item]
        responses=ClientPage,
        examples=[answered(listed(CLIENT))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, ClientQuery)
        return Response(CLIENTS.answer(OAuthClient.objects.all(), query, shape=lambda page: map(client_shape, page)))

    @extend_schema(
        operation_id="oauth_client_create",
        summary="Make an OAuth client",
        description="The answer shows its secret, this once. 403 `more_than_yours`: a credential gives no more than it has.",
        tags=TAGS,
        request=ClientBody,
        responses={201: ClientShown},
        examples=[asked(ASKED), answered({**CLIENT, "client_secret": "oas_kJ8sW2…"}, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, ClientBody)
        require_held(self.principal.permissions, after=body.scopes)
        tenant = Tenant.objects.get(id=self.principal.tenant_id)
        row, secret = client_create(tenant, body.name, body.scopes, body.redirect_uris, public=body.public)
        self.audit("oauthclient.created", row, {"scopes": row.scopes})
        return Response({**client_shape(row), "client_secret": secret or None}, 201)


class ClientView(TenantAPIView):
    permissions = {"GET": "keys:read", "PATCH": "keys:write", "DELETE": "keys:write"}

    @extend_schema(
        operation_id="oauth_client_get",
        description="Its name, scopes and addresses. The secret is shown once, when the client is made.",
        summary="One OAuth client",
        tags=TAGS,
        responses=ClientDetail,
        examples=[answered(CLIENT)],
    )
    def get(self, request: Request, row_id: uuid.UUID) -> Response:
        return Response(client_shape(_client(row_id)))

    @extend_schema(
        operation_id="oauth_client_change",
        summary="Change an OAuth client",
        description="Counts at once for tokens that are out, elsewhere within a second. 403 `more_than_yours`: no caller gives or "
        "takes permissions that they do not have, or sends codes elsewhere that stand for such. 409 `client_ended`.",
        tags=TAGS,
        request=ClientChange,
        responses=ClientDetail,
        examples=[asked({"scopes": ["conversations:read"]}), answered(CLIENT)],
    )
    def patch(self, request: Request, row_id: uuid.UUID) -> Response:
        changes, row = parse_body(request, ClientChange).given(), _client(row_id)
        before = row.scopes
        require_held(self.principal.permissions, before=before, after=changes.get("scopes", before))
        if changes.get("redirect_uris", row.redirect_uris) != row.redirect_uris:
            require_held(self.principal.permissions, after=before)
        client_change(row, **changes)
        self.audit("oauthclient.updated", row, {"fields": sorted(changes), "scopes": row.scopes})
        return Response(client_shape(row))

    @extend_schema(
        operation_id="oauth_client_delete",
        summary="End an OAuth client",
        description="And every token that it was given, within a second. Its row stays.",
        tags=TAGS,
        responses={200: ClientDetail},
        examples=[answered({**CLIENT, "revoked_at": "2026-01-31T12:00:00.000Z"})],
    )
    def delete(self, request: Request, row_id: uuid.UUID) -> Response:
        row = _client(row_id)
        if row.revoked_at is None:
            client_end(row)
            self.audit("oauthclient.revoked", row)
        return Response(client_shape(row))


class ClientRotateView(TenantAPIView):
    permissions = {"POST": "keys:write"}

    @extend_schema(
        operation_id="oauth_client_rotate",
        summary="Replace an OAuth client's secret",
        description="The answer shows the new one, this once. The present one goes on for `keep_old_hours`, one before it no more; "
        "tokens stay. 403 `more_than_yours`; 409 `client_ended`, and `client_without_secret` for a public client.",
        tags=TAGS,
        request=SecretReplacement,
        responses={201: ClientShown},
        examples=[asked({"keep_old_hours": 24}), answered({**CLIENT, "client_secret": "oas_kJ8sW2…"}, 201)],
    )
    def post(self, request: Request, row_id: uuid.UUID) -> Response:
        hours, row = parse_body(request, SecretReplacement).keep_old_hours, _client(row_id)
        require_held(self.principal.permissions, after=row.scopes)
        secret = client_rotate(row, keep_s=overlap_s(hours))
        self.audit("oauthclient.rotated", row, {"keep_old_hours": hours})
        return Response({**client_shape(row), "client_secret": secret}, 201)


def _client(row_id: uuid.UUID) -> OAuthClient:
    row: OAuthClient | None = OAuthClient.objects.filter(id=row_id).first()
    if row is None:
        raise NotFound("There is no such OAuth client.", code="oauth_client_not_found")
    return row
