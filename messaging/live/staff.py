"""What sockets of staff are told: which conversations changed, and what passes without leaving a row.

Owns how news are gathered: a process tells all it has by one push every GATHER_S seconds, however much that is, and
which row a change left the listener reads itself (messaging/desk/). Costs no statement. Best effort, as every push: what is
lost is read from the timeline.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from messaging.live.frames import TYPING_TTL_S
from messaging.live.hub import hub

GROUP = "staff"  # of all tenants: each listener keeps to those it has sockets of
GATHER_S = 0.04
MOST = 500  # pieces of news of one push

Frame = dict[str, Any]


class Bell:
    """One per process. May be rung from any thread; never blocks, never raises."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: dict[str, set[str]] = defaultdict(set)
        self._told: list[tuple[str, Frame]] = []
        self._waits: asyncio.AbstractEventLoop | None = None  # that is going to push

    def changed(self, tenant_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
        """The row of a conversation, or what hangs on it, is another by now. Call after the commit."""
        if not hub.heard(GROUP):
            return
        with self._lock:
            self._changed[str(tenant_id)].add(str(conversation_id))
        self._soon()

    def tell(self, tenant_id: uuid.UUID, frame: Frame) -> None:
        """``frame``: for the sockets of a tenant's staff."""
        if not hub.heard(GROUP):
            return
        with self._lock:
            self._told.append((str(tenant_id), frame))
            del self._told[:-MOST]
        self._soon()

    def _soon(self) -> None:
        loop = hub.sending_loop()
        with self._lock:
            waits, self._waits = self._waits is loop, loop
        if not waits:
            with suppress(RuntimeError):  # the loop is closing: so is this process
                loop.call_soon_threadsafe(loop.call_later, GATHER_S, self._push)

    def _push(self) -> None:
        with self._lock:
            self._waits = None
            changed, self._changed = self._changed, defaultdict(set)
            told, self._told = self._told, []
        pairs = [(tenant, one) for tenant, ids in changed.items() for one in ids]
        for start in range(0, max(len(pairs), len(told)), MOST):
            some: dict[str, list[str]] = defaultdict(list)
            for tenant, one in pairs[start : start + MOST]:
                some[tenant].append(one)
            hub.push(GROUP, {"t": "staff", "changed": some, "told": told[start : start + MOST]})


bell = Bell()
conversation_changed = bell.changed


def visitor_typing(tenant_id: uuid.UUID, conversation_id: uuid.UUID, *, on: bool) -> None:
    """The person is writing, or has ceased to: for staff who have the conversation before them."""
    bell.tell(tenant_id, _typing(conversation_id, {"role": "visitor", "id": None, "name": ""}, on=on))


def agent_typing(
    tenant_id: uuid.UUID, conversation_id: uuid.UUID, user_id: uuid.UUID | None, name: str, *, on: bool
) -> None:
    """The same of a member of staff, for their colleagues."""
    by = {"role": "agent", "id": str(user_id) if user_id else None, "name": name}
    bell.tell(tenant_id, _typing(conversation_id, by, on=on))


def visitor_moved(tenant_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """The person is on another page, or has left it: what is known of it is read anew, by those who may."""
    bell.tell(tenant_id, {"t": "page", "conversation": str(conversation_id)})


def person_changed(tenant_id: uuid.UUID, conversation_ids: Iterable[uuid.UUID]) -> None:
    """What is known of the person of these has changed. Call after the commit."""
    for id in conversation_ids:
        bell.changed(tenant_id, id)
        bell.tell(tenant_id, {"t": "person", "conversation": str(id)})


def replies_planned(tenant_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """Other replies than before wait there for their time. Call after the commit."""
    bell.tell(tenant_id, {"t": "planned", "conversation": str(conversation_id)})


def note_written(tenant_id: uuid.UUID, conversation_id: uuid.UUID, note_id: uuid.UUID) -> None:
    """Call after the commit."""
    bell.tell(tenant_id, {"t": "note", "conversation": str(conversation_id), "id": str(note_id)})


def staff_alert(
    tenant_id: uuid.UUID, kind: str, title: str, text: str = "", *, url: str = "",
    conversation_id: uuid.UUID | None = None, users: list[uuid.UUID] | None = None,
) -> None:  # fmt: skip
    """Call members of staff who have the console open. ``users`` None: all of the tenant's."""
    frame = {"t": "alert", "kind": kind, "title": title, "text": text, "url": url}
    about = {"conversation": str(conversation_id) if conversation_id else None}
    bell.tell(tenant_id, {**frame, **about, "to": None if users is None else [str(user) for user in users]})


CALLS = {"assigned": "A conversation is yours", "mention": "A colleague has named you in a note"}


def colleague_called(kind: str, tenant_id: uuid.UUID, conversation_id: uuid.UUID, users: list[uuid.UUID]) -> None:
    """Call these in their windows about one conversation, as CALLS says; nothing of what was written. Call after the
    commit (messaging/outbox/calls.py)."""
    url = f"/admin/inbox/{conversation_id}/"
    staff_alert(tenant_id, kind, CALLS[kind], url=url, conversation_id=conversation_id, users=users)


def _typing(conversation_id: uuid.UUID, by: Frame, *, on: bool) -> Frame:
    return {"t": "typing", "conversation": str(conversation_id), "from": by, "on": on, "ttl_s": TYPING_TTL_S}
