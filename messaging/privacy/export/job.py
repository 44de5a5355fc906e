"""The export of everything about a person: table by table into parts, then one ZIP that is kept for a week (PRIV-1).

Owns the job. A part, the progress and the lease are settled together: a worker that is killed is followed by another when
its lease ends, which goes on behind the last part. No row is kept in memory longer than its part.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import structlog
from django.db.models import F

from channels_app.words.moments import written
from conversations.contacts.merges import contact_into, contacts_lock
from conversations.models import Attachment, ContactMerge
from messaging.measures import PRIVACY
from messaging.privacy.export.lines import EXPORTED, Spot, line_of, path_of, rows_count, steps
from messaging.privacy.export.package import Source, link_path, pack, package_erase, part_write
from messaging.privacy.holds import demand_not_erased
from messaging.privacy.models import Export
from messaging.privacy.requested import request_tell
from messaging.privacy.tables import Person
from tenants.errors import NotFound
from tenants.scope import current_tenant_id, tenant_scope
from tenants.storage.batches import Failures, More
from tenants.storage.db import atomic, now, retried, server_trouble
from tenants.trail.audit import actor_name, audit
from tenants.work.leases import LeaseLost, claim_by_id, lease_longer, put_off, settle

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
KEPT = timedelta(days=7)  # how long the file can be had
PART = 2 << 20  # bytes of JSON in a part, and about what an export keeps in memory
MOST_FAILURES = 5
AGAIN = timedelta(minutes=1)  # after a failure
TABLES = tuple(EXPORTED)


@retried
def export_start(contact_id: uuid.UUID, actor: Any, ip: str | None = None) -> Export:
    """Have everything about the contact exported; the present export where one is being made. Call outside a transaction.

    Raises NotFound ``contact_not_found`` or ``contact_merged``, Conflict ``being_erased``.
    """
    with atomic():
        contacts_lock(contact_id)
        demand_not_erased([contact_id])
        running = Export.objects.filter(contact_id=contact_id, status=Export.Status.RUNNING).first()
        if running:
            return running
        begun = Export.objects.create(
            tenant_id=current_tenant_id(), contact_id=contact_id, requested_by=actor_name(actor)[:200]
        )
        audit(actor, "contact.export_requested", f"contact:{contact_id}", {"export": str(begun.id)}, ip)
        request_tell("CHAT_PRIVACY_EXPORT_REQUESTED", contact_id, begun.id)
    PRIVACY.labels("export", "requested").inc()
    return begun


def export_get(export_id: uuid.UUID) -> Export:
    """Raises NotFound ``export_not_found``."""
    found: Export | None = Export.objects.filter(id=export_id).first()
    if found is None:
        raise NotFound("There is no such export.", code="export_not_found")
    return found


def exports_go_on(more: More) -> int:
    """Go on with every export that no worker is at; how many came to their end."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each goes on inside its own scope
    due = Export.objects.unscoped().filter(status=Export.Status.RUNNING, due_at__lte=now())
    for row in list(due.order_by("created_at")):
        if more():
            with failures.apart(export=str(row.id)), tenant_scope(row.tenant_id):
                count += export_go_on(row.id, more)
    failures.tell()
    return count


def exports_expire(more: More) -> int:
    """Erase the files whose time is over; how many."""
    count = 0
    # unscoped: housekeeping by age, for every tenant
    over = Export.objects.unscoped().filter(status=Export.Status.READY, expires_at__lte=now())
    for row in list(over.order_by("expires_at")):
        if more():
            with tenant_scope(row.tenant_id):
                package_erase(row.tenant_id, row.id)
                ready = Export.objects.filter(id=row.id, status=Export.Status.READY)
                count += ready.update(status=Export.Status.EXPIRED, place={})
    return count


def export_go_on(export_id: uuid.UUID, more: More) -> bool:
    """Take the export up, unless a worker is at it, and go on while ``more``. Returns whether it came to its end."""
    export = claim_by_id(Export, export_id, LEASE)
    if export is None:
        return False
    try:
        return _go_on(export, more)
    except LeaseLost:
        _leave(export)
        return False
    except Exception as error:
        if not _failed(export, error):  # what it worked with was taken away
            _leave(export)
            return False
        raise


def _go_on(export: Export, more: More) -> bool:
    if into := contact_into(export.contact_id):
        _follow(export, into)
        return False
    person = Person.of(export.contact_id)
    if export.total is None:
        _keep(export, total=rows_count(person))
    while export.table != DONE and more():
        _write_part(export, person)
    if export.table == DONE and more():
        return _finish(export, person)
    put_off(export, now())
    return False


DONE = "all"  # instead of a table: only the ZIP is to be made


# ----------------------------------------------------------------------------- its parts


def _write_part(export: Export, person: Person) -> None:
    """As much of the table as a part holds; then, or when nothing is left of it, the next one."""
    table = export.table or TABLES[0]
    spot, lines, count = _spot(export), bytearray(), 0
    for step in steps(table, person, spot):
        lines += b"".join(line_of(table, row) for row in step.rows)
        spot, count = step.spot, count + len(step.rows)
        if len(lines) >= PART:
            break
    else:
        spot = None
    parts = {name: list(names) for name, names in export.place.get("parts", {}).items()}
    names = parts.setdefault(EXPORTED[table], [])
    if lines:
        names.append(f"{EXPORTED[table]}-{len(names):05}-{_mark(export)}.gz")
        part_write(export.tenant_id, export.id, names[-1], bytes(lines))
    counts = {**export.counts, EXPORTED[table]: export.counts.get(EXPORTED[table], 0) + count}
    place = {"parts": parts, "spot": list(spot) if spot else None}
    _keep(export, table=table if spot else _after(table), counts=counts, place=place)


def _mark(export: Export) -> str:
    """Of this worker in names of files: one that has lost its lease overwrites nothing of another."""
    assert export.claim
    return export.claim.hex[-12:]


def _after(table: str) -> str:
    following = TABLES.index(table) + 1
    return TABLES[following] if following < len(TABLES) else DONE


def _spot(export: Export) -> Spot | None:
    kept = export.place.get("spot")
    return Spot(*kept) if kept else None


def _keep(export: Export, **changes: Any) -> None:
    """Write the progress, and have the lease begin anew. Raises LeaseLost, and then nothing has changed."""
    held = Export.objects.filter(id=export.id, claim=export.claim, status=Export.Status.RUNNING)
    if not held.update(due_at=now() + LEASE, failures=0, **changes):
        raise LeaseLost
    for name, value in changes.items():
        setattr(export, name, value)


# ---------------------------------------------------------------------------- its package


def _finish(export: Export, person: Person) -> bool:
    index = {
        "contact_id": str(export.contact_id), "export_id": str(export.id), "made_at": written(now()),
        "tables": {name: {"file": f"{name}.jsonl", "rows": count} for name, count in export.counts.items()},
    }  # fmt: skip
    name = f"export-{_mark(export)}.zip"
    packed = pack(export.tenant_id, export.id, name, export.place["parts"], _files(person), index, _Lease(export))
    counts = {**export.counts, "files": packed.files}
    with atomic():
        done = {"status": Export.Status.READY, "table": "", "place": {"file": name}, "counts": counts, "reason": ""}
        ended = now()
        made = {"size": packed.size, "sha256": packed.sha256, "finished_at": ended, "expires_at": ended + KEPT}
        if not settle(export, **done, **made):
            raise LeaseLost
        audit(
            "system", "contact.exported", f"contact:{export.contact_id}", {"export": str(export.id), "counts": counts}
        )
    package_erase(export.tenant_id, export.id, but=name)
    PRIVACY.labels("export", "done").inc()
    log.info("contact_exported", export=str(export.id), rows=sum(export.counts.values()), bytes=packed.size)
    return True


class _Lease:
    """Called often, it lengthens the lease now and then. Raises LeaseLost."""

    def __init__(self, export: Export):
        self.export, self.again_at = export, now() + LEASE / 4

    def __call__(self) -> None:
        if now() >= self.again_at:
            if not lease_longer(self.export, LEASE):
                raise LeaseLost
            self.again_at = now() + LEASE / 4


def _files(person: Person) -> Iterator[Source]:
    for step in steps("conversations.Attachment", person, None):
        paths = {row["id"]: path for row in step.rows if (path := path_of(row))}
        names = Attachment.objects.filter(id__in=list(paths)).values_list("id", "file")
        yield from (Source(paths[row_id], name) for row_id, name in names)


# ------------------------------------------------------------------------- other endings


@retried
def _follow(export: Export, into: uuid.UUID) -> None:
    """The contact was merged into another one: the export is of that, from its beginning."""
    package_erase(export.tenant_id, export.id)
    anew = {"contact_id": into, "table": "", "place": {}, "counts": {}, "total": None}
    if not settle(export, due_at=now(), **anew):
        raise LeaseLost


def _failed(export: Export, error: Exception) -> bool:
    """It is tried again, and given up after MOST_FAILURES in a row; trouble of our own servers is none. False as `settle`."""
    reason, failures = type(error).__name__[:60], export.failures + (not server_trouble(error))
    if failures < MOST_FAILURES:
        return put_off(export, now() + AGAIN, failures=failures, reason=reason)
    given_up = settle(
        export, status=Export.Status.FAILED, failures=failures, reason=reason, place={}, finished_at=now()
    )
    if given_up:
        package_erase(export.tenant_id, export.id)
        PRIVACY.labels("export", "failed").inc()
        log.error("export_failed", export=str(export.id), error=reason)
    return given_up


def _leave(export: Export) -> None:
    """Where the export was ended, as by an erasure, nothing stays of what this worker has written meanwhile."""
    if not Export.objects.filter(id=export.id, status__in=(Export.Status.RUNNING, Export.Status.READY)).exists():
        package_erase(export.tenant_id, export.id)


def exports_erase(contact_id: uuid.UUID) -> bool:
    """End every export that has something of the contact, and erase its file; False as long as a worker may still be
    writing one."""
    ids = {contact_id, *_one_with(contact_id)}
    theirs = Export.objects.filter(contact_id__in=ids)
    live = (Export.Status.RUNNING, Export.Status.READY)
    theirs.filter(status__in=live).update(status=Export.Status.ERASED, place={}, table="", finished_at=now())
    for row in theirs.filter(status=Export.Status.ERASED):
        package_erase(row.tenant_id, row.id)
    return not theirs.filter(status=Export.Status.ERASED, claim__isnull=False, due_at__gt=now()).exists()


def _one_with(contact_id: uuid.UUID) -> Iterator[uuid.UUID]:
    """Contacts that were one with this one for a time, or are."""
    entries = ContactMerge.objects
    yield from entries.filter(contact_id=contact_id).values_list("former_id", flat=True)
    yield from entries.filter(former_id=contact_id).values_list("contact_id", flat=True)


def download_path(export: Export) -> str | None:
    """The path of a link to the file that begins to run out now; None when there is no file, or none any more."""
    if export.status != Export.Status.READY or export.expires_at is None or export.expires_at <= now():
        return None
    return link_path(export.id, export.expires_at.timestamp())


def download_note(export: Export) -> bool:
    """Count a download that begins; False when the file is not to be had any more."""
    ready = Export.objects.filter(id=export.id, status=Export.Status.READY, expires_at__gt=now())
    return bool(ready.update(downloads=F("downloads") + 1, downloaded_at=now()))
