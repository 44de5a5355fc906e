"""Web visitors who wait for a human are told how many wait before them, whenever that changes (WEB-2).

One statement of a tenant for all its sockets; how often: messaging/wake.py.
"""

from __future__ import annotations

from conversations.waiting import places
from messaging.live.push import push_place


def places_tell() -> int:
    """In the tenant in scope; how many were told."""
    told = places()
    for conversation_id, place in told:
        push_place(conversation_id, place)
    return len(told)
