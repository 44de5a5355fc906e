"""``/api/v2/teams``, ``/members``, ``/labels``: colleagues, and the labels that they use."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.agents.labels import label_get, label_save, labels
from messaging.agents.members import (
    desk_change,
    member_get,
    member_shapes,
    members,
    team_get,
    team_save,
    team_shapes,
    teams,
)
from messaging.agents.models import Label
from messaging.agents.presence import presence_say
from messaging.api.agents.acting import acting_required
from messaging.api.agents.shapes import (
    DeskChange,
    LabelBody,
    LabelChange,
    LabelList,
    LabelShape,
    MemberList,
    MemberShape,
    PresenceChange,
    TeamBody,
    TeamChange,
    TeamList,
    TeamShape,
)
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.desk import Desk, desk_read
from tenants.models import Team

BEN = {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000aa", "name": "ben"}
TEAM = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000b1", "name": "Billing", "languages": ["en", "de"], "skills": ["invoices"],
    "members": [BEN],
}  # fmt: skip
MEMBER = {
    **BEN, "full_name": "Ben Ito", "picture": None, "presence": "online", "open_conversations": 2, "capacity": 10,
    "languages": ["en"], "skills": ["invoices"], "answers": True, "teams": [{"id": TEAM["id"], "name": "Billing"}],
}  # fmt: skip
LABEL = {"id": "0192f0d0-7b1a-7c3e-9a55-00000000001a", "name": "Refund", "color": "red"}


class TeamsView(TenantAPIView):
    permissions = {"GET": "conversations:read", "POST": "members:write"}

    @extend_schema(
        operation_id="teams_list",
        summary="List teams",
        description="All of them, by name.",
        tags=["inbox"],
        responses=TeamList,
        examples=[answered({"items": [TEAM]})],
    )
    def get(self, request: Request) -> Response:
        return Response({"items": team_shapes(teams())})

    @extend_schema(
        operation_id="teams_create",
        summary="Create a team",
        tags=["inbox"],
        request=TeamBody,
        responses={201: TeamShape},
        examples=[
            asked({"name": "Billing", "members": ["ben"], "languages": ["en", "de"], "skills": ["invoices"]}),
            answered(TEAM, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, TeamBody)
        facts = {"name": body.name, "languages": body.languages, "skills": body.skills}
        team = team_save(Team(tenant_id=self.principal.tenant_id, **facts), body.members)
        self.audit("team.created", team)
        return Response(team_shapes([team])[0], 201)


class TeamView(TenantAPIView):
    permissions = {"GET": "conversations:read", "PATCH": "members:write", "DELETE": "members:write"}

    @extend_schema(
        operation_id="teams_get", summary="One team", tags=["inbox"], responses=TeamShape, examples=[answered(TEAM)]
    )
    def get(self, request: Request, team_id: uuid.UUID) -> Response:
        return Response(team_shapes([team_get(team_id)])[0])

    @extend_schema(
        operation_id="teams_change",
        summary="Change a team",
        description="What is left out stays; `members` replaces all of them.",
        tags=["inbox"],
        request=TeamChange,
        responses=TeamShape,
        examples=[asked({"members": ["ben"]}), answered(TEAM)],
    )
    def patch(self, request: Request, team_id: uuid.UUID) -> Response:
        body = parse_body(request, TeamChange)
        team, given = team_get(team_id), body.model_dump(exclude_none=True)
        names = given.pop("members", None)
        for name, value in given.items():
            setattr(team, name, value)
        team = team_save(team, names)
        self.audit("team.updated", team, {"fields": sorted(body.model_dump(exclude_none=True))})
        return Response(team_shapes([team])[0])

    @extend_schema(
        operation_id="teams_delete",
        summary="Delete a team",
        description="What waits for it waits for any colleague.",
        tags=["inbox"],
        responses={204: None},
    )
    def delete(self, request: Request, team_id: uuid.UUID) -> Response:
        team = team_get(team_id)
        self.audit("team.deleted", team)
        team.delete()
        return Response(status=204)


class MembersView(TenantAPIView):
    permissions = {"GET": "conversations:read"}

    @extend_schema(
        operation_id="members_list",
        summary="List colleagues",
        description="The active members of the tenant by user name: presence, what they have in hand, teams.",
        tags=["inbox"],
        responses=MemberList,
        examples=[answered({"items": [MEMBER]})],
    )
    def get(self, request: Request) -> Response:
        return Response({"items": member_shapes(members())})


class MemberDeskView(TenantAPIView):
    permissions = {"PATCH": "members:write"}

    @extend_schema(
        operation_id="members_desk_change",
        summary="How much a colleague has at a time, in which languages, with which skills",
        tags=["inbox"],
        request=DeskChange,
        responses=MemberShape,
        examples=[asked({"capacity": 5, "languages": ["en"]}), answered(MEMBER)],
    )
    def patch(self, request: Request, user_id: uuid.UUID) -> Response:
        given = parse_body(request, DeskChange).model_dump(exclude_none=True)
        row = member_get(user_id)
        row = desk_change(row, Desk.model_validate({**desk_read(row.desk).model_dump(), **given}))
        self.audit("membership.updated", row, {"fields": sorted(given)})
        return Response(member_shapes([row])[0])


class PresenceView(TenantAPIView):
    permissions = {"PUT": "conversations:read"}

    @extend_schema(
        operation_id="members_presence",
        summary="Say that a member of staff is there, away or gone",
        tags=["inbox"],
        request=PresenceChange,
        responses=MemberShape,
        examples=[asked({"agent": "ben", "state": "online"}), answered(MEMBER)],
    )
    def put(self, request: Request) -> Response:
        body = parse_body(request, PresenceChange)
        member = acting_required(self, body.agent)
        presence_say(self.principal.tenant_id, member.id, body.state)
        return Response(member_shapes([member_get(member.id)])[0])


class LabelsView(TenantAPIView):
    permissions = {"GET": "conversations:read", "POST": "conversations:write"}

    @extend_schema(
        operation_id="labels_list",
        summary="List labels",
        description="All of them, by name.",
        tags=["inbox"],
        responses=LabelList,
        examples=[answered({"items": [LABEL]})],
    )
    def get(self, request: Request) -> Response:
        return Response({"items": [_label(row) for row in labels()]})

    @extend_schema(
        operation_id="labels_create",
        summary="Create a label",
        tags=["inbox"],
        request=LabelBody,
        responses={201: LabelShape},
        examples=[asked({"name": "Refund", "color": "red"}), answered(LABEL, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, LabelBody)
        label = label_save(Label(tenant_id=self.principal.tenant_id, **body.model_dump()))
        self.audit("label.created", label)
        return Response(_label(label), 201)


class LabelView(TenantAPIView):
    permissions = {"PATCH": "conversations:write", "DELETE": "conversations:write"}

    @extend_schema(
        operation_id="labels_change",
        summary="Rename or recolour a label",
        tags=["inbox"],
        request=LabelChange,
        responses=LabelShape,
        examples=[asked({"color": "orange"}), answered({**LABEL, "color": "orange"})],
    )
    def patch(self, request: Request, label_id: uuid.UUID) -> Response:
        given = parse_body(request, LabelChange).model_dump(exclude_none=True)
        label = label_get(label_id)
        for name, value in given.items():
            setattr(label, name, value)
        label = label_save(label)
        self.audit("label.updated", label, {"fields": sorted(given)})
        return Response(_label(label))

    @extend_schema(
        operation_id="labels_delete",
        summary="Delete a label",
        description="Conversations lose it.",
        tags=["inbox"],
        responses={204: None},
    )
    def delete(self, request: Request, label_id: uuid.UUID) -> Response:
        label = label_get(label_id)
        self.audit("label.deleted", label)
        label.delete()
        return Response(status=204)


def _label(row: Label) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "color": row.color}
