"""A database that was set back to a backup: what waits in it may have been done after the backup was taken.

Owns what is told of such a state, and the putting aside of what would be done a second time. Call only while no other
process works on the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.files.storage import default_storage

from conversations.models import Attachment
from conversations.timeline import conversation_advance
from messaging.agents.models import ScheduledReply
from messaging.agents.scheduled import scheduled_give_up
from messaging.models import Delivery, InboundEvent, Turn
from messaging.receipts.settling import receipt_give_up
from messaging.respond import turn_give_up
from messaging.sends.settling import delivery_give_up
from tenants.scope import tenant_scope
from tenants.storage.batches import batches
from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import atomic, now
from tenants.work.leases import TABLES

RESTORED = "restored"  # the reason of what was put aside
#: what a person would notice if it were done twice, in the order in which one makes the next. The rest (calls to
#: integrators, events, alerts, files) goes on: who gets it knows a repeat by its id.
ASIDE = ("receipts", "turns", "scheduled", "deliveries")


def open_work() -> dict[str, int]:
    """How many rows of each table of work wait or were in a worker's hands, of all tenants."""
    return {name: _open(name).count() for name in TABLES if name != "files"} | {"files": _unfetched().count()}


def put_aside() -> dict[str, int]:
    """Give up what a person would notice if it were done twice. Each row keeps its place and the reason ``restored``,
    is told to staff, and can be started again. Returns how many of each."""
    return {name: sum(GIVE_UP[name](row) for row in _each(_open(name))) for name in ASIDE}


def secrets_unreadable() -> list[str]:
    """Rows with a secret that none of ENCRYPTION_KEYS opens, each as ``model id``."""
    fields = [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedJSONField)
    ]
    return [f"{model._meta.model_name} {pk}" for model, name in fields for pk in _unreadable(model, name)]


def files_missing() -> list[str]:
    """Names of files that rows speak of and the storage has not; asks for every file."""
    # unscoped: the backup is of all tenants
    kept = Attachment.objects.unscoped().filter(state=Attachment.State.STORED)
    rows = (row for found in batches(kept, "file", "thumbnail", more=_always) for row in found)
    names = (name for row in rows for name in (row.file, row.thumbnail))
    return [name for name in names if name and not default_storage.exists(name)]


def _open(name: str) -> Any:
    model = TABLES[name].model
    # unscoped: the backup is of all tenants; each row is put aside inside its own scope
    return model.objects.unscoped().filter(**{f"{model.STATE}__in": tuple(model.OPEN)})  # type: ignore[attr-defined]


def _unfetched() -> Any:
    return _open("files").filter(state=Attachment.State.REMOTE)


def _each(rows: Any) -> Iterator[Any]:
    """The rows in the order in which they came, each within its tenant's scope."""
    for found in batches(rows, "tenant_id", more=_always):
        for row in found:
            with tenant_scope(row.tenant_id):
                yield rows.get(id=row.id)


def _unreadable(model: Any, name: str) -> Iterator[Any]:
    # unscoped: the keys are everybody's
    rows = getattr(model.objects, "unscoped", model.objects.all)()
    for pk in rows.order_by("pk").values_list("pk", flat=True):
        try:
            rows.filter(pk=pk).values_list(name, flat=True).get()
        except InvalidToken:
            yield pk


def _always() -> bool:
    return True


def _receipt(receipt: InboundEvent) -> bool:
    return receipt_give_up(receipt, RESTORED)


def _turn(turn: Turn) -> bool:
    turn_give_up(turn, RESTORED)
    turn.refresh_from_db(fields=["status"])
    return turn.status == Turn.Status.FAILED


def _delivery(delivery: Delivery) -> bool:
    with atomic():
        conversation_advance({"id": delivery.conversation_id})  # the lock
        return delivery_give_up(delivery, RESTORED, "It may have been sent after the backup was taken.")


def _scheduled(row: ScheduledReply) -> bool:
    """One whose time is to come has not been said before the backup, nor after it."""
    return row.at <= now() and scheduled_give_up(row, RESTORED)


GIVE_UP: dict[str, Callable[[Any], bool]] = {
    "receipts": _receipt, "turns": _turn, "scheduled": _scheduled, "deliveries": _delivery,
}  # fmt: skip
