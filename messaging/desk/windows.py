"""The windows of staff of this process, and what they are told of colleagues: who is there, looks, types or calls.

Owns which window is told. Must not know rows: what changed is told by messaging/desk/desks.py. Lives on the server's loop.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Protocol

from messaging.desk.colleagues import Colleagues
from messaging.desk.people import Person, Proof
from messaging.desk.watched import Watched
from messaging.live.hub import encoded
from tenants.errors import ServiceError

KEPT = frozenset({"note", "person", "planned"})  # frames that no later one makes up for


class Window(Protocol):
    proof: Proof
    person: Person
    state: str
    tenant_id: uuid.UUID | None  # whose list it shows
    watched: dict[uuid.UUID, Watched]

    def put_text(self, text: str, *, passing: bool = False) -> None: ...

    def say(self, *, looks: bool, presence: bool) -> None: ...

    def seen_as(self, person: Person | ServiceError) -> None: ...


class Windows:
    """Those that are open. While they are told of something they may come and go."""

    def __init__(self) -> None:
        self._all: set[Window] = set()
        self.colleagues = Colleagues()

    def __iter__(self) -> Iterator[Window]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def add(self, window: Window) -> None:
        self._all.add(window)

    def discard(self, window: Window) -> None:
        self._all.discard(window)

    def watching(self, id: uuid.UUID) -> list[Window]:
        """Those that have this conversation before them."""
        return [window for window in self if id in window.watched]

    def watch(self, tenant_id: uuid.UUID) -> bool:
        """Whether any has a conversation of this tenant before it."""
        return any(one.tenant_id == tenant_id for window in self for one in window.watched.values())

    def tell(self, tenant: str, frame: dict[str, Any]) -> None:
        """What a process says of a tenant's staff (messaging/live/staff.py)."""
        kind = frame["t"]
        if kind == "look":
            if self.colleagues.look(frame):
                self.looking(frame["conversation"])
        elif kind == "presence":
            if self.colleagues.presence(tenant, frame):
                self.to_all(tenant, {**frame, "tenant": tenant})
        elif kind == "alert":
            to = frame.pop("to")
            self.to_all(tenant, {**frame, "tenant": tenant}, to)
        else:
            if kind == "typing" and self.colleagues.typing(frame):
                self.looking(frame["conversation"])
            self._to_watchers(frame["conversation"], frame)

    def looking(self, conversation: str) -> None:
        """To those who have it open: who else has."""
        id = uuid.UUID(conversation)
        for window in self.watching(id):
            members = self.colleagues.looking(conversation, but=window.person.user_id)
            frame = {"t": "looking", "conversation": conversation, "members": members}
            window.put_text(encoded(frame), passing=True)

    def _to_watchers(self, conversation: str, frame: dict[str, Any]) -> None:
        id, text = uuid.UUID(conversation), encoded(frame)
        by = frame.get("from", {}).get("id")
        for window in self.watching(id):
            if not (by and by == str(window.person.user_id)):
                window.put_text(text, passing=frame["t"] not in KEPT)

    def to_all(self, tenant: str, frame: dict[str, Any], users: list[str] | None = None) -> None:
        """To a tenant's staff; ``users``: to these alone."""
        tenant_id, text = uuid.UUID(tenant), encoded(frame)
        for window in self:
            theirs = tenant_id in window.person.tenants or tenant_id == window.tenant_id
            if theirs and (users is None or str(window.person.user_id) in users):
                window.put_text(text, passing=frame["t"] != "alert")
