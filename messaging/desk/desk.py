"""The open conversations of one tenant as this process knows them, and the lists that its windows show of them.

Owns what each list holds and is told. Asks for nothing: rows are handed in (messaging/desk/desks.py), once for all windows.
Lives on the server's loop.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property

from messaging.agents.inbox.lists import Filter
from messaging.desk.rows import Row
from messaging.live.hub import encoded

COUNTED = ("waiting", "mine", "colleagues", "bot", "snoozed", "mentions")
COUNTS_EVERY_S = 1.0
JUST_AFTER_S = 0.005  # the clock of a loop has no more than milliseconds
MOST_ENDED = 1_000  # ended conversations of which is remembered how they were told last


class Told:
    """A change, encoded once for all windows that are told of it."""

    def __init__(self, tenant_id: uuid.UUID, id: uuid.UUID, row: Row | None, mark: str):
        self._tenant_id, self._id, self._row, self._mark = tenant_id, id, row, mark

    def conv(self, *, words: bool) -> str:
        return self._with_words if words else self._without

    @cached_property
    def gone(self) -> str:
        places = {"tenant": str(self._tenant_id), "conversation": str(self._id)}
        return encoded({"t": "gone", **places, "mark": self._mark})

    @cached_property
    def _with_words(self) -> str:
        return self._conv(self._row.preview if self._row else None)

    @cached_property
    def _without(self) -> str:
        return self._conv(None)

    def _conv(self, preview: str | None) -> str:
        assert self._row is not None
        return f'{{"t":"conv",{self._row.shown},"preview":{encoded(preview)},"mark":{encoded(self._mark)}}}'


class Seat:
    """One window's place: the list that it shows, and the conversations that it watches. ``put(text, passing=…)``."""

    def __init__(self, me: uuid.UUID | None, view: str, wanted: Filter, *, words: bool, watched: Collection[uuid.UUID],
                 put: Callable[..., None]):  # fmt: skip
        self.me, self.view, self.words, self.watched, self.put = str(me) if me else None, view, words, watched, put
        self.wanted = {
            "kind": wanted.channel,
            "channel": str(wanted.channel_id) if wanted.channel_id else None,
            "team": str(wanted.team) if wanted.team else None,
            "priority": wanted.priority,
            "failed": wanted.failed or None,
        }
        self.label = str(wanted.label) if wanted.label else None
        self._counts: dict[str, int | None] = {}

    def shows(self, row: Row) -> bool:
        return self._in_view(row) and self._passes(row)

    def _in_view(self, row: Row) -> bool:
        if self.view == "mentions":
            return self.me in row.mentioned
        if row.view == "with":
            mine = self.me is not None and row.assignee == self.me
            return self.view == ("mine" if mine else "colleagues") or self.view == "all"
        return self.view in (row.view, "all")

    def _passes(self, row: Row) -> bool:
        fits = all(value is None or getattr(row, name) == value for name, value in self.wanted.items())
        return fits and (self.label is None or self.label in row.labels)

    def hear(self, former: Row | None, row: Row | None, told: Told, *, known: bool) -> None:
        """``known``: ``former`` None means that no list held it; else that may have been."""
        if row and (row.id in self.watched or self.shows(row)):
            self.put(told.conv(words=self.words))
        elif self.shows(former) if former else not known:
            self.put(told.gone)

    def count(self, counts: dict[str, int | None], tenant_id: uuid.UUID, mark: str) -> None:
        if counts != self._counts:
            self._counts = counts
            self.put(encoded({"t": "counts", "tenant": str(tenant_id), **counts, "mark": mark}), passing=True)

    def counted(self, counts: dict[str, int | None]) -> dict[str, int | None]:
        """These are told otherwise."""
        self._counts = counts
        return counts


class Desk:
    """``whole``: all open conversations are known; else some may be missing, and are not counted. ``over``: called with those
    whose time has come for which they were put off."""

    def __init__(self, tenant_id: uuid.UUID, over: Callable[[Iterable[uuid.UUID]], None]):
        self.tenant_id, self._over = tenant_id, over
        self._put_off: dict[uuid.UUID, datetime] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.rows: dict[uuid.UUID, Row] = {}
        self._ended: dict[uuid.UUID, Row] = {}
        self.seats: set[Seat] = set()
        self.idle_since = 0.0  # when it was last seen with a window
        self.whole = False
        self.loaded = asyncio.Event()
        self.failed: Exception | None = None  # why it could not be loaded
        self.mark = "0"
        self._tally: Counter[tuple[str, str | None]] = Counter()
        self._resting = False  # counts were told less than COUNTS_EVERY_S ago
        self._counts_due = False

    def fill(self, rows: Collection[Row], *, whole: bool, mark: str) -> None:
        for row in rows:
            self._keep(row.id, row)
        self.whole, self.mark = whole, mark
        self._wait()

    def take(self, id: uuid.UUID, row: Row | None, mark: str) -> bool:
        """The row as it was read just now, None: there is none. Returns whether that is news."""
        former, self.mark = self.known(id), mark
        if former == row and (row is not None or self.whole):
            return False
        self._keep(id, row)
        if (former and former.due) != (row and row.due):
            self._wait()
        told = Told(self.tenant_id, id, row, mark)
        for seat in tuple(self.seats):
            seat.hear(former, row, told, known=self.whole)
        self._count_soon()
        return True

    def known(self, id: uuid.UUID) -> Row | None:
        """As it was told last."""
        return self.rows.get(id) or self._ended.get(id)

    def listed(self, seat: Seat) -> Iterator[Row]:
        """The open conversations of a window's list."""
        return (row for row in self.rows.values() if seat.shows(row))

    def counts(self, me: str | None) -> dict[str, int | None]:
        if not self.whole:
            return dict.fromkeys(COUNTED)
        tally = self._tally
        mine = tally["with", me] if me else 0
        numbers = (tally["waiting", None], mine, tally["with", ""] - mine, tally["bot", None], tally["snoozed", None],
                   tally["mentions", me] if me else 0)  # fmt: skip
        return dict(zip(COUNTED, numbers, strict=True))

    def _keep(self, id: uuid.UUID, row: Row | None) -> None:
        former = self.rows.pop(id, None)
        if former:
            self._tally.subtract(_places(former))
        self._ended.pop(id, None)
        self._put_off.pop(id, None)
        if row and row.due:
            self._put_off[id] = row.due
        if row and row.is_open:
            self.rows[id] = row
            self._tally.update(_places(row))
        elif row:
            self._ended[id] = row
            if len(self._ended) > MOST_ENDED:
                del self._ended[next(iter(self._ended))]

    def _wait(self) -> None:
        """For the first of those that are put off."""
        self.rest()
        if self._put_off:
            left = (min(self._put_off.values()) - datetime.now(UTC)).total_seconds()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, left) + JUST_AFTER_S, self._come_back)

    def _come_back(self) -> None:
        at = datetime.now(UTC)
        if over := [id for id, due in self._put_off.items() if due <= at]:
            for id in over:  # where it fails, housekeeping finds them
                del self._put_off[id]
            self._over(over)
        self._wait()

    def rest(self) -> None:
        """No one looks any more: nothing is waited for."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _count_soon(self) -> None:
        if self._resting:
            self._counts_due = True
            return
        self._resting = True
        asyncio.get_running_loop().call_later(COUNTS_EVERY_S, self._rested)
        for seat in tuple(self.seats):
            seat.count(self.counts(seat.me), self.tenant_id, self.mark)

    def _rested(self) -> None:
        self._resting = False
        if self._counts_due:
            self._counts_due = False
            self._count_soon()


def _places(row: Row) -> list[tuple[str, str | None]]:
    """What a row is counted under."""
    places: list[tuple[str, str | None]] = [("mentions", user) for user in row.mentioned]
    if row.view != "with":
        return [*places, (row.view, None)]
    return [*places, ("with", ""), *([("with", row.assignee)] if row.assignee else [])]
