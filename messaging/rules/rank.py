"""What the sender of a message says about how urgent it is: its conversation's place among those that wait (MSG-7).

Owns what hints mean for ``Conversation.rank``. What safety rules do with it: conversations/safety.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, IntegerField, Value
from django.db.models.functions import Coalesce, Least

from conversations.models import Conversation

Rank = Conversation.Rank
RANKS: Mapping[str, int] = {"urgent": Rank.URGENT, "high": Rank.HIGH, "normal": Rank.NORMAL, "low": Rank.LOW}
WITHOUT = "text"  # a form of answer that each answer has


def rank_of(hints: Mapping[str, Any]) -> int | None:
    """Where a conversation stands that begins with such a message; None: where all do."""
    said = RANKS.get(hints.get("priority", ""))
    return min(said or Rank.NORMAL, Rank.EXPECTS) if _expects(hints) else said


def rank_changed(hints: Mapping[str, Any], rank: int) -> Any:
    """The value of ``rank`` that such a message gives: a priority is said anew, a form of answer that is expected lifts
    only those that stand lower."""
    value = Value(int(rank), output_field=IntegerField())
    if RANKS.get(hints.get("priority", "")):
        return int(rank)
    return Least(Coalesce(F("rank"), Value(int(Rank.NORMAL), output_field=IntegerField())), value)


def _expects(hints: Mapping[str, Any]) -> bool:
    return hints.get("expected_response_type") not in (None, "", WITHOUT)
