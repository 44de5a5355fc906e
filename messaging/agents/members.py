"""The members of a tenant as colleagues: names, teams, presence, how much each has in hand.

Owns teams and their members. Who may do what: tenants/access/.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError
from django.db.models import Count, QuerySet

from conversations.models import Conversation
from messaging.agents.presence import presence_of
from tenants.access.permissions import expand
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.members.desk import Desk, desk_read
from tenants.models import Membership, Team, TeamMember, User
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken, retried, row_change

MOST = 500  # members that a list shows
MOST_TEAMS = 100
MAY_ANSWER = "conversations:write"


def members() -> list[Membership]:
    """Those who are active, by user name."""
    return list(members_active().order_by("user__username")[:MOST])


def members_active() -> QuerySet[Membership]:
    """With user and role; in no order yet."""
    rows: QuerySet[Membership] = Membership.objects.filter(user__is_active=True).select_related("user", "role")
    return rows


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
            "role": row.role.name,
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


def answering(user_ids: Iterable[uuid.UUID]) -> tuple[set[tuple[uuid.UUID, uuid.UUID]], set[uuid.UUID]]:
    """Of these users, who may answer: pairs of tenant and member, and those who may everywhere. An account that is
    switched off answers nowhere."""
    ids, pairs, everywhere = sorted(set(user_ids)), set(), set()
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        # unscoped: a user may be a member of several tenants; the tenant is in each pair
        rows = Membership.objects.unscoped().filter(user__in=some, user__is_active=True).select_related("role")
        pairs |= {(row.tenant_id, row.user_id) for row in rows if answers(row)}
        everywhere |= set(
            User.objects.filter(id__in=some, is_active=True, is_superuser=True).values_list("id", flat=True)
        )
    return pairs, everywhere


def answerer_require(tenant_id: uuid.UUID, user: User) -> None:
    """Raises Unprocessable ``agent_unknown`` for a user who may not answer in the tenant."""
    mine = Membership.objects.filter(tenant_id=tenant_id, user=user, user__is_active=True)
    member = mine.select_related("role").first()
    if not (member and answers(member)) and not (user.is_active and user.is_superuser):
        raise Unprocessable("This member of staff does not answer conversations here.", code="agent_unknown")


def member_get(user_id: uuid.UUID) -> Membership:
    """Raises NotFound ``member_not_found``."""
    row: Membership | None = Membership.objects.filter(user_id=user_id).select_related("user", "role").first()
    if row is None:
        raise NotFound("There is no such member of staff.", code="member_not_found")
    return row


@retried
def desk_change(user_id: uuid.UUID, given: Mapping[str, Any]) -> Membership:
    """What is not given stays. Raises NotFound ``member_not_found``."""
    with atomic():
        row_change(member_get(user_id), {})
        row = member_get(user_id)
        desk = Desk.model_validate({**desk_read(row.desk).model_dump(), **given})
        row_change(row, {"desk": desk.model_dump(mode="json")})
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
def team_save(team: Team, user_names: Iterable[str] | None, given: Mapping[str, Any] | None = None) -> Team:
    """A new one, or one of which what is ``given`` changes, with these members, None: as they are. Raises Conflict
    ``team_exists``, Unprocessable ``agent_unknown`` and ``too_many_teams``, NotFound."""
    if team._state.adding and Team.objects.count() >= MOST_TEAMS:
        raise Unprocessable(f"A tenant has at most {MOST_TEAMS} teams.", code="too_many_teams")
    wanted = None if user_names is None else _members_named(sorted(set(user_names)))
    try:
        with atomic():
            if team._state.adding:
                team.save()
            else:
                row_change(team, given or {})
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
