"""The purge of what a tenant keeps no longer (PRIV-3): conversations with all that hangs on them, ended sessions, events of
no conversation, and the words of stored requests.

Owns the order, which is that of tables.py. A batch is a transaction of its own that looks at the holds again; a purge that was
broken off is gone on with by the next, since a conversation's own row goes last. Figures and the audit trail stay.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.apps import apps
from django.db import IntegrityError
from django.db.models import Q

from assistant.vectors.rows import store_forget
from channels_app.contract.request import erased
from channels_app.models import Channel
from conversations.files.attachments import files_erase
from conversations.models import Conversation, Event, Identity
from messaging.measures import PRIVACY
from messaging.models import Delivery, InboundEvent, Turn
from messaging.privacy.holds import held_contacts
from messaging.privacy.quotes import Words, says
from messaging.privacy.retention import (
    BEGAN,
    conversations_due,
    due_before,
    events_due,
    sessions_due,
    settings_now,
    tenant_ids,
    threads_due,
    untold,
)
from messaging.privacy.tables import OWNED, Person
from messaging.privacy.timeline import events_purge, farewell_tell
from tenants.scope import current_tenant_id, tenant_scope
from tenants.storage.batches import BATCH, Failures, More, batches
from tenants.storage.db import atomic, now, retried
from tenants.trail.audit import audit

log = structlog.get_logger(__name__)

PAUSE_S = 6 * 3600  # between two looks of a process once nothing was left to do
TALKS = 50  # conversations that are emptied together
REPEATS = timedelta(days=30)  # so long a stored request goes on refusing repeats of itself, without its words
EMPTIED = "emptied"  # the reason of such a request

#: table → the path to its conversation, in the order in which rows go; the conversation itself is the last
TABLES: Mapping[str, str] = {
    **{table: paths["conversation"] for table, paths in OWNED.items() if "conversation" in paths},
    "conversations.Conversation": "id",
}


class Rest:
    """Until when this process has nothing to look for, by the monotonic clock."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._until

    def begin(self) -> None:
        self._until = time.monotonic() + PAUSE_S

    def end(self) -> None:
        """The next run looks, however long ago the last one was."""
        self._until = 0.0


rest = Rest()


class Held(Exception):
    """A legal hold has come: the rest is kept."""


def purge_due(more: More) -> int:
    """Housekeeping's step: purge every tenant whose rule says so; how many rows went."""
    if not rest.over:
        return 0
    count, failures = 0, Failures()
    for tenant_id in tenant_ids():
        if more():
            with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
                count += sum(purge(tenant_id, more).values())
    failures.tell()
    if more():
        rest.begin()
    return count


def purge(tenant_id: uuid.UUID, more: More, actor: Any = "system") -> Counter[str]:
    """Remove what the tenant in scope keeps no longer, while ``more``; table → rows that went."""
    counts: Counter[str] = Counter()
    before = due_before(settings_now())
    if before is None:
        return counts
    if any(due(before).exists() for due in (conversations_due, threads_due, events_due)):  # days_purged reads it
        audit(actor, BEGAN, f"tenant:{tenant_id}", {"before": before.isoformat()})
    _talks_purge(conversations_due(before), "ended_at", before, counts, more)
    _talks_purge(threads_due(before), "last_message_at", before, counts, more)
    _sessions_purge(before, counts, more)
    _requests_purge(before, counts, more)
    counts["conversations.Event"] += events_purge(before, more)
    if counts.total():
        gone = {"before": before.isoformat(), "counts": dict(+counts)}
        audit(actor, "retention.purged", f"tenant:{tenant_id}", gone)
        PRIVACY.labels("purge", "done").inc()
        log.info("tenant_purged", tenant=str(tenant_id), rows=counts.total())
    return counts


# ------------------------------------------------------------------------- conversations


def _talks_purge(due: Any, by: str, before: datetime, counts: Counter[str], more: More) -> None:
    for found in batches(due, "contact_id", by=by, more=more):
        for start in range(0, len(found), TALKS):
            if due_before(settings_now()) is None:
                return
            contacts = {row.id: row.contact_id for row in found[start : start + TALKS]}
            idle = contacts.keys() - busy(list(contacts), before)
            talks_empty({id: contacts[id] for id in idle}, counts, more)


def busy(ids: list[uuid.UUID], before: datetime) -> set[uuid.UUID]:
    """Of which something is still on its way, or has happened since, such as a rating: figures of a day that is younger
    than the rule can always be counted anew."""
    under_way = (
        Delivery.objects.filter(status__in=Delivery.UNFINISHED),
        Turn.objects.filter(status__in=Turn.OPEN),
        Event.objects.filter(untold() | Q(created_at__gt=before)),
    )
    return {
        id
        for rows in under_way
        for id in rows.filter(conversation_id__in=ids).order_by().values_list("conversation_id", flat=True).distinct()
    }


def talks_empty(contacts: Mapping[uuid.UUID, uuid.UUID], counts: Counter[str], more: More) -> None:
    """``contacts``: conversation → its contact. The conversations' own rows go once nothing hangs on them."""
    for table, path in TABLES.items():
        model: Any = apps.get_model(table)
        rows = model.objects.filter(**{f"{path}__in": list(contacts)}).order_by()
        rows = rows.filter(is_open=False) if table == "conversations.Conversation" else rows
        while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
            if not more():
                return
            try:
                counts[table] += _batch(model, ids, set(contacts.values()))
            except (Held, IntegrityError):  # or a row has come that hangs on one of these: the next run's
                return


@retried
def _batch(model: Any, ids: list[uuid.UUID], contacts: Collection[uuid.UUID]) -> int:
    """Raises Held, and then nothing has been deleted."""
    _demand_free(contacts)
    if model._meta.label == "conversations.Attachment":
        files_erase(current_tenant_id(), ids)
    if model._meta.label == "assistant.Vector":
        store_forget(ids)
    with atomic():
        _demand_free(contacts)
        if model is Conversation:
            farewell_tell(ids)
        model.objects.filter(pk__in=ids).delete()
    return len(ids)


def _demand_free(contacts: Collection[uuid.UUID]) -> None:
    if settings_now().legal_hold or not held_contacts().isdisjoint(contacts):
        raise Held


# ------------------------------------------------------------------- sessions, requests


def _sessions_purge(before: datetime, counts: Counter[str], more: More) -> None:
    while more() and (ids := list(sessions_due(before).order_by().values_list("id", flat=True)[:BATCH])):
        with atomic():
            sessions_due(before).filter(id__in=ids).delete()
        counts["conversations.Session"] += len(ids)


def _requests_purge(before: datetime, counts: Counter[str], more: More) -> None:
    """Stored requests, the oldest of each channel first: what a platform may still repeat is emptied, the rest goes."""
    gone_before = min(before, now() - REPEATS)
    held = _held_words()
    for channel_id in list(Channel.objects.order_by("id").values_list("id", flat=True)):
        rows = InboundEvent.objects.filter(channel_id=channel_id).exclude(reason=EMPTIED, created_at__gt=gone_before)
        for found in batches(rows, "created_at", "status", by="place", more=more):
            old = [row for row in found if row.created_at <= before and row.status not in InboundEvent.OPEN]
            kept = _kept([row.id for row in old], held)
            gone = [row.id for row in old if row.created_at <= gone_before and row.id not in kept]
            emptied = [row.id for row in old if row.created_at > gone_before and row.id not in kept]
            counts["messaging.InboundEvent"] += _requests_go(gone) + _requests_empty(emptied)
            if found[-1].created_at > before:
                break


def _held_words() -> list[Words]:
    """What names the contacts that a hold keeps."""
    people: dict[uuid.UUID, list[Identity]] = {}
    for identity in Identity.objects.filter(contact_id__in=held_contacts()):
        people.setdefault(identity.contact_id, []).append(identity)
    return [Words.of(known, Person(id, tuple(one.id for one in known), ())) for id, known in people.items()]


def _kept(ids: list[uuid.UUID], held: list[Words]) -> set[uuid.UUID]:
    if not held or not ids:
        return set()
    rows = InboundEvent.objects.filter(id__in=ids).only("id", "channel_id", "lane", "request")
    return {row.id for row in rows if any(says(row, words) for words in held)}


@retried
def _requests_go(ids: list[uuid.UUID]) -> int:
    with atomic():
        InboundEvent.objects.filter(id__in=ids).delete()
    return len(ids)


@retried
def _requests_empty(ids: list[uuid.UUID]) -> int:
    with atomic():
        for row in InboundEvent.objects.filter(id__in=ids).only("id", "request"):
            bare = {"request": erased(row.request), "lane": "", "reason": EMPTIED}
            InboundEvent.objects.filter(id=row.id).update(**bare)
    return len(ids)
