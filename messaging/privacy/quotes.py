"""What names a person without a foreign key: stored requests of platforms, alerts to staff, remembered answers.

Owns how such rows are found: by the ids of the person on their channels, and by ours.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps

from channels_app.contract import RawRequest
from channels_app.contract.request import erased
from conversations.models import Identity
from messaging.models import InboundEvent
from messaging.privacy.tables import NAMED, Person
from tenants.storage.batches import batches

SHORTEST = 5  # characters of an id that is looked for inside other text


@dataclass(frozen=True)
class Words:
    """By what the person is named: on their channels, and anywhere."""

    channels: frozenset[uuid.UUID]
    lanes: frozenset[str]
    texts: frozenset[str]
    ids: frozenset[str]

    @classmethod
    def of(cls, identities: Sequence[Identity], person: Person) -> Words:
        named = {word for one in identities for word in (one.value, one.address) if word}
        bare = {word.lstrip("+") for word in named}  # as a form writes a number
        escaped = {json.dumps(word)[1:-1] for word in named}
        texts = frozenset(word for word in named | bare | escaped if len(word) >= SHORTEST)
        return cls(frozenset(one.channel_id for one in identities), frozenset(named | bare), texts, person.ids)

    def name(self, text: str) -> bool:
        return any(word in text for word in self.texts | self.ids)


def open_receipts(words: Words, until: datetime) -> bool:
    """Whether a request of the person that came before ``until`` is not yet understood."""
    waiting = InboundEvent.objects.filter(status__in=InboundEvent.OPEN, created_at__lte=until)
    return any(True for _ in _receipts(waiting, words))


def receipts_empty(words: Words) -> int:
    """Keep of the person's requests that they came, for their repeats; how many there were."""
    count = 0
    for row in _receipts(InboundEvent.objects.exclude(status__in=InboundEvent.OPEN), words):
        bare = {"request": erased(row.request), "lane": "", "reason": ""}
        count += InboundEvent.objects.filter(id=row.id).update(**bare)
    return count


def named_delete(words: Words) -> int:
    """Delete what quotes or names the person in tables of NAMED; how many rows went."""
    count = 0
    for table, columns in NAMED.items():
        objects: Any = apps.get_model(table).objects
        for found in batches(objects.all(), *columns, more=lambda: True):
            ids = [row.id for row in found if words.name(_text(row, columns))]
            count += objects.filter(id__in=ids).delete()[0] if ids else 0
    return count


def _receipts(rows: Any, words: Words) -> Iterator[Any]:
    theirs = rows.filter(channel_id__in=words.channels)
    for found in batches(theirs, "lane", "request", more=lambda: True):
        yield from (row for row in found if row.lane in words.lanes or _says(row.request, words))


def _says(request: dict[str, Any], words: Words) -> bool:
    raw = RawRequest.from_stored(request)
    return words.name(raw.body.decode("utf-8", "replace")) or words.name(
        json.dumps([raw.path, raw.url, dict(raw.query)])
    )


def _text(row: Any, columns: Sequence[str]) -> str:
    return "\n".join(json.dumps(getattr(row, column), ensure_ascii=False, default=str) for column in columns)
