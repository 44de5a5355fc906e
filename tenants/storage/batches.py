"""Long tables a batch at a time, so that no statement comes near its time limit.

Owns the loops of work that has to end in time: housekeeping and removals. Must not know any particular model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.db.models import Q, QuerySet

from tenants.storage.db import server_lost

log = structlog.get_logger(__name__)

BATCH = 500  # rows of one statement

#: asked before every batch; False: leave the rest to the next run
More = Callable[[], bool]


def for_seconds(seconds: float, stopping: Callable[[], bool] = lambda: False) -> More:
    """True for so many seconds, and as long as the process is not ``stopping``."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end and not stopping()


class Failures:
    """Keeps what fails for one row from those behind it, and raises it when all have had their turn."""

    def __init__(self) -> None:
        self._first: Exception | None = None

    @contextmanager
    def apart(self, **row: str) -> Iterator[None]:
        """An error in here is logged with ``row`` and kept. A database that does not answer at all is raised at once:
        no other row would fare better."""
        try:
            yield
        except Exception as error:
            if server_lost(error):
                raise
            log.error("row_failed", error=type(error).__name__, **row)
            self._first = self._first or error

    def tell(self) -> None:
        """Raises the first error, if there was one."""
        if self._first:
            raise self._first


def delete_in_batches(rows: QuerySet[Any], more: More) -> int:
    """Delete the rows, each batch in a transaction of its own; how many went, with what hung on them.

    The batch names rows by their ids, and the statement that deletes looks at the condition again: a row that no
    longer fits stays.
    """
    count = 0
    while more():
        ids = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        count += rows.filter(pk__in=ids).delete()[0]
    return count


def batches(
    rows: QuerySet[Any], *fields: str, more: More, by: str = "id", place: dict[str, Any] | None = None
) -> Iterator[list[Any]]:
    """``fields`` of the rows as named tuples, a batch at a time, in the order of ``by``; each row comes once.

    ``place`` is a dict that the caller keeps from run to run: a run that ``more`` has ended goes on there, so that
    rows which stay in the table do not hide the ones behind them.
    """
    order = list(dict.fromkeys([by, "id"]))
    after = place.pop("after", None) if place else None
    while True:
        if not more():
            if place is not None:
                place["after"] = after
            return
        found = list(_beyond(rows, by, after).order_by(*order).values_list(*{*order, *fields}, named=True)[:BATCH])
        if not found:
            return
        yield found
        after = (getattr(found[-1], by), found[-1].id)


def _beyond(rows: QuerySet[Any], by: str, after: Any) -> QuerySet[Any]:
    if after is None:
        return rows
    if by == "id":
        return rows.filter(id__gt=after[1])
    return rows.filter(Q(**{f"{by}__gt": after[0]}) | Q(id__gt=after[1]), **{f"{by}__gte": after[0]})
