"""The members of a tenant as colleagues: names, teams, presence, how much each has in hand.

Owns teams and their members. Who may do what: tenants/access/.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError
from django.db.models import Count

from conversations.models import Conversation
from messaging.agents.presence import presence_of
from tenants.access.permissions import expand
from tenants.desk import Desk, desk_read
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.models import Membership, Team, TeamMember
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken, retried

MOST = 500  # members that a list shows
MOST_TEAMS = 100
MAY_ANSWER = "conversations:write"


def members() -> list[Membership]:
    """Those who are active, by user name."""
    rows = Membership.objects.filter(user__is_active=True).select_related("user", "role")
    return list(rows.order_by("user__username")[:MOST])


def member_shapes(rows: Sequence[Membership]) -> list[dict[str, Any]]:
    """As the API shows them: two statements, and one look at the cache."""
    present = presence_of(current_tenant_id(), [row.user_id for row in rows])
    loads, teams = loads_of([row.user_id for row in rows]), _teams_of(rows)
    return [
        {
            "id": row.user_id,
            "name": row.user.get_username(),
            "full_name": row.user.get_full_name(),
            "picture": row.picture or None,
            "presence": present[row.user_id],
            "open_conversations": loads.get(row.user_id, 0),
            **(desk := desk_read(row.desk)).model_dump(),
            "capacity": desk.most,
            "answers": answers(row),
            "teams": teams[row.id],
        }
        for row in rows
    ]


def loads_of(user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many open conversations each has; none is left out. One statement."""
    having = Conversation.objects.filter(is_open=True, assignee__in=list(user_ids)).order_by()
    return dict(having.values("assignee").annotate(n=Count("id")).values_list("assignee", "n"))


def answers(member: Membership) -> bool:
    """Whether their role lets them answer conversations."""
    return MAY_ANSWER in expand(member.role.permissions)


def member_get(user_id: uuid.UUID) -> Membership:
    """Raises NotFound ``member_not_found``."""
    row: Membership | None = Membership.objects.filter(user_id=user_id).select_related("user", "role").first()
    if row is None:
        raise NotFound("There is no such member of staff.", code="member_not_found")
    return row


def desk_change(row: Membership, desk: Desk) -> Membership:
    row.desk = desk.model_dump(mode="json")
    row.save(update_fields=["desk"])
    return row


# ------------------------------------------------------------------------------- teams


def teams() -> list[Team]:
    return list(Team.objects.order_by("name", "id")[:MOST_TEAMS])


def team_get(team_id: uuid.UUID) -> Team:
    """Raises NotFound ``team_not_found``."""
    team: Team | None = Team.objects.filter(id=team_id).first()
    if team is None:
        raise NotFound("There is no such team.", code="team_not_found")
    return team


def team_shapes(rows: Sequence[Team]) -> list[dict[str, Any]]:
    """As the API shows them; one statement."""
    found: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    of = TeamMember.objects.filter(team__in=[row.id for row in rows]).select_related("membership__user")
    for one in of if rows else ():
        user = one.membership.user
        found[one.team_id].append({"id": user.id, "name": user.get_username()})
    return [
        {
            "id": row.id,
            "name": row.name,
            "languages": row.languages,
            "skills": row.skills,
            "members": sorted(found[row.id], key=lambda member: member["name"]),
        }
        for row in rows
    ]


@retried
def team_save(team: Team, user_names: Iterable[str] | None) -> Team:
    """A new or changed one with these members, None: as they are. Raises Conflict ``team_exists``, Unprocessable
    ``agent_unknown`` and ``too_many_teams``."""
    if team._state.adding and Team.objects.count() >= MOST_TEAMS:
        raise Unprocessable(f"A tenant has at most {MOST_TEAMS} teams.", code="too_many_teams")
    wanted = None if user_names is None else _members_named(sorted(set(user_names)))
    try:
        with atomic():
            team.save()
            if wanted is not None:
                members_set(team, wanted)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise Conflict("There is a team of this name.", code="team_exists") from error
    return team


def _members_named(user_names: Sequence[str]) -> list[Membership]:
    found = list(Membership.objects.filter(user__username__in=user_names).select_related("user"))
    unknown = sorted(set(user_names) - {row.user.get_username() for row in found})
    if unknown:
        raise Unprocessable(
            "This tenant has no such member of staff.", code="agent_unknown", details={"names": unknown}
        )
    return found


def members_set(team: Team, wanted: Sequence[Membership]) -> None:
    """The team has these members and no others."""
    ids = {row.id for row in wanted}
    has = dict(TeamMember.objects.filter(team=team).values_list("membership_id", "id"))
    TeamMember.objects.filter(id__in=[row_id for of, row_id in has.items() if of not in ids]).delete()
    for row in wanted:
        if row.id not in has:
            TeamMember.objects.create(tenant_id=team.tenant_id, team=team, membership=row)


def _teams_of(rows: Sequence[Membership]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    found: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    of = TeamMember.objects.filter(membership__in=[row.id for row in rows]).select_related("team")
    for one in of if rows else ():
        found[one.membership_id].append({"id": one.team_id, "name": one.team.name})
    return found
