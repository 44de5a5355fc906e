"""What engines learn of a person (``user_profile`` in the context) outlasts the conversation (CONV-2).

Owns which facts are kept, and how much of them. Must not change what staff have decided (CONV-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.models import Contact
from tenants.storage import prepared

COLUMNS = {
    "name": 200,
    "email": 254,
    "phone": 20,
}  # facts with a column of their own, which a claim fills and never changes
OWN = frozenset({*COLUMNS, "language"})
MOST_FACTS = 50
MOST_CHARACTERS = 500


def profile_of(contact: Contact) -> dict[str, Any]:
    """What an engine is told of the person."""
    return {"name": contact.name, "language": contact.language, **contact.profile}


def profile_keep(contact: Contact, learnt: Any) -> None:
    """Write what is new of ``learnt`` to the person, within the caller's transaction; no statement without news."""
    if not isinstance(learnt, Mapping) or contact.id is None:
        return
    by_staff = "profile" in contact.decisions
    news = {
        name: value
        for name, value in learnt.items()
        if _is_kept(name, value) and contact.profile.get(name) != value and not (by_staff and name in contact.profile)
    }
    profile = dict(list({**contact.profile, **news}.items())[:MOST_FACTS])
    changes: dict[str, Any] = {"profile": profile} if profile != contact.profile else {}
    for name, longest in COLUMNS.items():
        told = learnt.get(name)
        if isinstance(told, str) and 0 < len(told) <= longest and not getattr(contact, name):
            changes |= {name: told} if name not in contact.decisions else {}
    if changes:
        prepared.update(Contact, {"id": contact.id}, changes)


def _is_kept(name: Any, value: Any) -> bool:
    fits = isinstance(value, bool | int | float) or (isinstance(value, str) and 0 < len(value) <= MOST_CHARACTERS)
    return isinstance(name, str) and 0 < len(name) <= 60 and name not in OWN and fits
