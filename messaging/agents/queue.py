"""The order of those who wait for a human, where a process of the release before this one has put them into the queue."""

from __future__ import annotations

from conversations.models import Conversation
from tenants.storage.db import now


def ranks_fill() -> int:
    """Give those in the queue that have no rank the usual one; how many. Without it they would stand last in the list."""
    # unscoped: of all tenants
    # __in: SQLite finds no index for a bare boolean, and would read all conversations
    open_ones = Conversation.objects.unscoped().filter(is_open__in=[True], last_message_at__lte=now())
    waiting = open_ones.filter(held_by=Conversation.Holder.QUEUE, rank=None)
    return int(waiting.update(rank=Conversation.Rank.NORMAL))
