"""Seals of the audit trail: an entry that was changed, taken away or put in afterwards is found (TEN-6).

Owns the chain. Entries are written without it, by many processes at once, and none waits for another; housekeeping seals
those that lie there: a batch of a tenant gets a hash over its entries and over the hash before. Retention takes whole
batches from the beginning; their seals stay, so that the chain can be followed. Each seal has it encrypted whether another
follows it, and whether retention took its entries: who holds the database without our keys can claim neither, nor make the
chain anew. A trail that was put back to an earlier day is found by a hash that is kept elsewhere: log lines have each.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import DatabaseError, IntegrityError
from django.db.models import ExpressionWrapper, F, TextField

from tenants.models import AuditEntry, AuditSeal
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More
from tenants.storage.crypto import decrypt
from tenants.storage.db import atomic, key_taken, now
from tenants.trail.audit import audit

log = structlog.get_logger(__name__)

BATCH = 500  # entries of a seal
LATE = timedelta(minutes=15)  # an entry that is not sealed by then: nothing seals
MOST_PROBLEMS = 100  # that are told


@dataclass
class Report:
    """What is found of one tenant's trail. ``head``: the hash of the latest seal, to be kept elsewhere."""

    seals: int = 0
    entries: int = 0
    purged: int = 0  # entries that are kept no longer
    unsealed: int = 0
    head: str = ""
    problems: list[dict[str, Any]] = field(default_factory=list)
    knows: bool = False  # the hash that was asked for is in the chain

    def tell(self, seal: int, problem: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"seal": seal, "problem": problem})


# ------------------------------------------------------------------------------- housekeeping


def trail_seal(more: More) -> int:
    """Seal what lies there, of all tenants; how many entries."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each is sealed in its own scope
    waiting = AuditEntry.objects.unscoped().filter(seal=None).order_by()
    for tenant_id in sorted(set(waiting.values_list("tenant_id", flat=True).distinct())):
        with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
            while more() and (sealed := _seal_batch(tenant_id)):
                count += sealed
    failures.tell()
    return count


def _seal_batch(tenant_id: uuid.UUID) -> int:
    """0: none lies there, or another process seals in this moment."""
    try:
        with atomic():
            last = AuditSeal.objects.defer("place", "purged").order_by("-number").first()
            rows = list(AuditEntry.objects.filter(seal=None).order_by("id")[:BATCH])
            if not rows:
                return 0
            number, previous = (last.number + 1, last.hash) if last else (1, "")
            seal = AuditSeal(
                tenant_id=tenant_id, number=number, previous=previous, hash=digest(number, previous, rows),
                entries=len(rows), last_at=max(row.created_at for row in rows),
            )  # fmt: skip
            seal.place = _place(seal, followed=False)
            seal.save(force_insert=True)
            if last:
                AuditSeal.objects.filter(id=last.id).update(place=_place(last, followed=True))
            mine = AuditEntry.objects.filter(id__in=[row.id for row in rows], seal=None)
            if mine.update(seal=seal) != len(rows):
                raise DatabaseError("an entry was sealed by another process")
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return 0
    log.info("audit_sealed", tenant=str(tenant_id), seal=number, entries=len(rows), hash=seal.hash)
    return len(rows)


def trail_purge(more: More, going: Callable[[Any], None] = lambda entries: None) -> int:
    """Take away entries that are older than AUDIT_KEEP_DAYS, whole batches from the beginning; how many. ``going`` is given
    each batch, a queryset, in the tenant's scope and in the transaction that takes it away: it writes anew what must stay."""
    days: int = settings.ENV["AUDIT_KEEP_DAYS"]
    if not days:
        return 0
    count, failures, until = 0, Failures(), now() - timedelta(days=days)
    # unscoped: of all tenants; each batch goes in its tenant's scope
    old = AuditSeal.objects.unscoped().defer("place", "purged").filter(purged_at=None, last_at__lt=until)
    for seal in old.order_by("tenant", "number"):
        if more():
            with failures.apart(seal=str(seal.id)), tenant_scope(seal.tenant_id):
                count += _purge(seal, until, going)
    failures.tell()
    return count


def _purge(seal: AuditSeal, until: datetime, going: Callable[[Any], None]) -> int:
    """A batch that has an older one before it with entries waits for that one: what is gone is the beginning."""
    with atomic():
        if AuditSeal.objects.filter(number__lt=seal.number, purged_at=None).exists():
            return 0
        seal.purged_at = now()
        gone = AuditSeal.objects.filter(id=seal.id, purged_at=None)
        if not gone.update(purged_at=seal.purged_at, purged=_gone(seal)):
            return 0
        entries = AuditEntry.objects.filter(seal=seal)
        going(entries)
        entries.delete()
        audit("system", "audit.purged", seal, {"entries": seal.entries, "until": until.date().isoformat()})
    return seal.entries


# ---------------------------------------------------------------------------------- verifying


def trail_verify(head: str = "") -> Report:
    """Go through the whole trail of the tenant in scope. ``head``: a hash that was kept elsewhere, which must be there."""
    report, previous, last = Report(), "", None
    whole = True  # still at the beginning, of which entries may be gone
    for seal in _seals().order_by("number").iterator(chunk_size=BATCH):
        expected = last.number + 1 if last else 1
        report.seals += 1
        if seal.number != expected:
            report.tell(seal.number, f"seals {expected} to {seal.number - 1} are missing")
        elif seal.previous != previous:
            report.tell(seal.number, "it does not follow the seal before")
        whole = _seal_verify(seal, report, whole)
        previous, last = seal.hash, seal
        report.knows = report.knows or seal.hash == head
    report.head = previous
    if last and not _seals().filter(number__gt=last.number).exists():  # none was made meanwhile
        _end_verify(_seals().get(id=last.id), report)
    waiting = AuditEntry.objects.filter(seal=None)
    report.unsealed = waiting.count()
    if waiting.filter(created_at__lt=now() - LATE).exists():
        report.tell(0, "entries wait for a seal: does housekeeping run?")
    if head and not report.knows:
        report.tell(0, "the hash that was given is not in the chain: it was made anew, or its end is gone")
    return report


def _seal_verify(seal: Any, report: Report, beginning: bool) -> bool:
    """Whether what may be gone goes on behind this seal."""
    rows = list(AuditEntry.objects.filter(seal=seal).order_by("id"))
    if seal.purged_at is None and len(rows) != seal.entries:
        seal = _seals().get(id=seal.id)  # retention may have taken them in between
    report.entries += len(rows)
    if seal.purged_at is not None:
        report.purged += seal.entries
        if rows:
            report.tell(seal.number, "it has entries, and says that they are gone")
        elif not beginning:
            report.tell(seal.number, "its entries are gone from the middle of the trail")
        elif _opened(seal.purged_token) != _gone(seal):
            report.tell(seal.number, "its entries are gone, and it was not retention that took them")
        return beginning
    if len(rows) != seal.entries:
        report.tell(seal.number, f"it had {seal.entries} entries, and has {len(rows)}")
    elif digest(seal.number, seal.previous, rows) != seal.hash:
        report.tell(seal.number, "an entry was changed")
    return False


def _end_verify(last: Any, report: Report) -> None:
    place = _opened(last.place_token)
    if place == _place(last, followed=True):
        report.tell(last.number, "it is the last, and seals that followed it are missing")
    elif place != _place(last, followed=False):
        report.tell(last.number, "it is the last, and nothing proves that none followed it")


def _seals() -> Any:
    """What is encrypted comes as it is stored: it may have been written without our keys."""
    tokens = {f"{name}_token": ExpressionWrapper(F(name), output_field=TextField()) for name in ("place", "purged")}
    return AuditSeal.objects.defer("place", "purged").annotate(**tokens)


def _opened(token: str | None) -> Any:
    """None: no key of ours has written it."""
    try:
        return decrypt(token or "")
    except InvalidToken:
        return None


def _place(seal: AuditSeal, *, followed: bool) -> dict[str, Any]:
    return {"seal": str(seal.id), "hash": seal.hash, "followed": followed}


def _gone(seal: Any) -> dict[str, Any]:
    return {"seal": str(seal.id), "hash": seal.hash, "purged": seal.purged_at.isoformat(timespec="milliseconds")}


def digest(number: int, previous: str, rows: Sequence[AuditEntry]) -> str:
    """SHA-256 over the hash before and each entry, in the order of their ids."""
    whole = hashlib.sha256(f"{number}\n{previous}\n".encode())
    for row in rows:
        whole.update(_line(row))
    return whole.hexdigest()


def _line(row: AuditEntry) -> bytes:
    parts = [
        str(row.id), str(row.tenant_id), row.created_at.isoformat(timespec="milliseconds"), row.actor, row.action, row.target,
        row.changes, str(row.ip or ""),
    ]  # fmt: skip
    return json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
