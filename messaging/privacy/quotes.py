"""What names a person without a foreign key: stored requests of platforms, alerts to staff, remembered answers.

Owns how such rows are found: by the ids of the person on their channels, and by ours.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps

from channels_app.contract import RawRequest
from channels_app.contract.request import erased
from conversations.models import Contact, Conversation, Event, Identity, Message
from messaging.models import InboundEvent
from messaging.privacy.tables import ENCRYPTED, NAMED, Person
from tenants.storage.batches import More, batches
from tenants.storage.crypto import decrypt

always: More = lambda: True  # noqa: E731
KIND = "conversation__kind"
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
        facts = Contact.objects.filter(id=person.contact_id).values_list("email", "phone").first() or ()
        named = {word for one in identities for word in (one.value, one.address) if word}
        said = named | {word for word in facts if word}
        bare = {word.lstrip("+") for word in said}  # as a form writes a number
        escaped = {json.dumps(word)[1:-1] for word in said}
        texts = frozenset(word for word in said | bare | escaped if len(word) >= SHORTEST)
        lanes = frozenset(named | {word.lstrip("+") for word in named})
        return cls(frozenset(one.channel_id for one in identities), lanes, texts, person.ids)

    def name(self, text: str) -> bool:
        return any(word in text for word in self.texts | self.ids)


def open_receipts(words: Words, until: datetime) -> bool:
    """Whether a request of the person that came before ``until`` is not yet understood."""
    waiting = InboundEvent.objects.filter(status__in=InboundEvent.OPEN, created_at__lte=until)
    return any(True for _ in _receipts(waiting, words))


def receipts_empty(words: Words, keep: More = always) -> int:
    """Keep of the person's requests that they came, for their repeats; also of other channels' requests that name them,
    but for those that may still be understood. How many there were. ``keep`` is called before every batch."""
    settled = InboundEvent.objects.exclude(status__in=InboundEvent.OPEN)
    foreign = settled.exclude(channel_id__in=words.channels).exclude(status=InboundEvent.Status.FAILED)
    count = 0
    for row in chain(_receipts(settled, words, keep), _named_in(foreign, words, keep)):
        bare = {"request": erased(row.request), "lane": "", "reason": ""}
        count += InboundEvent.objects.filter(id=row.id).update(**bare)
    return count


def named_delete(words: Words, keep: More = always) -> int:
    """Delete what quotes or names the person in tables of NAMED; how many rows went."""
    count = 0
    for table, columns in NAMED.items():
        objects: Any = apps.get_model(table).objects
        for found in batches(objects.all(), *(column.partition(".")[0] for column in columns), more=keep):
            ids = [row.id for row in found if words.name(_text(row, columns, table in ENCRYPTED))]
            count += objects.filter(id__in=ids).delete()[0] if ids else 0
    return count


def threads_leave(words: Words, keep: More = always) -> int:
    """In threads about other learners the person takes part no longer; what they wrote there is those learners', and stays
    without their id. How many rows named them."""
    count = 0
    for model, of, column in ((Conversation, "kind", "context"), (Message, KIND, "metadata"), (Event, KIND, "payload")):
        objects: Any = model.objects
        for found in batches(objects.filter(**{of: "thread"}), column, more=keep):
            for row in found:
                before = getattr(row, column)
                if (after := _without(before, words.lanes)) != before:
                    count += objects.filter(id=row.id).update(**{column: after})
    return count


def _without(facts: dict[str, Any], ids: frozenset[str]) -> dict[str, Any]:
    kept = dict(facts)
    if "participants" in kept:
        kept["participants"] = [one for one in kept["participants"] if one.get("user_id") not in ids]
    if kept.get("sender_id") in ids:
        kept["sender_id"] = ""
    return kept


def says(receipt: InboundEvent, words: Words) -> bool:
    """Whether the request is the person's, or names them."""
    theirs = receipt.channel_id in words.channels
    return theirs and (receipt.lane in words.lanes or _says(receipt.request, words))


def _receipts(rows: Any, words: Words, keep: More = always) -> Iterator[Any]:
    theirs = rows.filter(channel_id__in=words.channels)
    for found in batches(theirs, "lane", "request", more=keep):
        yield from (row for row in found if row.lane in words.lanes or _says(row.request, words))


def _named_in(rows: Any, words: Words, keep: More) -> Iterator[Any]:
    for found in batches(rows, "lane", "request", more=keep):
        yield from (row for row in found if _says(row.request, words))


def _says(request: dict[str, Any], words: Words) -> bool:
    raw = RawRequest.from_stored(request)
    return words.name(raw.body.decode("utf-8", "replace")) or words.name(
        json.dumps([raw.path, raw.url, dict(raw.query)])
    )


def _text(row: Any, columns: Sequence[str], encrypted: bool) -> str:
    return "\n".join(_as_text(_part(row, *column.split(".")), encrypted) for column in columns)


def _part(row: Any, column: str, member: str = "") -> Any:
    return getattr(row, column).get(member) if member else getattr(row, column)


def _as_text(value: Any, encrypted: bool) -> str:
    if encrypted:
        with suppress(InvalidToken):  # of a key that is gone: no process can read it
            value = decrypt(value)
    return json.dumps(value, ensure_ascii=False, default=str)
