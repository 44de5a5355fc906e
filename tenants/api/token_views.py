"""``/api/v2/auth/…``: an integrator's back end exchanges its API key for tokens that live shortly."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from drf_spectacular.utils import OpenApiExample, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.access import auth
from tenants.access.permissions import AUTHENTICATED, PUBLIC, expand
from tenants.access.tokens import token_read
from tenants.api.views import TenantAPIView, parse_body
from tenants.errors import Forbidden, Unprocessable
from tenants.trail.audit import actor_name


class TokenRequest(BaseModel):
    """Whom the tokens are for. Without a body: for the key itself, with all its permissions."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field("", max_length=200, description="The user in your system; empty: the API key")
    kind: Literal["token", "visitor"] | None = Field(
        None,
        description="`visitor`, for a page or an app: it sends messages and files as its `subject`, and reaches nothing else. "
        "Left out, `token`: for a back end, which may name any user",
    )
    permissions: list[Annotated[str, Field(max_length=60)]] | None = Field(None, description="No more than the key has")
    learners: list[Annotated[str, Field(max_length=200)]] | None = Field(
        None,
        max_length=100,
        description="Only these learners' threads, by their ids in your system, and nothing else; left out, the token is not limited",
    )
    acts_as: Literal["learner", "guardian", "teacher", "staff"] | None = Field(
        None,
        description="With `learners`: who the subject is in their threads; left out, `learner` where the subject is one of "
        "them, else `guardian`",
    )
    ttl: int | None = Field(
        None, ge=1, le=86_400, description="Seconds the access token lives, and all that is refreshed from the pair"
    )


class RefreshRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh_token: str = Field(max_length=4096)


class RevokeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=4096, description="An access or a refresh token")


class TokenPair(BaseModel):
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds the access token lives")


class Revoked(BaseModel):
    revoked: bool = Field(description="False: the token was no longer good anyway")


PAIR = OpenApiExample(
    "Tokens",
    value={"access_token": "eyJhbGciOi…", "refresh_token": "eyJhbGciOi…", "token_type": "Bearer", "expires_in": 3600},
    response_only=True,
)


class TokenView(TenantAPIView):
    permission = AUTHENTICATED

    @extend_schema(
        operation_id="token_create",
        description="Answers an access token and a refresh token whose scopes are the key's, or fewer where the request names them.",
        summary="Exchange an API key for tokens",
        tags=["auth"],
        request=TokenRequest,
        responses=TokenPair,
        examples=[
            OpenApiExample(
                "For one user's browser",
                value={"subject": "user-42", "kind": "visitor", "permissions": ["messages:send"]},
                request_only=True,
            ),
            PAIR,
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = parse_body(request, TokenRequest)
        if wanted.acts_as and wanted.learners is None:
            raise Unprocessable("`acts_as` is of tokens that are limited to learners.", code="learners_required")
        if wanted.kind == "visitor" and not wanted.subject:
            raise Unprocessable("A visitor's token says by `subject` who the visitor is.", code="subject_required")
        if wanted.kind == "visitor" and wanted.learners is not None:
            raise Unprocessable("A visitor's token reaches no threads.", code="visitor_without_learners")
        key = self.principal
        if key.kind != "key":
            raise Forbidden("Tokens are issued for API keys only.", code="api_key_required")
        granted = key.permissions if wanted.permissions is None else expand(wanted.permissions)
        if not granted <= key.permissions:
            raise Forbidden(
                "The key itself does not have these permissions.",
                details={"permissions": sorted(granted - key.permissions)},
            )
        holder = auth.Principal(
            tenant_id=key.tenant_id,
            subject=wanted.subject or key.subject,
            kind=wanted.kind or "token",
            permissions=granted,
            key_prefix=key.key_prefix,
            extra={"acts_as": wanted.acts_as} if wanted.acts_as else {},
            learners=None if wanted.learners is None else frozenset(wanted.learners),
        )
        access, refresh = auth.token_pair(holder, ttl=wanted.ttl)
        self.audit("token.issued", actor_name(holder))
        return Response(_pair(access, refresh))


class RefreshView(TenantAPIView):
    permission = PUBLIC

    @extend_schema(
        operation_id="token_refresh",
        summary="Exchange a refresh token, once, for a new pair",
        description="The same token gives the same pair for ten seconds: an answer that was lost can be asked for again, and two "
        "requests at once are no harm. One that comes later than that is in two hands: all tokens of its exchange end.",
        tags=["auth"],
        request=RefreshRequest,
        responses=TokenPair,
        examples=[OpenApiExample("Refresh", value={"refresh_token": "eyJhbGciOi…"}, request_only=True), PAIR],
    )
    def post(self, request: Request) -> Response:
        given = parse_body(request, RefreshRequest)
        return Response(_pair(*auth.tokens_refresh(given.refresh_token)))


class RevokeView(TenantAPIView):
    permission = PUBLIC  # the holder of a token may end it; RFC 7009 §2.2: an invalid one is no error

    @extend_schema(
        operation_id="token_revoke",
        description="The token ends at once, a refresh token with all tokens of its exchange. `revoked` is false for one that was no longer good.",
        summary="End an access or refresh token",
        tags=["auth"],
        request=RevokeRequest,
        responses=Revoked,
        examples=[
            OpenApiExample("Revoke", value={"token": "eyJhbGciOi…"}, request_only=True),
            OpenApiExample("Revoked", value={"revoked": True}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        return Response({"revoked": auth.revoke(parse_body(request, RevokeRequest).token)})


def _pair(access: str, refresh: str) -> dict[str, object]:
    return {
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "Bearer",
        "expires_in": token_read(access, "access")["exp"] - int(time.time()),
    }
