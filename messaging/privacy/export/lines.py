"""A person's rows as lines of JSON: which tables, which columns, and how a long table is walked with a place to go on from.

Owns what an export says. Must not write anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import Q, QuerySet
from pydantic_core import to_json

from channels_app.content.media import safe_name
from channels_app.words.moments import all_written
from conversations.models import Attachment
from messaging.privacy.tables import OWNED, Person

PAGE = 500  # rows of one statement

#: table → the name of its file, in the order in which they are written
EXPORTED: Mapping[str, str] = {
    "conversations.Contact": "contact",
    "conversations.Identity": "identities",
    "conversations.ContactMerge": "merges",
    "conversations.Session": "sessions",
    "conversations.Conversation": "conversations",
    "conversations.Message": "messages",
    "conversations.Revision": "edits",
    "conversations.Reaction": "reactions",
    "conversations.Attachment": "attachments",
    "conversations.Note": "notes",
    "conversations.Review": "reviews",
    "messaging.Labelled": "labels",
    "messaging.Delivery": "deliveries",
    "assistant.AgreedCall": "agreed_calls",
    "messaging.ScheduledReply": "scheduled_replies",
    "conversations.Event": "events",
    "messaging.Export": "exports",
    "tenants.AuditEntry": "privacy_log",
}

#: table of a person → why it is in no export
LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(
        ("messaging.Turn", "messaging.DeliveryAttempt", "messaging.DeliveryPart"),
        "how our own work went: messages say it",
    ),
    "messaging.WebhookDelivery": "calls of endpoints: they said what the events say",
    **dict.fromkeys(("assistant.Vector", "assistant.Unanswered"), "numbers made of messages, and which they are"),
    "assistant.AnswerMark": "what staff think of the assistant's answers",
    "assistant.CachedAnswer": "answers once more, for a day at most: messages say them",
    "assistant.Translation": "messages once more, in the language of staff",
    "messaging.Mention": "which colleague a note names",
}

#: columns of our own work, of colleagues, and of where a file lies
HIDDEN = frozenset(
    {
        "tenant",
        "claim",
        "due_at",
        "leases",
        "attempts",
        "words",
        "name_words",
        "email_words",
        "file",
        "thumbnail",
        "place",
        "ip",
        "requested_by",
        "actor",
    }
)
#: what a row says by way of another
FURTHER: Mapping[str, tuple[str, ...]] = {
    "conversations.Identity": ("channel__kind", "channel__name"),
    "conversations.Conversation": ("channel__kind",),
    "messaging.Labelled": ("label__name",),
}
#: not by the key, where an index has the order within its owner
ORDER: Mapping[str, str] = {"conversations.Message": "seq", "conversations.Event": "seq"}


class Spot(NamedTuple):
    """Where a walk goes on: behind this row."""

    path: int  # of the table's ways to a person, by its number
    owner: str
    by: Any
    id: str


class Step(NamedTuple):
    rows: Sequence[Mapping[str, Any]]
    spot: Spot


class Way(NamedTuple):
    """Rows of a table that are the person's: ids that lead to them, in order, and what fits the rows of one."""

    owners: Sequence[str]
    where: Callable[[str], Q]


def steps(table: str, person: Person, after: Spot | None) -> Iterator[Step]:
    """The person's rows of a table behind ``after``, a page at a time; each row once."""
    for number, way in enumerate(_ways(table, person)):
        for owner in way.owners:
            place = (number, owner)
            if after is None or place >= (after.path, after.owner):
                last = after if after and place == (after.path, after.owner) else None
                yield from _pages(table, way.where(owner), Spot(number, owner, None, ""), last)


def rows_count(person: Person) -> int:
    """How many rows an export of the person has."""
    return sum(
        _objects(table).filter(way.where(owner)).count()
        for table in EXPORTED
        for way in _ways(table, person)
        for owner in way.owners
    )


def line_of(table: str, row: Mapping[str, Any]) -> bytes:
    shape = all_written(dict(row))
    if table == "conversations.Attachment":
        shape["path"] = path_of(row)
    return bytes(to_json(shape)) + b"\n"


def path_of(row: Mapping[str, Any]) -> str | None:
    """Where an attachment lies in the export; None for one that is not with us."""
    if row["state"] != Attachment.State.STORED:
        return None
    return f"files/{row['id']}/{safe_name(row['name'], row['mime']) or 'file'}"


def told(contact_id: uuid.UUID | str) -> Q:
    """Of the timeline: what the tenant's own events tell of the contact, such as the end of a visit. That an export or an
    erasure was asked for is told by ids of ours alone, and may not be handed on yet: the record has it."""
    named = Q(payload__contact_id=str(contact_id)) | Q(payload__former_id=str(contact_id))
    return Q(conversation=None) & named & ~Q(type__startswith="CHAT_PRIVACY_")


def _pages(table: str, where: Q, spot: Spot, after: Spot | None) -> Iterator[Step]:
    by, columns, rows = ORDER.get(table, "id"), _columns(table), _objects(table).filter(where)
    while found := list(_beyond(rows, by, after).order_by(*dict.fromkeys((by, "id"))).values(*columns)[:PAGE]):
        after = spot._replace(by=None if by == "id" else found[-1][by], id=str(found[-1]["id"]))
        yield Step(found, after)


def _beyond(rows: QuerySet[Any], by: str, after: Spot | None) -> QuerySet[Any]:
    if after is None:
        return rows
    if by == "id":
        return rows.filter(id__gt=uuid.UUID(after.id))
    return rows.filter(Q(**{f"{by}__gt": after.by}) | Q(id__gt=uuid.UUID(after.id)), **{f"{by}__gte": after.by})


def _columns(table: str) -> list[str]:
    own = [field.attname for field in apps.get_model(table)._meta.concrete_fields if field.name not in HIDDEN]
    return [*own, *FURTHER.get(table, ())]


def _objects(table: str) -> Any:
    return apps.get_model(table).objects  # type: ignore[attr-defined]


def _ways(table: str, person: Person) -> list[Way]:
    """No row is on two ways."""
    contact = [str(person.contact_id)]
    if table in LOGS:
        return [Way(contact, LOGS[table])]
    ways, others = [], Q(pk__in=[])
    for of, path in OWNED[table].items():
        owners = person.owners(of)
        ways.append(Way(sorted(map(str, owners)), partial(_only_by, path, others)))
        others |= Q(**{f"{path}__in": owners})
    return [*ways, Way(contact, told)] if table == "conversations.Event" else ways


def _only_by(path: str, others: Q, owner: str) -> Q:
    return Q(**{path: owner}) & ~others


#: what the tenant keeps of what it did with a contact
LOGS: Mapping[str, Callable[[str], Q]] = {
    "messaging.Export": lambda contact: Q(contact_id=contact),
    "tenants.AuditEntry": lambda contact: Q(target=f"contact:{contact}"),
}
