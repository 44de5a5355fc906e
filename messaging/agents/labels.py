"""Labels of a tenant, and which conversations have them.

Owns both; a conversation has at most MOST. Must not know what a label means.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError

from conversations.models import Conversation
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.agents.models import Label, Labelled
from messaging.context.changes import UPDATED
from messaging.rules.control import locked
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.storage.db import atomic, key_taken, retried, row_change

MOST = 20  # of a conversation
MOST_LABELS = 200  # of a tenant


def labels() -> list[Label]:
    """All of the tenant's, by name."""
    return list(Label.objects.order_by("name", "id")[:MOST_LABELS])


def label_get(label_id: uuid.UUID) -> Label:
    """Raises NotFound ``label_not_found``."""
    label: Label | None = Label.objects.filter(id=label_id).first()
    if label is None:
        raise NotFound("There is no such label.", code="label_not_found")
    return label


def label_save(label: Label, given: Mapping[str, Any] | None = None) -> Label:
    """A new one, or one of which what is ``given`` changes. Raises Conflict ``label_exists``, Unprocessable
    ``too_many_labels``, NotFound."""
    if label._state.adding and Label.objects.count() >= MOST_LABELS:
        raise Unprocessable(f"A tenant has at most {MOST_LABELS} labels.", code="too_many_labels")
    try:
        with atomic():
            if label._state.adding:
                label.save()
            else:
                row_change(label, given or {})
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise Conflict("There is a label of this name.", code="label_exists") from error
    return label


@retried
def label_put(conversation_id: uuid.UUID, label_id: uuid.UUID) -> Conversation:
    """The conversation has the label. Raises NotFound, Unprocessable ``too_many_labels``."""
    label = label_get(label_id)
    with atomic():
        seen = locked(conversation_id)
        has = set(Labelled.objects.filter(conversation=seen).values_list("label_id", flat=True))
        if label.id in has:
            return _same(seen)
        if len(has) >= MOST:
            raise Unprocessable(f"A conversation has at most {MOST} labels.", code="too_many_labels")
        Labelled.objects.create(tenant_id=seen.tenant_id, conversation=seen, label=label)
        return _told(seen)


@retried
def label_take(conversation_id: uuid.UUID, label_id: uuid.UUID) -> Conversation:
    """The conversation has the label no longer. Raises NotFound."""
    with atomic():
        seen = locked(conversation_id)
        gone = Labelled.objects.filter(conversation=seen, label_id=label_id).delete()[0]
        return _told(seen) if gone else _same(seen)


def labels_of(conversation_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Label]]:
    """Of each conversation its labels by name; one statement."""
    found: dict[uuid.UUID, list[Label]] = defaultdict(list)
    wanted = list(conversation_ids)
    rows = Labelled.objects.filter(conversation__in=wanted).select_related("label") if wanted else ()
    for row in rows:
        found[row.conversation_id].append(row.label)
    return {key: sorted(of, key=lambda label: label.name) for key, of in found.items()}


def _same(seen: Conversation) -> Conversation:
    seen.repeated = True
    return seen


def _told(seen: Conversation) -> Conversation:
    taken = conversation_advance({"id": seen.id}, events=1)
    assert taken is not None  # locked by the caller
    names = [label.name for label in labels_of([seen.id]).get(seen.id, [])]
    events_append(taken, [NewEvent(UPDATED, {"trigger": "label", "labels": names})])
    return taken
