"""The threads of a process that take up pieces of work, shared out fairly: a tenant or a channel that is slow or floods
delays itself only.

Owns which piece runs next, and how many of one tenant and one lane run at a time. Must not know what a piece does, nor
carry truth: a piece stands for a row, and one that is not taken is found again by the sweep.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from tenants.storage.connections import connection_release

SLOW_S = 2.0  # a lane is slow when a piece of it takes longer,
SLOW_FOR_S = 30.0  # and for so long after that
UNKNOWN = 2  # pieces at a time of a lane of which none has ended yet
AMONG_OTHERS = 4  # pieces that are done together while other tenants wait: none waits long for its turn
MOST_WAITING = 1000  # pieces of one lane; those beyond wait in their rows
REMEMBERED = 10_000  # lanes
SHARED = "shared"  # what a task returns whose work a crew does

SIDE_BY_SIDE = 4  # threads that wait for the outside for one piece of work
BESIDE = 512  # such threads of a process: more than its crews ask for, so that none waits for another's slow work
R = TypeVar("R")

_mine = threading.local()  # .crew: whose thread this is
_beside = ThreadPoolExecutor(BESIDE, thread_name_prefix="beside")


@contextmanager
def outside() -> Iterator[None]:
    """Entered around what waits for the outside: meanwhile this thread holds no connection to the database, and its
    crew has another piece computed."""
    connection_release()
    crew: Crew | None = getattr(_mine, "crew", None)
    if crew is None:
        yield
        return
    crew.compute(-1)
    try:
        yield
    finally:
        crew.compute(+1)


def side_by_side(calls: Sequence[Callable[[], R]]) -> list[R]:
    """What each call returns, which waits for the outside: SIDE_BY_SIDE at the same time, by threads of their own, each
    in a copy of the caller's context. Raises what one of them raised, when all have ended."""
    ended = {at: result for some in _in_groups(calls, None) for at, result in some}
    return [ended[at] for at in range(len(calls))]


def as_they_end(calls: Sequence[Callable[[], R]], together_s: float) -> Iterator[list[R]]:
    """As `side_by_side`; what ends within ``together_s`` seconds comes together, and waits for no other."""
    for some in _in_groups(calls, together_s):
        yield [result for _, result in some]


def _in_groups(calls: Sequence[Callable[[], R]], together_s: float | None) -> Iterator[list[tuple[int, R]]]:
    if len(calls) < 2:
        if calls:
            yield [(0, calls[0]())]
        return
    todo, ended = deque((at, copy_context(), call) for at, call in enumerate(calls)), SimpleQueue[_End]()
    for _ in range(min(SIDE_BY_SIDE, len(calls))):
        _beside.submit(_one_after_the_other, todo, ended)
    left = len(calls)
    while left:
        with outside():
            some = _ended_together(ended, left, together_s)
        left -= len(some)
        for one in some:
            if one.error:
                raise one.error
        yield [(one.at, one.result) for one in some]


@dataclass(frozen=True)
class _End:
    """Of a call: its place, and what it returned or raised."""

    at: int
    result: Any = None
    error: BaseException | None = None


def _one_after_the_other(todo: deque[tuple[int, Context, Callable[[], Any]]], ended: SimpleQueue[_End]) -> None:
    try:
        while todo:
            try:
                at, context, call = todo.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                ended.put(_End(at, context.run(call)))
            except BaseException as error:  # noqa: BLE001  the caller gets it
                ended.put(_End(at, error=error))
    finally:
        connection_release()


def _ended_together(ended: SimpleQueue[_End], most: int, together_s: float | None) -> list[_End]:
    if together_s is None:
        return [ended.get() for _ in range(most)]
    some, until = [ended.get()], time.monotonic() + together_s
    while len(some) < most:
        try:
            some.append(ended.get(timeout=max(0.0, until - time.monotonic())))
        except Empty:
            break
    return some


@dataclass(frozen=True)
class Lane:
    """Whose work a piece is: a tenant's, and of one of its channels or endpoints where it has to do with one."""

    tenant: Hashable
    part: Hashable = None


@dataclass(frozen=True)
class Told:
    """A row that is to be worked on, and the context in which that is logged."""

    row_id: uuid.UUID
    context: Context = field(default_factory=copy_context)


@dataclass(frozen=True)
class Alike:
    """Pieces that one thread may do together: ``work`` is given what of each was to be done, of ``most`` at a time. A
    piece that waits alone is done alone; none waits for others."""

    work: Callable[[Sequence[Any]], object]
    most: int


@dataclass
class _State:
    waiting: OrderedDict[Hashable, tuple[Any, Alike | None]] = field(default_factory=OrderedDict)
    running: dict[Hashable, float] = field(default_factory=dict)  # piece → since when
    threads: int = 0  # that do these
    known: bool = False  # a piece has ended
    slow_until: float = 0.0
    overflown: bool = False  # pieces were not taken

    def slow(self, at: float) -> bool:
        return at < self.slow_until or any(at - since > SLOW_S for since in self.running.values())

    def may_start(self, most: int) -> list[Hashable]:
        """The next piece, and those that are done together with it, at most ``most``; one that is running has to end
        before it runs again."""
        idle = [piece for piece in self.waiting if piece not in self.running]
        if not idle or (alike := self.waiting[idle[0]][1]) is None:
            return idle[:1]
        return [piece for piece in idle if self.waiting[piece][1] is alike][: min(most, alike.most)]


class Crew:
    """``room`` threads at most, made when they are needed. Half of them at most serve one tenant, a quarter one lane,
    and half all slow lanes together, so that a quick lane soon finds a place. Those that do not wait for the outside
    share the processor: no piece begins while ``computing`` of them do, so that a piece that has begun is soon done."""

    def __init__(self, name: str, room: int, *, computing: int = 0, more: Callable[[Lane], object] = lambda _: None):
        """``more`` is called when a lane of which pieces were not taken has nothing waiting any longer."""
        self._room = max(2, room)
        self._most_computing = computing or self._room
        self._computing = 0
        self._of_tenant = self._of_slow = max(1, self._room // 2)
        self._of_lane = max(1, self._room // 4)
        self._states: OrderedDict[Lane, _State] = OrderedDict()  # used least lately first
        self._ready: OrderedDict[Lane, None] = OrderedDict()  # lanes in which a piece waits
        self._turn = 0  # of the latest that was begun
        self._turns: OrderedDict[Hashable, int] = OrderedDict()  # tenant → of its next piece; used least lately first
        self._by_tenant: Counter[Hashable] = Counter()  # pieces that run
        self._busy: dict[Lane, _State] = {}  # lanes of which pieces run
        self._stopped = False
        self._more = more
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._threads = ThreadPoolExecutor(self._room, thread_name_prefix=name)

    def take(self, lane: Lane, piece: Hashable, work: Any, alike: Alike | None = None) -> bool:
        """Have ``work`` done: called, or given to the work of those ``alike``. A piece that waits already is not taken
        twice; one that runs runs once more afterwards. False when the crew was stopped. Where a lane has MOST_WAITING
        nothing is taken, and ``more`` asks later."""
        return self.take_all(lane, {piece: work}, alike)

    def take_all(self, lane: Lane, pieces: Mapping[Hashable, Any], alike: Alike | None = None) -> bool:
        """`take` for pieces that have come together."""
        with self._lock:
            if self._stopped:
                return False
            state = self._state_of(lane)
            for piece, work in pieces.items():
                if piece in state.waiting:
                    continue
                if len(state.waiting) >= MOST_WAITING:
                    state.overflown = True
                    break
                state.waiting[piece] = (work, alike)
                self._ready[lane] = None
            self._dispatch()
            return True

    def stop(self, timeout_s: float) -> bool:
        """Begin nothing more and wait for what was begun. Whether all of it ended within ``timeout_s`` seconds."""
        with self._lock:
            self._stopped = True
            self._ready.clear()
            ended = self._changed.wait_for(lambda: not self._busy, timeout_s)
        self._threads.shutdown(wait=False, cancel_futures=True)
        return ended

    def wait_idle(self, timeout_s: float) -> bool:
        """Whether nothing runs or waits any longer, within ``timeout_s`` seconds."""
        with self._lock:
            return self._changed.wait_for(lambda: not self._busy and not self._ready, timeout_s)

    def is_slow(self, lane: Lane) -> bool:
        """Whether a piece of it took longer than SLOW_S within the last SLOW_FOR_S seconds, or one that runs does."""
        with self._lock:
            state = self._states.get(lane)
            return state is not None and state.slow(time.monotonic())

    def figures(self) -> tuple[int, int]:
        """Pieces that run, and pieces that wait."""
        with self._lock:
            return self._by_tenant.total(), sum(len(self._states[lane].waiting) for lane in self._ready)

    def compute(self, more: int) -> None:
        """A piece that runs begins (-1) or ends (+1) to wait for the outside. The latter never waits for a place."""
        with self._lock:
            self._computing += more
            if not self._stopped:
                self._dispatch()

    # ------------------------------------------------------------------------- under the lock

    def _state_of(self, lane: Lane) -> _State:
        state = self._states.setdefault(lane, _State())
        self._states.move_to_end(lane)
        oldest, least = next(iter(self._states.items()))
        if len(self._states) > REMEMBERED and not least.waiting and not least.running:
            del self._states[oldest]
        return state

    def _dispatch(self) -> None:
        """Begin what may begin while there is room."""
        at = time.monotonic()
        while self._has_room and (found := self._next(at)):
            self._start(*found, at)

    @property
    def _has_room(self) -> bool:
        return self._by_tenant.total() < self._room and self._computing < self._most_computing

    def _next(self, at: float) -> tuple[Lane, _State, list[Hashable]] | None:
        """A piece of the tenant that was given least, and those alike of its lane; its lanes take turns."""
        most = MOST_WAITING if len({lane.tenant for lane in self._ready}) == 1 else AMONG_OTHERS
        for lane in sorted(self._ready, key=self._turn_of):
            state = self._states[lane]
            if self._has_place(lane, state, at) and (pieces := state.may_start(most)):
                return lane, state, pieces
        return None

    def _turn_of(self, lane: Lane) -> int:
        """Of the tenant's next piece: as many as pieces were begun for it. One who was idle comes before those who have
        much waiting, once: turns are not saved up."""
        return max(self._turn - 1, self._turns.get(lane.tenant, 0))

    def _has_place(self, lane: Lane, state: _State, at: float) -> bool:
        if self._by_tenant[lane.tenant] >= self._of_tenant or state.threads >= self._of_lane:
            return False
        if state.slow(at):
            return sum(other.threads for other in self._busy.values() if other.slow(at)) < self._of_slow
        return state.known or state.threads < UNKNOWN

    def _start(self, lane: Lane, state: _State, pieces: list[Hashable], at: float) -> None:
        taken = [state.waiting.pop(piece) for piece in pieces]
        work, alike = taken[0]
        if alike:
            work = partial(alike.work, [one for one, _ in taken])
        if state.waiting:
            self._ready.move_to_end(lane)
        else:
            del self._ready[lane]
        turn = self._turn_of(lane)
        self._turns[lane.tenant] = turn + len(pieces)
        self._turn = max(self._turn, turn)
        self._turns.move_to_end(lane.tenant)
        if len(self._turns) > REMEMBERED:
            self._turns.popitem(last=False)
        state.running |= dict.fromkeys(pieces, at)
        state.threads += 1
        self._by_tenant[lane.tenant] += 1
        self._computing += 1
        self._busy[lane] = state
        self._threads.submit(self._run, lane, pieces, work)

    # ---------------------------------------------------------------------------- in a thread

    def _run(self, lane: Lane, pieces: list[Hashable], work: Callable[[], object]) -> None:
        _mine.crew = self
        try:
            work()
        finally:
            if self._ended(lane, pieces):
                self._more(lane)

    def _ended(self, lane: Lane, pieces: list[Hashable]) -> bool:
        """Whether the lane may have more in its rows than was taken."""
        with self._lock:
            at, state = time.monotonic(), self._busy[lane]
            if at - max([state.running.pop(piece) for piece in pieces]) > SLOW_S:
                state.slow_until = at + SLOW_FOR_S
            state.known = True
            state.threads -= 1
            self._computing -= 1
            self._by_tenant[lane.tenant] -= 1
            self._by_tenant += Counter()  # forgets those at zero
            if not state.running:
                del self._busy[lane]
            if not self._busy and not self._ready:
                self._turns.clear()  # all begin alike again
            more = state.overflown and not state.waiting and not self._stopped
            state.overflown = state.overflown and not more
            if not self._stopped:
                self._dispatch()
            self._changed.notify_all()
            return more
