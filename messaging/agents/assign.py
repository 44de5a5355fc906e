"""Who has a conversation: a person, a team whose next free member takes it, or none yet.

Owns the acts of giving and giving up, beside those of messaging/rules/control.py (take over, hand back, end). All of
them are decided by the row under its lock; what has been done before comes back as ``repeated``.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from conversations.models import Conversation
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.agents.members import answerer_require
from messaging.outbox.calls import colleagues_call
from messaging.rules.control import (
    TO_QUEUE,
    Holder,
    control_changed,
    hands_change,
    human_has,
    locked_open,
    repeated,
    require_epoch,
    take_over,
)
from tenants.models import Team, User
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, retried
from tenants.trail.audit import audit


def assign_to_person(
    conversation_id: uuid.UUID, agent: User, *, expected_epoch: int | None = None, by: User | None = None
) -> Conversation:
    """From here on ``agent`` answers, and is called unless it is they who act (``by``). As `take_over`, which says what it
    raises, and Unprocessable ``agent_unknown`` for a user who may not answer in the tenant."""
    answerer_require(current_tenant_id(), agent)
    others = [agent.id] if agent != by else []
    follows = partial(colleagues_call, "assigned", users=others) if others else None
    return take_over(conversation_id, agent, expected_epoch=expected_epoch, follows=follows)


@retried
def assign_to_team(conversation_id: uuid.UUID, team: Team, *, expected_epoch: int | None = None) -> Conversation:
    """The conversation waits for a member of ``team``; who had it has it no longer, and the bot keeps still.

    Raises NotFound, Conflict ``conversation_closed`` and ``control_changed``: without ``expected_epoch`` it is taken from
    no agent.
    """
    with atomic():
        seen = locked_open(conversation_id)
        if seen.held_by == Holder.QUEUE and seen.team_id == team.id:
            return repeated(seen)
        _require_known(seen, expected_epoch)
        told = human_has(team_id=team.id, trigger="assign")
        if seen.held_by == Holder.QUEUE:  # the person is told that already
            return _advanced(seen, told, team_id=team.id, control_epoch=F("control_epoch") + 1)
        return hands_change(seen.id, "queued", told, **_waits(), team_id=team.id)


@retried
def unassign(conversation_id: uuid.UUID, *, expected_epoch: int | None = None) -> Conversation:
    """No one of us has the conversation: it waits for any colleague. Raises as `assign_to_team` does."""
    with atomic():
        seen = locked_open(conversation_id)
        if seen.held_by in (Holder.QUEUE, Holder.BOT):
            return _without_team(seen)
        _require_known(seen, expected_epoch)
        return hands_change(seen.id, "queued", human_has(trigger="unassign"), **_waits(), team_id=None)


@retried
def given_up(conversation_id: uuid.UUID, user_id: uuid.UUID, trigger: str) -> bool:
    """What a member of staff has waits for any colleague, with ``trigger`` in the trail. False where they have it no
    longer: nothing happens then."""
    with atomic():
        theirs = {"id": conversation_id, "is_open": True, "held_by": Holder.STAFF, "assignee_id": user_id}
        if conversation_advance(theirs) is None:
            return False
        given = hands_change(conversation_id, "queued", human_has(trigger="unassign"), **_waits(), team_id=None)
        audit("system", "conversation.unassigned", given, {"trigger": trigger})
    return True


def _without_team(seen: Conversation) -> Conversation:
    if seen.team_id is None:
        return repeated(seen)
    return _advanced(seen, human_has(trigger="unassign"), team_id=None, control_epoch=F("control_epoch") + 1)


def _require_known(seen: Conversation, expected_epoch: int | None) -> None:
    """Nothing is taken from an agent of whom the caller does not know."""
    if seen.held_by == Holder.STAFF and expected_epoch is None:
        raise control_changed(seen)
    require_epoch(seen, expected_epoch)


def _waits() -> dict[str, Any]:
    """Back in the queue the person waits for the next of us, if they did not wait already."""
    return {**TO_QUEUE, "assignee_id": None, "snoozed_until": None,
            "waiting_since": Coalesce(F("waiting_since"), Value(now()))}  # fmt: skip


def _advanced(seen: Conversation, told: NewEvent, **changes: Any) -> Conversation:
    taken = conversation_advance({"id": seen.id}, events=1, **changes)
    assert taken is not None  # locked by the caller
    events_append(taken, [told])
    return taken
