"""The versions of a tenant, with which of them answers.

Owns what pages and API say about that. Must not load what was learnt.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from assistant.intents.learning.stored import MOST_VERSIONS, training_for
from assistant.intents.skills import digest_of, read_facts, read_skills
from assistant.intents.versions.held import Held, held, is_readable
from assistant.models import LearntNumbers, TrainedModel


@dataclass(frozen=True)
class Listed:
    """``rows``: the newest first; ``newest_id``: what is taught now, or was last; ``kept``: those that can be activated."""

    rows: Sequence[TrainedModel]
    held: Held | None
    newest_id: uuid.UUID | None
    answers_id: uuid.UUID | None
    kept: Collection[uuid.UUID]


def versions_listed() -> Listed:
    """Of the tenant in scope; five statements."""
    rows = list(TrainedModel.objects.order_by("-version")[:MOST_VERSIONS])
    numbers = set(LearntNumbers.objects.values_list("trained_id", flat=True))
    chosen = held()
    if chosen and all(row.id != chosen.row.id for row in rows):
        rows.append(chosen.row)
    taught = training_for(rows, digest_of(read_skills(), read_facts()))
    newest = taught or (rows[0] if rows else None)
    kept = {row.id for row in rows if row.id in numbers and is_readable(row)}
    newest_id = newest.id if newest else None
    answers_id = chosen.row.id if chosen and chosen.row.id in kept else newest_id
    return Listed(rows, chosen, newest_id, answers_id, kept)
