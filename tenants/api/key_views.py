"""``/api/v2/api-keys``: made, shown once, replaced with an overlap, ended (API-2, TEN-3)."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.access.api_keys import LONGEST_OVERLAP_H, api_key_create, api_key_revoke, api_key_rotate, overlap_s
from tenants.access.permissions import require_held
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.models import ApiKey, Tenant
from tenants.names import Seen
from tenants.storage.db import now

TAGS = ["API keys"]
KEYS = Walk("api-keys", latest=True, sorts={"created_at": ""}, searched=("name", "prefix"), dated="created_at")
State = Literal["valid", "ending", "expired", "revoked"]


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100), Seen]
    scopes: list[Annotated[str, Field(max_length=60)]] = Field(
        min_length=1, max_length=100, description="Permissions, or `*`; no more than your credential has"
    )
    expires_at: Moment | None = None


class Replacement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keep_old_hours: int = Field(24, ge=0, le=LONGEST_OVERLAP_H, description="How long the present key goes on")


class KeyShape(BaseModel):
    id: uuid.UUID
    name: str
    prefix: str = Field(description="`csk_<prefix>_…` is how the key begins")
    scopes: list[str]
    state: State
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None = Field(description="To the minute")
    created_at: Moment


class KeyDetail(KeyShape):
    """One key."""


class KeyShown(KeyShape):
    key: str = Field(description="Shown this once")


class KeyPage(Page):
    items: list[KeyShape]


class KeyQuery(ListQuery):
    pass


KEY = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000a1", "name": "CRM", "prefix": "ab12cd34", "scopes": ["messages:send"],
    "state": "valid", "expires_at": None, "revoked_at": None, "last_used_at": "2026-01-31T12:00:00.000Z",
    "created_at": "2026-01-02T09:00:00.000Z",
}  # fmt: skip
SHOWN = {**KEY, "key": "csk_ab12cd34_kJ8sW2…"}


def state_of(key: ApiKey) -> State:
    if key.revoked_at:
        return "revoked"
    if key.expires_at is None:
        return "valid"
    return "expired" if key.expires_at <= now() else "ending"


def key_shape(key: ApiKey) -> dict[str, Any]:
    names = ("id", "name", "prefix", "scopes", "expires_at", "revoked_at", "last_used_at", "created_at")
    return {**{name: getattr(key, name) for name in names}, "state": state_of(key)}


def key_get(key_id: uuid.UUID) -> ApiKey:
    """Raises NotFound."""
    key: ApiKey | None = ApiKey.objects.filter(id=key_id).select_related("tenant").first()
    if key is None:
        raise NotFound("There is no such API key.", code="api_key_not_found")
    return key


class KeysView(TenantAPIView):
    permissions = {"GET": "keys:read", "POST": "keys:write"}

    @extend_schema(
        operation_id="api_key_list",
        summary="List API keys",
        description="The newest first; never their secrets.",
        tags=TAGS,
        parameters=[KeyQuery],  # type: ignore[list-item]
        responses=KeyPage,
        examples=[answered(listed(KEY))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, KeyQuery)
        return Response(KEYS.answer(ApiKey.objects.all(), query, shape=lambda page: map(key_shape, page)))

    @extend_schema(
        operation_id="api_key_create",
        summary="Make an API key",
        description="The answer shows it, this once. 403 `more_than_yours`: a credential gives no more than it has.",
        tags=TAGS,
        request=KeyBody,
        responses={201: KeyShown},
        examples=[asked({"name": "CRM", "scopes": ["messages:send"]}), answered(SHOWN, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, KeyBody)
        if body.expires_at and body.expires_at <= now():
            raise Unprocessable("The key would have ended already.", code="expires_at_past")
        require_held(self.principal.permissions, after=body.scopes)
        tenant = Tenant.objects.get(id=self.principal.tenant_id)
        key, plaintext = api_key_create(tenant=tenant, name=body.name, scopes=body.scopes, expires_at=body.expires_at)
        self.audit("apikey.created", key, {"prefix": key.prefix, "scopes": key.scopes})
        return Response({**key_shape(key), "key": plaintext}, 201)


class KeyView(TenantAPIView):
    permissions = {"GET": "keys:read", "DELETE": "keys:write"}

    @extend_schema(
        operation_id="api_key_get",
        description="The key's name, scopes, state and when it was last used. The secret itself is shown once, when the key is made.",
        summary="One API key",
        tags=TAGS,
        responses=KeyDetail,
        examples=[answered(KEY)],
    )
    def get(self, request: Request, key_id: uuid.UUID) -> Response:
        return Response(key_shape(key_get(key_id)))

    @extend_schema(
        operation_id="api_key_delete",
        summary="End an API key",
        description="And every token that was issued for it, within a second. Its row stays. 409 `own_key`: the one that asks is "
        "ended by another one.",
        tags=TAGS,
        responses={200: KeyDetail},
        examples=[answered({**KEY, "state": "revoked", "revoked_at": "2026-01-31T12:00:00.000Z"})],
    )
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        key = key_get(key_id)
        if key.prefix == self.principal.key_prefix:
            raise Conflict("A key does not end itself: use another one.", code="own_key")
        if key.revoked_at is None:
            api_key_revoke(key)
            self.audit("apikey.revoked", key)
        return Response(key_shape(key))


class KeyRotateView(TenantAPIView):
    permissions = {"POST": "keys:write"}

    @extend_schema(
        operation_id="api_key_rotate",
        summary="Replace an API key",
        description="The answer shows its successor, this once, with the same name, scopes and end. The present one goes on for "
        "`keep_old_hours`. 403 `more_than_yours`; 409 `key_not_valid`: what has ended has no successor.",
        tags=TAGS,
        request=Replacement,
        responses={201: KeyShown},
        examples=[asked({"keep_old_hours": 24}), answered(SHOWN, 201)],
    )
    def post(self, request: Request, key_id: uuid.UUID) -> Response:
        hours, key = parse_body(request, Replacement).keep_old_hours, key_get(key_id)
        require_held(self.principal.permissions, after=key.scopes)
        successor, plaintext = api_key_rotate(key, grace_s=overlap_s(hours))
        self.audit("apikey.rotated", key, {"successor": successor.prefix})
        return Response({**key_shape(successor), "key": plaintext}, 201)
