"""Who of the staff is there, and who looks at or types in a conversation, as the windows of all processes tell it.

Owns how long what was said holds. Nothing is asked for: each process says again and again what its windows say
(messaging/live/staff.py), and remembers what it hears. What rules and REST ask is in messaging/agents/presence.py. Lives on
the server's loop.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from messaging.agents.presence import LOOKING_TTL_S, PRESENCE_TTL_S
from messaging.live.frames import TYPING_TTL_S

Frame = dict[str, Any]


@dataclass
class Look:
    name: str
    full_name: str  # empty: none is known
    until: float
    typing_until: float = 0.0


class Colleagues:
    def __init__(self) -> None:
        self._there: dict[tuple[str, str], tuple[str, str, float]] = {}  # (tenant, user) → name, state, until
        self._looks: dict[str, dict[str, Look]] = {}  # conversation → user → …

    def presence(self, tenant: str, frame: Frame) -> Frame | None:
        """A colleague says how they are; what is new of it."""
        key, user, state = (tenant, frame["user"]["id"]), frame["user"], frame["state"]
        former = self._there.get(key)
        self._there[key] = (user["name"], state, time.monotonic() + PRESENCE_TTL_S)
        return None if former and former[1] == state else frame

    def there(self, tenant: str) -> list[Frame]:
        """Who is there now, by name."""
        found = [(key[1], *said) for key, said in self._there.items() if key[0] == tenant]
        return [
            {"id": id, "name": name, "state": state} for id, name, state, _ in sorted(found, key=lambda said: said[1])
        ]

    def look(self, frame: Frame) -> bool:
        """A colleague has a conversation before them, or has it no longer; whether that is news."""
        looks, user = self._looks.setdefault(frame["conversation"], {}), frame["user"]
        former = looks.pop(user["id"], None)
        if frame["on"]:
            typing_until = former.typing_until if former else 0.0
            full_name = user.get("full_name", "")  # a process of the version before tells none
            looks[user["id"]] = Look(user["name"], full_name, time.monotonic() + LOOKING_TTL_S, typing_until)
        if not looks:
            del self._looks[frame["conversation"]]
        return bool(former) != frame["on"]

    def typing(self, frame: Frame) -> bool:
        """A colleague types; whether that is news."""
        look = self._looks.get(frame["conversation"], {}).get(frame["from"]["id"] or "")
        if look is None:
            return False
        at = time.monotonic()
        former, look.typing_until = look.typing_until > at, at + TYPING_TTL_S if frame["on"] else 0.0
        return former != frame["on"]

    def looking(self, conversation: str, *, but: uuid.UUID | None = None) -> list[Frame]:
        """Who has it open, but for the user who is told."""
        at, looks = time.monotonic(), self._looks.get(conversation, {})
        others = [(id, look) for id, look in looks.items() if id != str(but)]
        return [
            {"id": id, "name": look.name, "full_name": look.full_name, "typing": look.typing_until > at}
            for id, look in others
        ]

    def over(self) -> Iterator[tuple[str, Frame]]:
        """(tenant, `presence` frame) of those who have not been heard of for too long; forgets them, and old looks."""
        at = time.monotonic()
        for key, (name, _, until) in list(self._there.items()):
            if until <= at:
                del self._there[key]
                yield key[0], {"t": "presence", "user": {"id": key[1], "name": name}, "state": "offline"}

    def looked_away(self) -> list[str]:
        """Conversations at which a colleague looks no longer, without having said so."""
        at, found = time.monotonic(), []
        for conversation, looks in list(self._looks.items()):
            gone = [id for id, look in looks.items() if look.until <= at]
            for id in gone:
                del looks[id]
            if gone:
                found.append(conversation)
            if not looks:
                del self._looks[conversation]
        return found
