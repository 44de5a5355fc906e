"""``/api/v2/invitations``: people who are asked to join the tenant, by e-mail."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.access.invitations import invitation_create, invitation_get, invitation_revoke, invitation_send, state_of
from tenants.access.permissions import require_held
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound
from tenants.models import Invitation, Role, Tenant

INVITATIONS = Walk(
    "invitations", latest=True, sorts={"created_at": ""}, searched=("email",), dated="created_at",
)  # fmt: skip
INVITATION = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000f1", "email": "ana@example.com", "role": "agent", "state": "waiting",
    "created_at": "2026-01-31T12:00:00.000Z", "expires_at": "2026-02-07T12:00:00.000Z",
}  # fmt: skip
SENT = {**INVITATION, "link": None}
EMAIL = r'^[^@\s\x85\ufeff\x00-\x1f<>,;:"]+@[^@\s\x85\ufeff\x00-\x1f<>,;:"]+\.[^@\s\x85\ufeff\x00-\x1f<>,;:".]+$'


class InvitationBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=150, pattern=EMAIL)
    role: str = Field(max_length=60, description="The name of a role of the tenant, no wider than the caller's own")


class InvitationItem(BaseModel):
    id: uuid.UUID
    email: str
    role: str
    state: Literal["waiting", "not_sent", "expired", "joined", "revoked"]
    created_at: Moment
    expires_at: Moment


class InvitationDetail(InvitationItem):
    """One invitation."""


class InvitationShape(InvitationItem):
    link: str | None = Field(description="Where the service sends no e-mail: what to hand over, shown this once")


class InvitationPage(Page):
    items: list[InvitationItem]


class InvitingView(TenantAPIView):
    @property
    def inviter(self) -> str:
        """As the e-mail names them: a key has no name that its reader knows."""
        return str(Tenant.objects.get(id=self.principal.tenant_id))


class InvitationsView(InvitingView):
    permissions = {"GET": "members:read", "POST": "members:write"}

    @extend_schema(
        operation_id="invitation_list",
        summary="List invitations",
        description="The latest first. `sort_by`: `created_at`.",
        tags=["inbox"],
        parameters=[ListQuery],  # type: ignore[list-item]
        responses=InvitationPage,
        examples=[answered(listed(INVITATION))],
    )
    def get(self, request: Request) -> Response:
        rows = Invitation.objects.select_related("role")
        return Response(INVITATIONS.answer(rows, parse_query(request, ListQuery), shape=_shapes))

    @extend_schema(
        operation_id="invitation_create",
        summary="Invite a person by e-mail",
        description="The address gets a link by e-mail that counts for seven days; a service without e-mail gives it to you, as "
        "`link`. Behind it a new account is made, or one that is "
        "there joins by signing in; the answer is the same for both. An invitation that waits gets the role and a new link. "
        "403 `more_than_yours`; 409 `already_member`, `just_sent`; 422 `too_many_invitations`.",
        tags=["inbox"],
        request=InvitationBody,
        responses={201: InvitationShape},
        examples=[asked({"email": "ana@example.com", "role": "agent"}), answered(SENT, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, InvitationBody)
        role = Role.objects.filter(name=body.role).first()
        if role is None:
            raise NotFound("There is no such role.", code="unknown_role")
        require_held(self.principal.permissions, after=role.permissions)
        tenant = Tenant.objects.get(id=self.principal.tenant_id)
        row = invitation_create(tenant, body.email, role, self.inviter)
        self.audit("invitation.created", row, {"role": role.name})
        return Response(_sent(row), 201)


class InvitationView(InvitingView):
    permissions = {"GET": "members:read", "DELETE": "members:write"}

    @extend_schema(
        operation_id="invitation_get",
        summary="One invitation",
        description="Whether it waits, was accepted, or has ended. Its link is shown only when it is made.",
        tags=["inbox"],
        responses=InvitationDetail,
        examples=[answered(INVITATION)],
    )
    def get(self, request: Request, invitation_id: uuid.UUID) -> Response:
        return Response(_shapes([invitation_get(invitation_id)])[0])

    @extend_schema(
        operation_id="invitation_delete",
        summary="Take an invitation back",
        description="Its link ends. 409 `invitation_over` where it was accepted or taken back before.",
        tags=["inbox"],
        responses={204: None},
    )
    def delete(self, request: Request, invitation_id: uuid.UUID) -> Response:
        self.audit("invitation.revoked", invitation_revoke(invitation_id))
        return Response(status=204)


class InvitationSendView(InvitingView):
    permissions = {"POST": "members:write"}

    @extend_schema(
        operation_id="invitation_send",
        summary="Send an invitation again",
        description="With a new link; the former one ends. 403 `more_than_yours`; 409 `just_sent` within a minute, `invitation_over`.",
        tags=["inbox"],
        request=None,
        responses=InvitationShape,
        examples=[answered(SENT)],
    )
    def post(self, request: Request, invitation_id: uuid.UUID) -> Response:
        row = invitation_get(invitation_id)
        require_held(self.principal.permissions, after=row.role.permissions)
        row = invitation_send(row, self.inviter)
        self.audit("invitation.sent", row)
        return Response(_sent(row))


def _sent(row: Invitation) -> dict[str, Any]:
    return {**_shapes([row])[0], "link": row.link or None}


def _shapes(rows: Sequence[Invitation]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id, "email": row.email, "role": row.role.name, "state": state_of(row).replace(" ", "_"),
            "created_at": row.created_at, "expires_at": row.expires_at,
        }
        for row in rows
    ]  # fmt: skip
