"""``/api/v2/teams``, ``/members``, ``/labels``: colleagues, and the labels that they use."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.agents.labels import label_get, label_save
from messaging.agents.members import (
    desk_change,
    member_get,
    member_shapes,
    members_active,
    team_get,
    team_save,
    team_shapes,
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
from tenants.api.pages import Walk, WholeQuery, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.models import Team

BY_NAME: dict[str, Any] = {"by": "name", "sorts": {"name": "name", "created_at": ""}, "dated": "created_at"}
TEAMS = Walk("teams", searched=("name",), **BY_NAME)
LABELS = Walk("labels", searched=("name",), **BY_NAME)
MEMBERS = Walk(
    "members", by="user__username", sorts={"name": "user__username", "created_at": ""},
    searched=("user__username", "user__first_name", "user__last_name"), dated="created_at",
)  # fmt: skip
BEN = {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000aa", "name": "ben"}
TEAM = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000b1", "name": "Billing", "languages": ["en", "de"], "skills": ["invoices"],
    "members": [BEN],
}  # fmt: skip
MEMBER = {
    **BEN, "full_name": "Ben Ito", "picture": None, "role": "agent", "presence": "online", "open_conversations": 2, "capacity": 10,
    "languages": ["en"], "skills": ["invoices"], "answers": True, "teams": [{"id": TEAM["id"], "name": "Billing"}],
}  # fmt: skip
LABEL = {"id": "0192f0d0-7b1a-7c3e-9a55-00000000001a", "name": "Refund", "color": "red"}


class TeamsView(TenantAPIView):
    permissions = {"GET": "conversations:read", "POST": "members:write"}

    @extend_schema(
        operation_id="team_list",
        summary="List teams",
        description="By name; `search_query`: in it.",
        tags=["inbox"],
        parameters=[WholeQuery],  # type: ignore[list-item]
        responses=TeamList,
        examples=[answered(listed(TEAM))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, WholeQuery)
        return Response(TEAMS.answer(Team.objects.all(), query, shape=team_shapes))

    @extend_schema(
        operation_id="team_create",
        description="Conversations are assigned to a team where no single colleague is named.",
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
        operation_id="team_get",
        description="Its name and who is in it.",
        summary="One team",
        tags=["inbox"],
        responses=TeamShape,
        examples=[answered(TEAM)],
    )
    def get(self, request: Request, team_id: uuid.UUID) -> Response:
        return Response(team_shapes([team_get(team_id)])[0])

    @extend_schema(
        operation_id="team_change",
        summary="Change a team",
        description="What is left out stays; `members` replaces all of them.",
        tags=["inbox"],
        request=TeamChange,
        responses=TeamShape,
        examples=[asked({"members": ["ben"]}), answered(TEAM)],
    )
    def patch(self, request: Request, team_id: uuid.UUID) -> Response:
        team, given = team_get(team_id), parse_body(request, TeamChange).given()
        fields = sorted(given)
        team = team_save(team, given.pop("members", None), given)
        self.audit("team.updated", team, {"fields": fields})
        return Response(team_shapes([team])[0])

    @extend_schema(
        operation_id="team_delete",
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
        operation_id="member_list",
        summary="List colleagues",
        description="The active members of the tenant by user name: presence, what they have in hand, teams. `search_query`: in "
        "user name and names.",
        tags=["inbox"],
        parameters=[WholeQuery],  # type: ignore[list-item]
        responses=MemberList,
        examples=[answered(listed(MEMBER))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, WholeQuery)
        return Response(MEMBERS.answer(members_active(), query, shape=member_shapes))


class MemberDeskView(TenantAPIView):
    permissions = {"GET": "conversations:read", "PATCH": "members:write"}

    @extend_schema(
        operation_id="member_desk_get",
        summary="A colleague at work",
        description="Presence, what they have in hand, how much they take, in which languages; as the list of members tells it.",
        tags=["inbox"],
        responses=MemberShape,
        examples=[answered(MEMBER)],
    )
    def get(self, request: Request, user_id: uuid.UUID) -> Response:
        return Response(member_shapes([member_get(user_id)])[0])

    @extend_schema(
        operation_id="member_desk_change",
        description="Assignment by rule goes by these: nobody is given more at a time than their capacity.",
        summary="How much a colleague has at a time, in which languages, with which skills",
        tags=["inbox"],
        request=DeskChange,
        responses=MemberShape,
        examples=[asked({"capacity": 5, "languages": ["en"]}), answered(MEMBER)],
    )
    def patch(self, request: Request, user_id: uuid.UUID) -> Response:
        given = parse_body(request, DeskChange).given()
        row = desk_change(user_id, given)
        self.audit("membership.updated", row, {"fields": sorted(given)})
        return Response(member_shapes([row])[0])


class PresenceView(TenantAPIView):
    permissions = {"PUT": "conversations:read"}

    @extend_schema(
        operation_id="member_presence_put",
        description="Conversations are given only to those who are there. A person says it of themselves; an integration names the user.",
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
        operation_id="label_list",
        summary="List labels",
        description="By name; `search_query`: in it.",
        tags=["inbox"],
        parameters=[WholeQuery],  # type: ignore[list-item]
        responses=LabelList,
        examples=[answered(listed(LABEL))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, WholeQuery)
        return Response(LABELS.answer(Label.objects.all(), query, shape=lambda page: map(_label, page)))

    @extend_schema(
        operation_id="label_create",
        description="Labels mark conversations for staff; people who write do not see them.",
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
    permissions = {"GET": "conversations:read", "PATCH": "conversations:write", "DELETE": "conversations:write"}

    @extend_schema(
        operation_id="label_get",
        summary="One label",
        description="Its name and its color.",
        tags=["inbox"],
        responses=LabelShape,
        examples=[answered(LABEL)],
    )
    def get(self, request: Request, label_id: uuid.UUID) -> Response:
        return Response(_label(label_get(label_id)))

    @extend_schema(
        operation_id="label_change",
        description="Changes the fields that the request names and no others. Conversations that have the label show it anew.",
        summary="Rename or recolour a label",
        tags=["inbox"],
        request=LabelChange,
        responses=LabelShape,
        examples=[asked({"color": "orange"}), answered({**LABEL, "color": "orange"})],
    )
    def patch(self, request: Request, label_id: uuid.UUID) -> Response:
        given = parse_body(request, LabelChange).given()
        label = label_save(label_get(label_id), given)
        self.audit("label.updated", label, {"fields": sorted(given)})
        return Response(_label(label))

    @extend_schema(
        operation_id="label_delete",
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
