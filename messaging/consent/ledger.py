"""What the ledger of merges keeps of a stop that staff have set: the identities that were stopped because the other
contact was, each with what it had.

Owns ``stops`` of ``ContactMerge.moved``. Must not know what a stop does: rules.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from conversations.models import ContactMerge, Identity

STOPS = "stops"


def stops_of(entry: ContactMerge) -> dict[str, Any]:
    """By identity: ``had``, the time of the person's own stop or None, and ``at``, that of the one that came over."""
    return entry.moved.get(STOPS) or {}


def stops_keep(entry: ContactMerge, stops: Mapping[str, Any]) -> None:
    if stops != stops_of(entry):
        entry.moved = {**entry.moved, STOPS: dict(stops)}
        entry.save(update_fields=["moved"])


def stops_settled(contact_id: uuid.UUID) -> None:
    """Staff have decided of the one that both are: no parting takes that back."""
    for entry in entries_of(contact_id):
        stops_keep(entry, {})


def entries_of(contact_id: uuid.UUID) -> QuerySet[ContactMerge]:
    """The merges of which the contact is made, the latest last."""
    return ContactMerge.objects.filter(contact_id=contact_id, undone_at=None).order_by("id")


def identities_of(contact_id: uuid.UUID) -> list[Identity]:
    """With their channels."""
    return list(Identity.objects.filter(contact_id=contact_id).select_related("channel").order_by("id"))
