"""Whose message is stored next, when more wait than one transaction takes.

Owns the bounds and the order: tenants by turns, and of one tenant as they came. Must not know how messages are stored.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from messaging.sockets.reader import Busy

MOST_WAITING = 2000  # in this process
MOST_OF_TENANT = 500


class Waiting(Protocol):
    """``of``: whose it is. Of one sender no two are taken together."""

    @property
    def tenant_id(self) -> uuid.UUID: ...

    @property
    def of(self) -> Hashable: ...


W = TypeVar("W", bound=Waiting)


class Turns(Generic[W]):
    def __init__(self) -> None:
        self._size = 0
        self._tenants: dict[uuid.UUID, deque[W]] = {}  # the first is whose turn it is

    def put(self, one: W) -> None:
        """Raises Busy when too many wait."""
        waiting = self._tenants.get(one.tenant_id, deque())
        if self._size >= MOST_WAITING or len(waiting) >= MOST_OF_TENANT:
            raise Busy("The chat is very busy; send the same message again.", retry_after=1)
        waiting.append(one)
        self._tenants[one.tenant_id] = waiting
        self._size += 1

    def take(self, most: int) -> list[W]:
        """Up to ``most``, which wait no longer."""
        taken: dict[Hashable, W] = {}
        passed: dict[uuid.UUID, deque[W]] = {}  # all that they have left is of senders who had their turn
        while self._tenants and len(taken) < most:
            tenant_id = next(iter(self._tenants))
            waiting = self._tenants.pop(tenant_id)
            place = next((place for place, one in enumerate(waiting) if one.of not in taken), None)
            if place is None:
                passed[tenant_id] = waiting
                continue
            one = waiting[place]
            del waiting[place]
            taken[one.of] = one
            if waiting:
                self._tenants[tenant_id] = waiting
        self._tenants = passed | self._tenants
        self._size -= len(taken)
        return list(taken.values())
