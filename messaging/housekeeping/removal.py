"""The removal of tenants: everything they own, a batch at a time, until nothing is left.

Owns the order, which is that of the foreign keys. It begins in tenants/removal.py. A batch, the progress and the lease
are one transaction; files go before their rows; a worker that is killed is followed by another when its lease ends.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

import structlog
from django.apps import apps
from django.db import IntegrityError
from django.db.models import F

from assistant.models import Vector
from assistant.vectors.port import StoreAway
from assistant.vectors.rows import store_forget
from conversations.files.attachments import files_erase, tenant_files_erase
from conversations.models import Attachment
from tenants import tenant_settings
from tenants.models import Removal, Tenant
from tenants.scope import tenant_scope
from tenants.storage.batches import BATCH, Failures, More
from tenants.storage.db import TenantModel, atomic, now, on_mongo, retried
from tenants.work.leases import claim_by_id, put_off, settle

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
AWAY_PAUSE = timedelta(seconds=30)  # of the store of vectors


class LeaseLost(Exception):
    """Another worker goes on with this removal."""


def removals_go_on(more: More) -> int:
    """Go on with every removal that no worker is at; how many came to their end."""
    count, failures = 0, Failures()
    due = Removal.objects.filter(status=Removal.Status.RUNNING, due_at__lte=now())
    for removal_id in list(due.order_by("created_at").values_list("id", flat=True)):
        if more():
            with failures.apart(removal=str(removal_id)):
                count += removal_go_on(removal_id, more)
    failures.tell()
    return count


def removal_go_on(removal_id: uuid.UUID, more: More) -> bool:
    """Take the removal up, unless a worker is at it, and go on while ``more``. Returns whether it came to its end."""
    removal = claim_by_id(Removal, removal_id, LEASE)
    if removal is None:
        return False
    try:
        with tenant_scope(removal.tenant_id):
            while more():
                if not _pass(removal, more) and more() and _finish(removal):
                    return True
    except LeaseLost:
        return False
    except StoreAway as error:
        log.warning("vector_store_away", reason=str(error), removal=str(removal.id))
        put_off(removal, now() + AWAY_PAUSE, table="assistant.Vector")
        return False
    put_off(removal, now())
    return False


@cache
def tables() -> tuple[Any, ...]:
    """All that tenants own, what points before what it points to."""
    owned = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    before: dict[Any, set[Any]] = {model: set() for model in owned}
    for model in owned:
        for field in model._meta.concrete_fields:
            if field.related_model in before and field.related_model is not model:
                before[field.related_model].add(model)
    return tuple(TopologicalSorter(before).static_order())


def _held(removal: Removal) -> Any:
    return Removal.objects.filter(id=removal.id, claim=removal.claim)


def _pass(removal: Removal, more: More) -> int:
    """Empty every table once; how many rows that took."""
    return sum(_empty(removal, model, more) for model in tables())


def _empty(removal: Removal, model: Any, more: More) -> int:
    count = 0
    while more() and (ids := list(model.objects.order_by().values_list("pk", flat=True)[:BATCH])):
        if model is Attachment:
            files_erase(removal.tenant_id, ids)
        if model is Vector:
            store_forget(ids)
        try:
            count += _batch(removal, model, ids)
        except IntegrityError:  # a row has come that hangs on one of these: the next pass begins with it
            return count + 1
    return count


@retried
def _batch(removal: Removal, model: Any, ids: list[Any]) -> int:
    """Raises LeaseLost, and then nothing has been deleted."""
    with atomic():
        gone: int = model.objects.filter(pk__in=ids).delete()[0]
        files = len(ids) if model is Attachment else 0
        facts = {"rows": F("rows") + gone, "files": F("files") + files, "table": model._meta.label}
        if not _held(removal).update(due_at=now() + LEASE, **facts):
            raise LeaseLost
    return gone


def _finish(removal: Removal) -> bool:
    """The tenant's row, and the removal is done. False when a row has come meanwhile."""
    tenant_files_erase(removal.tenant_id)
    if on_mongo() and any(model.objects.exists() for model in tables()):  # no foreign key tells of them there
        return False
    try:
        with atomic():
            tenants = Tenant.objects.filter(id=removal.tenant_id)
            tenants._raw_delete(tenants.db)  # not Django's collector: what still hangs on the row must make it fail
            if not settle(removal, status=Removal.Status.DONE, finished_at=now(), table=""):
                raise LeaseLost
    except IntegrityError:
        return False
    tenant_settings.invalidate(removal.tenant_id)
    log.warning("tenant_removed", tenant=str(removal.tenant_id), slug=removal.slug)
    return True
