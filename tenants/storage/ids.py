"""UUIDs made of their number, of which a message has some sixty. Must not draw any."""

from __future__ import annotations

from uuid import UUID, SafeUUID

_new, _set = object.__new__, object.__setattr__


def uuid_of(number: int) -> UUID:
    """``UUID(int=number)``, without its checks of what else might have been given. ``number`` has 128 bits."""
    made = _new(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", SafeUUID.unknown)
    return made
