"""Members of staff who may not answer any more: what they have goes back to the queue, what they planned is not said.

Owns what follows when a membership, an account or the permission to answer is taken away, however that was done: the rows
are looked at, not the act. Only an account that is erased is followed at once, while its conversations still name it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from conversations.models import Conversation
from messaging.agents.assign import given_up
from messaging.agents.members import answering
from messaging.agents.models import ScheduledReply
from messaging.agents.scheduled import scheduled_withdraw
from tenants.errors import Conflict
from tenants.models import User
from tenants.scope import tenant_scope
from tenants.storage.batches import BATCH, Failures, More
from tenants.storage.db import now
from tenants.tenant_settings import suspended

STAFF = Conversation.Holder.STAFF
TRIGGER = "gone"
MOST = 100  # open conversations of an account that is erased; one that has more is switched off first


def gone_give_up(more: More) -> int:
    """Of all tenants: give to the queue what is held, and refuse what was planned, by those who are gone; how many."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each row is changed inside its own scope
    # __in, last_message_at: as messaging/hours/late.py says
    held = Conversation.objects.unscoped().filter(is_open__in=[True], last_message_at__lte=now(), held_by=STAFF)
    planned = ScheduledReply.objects.unscoped().filter(status__in=ScheduledReply.OPEN).select_related("author")
    erased = planned.filter(author=None, by_member=True).exclude(tenant_id__in=suspended())
    steps = (
        (_gives_up, _of_gone(held, "assignee_id")),
        (scheduled_withdraw, itertools.chain(_of_gone(planned, "author_id"), erased.order_by("id")[:BATCH])),
    )
    for step, rows in steps:
        for row in itertools.takewhile(lambda _: more(), rows):
            with failures.apart(row=str(row.id)), tenant_scope(row.tenant_id):
                count += step(row)
    failures.tell()
    return count


def erased_gives_up(instance: User, **_: Any) -> None:
    """In the transaction that erases the account: afterwards no row says who held the conversation. Raises Conflict
    ``too_many_held`` for one that has more than MOST.

    What is given to them while this looks is found by the second look: the lock on the account makes others wait who
    would name it. SQLite has one writer, and MongoDB leaves the name of the account, by which the step of housekeeping
    finds the row.
    """
    _held_given_up(instance)
    User.objects.select_for_update().filter(id=instance.id).first()
    _held_given_up(instance)


def _held_given_up(user: User) -> None:
    # unscoped: a user may be a member of several tenants; each row is changed inside its own scope
    held = Conversation.objects.unscoped().filter(is_open=True, held_by=STAFF, assignee=user)
    rows = list(held.order_by("id")[: MOST + 1])
    if len(rows) > MOST:
        raise Conflict(
            f"{user.get_username()} has more than {MOST} open conversations. Switch the account off first: within some "
            "minutes they are back in the queue, and it can be deleted.",
            code="too_many_held",
        )
    for row in rows:
        with tenant_scope(row.tenant_id):
            _gives_up(row)


def _of_gone(rows: QuerySet[Any], field: str) -> Iterator[Any]:
    """The rows of tenants that are served whose member of staff may not answer there; of each the first ones."""
    named = rows.exclude(**{field: None}).exclude(tenant_id__in=suspended()).order_by()
    places = set(named.values_list("tenant_id", field))
    pairs, everywhere = answering(user_id for _, user_id in places)
    for tenant_id, user_id in sorted(places - pairs):
        if user_id not in everywhere:
            yield from rows.filter(tenant_id=tenant_id, **{field: user_id}).order_by("id")[:BATCH]


def _gives_up(row: Conversation) -> bool:
    assert row.assignee_id is not None  # both callers look for rows that name one
    return given_up(row.id, row.assignee_id, TRIGGER)
