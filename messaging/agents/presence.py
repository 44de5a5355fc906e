"""Who of the staff is there, and who looks at or types in which conversation.

Owns both, in the shared cache (Redis where it is configured, else this process), each with its end: what is not said
again is over. Best effort: no row depends on it. Must not know sockets.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from django.core.cache import cache

from messaging import wake
from tenants.tenant_settings import settings_for

State = Literal["online", "away", "offline"]
STATES: tuple[State, ...] = get_args(State)
PRESENCE_TTL_S = 90  # say it again every thirty
LOOKING_TTL_S = 20  # say it again every ten
MOST_LOOKS = 20  # conversations in which one member of staff is seen at a time


@dataclass(frozen=True)
class Look:
    """A member of staff looks at a conversation, or types in it."""

    user_id: uuid.UUID
    typing: bool


def presence_say(tenant_id: uuid.UUID, user_id: uuid.UUID, state: State) -> None:
    """The member of staff is there, or away, for PRESENCE_TTL_S; ``offline`` at once."""
    key = _key("presence", tenant_id, user_id)
    if state == "offline":
        cache.delete_many([key, _key("looks", tenant_id, user_id)])
        return
    came = state == "online" and settings_for(tenant_id).assignment.on and cache.get(key) != "online"
    cache.set(key, state, PRESENCE_TTL_S)
    if came:
        wake.assign_waiting(tenant_id)


def presence_of(tenant_id: uuid.UUID, user_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, State]:
    """Of each of them; one round trip."""
    wanted = {_key("presence", tenant_id, user_id): user_id for user_id in user_ids}
    found = cache.get_many(list(wanted)) if wanted else {}
    return {user_id: found.get(key, "offline") for key, user_id in wanted.items()}


def look_say(tenant_id: uuid.UUID, user_id: uuid.UUID, conversation_id: uuid.UUID, *, typing: bool = False) -> None:
    """The member of staff has the conversation before them, for LOOKING_TTL_S."""
    _looks_change(tenant_id, user_id, {str(conversation_id): (time.time() + LOOKING_TTL_S, typing)})


def look_end(tenant_id: uuid.UUID, user_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """They have closed it, or have left."""
    _looks_change(tenant_id, user_id, {str(conversation_id): (0.0, False)})


def looks_at(
    tenant_id: uuid.UUID, user_ids: Iterable[uuid.UUID], conversation_ids: Iterable[uuid.UUID]
) -> Mapping[uuid.UUID, list[Look]]:
    """Of each conversation who of ``user_ids`` looks at it; one round trip."""
    members = {_key("looks", tenant_id, user_id): user_id for user_id in user_ids}
    wanted = {str(conversation_id): conversation_id for conversation_id in conversation_ids}
    seen: dict[uuid.UUID, list[Look]] = {conversation_id: [] for conversation_id in wanted.values()}
    at = time.time()
    for key, looks in (cache.get_many(list(members)) if members else {}).items():
        for name, (until, typing) in looks.items():
            if until > at and name in wanted:
                seen[wanted[name]].append(Look(members[key], typing))
    return seen


def _looks_change(tenant_id: uuid.UUID, user_id: uuid.UUID, news: Mapping[str, tuple[float, bool]]) -> None:
    """One entry for a member, so that many conversations are looked up at once; of two windows that say it in the same
    moment one is said again ten seconds later."""
    key, at = _key("looks", tenant_id, user_id), time.time()
    looks = {name: look for name, look in {**(cache.get(key) or {}), **news}.items() if look[0] > at}
    newest = sorted(looks.items(), key=lambda item: item[1][0])[-MOST_LOOKS:]
    cache.set(key, dict(newest), LOOKING_TTL_S)


def _key(what: str, tenant_id: uuid.UUID, user_id: uuid.UUID) -> str:
    return f"{what}:{tenant_id.hex}:{user_id.hex}"
