"""The place of a person among those who wait for a human: by rank, then by how long they wait, of the same team.

Owns that order, which is the one of the inbox (messaging/agents/inbox/lists.py). Must not send it.
"""

from __future__ import annotations

import uuid
from collections import Counter

from django.db.models import Q, QuerySet

from conversations.models import Conversation
from tenants.storage.db import now

MOST = 100  # places that are told: behind them a number says nothing
WEB = "web"


def place_of(conversation: Conversation) -> int | None:
    """1: the next one; None behind the first MOST, and of one that is put off. One statement."""
    rank, since, put_off = conversation.rank, conversation.waiting_since, conversation.snoozed_until
    if rank is None or since is None or (put_off and put_off > now()):
        return None
    before = Q(rank__lt=rank) | Q(rank=rank, waiting_since__lt=since)
    before |= Q(rank=rank, waiting_since=since, id__lt=conversation.id)
    rows = _waiting().filter(before, team=conversation.team_id).order_by()
    place = len(rows.values_list("id", flat=True)[:MOST]) + 1
    return place if place <= MOST else None


def places() -> list[tuple[uuid.UUID, int]]:
    """(conversation of the web chat, its place) of those who wait in the tenant in scope. One statement."""
    rows = _waiting().order_by("rank", "waiting_since", "id").values_list("id", "team_id", "channel__kind")
    found: list[tuple[uuid.UUID, int]] = []
    counted: Counter[uuid.UUID | None] = Counter()
    for id, team_id, kind in rows[: 5 * MOST]:
        counted[team_id] += 1
        if kind == WEB and counted[team_id] <= MOST:
            found.append((id, counted[team_id]))
    return found


def _waiting() -> QuerySet[Conversation]:
    held = {"is_open": True, "held_by": Conversation.Holder.QUEUE, "kind": "chat"}
    # what is put off no colleague sees and no rule gives: it is before no one
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now())
    return Conversation.objects.filter(awake, **held, rank__isnull=False, waiting_since__isnull=False)
