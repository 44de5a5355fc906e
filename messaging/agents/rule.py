"""Conversations that wait are given to colleagues by a rule: whose turn it is, or who has the fewest (CONV-8).

Owns who may be given what: members who are online and below their capacity, of the team that it waits for, who speak the
person's language and have the skills that its labels name; in open hours. Who waits longest is first, by rank; one whom
no free colleague can answer holds up no other. Each is decided under the conversation's lock and by the member's
``assigned_at``: of two processes that give to one member at once, the second looks again.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Q

from channels_app.hours import hours_on
from conversations.models import Conversation, Message
from conversations.timeline import conversation_advance
from messaging import wake
from messaging.agents.members import MAY_ANSWER, loads_of, members
from messaging.agents.models import Labelled
from messaging.agents.presence import presence_of
from messaging.outbox.calls import colleagues_call
from messaging.rules.control import TO_HUMAN, Holder, hands_change, human_has
from tenants.access.permissions import expand
from tenants.hours import is_open
from tenants.members.desk import desk_read
from tenants.models import Membership, Team, TeamMember
from tenants.scope import current_tenant_id, tenant_scope
from tenants.storage.batches import Failures, More
from tenants.storage.db import atomic, now, on_commit, retried
from tenants.tenant_settings import settings_for, suspended
from tenants.trail.audit import audit

MOST = 5_000  # waiting conversations of a tenant that one run looks at
AT_ONCE = 500  # of them whose labels and transcripts one statement reads
RUNS = 20  # that one call looks again, after other processes came between
NORMAL = int(Conversation.Rank.NORMAL)


@dataclass
class Free:
    """A member of staff. ``left``: how many more they may be given; 0 for one who is not there."""

    membership: Membership
    left: int
    load: int
    teams: frozenset[uuid.UUID]
    languages: frozenset[str]
    skills: frozenset[str]

    def speaks(self, language: str) -> bool:
        return not self.languages or language in self.languages


@dataclass(frozen=True)
class Waits:
    """A conversation, and what it asks of who gets it."""

    id: uuid.UUID
    channel_id: uuid.UUID
    team_id: uuid.UUID | None
    language: str
    skills: frozenset[str]
    gave_up: uuid.UUID | None  # who had it just before it began to wait again: no rule gives it back to them


def assign_waiting() -> int:
    """Give what waits in the tenant in scope to those who are free; how many were given."""
    given = 0
    for _ in range(RUNS):
        new, met = _run()
        given += new
        if not met:
            break
    return given


def assign_everywhere(more: More) -> int:
    """The same in all tenants, for calls that were lost, hours that began and snoozes that ended."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each is served inside its own scope
    # __in, last_message_at: as messaging/hours/late.py says
    rows = Conversation.objects.unscoped().filter(is_open__in=[True], last_message_at__lte=now(), held_by=Holder.QUEUE)
    tenants = list(set(rows.exclude(tenant_id__in=suspended()).order_by().values_list("tenant_id", flat=True)))
    random.shuffle(tenants)  # large ones do not use up the time of the others at every run
    for tenant_id in tenants:
        if not more():
            break
        with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
            count += assign_waiting()
    failures.tell()
    return count


def _run() -> tuple[int, bool]:
    """How many were given; whether another process came between, so that what was read is old."""
    chosen = settings_for(current_tenant_id()).assignment
    if not chosen.on:
        return 0, False
    staff = _staff()
    if not any(one.left for one in staff):
        return 0, False
    teams = dict(Team.objects.values_list("id", "name"))
    given = 0
    for waits in _waiting(staff):
        way = chosen.of_team(teams.get(waits.team_id, "") if waits.team_id else "")
        if way == "off":
            continue
        able = [one for one in _able(staff, waits) if one.left and one.membership.user_id != waits.gave_up]
        if not able:
            continue
        one = min(able, key=partial(_place, way))
        outcome = _give(waits.id, one.membership, way)
        if outcome is None:
            return given, True
        if outcome:
            given, one.left, one.load = given + 1, one.left - 1, one.load + 1
            if not any(one.left for one in staff):
                break
    return given, False


def _place(way: str, one: Free) -> tuple[Any, ...]:
    since = one.membership.assigned_at
    turn = (since is not None, since or datetime.min, one.membership.user.get_username())
    return turn if way == "round_robin" else (one.load, *turn)


def _staff() -> list[Free]:
    """Everybody who may answer. ``assigned_at`` is read before the loads: what is given meanwhile shows in either."""
    rows = [row for row in members() if MAY_ANSWER in expand(row.role.permissions)]
    ids = [row.user_id for row in rows]
    loads, present = loads_of(ids), presence_of(current_tenant_id(), ids)
    of: dict[uuid.UUID, list[Team]] = defaultdict(list)
    for member in TeamMember.objects.filter(membership__in=[row.id for row in rows]).select_related("team"):
        of[member.membership_id].append(member.team)
    return [_free(row, loads.get(row.user_id, 0), present[row.user_id] == "online", of[row.id]) for row in rows]


def _free(row: Membership, load: int, there: bool, teams: Sequence[Team]) -> Free:
    desk = desk_read(row.desk)
    spoken = (*desk.languages, *(name for team in teams for name in team.languages))
    skills = (*desk.skills, *(name for team in teams for name in team.skills))
    return Free(
        row, max(0, desk.most - load) if there else 0, load, frozenset(team.id for team in teams),
        frozenset(map(_base, spoken)), frozenset(name.casefold() for name in skills),
    )  # fmt: skip


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def _waiting(staff: Sequence[Free]) -> Iterator[Waits]:
    """Those that may be given now, the most urgent first, then who waits longest."""
    at, tenant_id = now(), current_tenant_id()
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=at)
    rows = Conversation.objects.filter(awake, is_open=True, held_by=Holder.QUEUE, kind="chat")
    facts = ("id", "rank", "waiting_since", "created_at", "channel_id", "team_id", "contact__language", "control_epoch")
    found = list(rows.order_by("rank", "waiting_since", "id").values_list(*facts)[:MOST])
    found.sort(key=lambda row: (row[1] or NORMAL, row[2] or row[3], row[0]))
    known = frozenset().union(*(one.skills for one in staff))
    opened = {id: is_open(hours_on(tenant_id, id), at) for id in {row[4] for row in found}}
    for start in range(0, len(found), AT_ONCE):
        some = found[start : start + AT_ONCE]
        skills = _skills_of([row[0] for row in some], known)
        gave_up = _given_up_by([row[0] for row in some if row[7] > 1])  # before that it has changed hands once at most
        for id, _, _, _, channel_id, team_id, language, _ in some:
            if opened[channel_id]:
                asked = skills.get(id, frozenset())
                yield Waits(id, channel_id, team_id, _base(language), asked, gave_up.get(id))


def _skills_of(ids: Sequence[uuid.UUID], known: frozenset[str]) -> dict[uuid.UUID, frozenset[str]]:
    """What the labels of conversations ask for: a label that is named as a skill of a member."""
    asked: dict[uuid.UUID, frozenset[str]] = defaultdict(frozenset)
    labelled = Labelled.objects.filter(conversation__in=ids if known else [])
    for id, name in labelled.values_list("conversation_id", "label__name"):
        asked[id] |= {name.casefold()} & known
    return asked


def _able(staff: Sequence[Free], waits: Waits) -> list[Free]:
    """Who can answer it, there or not. A language that no one of them speaks keeps no one from it."""
    of_team = [one for one in staff if waits.team_id is None or waits.team_id in one.teams]
    skilled = [one for one in of_team if waits.skills <= one.skills]
    if not waits.language:
        return skilled
    return [one for one in skilled if one.speaks(waits.language)] or skilled


def _given_up_by(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    """Of conversations that a colleague had before they began to wait again, who that was. One statement."""
    last: dict[uuid.UUID, list[tuple[str, uuid.UUID | None]]] = defaultdict(list)
    entries = Message.objects.filter(conversation__in=ids, role=Message.Role.SYSTEM).order_by("conversation_id", "seq")
    for id, metadata, about in entries.values_list("conversation_id", "metadata", "author_id") if ids else ():
        if "state" in metadata:
            last[id] = [*last[id][-1:], (metadata["state"], about)]
    return {id: two[0][1] for id, two in last.items() if [state for state, _ in two] == ["assigned", "queued"]}


@retried
def _give(conversation_id: uuid.UUID, member: Membership, way: str) -> bool | None:
    """False when it does not wait any more, or was erased; None when another process gave something to the member meanwhile."""
    with atomic():
        seen = conversation_advance({"id": conversation_id, "is_open": True, "held_by": Holder.QUEUE})
        if seen is None:
            return False
        at, last = now(), member.assigned_at
        if last is not None:
            at = max(at, last + timedelta(milliseconds=1))  # each time is another: it is what claims
        if not Membership.objects.filter(id=member.id, assigned_at=last).update(assigned_at=at):
            return None
        hands_change(
            seen.id, "assigned", human_has(member.user_id, trigger="rule"), **TO_HUMAN, held_by=Holder.STAFF,
            assignee_id=member.user_id, snoozed_until=None,
        )  # fmt: skip
        audit("system", "conversation.assigned", seen, {"assignee": member.user.get_username(), "rule": way})
        on_commit(partial(wake.put_through, seen.id))
        colleagues_call("assigned", seen, [member.user_id])
    member.assigned_at = at
    return True
