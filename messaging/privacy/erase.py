"""The erasure of a person: receipts first, then the ids, then every table, until nothing is left.

Owns the order. A batch, the progress and the lease are one transaction; files go before their rows; a worker that is killed is
followed by another when its lease ends. What the person writes after `_detach` is a new contact's.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.apps import apps
from django.db import IntegrityError
from django.db.models import F

from assistant.vectors.port import StoreAway
from assistant.vectors.rows import store_forget
from channels_app.contract import Sender
from channels_app.models import Channel
from conversations.contacts.merges import contact_into, contacts_lock
from conversations.contacts.people import identities_forget
from conversations.files.attachments import files_erase
from conversations.models import Attachment, Contact, Conversation, Event, Identity
from conversations.search.forget import index_renew
from conversations.timeline import conversation_touched, queue_touched
from messaging.measures import PRIVACY
from messaging.models import Delivery, Turn
from messaging.privacy.export.job import exports_erase
from messaging.privacy.export.lines import told
from messaging.privacy.holds import demand_no_hold
from messaging.privacy.models import Erasure
from messaging.privacy.planned import files_planned
from messaging.privacy.quotes import Words, named_delete, open_receipts, receipts_empty, threads_leave
from messaging.privacy.requested import request_tell
from messaging.privacy.tables import OWNED, Person, rows_of
from messaging.privacy.tombstones import tombstones_set
from tenants.errors import Conflict
from tenants.scope import current_tenant_id, tenant_scope
from tenants.storage.batches import BATCH, Failures, More
from tenants.storage.db import atomic, now, retried
from tenants.storage.sqlite.traces import log_wipe
from tenants.trail.audit import actor_name, audit
from tenants.work.leases import LeaseLost, claim_by_id, lease_longer, put_off, settle

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
RENEWAL = timedelta(minutes=30)  # of one that waits for the index, which is made anew as a whole
PAUSE = timedelta(seconds=2)  # after which no process remembers whom an id led to; between looks at open receipts
HELD_PAUSE = timedelta(minutes=5)
AWAY_PAUSE = timedelta(seconds=30)  # of the store of vectors
HELD = "legal hold"  # what an erasure waits for, instead of a table
ERASED = "erased"


@retried
def erasure_start(contact_id: uuid.UUID, actor: Any, ip: str | None = None) -> Erasure:
    """Have everything of the contact erased; the present erasure where there is one. Call outside a transaction.

    Raises NotFound ``contact_not_found`` or ``contact_merged``, Conflict ``legal_hold``.
    """
    if begun := Erasure.objects.filter(contact_id=contact_id).first():
        return begun
    with atomic():
        contacts_lock(contact_id)
        demand_no_hold(contact_id)
        begun = Erasure.objects.create(
            tenant_id=current_tenant_id(), contact_id=contact_id, requested_by=actor_name(actor)[:200]
        )
        audit(actor, "contact.erasure_requested", f"contact:{contact_id}", ip=ip)
        request_tell("CHAT_PRIVACY_DELETION_REQUESTED", contact_id, begun.id)
    PRIVACY.labels("erasure", "requested").inc()
    return begun


def erasures_go_on(more: More) -> int:
    """Go on with every erasure that no worker is at; how many came to their end. The index is renewed once for all of
    them: that costs as much as the whole of it."""
    emptied: list[Erasure] = []
    failures = Failures()
    # unscoped: of all tenants; each goes on inside its own scope
    due = Erasure.objects.unscoped().filter(status=Erasure.Status.RUNNING, due_at__lte=now())
    for row in list(due.order_by("created_at")):
        if more():
            with failures.apart(erasure=str(row.id)), tenant_scope(row.tenant_id):
                emptied += filter(None, [_emptied(row.id, more)])
    count = _finish(emptied)
    failures.tell()
    return count


def erasure_go_on(erasure_id: uuid.UUID, more: More) -> bool:
    """Take the erasure up, unless a worker is at it, and go on while ``more``. Returns whether it came to its end."""
    return bool(_finish(list(filter(None, [_emptied(erasure_id, more)]))))


def _emptied(erasure_id: uuid.UUID, more: More) -> Erasure | None:
    """The erasure, leased, when no row of the person is left; None when it has to go on later, or another worker does."""
    erasure = claim_by_id(Erasure, erasure_id, LEASE)
    if erasure is None:
        return None
    try:
        if erasure.detached_at is None and Contact.objects.filter(id=erasure.contact_id).exists():
            _detach_when_read(erasure)
            return None
        if into := contact_into(erasure.contact_id):
            _follow(erasure, into)
            return None
        if not exports_erase(erasure.contact_id):
            put_off(erasure, now() + PAUSE, table="messaging.Export")
            return None
        person = Person.of(erasure.contact_id)
        while more():
            if not _pass(erasure, person, more) and more():
                return erasure if lease_longer(erasure, RENEWAL) else None
    except LeaseLost:
        return None
    except StoreAway as error:
        log.warning("vector_store_away", reason=str(error), erasure=str(erasure.id))
        put_off(erasure, now() + AWAY_PAUSE, table="assistant.Vector")
        return None
    put_off(erasure, now())
    return None


# ------------------------------------------------------------------------------ the ids


def _detach_when_read(erasure: Erasure) -> None:
    """What the person wrote before they asked is understood first: read later it would be a stranger's."""
    identities = list(Identity.objects.filter(contact_id=erasure.contact_id))
    words = Words.of(identities, Person.of(erasure.contact_id))
    if open_receipts(words, erasure.created_at):
        put_off(erasure, now() + PAUSE, table="messaging.InboundEvent")
        return
    try:
        demand_no_hold(erasure.contact_id)
    except Conflict:
        put_off(erasure, now() + HELD_PAUSE, table=HELD)
        return

    def keep() -> bool:
        """Before every batch the lease begins anew."""
        if not lease_longer(erasure, LEASE):
            raise LeaseLost
        return True

    emptied = receipts_empty(words, keep) + named_delete(words, keep) + threads_leave(words, keep)
    _detach(erasure, emptied)
    for one in identities:
        sender = Sender(scheme=one.scheme, scope=one.scope, value=one.value)
        identities_forget(Channel(id=one.channel_id), sender)


@retried
def _follow(erasure: Erasure, into: uuid.UUID) -> None:
    """A platform has called the contact and another one the same person: the erasure is of the contact that they are now,
    or waits for the erasure of that one."""
    if Erasure.objects.filter(contact_id=into).exists():
        put_off(erasure, now() + PAUSE)
        return
    with atomic():
        if not settle(erasure, due_at=now(), contact_id=into):
            raise LeaseLost
        changes = {"merged": str(erasure.contact_id)}
        audit(erasure.requested_by, "contact.erasure_requested", f"contact:{into}", changes)


@retried
def _detach(erasure: Erasure, emptied: int) -> None:
    """The ids lead to nothing any more, and nothing of the person is under way. Raises Conflict ``legal_hold``."""
    with atomic():
        contacts_lock(erasure.contact_id)
        demand_no_hold(erasure.contact_id)
        identities = list(Identity.objects.filter(contact_id=erasure.contact_id))
        tombstones_set(identities)
        for one in identities:
            bare = {"scheme": ERASED, "scope": "", "value": one.id.hex, "address": "", "verified": False}
            Identity.objects.filter(id=one.id).update(**bare)
        Contact.objects.filter(id=erasure.contact_id).update(name="", email="", phone="", profile={}, preferences={})
        talks = Conversation.objects.filter(contact_id=erasure.contact_id)
        ids = list(talks.values_list("id", flat=True))  # MongoDB takes no query inside an update
        Turn.objects.filter(conversation__in=ids, status__in=Turn.OPEN).update(status=Turn.Status.VOID, claim=None)
        unsent = Delivery.objects.filter(conversation__in=ids, status__in=Delivery.UNFINISHED)
        unsent.update(status=Delivery.Status.FAILED, claim=None, error_code=ERASED)
        for id in talks.filter(is_open=True).values_list("id", flat=True):
            conversation_touched(erasure.tenant_id, id)  # off the lists of staff
        talks.update(
            is_open=False, status=Conversation.Status.COMPLETED, ended_at=now(), ended_reason=ERASED,
            control_owner=Conversation.Owner.HUMAN, control_epoch=F("control_epoch") + 1,
        )  # fmt: skip
        queue_touched(erasure.tenant_id)
        counts = {**erasure.counts, "receipts and quotes": emptied}
        if not settle(erasure, due_at=now() + PAUSE, detached_at=now(), counts=counts):
            raise LeaseLost


# --------------------------------------------------------------------------- the tables


def _pass(erasure: Erasure, person: Person, more: More) -> int:
    """Empty every table of the person's rows once; how many rows that took."""
    return sum(_empty(erasure, table, person, more) for table in OWNED) + _told_delete(erasure)


def _empty(erasure: Erasure, table: str, person: Person, more: More) -> int:
    model, count = apps.get_model(table), 0
    rows = model.objects.filter(rows_of(table, person)).order_by()
    while more() and (ids := list(rows.values_list("pk", flat=True).distinct()[:BATCH])):
        if table == "conversations.Attachment":
            files_erase(erasure.tenant_id, ids)
        if table == "assistant.Vector":
            store_forget(ids)
        if table == "messaging.ScheduledReply" and (files := list(files_planned(ids).values_list("id", flat=True))):
            files_erase(erasure.tenant_id, files)
            _batch(erasure, "conversations.Attachment", Attachment, files)
        try:
            count += _batch(erasure, table, model, ids)
        except IntegrityError:  # a row has come that hangs on one of these: the next pass begins with it
            return count + 1
    return count


def _told_delete(erasure: Erasure) -> int:
    """What the tenant's own timeline tells of the person: apart, for no index leads there."""
    count = 0
    rows = Event.objects.filter(told(erasure.contact_id))
    while ids := list(rows.values_list("id", flat=True)[:BATCH]):
        count += _batch(erasure, "conversations.Event", Event, ids)
    return count


@retried
def _batch(erasure: Erasure, table: str, model: Any, ids: list[uuid.UUID]) -> int:
    """Raises LeaseLost, and then nothing has been deleted."""
    counts = {**erasure.counts, table: erasure.counts.get(table, 0) + len(ids)}
    with atomic():
        model.objects.filter(pk__in=ids).delete()
        if model is Conversation:
            for id in ids:
                conversation_touched(erasure.tenant_id, id)
        held = Erasure.objects.filter(id=erasure.id, claim=erasure.claim)
        if not held.update(due_at=now() + LEASE, counts=counts, table=table):
            raise LeaseLost
    erasure.counts = counts
    return len(ids)


def _finish(emptied: Sequence[Erasure]) -> int:
    """Wipe what the database keeps of rows that are gone, and write the records; how many."""
    if not emptied:
        return 0
    index_renew()
    log_wipe()
    count = 0
    for erasure in emptied:
        with tenant_scope(erasure.tenant_id):
            count += _record(erasure)
    return count


@retried
def _record(erasure: Erasure) -> bool:
    with atomic():
        if not settle(erasure, status=Erasure.Status.DONE, finished_at=now(), table=""):
            return False
        audit("system", "contact.erased", f"contact:{erasure.contact_id}", {"counts": erasure.counts})
    PRIVACY.labels("erasure", "done").inc()
    log.info("contact_erased", contact=str(erasure.contact_id), rows=sum(erasure.counts.values()))
    return True


def erasure_preview(contact_id: uuid.UUID) -> dict[str, int]:
    """Table → rows that an erasure would remove now. Raises as `erasure_start`."""
    person = Person.found(contact_id)
    demand_no_hold(contact_id)
    counts = {
        table: apps.get_model(table).objects.filter(rows_of(table, person)).order_by().distinct().count()
        for table in OWNED
    }
    return {table: count for table, count in counts.items() if count}
