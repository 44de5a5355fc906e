"""Who acts in threads, as what, and which learners' threads they reach.

Owns the roles and what each may do. Must not store anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from channels_app.content.ids import clean_id
from conversations.models import Conversation, Message
from tenants.access.auth import Principal
from tenants.errors import Forbidden

Role = Literal["learner", "guardian", "teacher", "staff"]
ROLES: tuple[str, ...] = get_args(Role)
#: roles that may change a thread itself, and those that may delete it and what others wrote
CHANGES, DELETES = frozenset({"teacher", "staff"}), frozenset({"staff"})
OF_THE_HOUSE = frozenset({"teacher", "staff"})


@dataclass(frozen=True)
class Who:
    """The caller. ``learners``: the only ones whose threads they reach; None: the tenant's own system, which acts for all
    and says for which person it speaks."""

    id: str
    role: str
    learners: frozenset[str] | None = None

    @classmethod
    def of(cls, principal: Principal) -> Who:
        subject = clean_id(principal.subject)  # ids are compared as they are stored
        if principal.learners is None:
            return cls(subject, "staff")
        learners = frozenset(map(clean_id, principal.learners))
        usual = "learner" if subject in learners else "guardian"
        told = principal.extra.get("acts_as", usual)
        return cls(subject, told if told in ROLES else usual, learners)

    @property
    def is_the_house(self) -> bool:
        return self.learners is None

    def reaches(self, learner_id: str) -> bool:
        return self.learners is None or learner_id in self.learners

    def demand_change(self) -> None:
        """Raises Forbidden ``role_not_allowed``."""
        if self.role not in CHANGES:
            raise _not_allowed("Only teachers and staff change a thread.")

    def demand_delete(self) -> None:
        """Raises Forbidden ``role_not_allowed``."""
        if self.role not in DELETES:
            raise _not_allowed("Only staff delete a thread.")

    def demand_part(self, thread: Conversation, learner_id: str) -> None:
        """Who writes takes part, or is of the staff. Raises Forbidden ``not_a_participant``."""
        parts = {one["user_id"] for one in participants_of(thread)}
        if not (self.role == "staff" or self.id == learner_id or self.id in parts):
            raise Forbidden("Only participants of the thread write in it.", code="not_a_participant")

    def demand_own(self, message: Message, *, staff_too: bool) -> None:
        """Raises Forbidden ``role_not_allowed`` for the message of another person."""
        own = self.is_the_house or sender_of(message)["sender_id"] == self.id
        if not (own or (staff_too and self.role in DELETES)):
            raise _not_allowed("That message is another person's.")

    def sender(self, sender_id: str, role: str | None) -> dict[str, Any]:
        """As whom a message is written. Raises Forbidden ``sender_not_yours``: only the tenant's own system speaks for
        others."""
        if self.is_the_house:
            return {"sender_id": sender_id or self.id, "sender_role": role or self.role}
        if sender_id not in ("", self.id) or role not in (None, self.role):
            raise Forbidden("This token speaks for its own subject only.", code="sender_not_yours")
        return {"sender_id": self.id, "sender_role": self.role}


def participants_of(thread: Conversation) -> Sequence[Mapping[str, Any]]:
    return list(thread.context.get("participants", ()))


def sender_of(message: Message) -> Mapping[str, Any]:
    """``sender_id`` and ``sender_role``, as they were when it was written."""
    return {name: message.metadata.get(name, "") for name in ("sender_id", "sender_role")}


def _not_allowed(message: str) -> Forbidden:
    return Forbidden(message, code="role_not_allowed")
