"""Rows that are work: leased to one worker at a time, settled, put off or given up; the register of their tables.

Owns the compare-and-set statements, the pauses between tries and the question whether a tenant's work goes on now.
Must not know what a row asks for: its verb does.

A worker that is silent for its lease loses the row, and what it writes afterwards changes nothing. A failure of our
own servers costs no try. Leases that end in silence are counted apart from tries: a row that ends its worker every
time is given up too.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar

from django.db import models
from django.db.models import F, Q, QuerySet

from tenants.scope import tenant_id_if_any
from tenants.storage import prepared
from tenants.storage.db import new_id, now

MOST_LEASES = 5  # in a row that may end without an outcome; then the row itself is what ends its workers
WORKER_LOST = "worker_lost"  # the reason of such a row
SERVER_BACK_S = 5.0  # how soon a row is tried again after trouble of our own servers


class LeaseLost(Exception):
    """The row is another worker's by now, or done with: the transaction around is to be undone."""


class Leased(models.Model):
    """A row that belongs to the worker named by ``claim`` until ``due_at``; without a claim, to be taken from then on."""

    STATE: ClassVar[str] = ""  # name of the field that tells how far the row is, if it has one
    OPEN: ClassVar[Collection[Any]] = ()  # the states in which it may be leased, the first of them while it waits
    RUNNING: ClassVar[Any] = None  # the state while it is leased, where that is one of its own

    claim = models.UUIDField(null=True, blank=True, editable=False)
    due_at = models.DateTimeField(default=now)

    class Meta:
        abstract = True


class Work(Leased):
    """A leased row that is tried until it worked or is given up."""

    STATE: ClassVar[str] = "status"

    attempts = models.PositiveSmallIntegerField(default=0)  # tries that count
    leases = models.PositiveSmallIntegerField(default=0, editable=False)  # in a row that had no outcome yet

    class Meta:
        abstract = True

    @property
    def worn_out(self) -> bool:
        """The last MOST_LEASES workers that held the row ended or hung without an outcome: it is to be given up."""
        return self.leases > MOST_LEASES


L = TypeVar("L", bound=Leased)


# ------------------------------------------------------------------------------ one row


def claim(row: L, lease: timedelta) -> L | None:
    """Lease a due row to the caller, by compare-and-set, and change ``row`` in place. None when it is not due, not
    open, another worker's, or its tenant is held."""
    if held_now():
        return None
    due, taken = _due(type(row), row.pk), _taken(type(row), lease)
    if not prepared.update(type(row), due, taken):
        return None
    _now_leased(row, taken)
    return row


def _now_leased(row: Leased, taken: dict[str, Any]) -> None:
    counted = {"attempts": row.attempts + 1, "leases": row.leases + 1} if isinstance(row, Work) else {}
    for name, value in {**taken, **counted}.items():
        setattr(row, name, value)


def claim_new(row: Leased, lease: timedelta) -> None:
    """Lease to the caller a row that it is about to write: no other worker ever sees it free."""
    _now_leased(row, _taken(type(row), lease))


def claim_all(rows: Sequence[L], lease: timedelta) -> list[L]:
    """`claim` for rows of one table, by one statement and with one claim. Returns those that are the caller's now, in
    their order."""
    if held_now():
        return []
    model, by_id = type(rows[0]), {row.pk: row for row in rows}
    due, taken = _due(model, rows[0].pk) | {"id__in": sorted(by_id)}, _taken(model, lease)
    del due["id"]
    count = prepared.update(model, due, taken)
    if count < len(by_id):
        own = model._default_manager.filter(id__in=list(by_id), claim=taken["claim"])
        ours = set(own.values_list("id", flat=True)) if count else set()
        by_id = {row_id: row for row_id, row in by_id.items() if row_id in ours}
    for row in by_id.values():
        _now_leased(row, taken)
    return list(by_id.values())


def claim_by_id(model: type[L], row_id: uuid.UUID, lease: timedelta) -> L | None:
    """As `claim`, for a worker that is told a row: leased and read by one statement."""
    if held_now():
        return None
    taken = _taken(model, lease)
    row = prepared.update_where(model, _due(model, row_id), taken)
    return row if row and row.claim == taken["claim"] else None  # it took so long that the lease was another's


def untried(row: Work) -> bool:
    """Whether a row that is due may be worked on without a lease, and settled as it was seen: no worker has tried it,
    so that none has ended over it, and its tenant is not held. Only for work that is one transaction."""
    tried = row.claim or row.attempts or row.leases
    return not tried and row.due_at <= now() and not held_now()


def held_now() -> bool:
    """Whether the work of the tenant in scope does not go on now."""
    tenant_id = tenant_id_if_any()
    return tenant_id is not None and not _may_go_on(tenant_id)


def _due(model: type[Leased], row_id: uuid.UUID) -> dict[str, Any]:
    return {"id": row_id, "due_at__lte": now(), **_open(model)}


def _taken(model: type[Leased], lease: timedelta) -> dict[str, Any]:
    state = {model.STATE: model.RUNNING} if model.RUNNING else {}
    counts = {"attempts": F("attempts") + 1, "leases": F("leases") + 1} if issubclass(model, Work) else {}
    return {"claim": new_id(), "due_at": now() + lease, **state, **counts}


def settle(row: Leased, **changes: Any) -> bool:
    """Write the outcome and end the lease. False, and nothing is changed, when the row is no longer the caller's; one
    that the caller has not leased has to be as it was seen. ``row`` itself stays as it is, for a transaction around
    may be run again."""
    changes |= {"claim": None, **({"leases": 0} if isinstance(row, Work) else {})}
    seen = {"claim": row.claim} if row.claim else {"claim": None, "due_at": row.due_at}
    return bool(prepared.update(type(row), {"id": row.pk, **seen, **_open(type(row))}, changes))


def lease_longer(row: Leased, lease: timedelta) -> bool:
    """Keep a leased row for ``lease`` from now on, for a step that takes longer than most. False as `settle`."""
    until = now() + lease
    if not prepared.update(type(row), {"id": row.pk, "claim": row.claim, **_open(type(row))}, {"due_at": until}):
        return False
    row.due_at = until
    return True


def settle_all(rows: Sequence[Work], **changes: Any) -> bool:
    """`settle` for rows that `claim_all` has leased, the same outcome for all. False when one of them is no longer the
    caller's; then the transaction around is to be undone."""
    model, changes = type(rows[0]), changes | {"claim": None, "leases": 0}
    seen = {"id__in": sorted(row.pk for row in rows), "claim": rows[0].claim, **_open(model)}
    return prepared.update(model, seen, changes) == len(rows)


def settle_untried(rows: Sequence[Work], **changes: Any) -> bool:
    """As `settle` for rows of one table that are `untried`, all of them by one statement. False when one of them is not
    any longer; then the transaction around is to be undone, for the others are changed."""
    model = type(rows[0])
    seen = {"id__in": sorted(row.pk for row in rows), "claim": None, "attempts": 0, "leases": 0, **_open(model)}
    return prepared.update(model, seen, changes) == len(rows)


def put_off(row: Leased, until: datetime, *, counts: bool = True, **changes: Any) -> bool:
    """Let the row wait until then. ``counts``: the try that the caller leased it for is one. False as `settle`."""
    if isinstance(row, Work) and row.claim and not counts:
        changes["attempts"] = max(0, row.attempts - 1)
    if row.RUNNING:
        changes.setdefault(row.STATE, next(iter(row.OPEN)))
    return settle(row, due_at=until, **changes)


def _open(model: type[Leased]) -> dict[str, Any]:
    return {f"{model.STATE}__in": tuple(model.OPEN)} if model.STATE else {}


# ------------------------------------------------------------------------------- pauses


@dataclass(frozen=True)
class Pauses:
    """The waits between tries: ``most_s`` are their upper bounds in seconds, the last one goes on until ``tries`` are
    used up. ``jitter`` is the part of a wait that chance decides, so that what failed together does not return
    together."""

    most_s: tuple[float, ...]
    tries: int
    jitter: float = 0.5

    def after_s(self, tries: int) -> float:
        """Seconds to wait after so many tries."""
        most = self.most_s[min(max(tries, 1), len(self.most_s)) - 1]
        return random.uniform((1 - self.jitter) * most, most)  # noqa: S311  no secret

    def next(self, tries: int, at_least_s: float = 0.0) -> datetime:
        """When to try again after so many tries, not sooner than in ``at_least_s``."""
        return now() + timedelta(seconds=max(self.after_s(tries), at_least_s))

    def over(self, tries: int) -> bool:
        return tries >= self.tries


STEPS_S = (2.0, 5.0, 15.0, 45.0, 120.0, 300.0, 600.0)
#: what nothing outside limits is tried for a day: 199 tries wait 24 h on average
A_DAY = Pauses(STEPS_S, tries=199)


def server_back() -> datetime:
    """When a row is tried again that only trouble of our own servers kept from its outcome."""
    return now() + timedelta(seconds=random.uniform(SERVER_BACK_S / 2, SERVER_BACK_S))  # noqa: S311  no secret


# ----------------------------------------------------------------------------- holding

_may_go_on: Callable[[uuid.UUID], bool] = lambda _: True  # noqa: E731  stands until hold_by
_held: Callable[[], Collection[uuid.UUID]] = tuple


def hold_by(may_go_on: Callable[[uuid.UUID], bool], held: Callable[[], Collection[uuid.UUID]]) -> None:
    """Set what decides about tenants: whether the work of one goes on now, and which tenants' does not. The rows of a held tenant
    stay as they are: they are not leased, woken or counted, and they are due again once it is held no longer."""
    global _may_go_on, _held
    _may_go_on, _held = may_go_on, held


# ---------------------------------------------------------------------------- register


class Wake(Protocol):
    def __call__(self, row_id: uuid.UUID, /, *, expires_s: float | None = None) -> None: ...


@dataclass(frozen=True)
class Table:
    """A table of work, as sweep, measures and start-up see it."""

    model: type[Work]
    queue: str  # of the workers that take it up
    wake: Wake  # takes up the row whose id stands in the field ``woken``
    woken: str = "id"
    #: of open, due rows those that may be taken up: the heads of their lanes, where nothing else holds them back
    heads: Callable[[QuerySet[Any], datetime], QuerySet[Any]] = field(default=lambda rows, _: rows)
    given_up: Any = None  # the state of a row that was given up and may be started again
    restartable: Q = field(default=Q())  # of rows in that state, those that ever are started again


TABLES: dict[str, Table] = {}


def register(name: str, table: Table) -> None:
    """Put a table under the sweep, the measures and the start: one call in ``ready`` of the app that owns it."""
    TABLES[name] = table


def due(table: Table, at: datetime) -> QuerySet[Any]:
    """The rows of all tenants that may be taken up at this time."""
    # unscoped: sweep and measures span all tenants; every task opens the scope of its own row
    rows = table.model.objects.unscoped().filter(due_at__lte=at, **_open(table.model))  # type: ignore[attr-defined]
    held = _held()
    return table.heads(rows.exclude(tenant_id__in=held) if held else rows, at)


def given_up(table: Table) -> QuerySet[Any]:
    """The rows of all tenants that were given up and can be started again."""
    # unscoped: a measure of the whole service
    rows: QuerySet[Any] = table.model.objects.unscoped()  # type: ignore[attr-defined]
    return rows.filter(table.restartable, **{table.model.STATE: table.given_up}) if table.given_up else rows.none()


def reclaim(overdue: datetime) -> int:
    """End every lease, as if it had run out at ``overdue``. Only where no other worker can be alive."""
    ended = 0
    for table in TABLES.values():
        # unscoped: a start of the only process concerns all tenants
        leased = table.model.objects.unscoped().filter(claim__isnull=False, **_open(table.model))  # type: ignore[attr-defined]
        ended += leased.filter(due_at__gt=overdue).update(due_at=overdue)
    return ended
