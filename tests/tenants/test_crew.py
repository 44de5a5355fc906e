"""Work is shared out fairly among the threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tenants.work import crew as crew_module
from tenants.work.crew import AMONG_OTHERS, MOST_WAITING, UNKNOWN, Alike, Crew, Lane, as_they_end, outside, side_by_side

SOON = 5.0  # seconds a test waits at most for what happens at once


class Gate:
    """Work that begins, and ends when it is let go."""

    def __init__(self) -> None:
        self.began: list[object] = []
        self.done: list[object] = []
        self._go = threading.Event()
        self._changed = threading.Condition()

    def piece(self, name: object) -> Callable[[], None]:
        def work() -> None:
            with self._changed:
                self.began.append(name)
                self._changed.notify_all()
            assert self._go.wait(SOON)
            with self._changed:
                self.done.append(name)
                self._changed.notify_all()

        return work

    def open(self) -> None:
        self._go.set()

    def wait_begun(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.began) >= number, SOON), self.began

    def wait_done(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.done) >= number, SOON), self.done


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew("test", 8)
    yield crew
    crew.stop(SOON)


def fill(crew: Crew, gate: Gate, lane: Lane, number: int) -> None:
    for one in range(number):
        crew.take(lane, one, gate.piece((lane.tenant, lane.part, one)))


def known(crew: Crew, *lanes: Lane) -> None:
    """A piece of each has ended quickly."""
    for lane in lanes:
        ended = threading.Event()
        crew.take(lane, "first", ended.set)
        assert ended.wait(SOON)
    crew.wait_idle(SOON)


def test_a_lane_of_which_nothing_is_known_gets_little(crew, gate) -> None:
    fill(crew, gate, Lane("a", 1), 20)
    gate.wait_begun(UNKNOWN)
    assert crew.figures() == (UNKNOWN, 20 - UNKNOWN)


def test_a_quick_lane_gets_a_quarter_and_a_tenant_half(crew, gate) -> None:
    lanes = [Lane("a", part) for part in range(4)]
    known(crew, *lanes)
    for lane in lanes:
        fill(crew, gate, lane, 20)
    gate.wait_begun(4)
    assert crew.figures() == (4, 76)
    fill(crew, gate, Lane("b", 1), 1)
    gate.wait_begun(5)
    assert ("b", 1, 0) in gate.began


def test_slow_lanes_of_many_tenants_leave_half_to_the_others(crew, gate, monkeypatch) -> None:
    monkeypatch.setattr(crew_module, "SLOW_S", 0.0)
    slow = [Lane(tenant) for tenant in "abcdef"]
    known(crew, *slow)
    monkeypatch.setattr(crew_module, "SLOW_S", 60.0)
    for lane in slow:
        fill(crew, gate, lane, 20)
    gate.wait_begun(4)
    assert crew.figures() == (4, 116)
    fill(crew, gate, Lane("quick"), 1)
    gate.wait_begun(5)
    assert ("quick", None, 0) in gate.began


def test_a_piece_that_takes_long_makes_its_lane_slow_while_it_runs(crew, gate, monkeypatch) -> None:
    monkeypatch.setattr(crew_module, "SLOW_S", 0.0)
    for tenant in "abcdef":
        fill(crew, gate, Lane(tenant), 1)
    gate.wait_begun(4)
    assert crew.figures()[0] >= 4
    fill(crew, gate, Lane("a"), 5)
    assert ("a", None, 4) not in gate.began


def test_a_lane_is_known_to_be_slow_while_a_piece_takes_long_and_for_a_while_after(crew, gate, monkeypatch) -> None:
    lane = Lane("a", 1)
    assert not crew.is_slow(lane)
    monkeypatch.setattr(crew_module, "SLOW_S", 0.0)
    fill(crew, gate, lane, 1)
    gate.wait_begun(1)
    assert (crew.is_slow(lane), crew.is_slow(Lane("a", 2))) == (True, False)
    gate.open()
    assert crew.wait_idle(SOON)
    assert crew.is_slow(lane)
    monkeypatch.setattr(crew_module, "SLOW_FOR_S", 0.0)
    known(crew, lane)
    monkeypatch.setattr(crew_module, "SLOW_S", 60.0)
    assert not crew.is_slow(lane)


def test_lanes_take_turns(crew, gate) -> None:
    blockers = [Lane(tenant, "blocker") for tenant in "abcd"]
    known(crew, *blockers)
    for lane in blockers:
        fill(crew, gate, lane, 2)
    gate.wait_begun(8)
    fill(crew, gate, Lane("a", "flood"), 50)
    fill(crew, gate, Lane("e", "one"), 1)
    gate.open()
    gate.wait_done(59)
    assert gate.began.index(("e", "one", 0)) < 8 + 4


def test_one_who_comes_anew_is_next_and_then_takes_turns(gate) -> None:
    crew = Crew("test", 4, computing=1)
    order: list[str] = []

    def brings_another() -> None:
        order.append("a")
        for number in range(3):
            crew.take(Lane("new"), number, partial(order.append, "new"))

    crew.take(Lane("first"), "holds the place", gate.piece("first"))
    gate.wait_begun(1)
    for tenant in "abc":
        crew.take(Lane(tenant), "once", partial(order.append, tenant))
    crew.take(Lane("a"), "brings", brings_another)
    for tenant in "abc":
        for number in range(3):
            crew.take(Lane(tenant), number, partial(order.append, tenant))
    gate.open()
    assert crew.wait_idle(SOON)
    assert order == [*"abc", "a", "new", "b", "c", "new", *"abc", "new", *"abc", "a"]
    assert crew.stop(SOON)


def held(crew: Crew, gate: Gate) -> None:
    crew.take(Lane("first"), "holds the place", gate.piece("first"))
    gate.wait_begun(1)


def test_one_who_has_many_done_together_is_given_as_much_as_many(gate) -> None:
    crew = Crew("test", 4, computing=1)
    order: list[str] = []
    together = Alike(order.extend, 4)
    held(crew, gate)
    for tenant in "abc":
        crew.take_all(Lane(tenant), dict.fromkeys(range(8), tenant), together)
    for number in range(3):
        crew.take(Lane("one"), number, partial(order.append, "one"))
    gate.open()
    assert crew.wait_idle(SOON)
    firsts = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    assert order == [*firsts, "one", "one", "one", *firsts]
    assert crew.stop(SOON)


def test_what_one_was_given_before_all_was_idle_counts_no_longer(gate) -> None:
    crew = Crew("test", 4, computing=1)
    order: list[str] = []
    for number in range(9):
        crew.take(Lane("one"), number, partial(order.append, "earlier"))
    assert crew.wait_idle(SOON)
    held(crew, gate)
    crew.take(Lane("one"), "now", partial(order.append, "one"))
    for tenant in "ab":
        crew.take(Lane(tenant), "now", partial(order.append, tenant))
    gate.open()
    assert crew.wait_idle(SOON)
    assert order[9:] == ["one", "a", "b"]
    assert crew.stop(SOON)


def test_what_waits_for_the_outside_lets_another_compute(gate) -> None:
    crew = Crew("test", 16, computing=2)
    lanes = [Lane(tenant) for tenant in "abcd"]
    waiting, back = threading.Event(), threading.Event()

    def waits() -> None:
        with outside():
            waiting.set()
            assert back.wait(SOON)

    crew.take(lanes[0], "waits", waits)
    assert waiting.wait(SOON)
    for lane in lanes[1:]:
        crew.take(lane, "computes", gate.piece(lane.tenant))
    gate.wait_begun(2)
    assert crew.figures() == (3, 1)
    back.set()  # its place is another's meanwhile: it goes on at once, and three compute
    gate.open()
    gate.wait_done(3)
    assert crew.stop(SOON)


def test_a_thread_of_no_crew_may_wait() -> None:
    with outside():
        entered = True
    assert entered


def test_a_piece_waits_once_and_runs_again_after_it_has_run(crew, gate) -> None:
    lane = Lane("a")
    crew.take(lane, "row", gate.piece("one"))
    gate.wait_begun(1)
    for number in range(3):
        crew.take(lane, "row", gate.piece(f"again {number}"))
    assert crew.figures() == (1, 1)
    gate.open()
    gate.wait_done(2)
    assert gate.began == ["one", "again 0"]


def test_of_a_flood_the_rest_stays_in_its_rows_and_is_asked_for_afterwards(gate) -> None:
    asked = threading.Event()
    crew = Crew("test", 2, more=lambda lane: asked.set())
    fill(crew, gate, Lane("a"), MOST_WAITING + 50)
    assert crew.figures() == (1, MOST_WAITING)
    gate.open()
    assert asked.wait(SOON)
    assert crew.stop(SOON)
    assert len(gate.done) == MOST_WAITING + 1


def test_stopping_lets_work_end_and_begins_no_more(crew, gate) -> None:
    fill(crew, gate, Lane("a"), 10)
    gate.wait_begun(UNKNOWN)
    stopper = threading.Thread(target=crew.stop, args=(SOON,))
    stopper.start()
    gate.open()
    stopper.join(SOON)
    assert len(gate.done) == UNKNOWN
    assert not crew.take(Lane("a"), "later", gate.piece("later"))


def test_work_that_fails_gives_its_place_back(crew) -> None:
    def fails() -> None:
        raise ValueError

    for one in range(20):
        crew.take(Lane("a"), one, fails)
    ended = threading.Event()
    crew.take(Lane("a"), "last", ended.set)
    assert ended.wait(SOON)


def test_alike_pieces_that_wait_are_done_together_and_one_that_is_alone_at_once(gate) -> None:
    crew, batches = Crew("test", 2, computing=1), list[list[str]]()
    alike, other = (
        Alike(lambda works: batches.append(list(works)), 3),
        Alike(lambda works: batches.append(list(works)), 3),
    )
    crew.take(Lane("a"), "alone", "alone", alike)
    crew.wait_idle(SOON)
    crew.take(Lane("b"), "holds the place", gate.piece("first"))
    gate.wait_begun(1)
    crew.take_all(Lane("a"), {number: str(number) for number in range(4)}, alike)
    crew.take(Lane("a"), "other", "other", other)
    crew.take(Lane("a"), 0, "again", alike)
    crew.take(Lane("c"), "c", "of another lane", alike)
    gate.open()
    crew.wait_idle(SOON)
    assert sorted(batches) == [["0", "1", "2"], ["3"], ["alone"], ["of another lane"], ["other"]]
    assert crew.stop(SOON)


def test_while_others_wait_few_are_done_together_so_that_their_turn_soon_comes(gate) -> None:
    crew, batches = Crew("test", 4, computing=1), list[list[str]]()
    together = Alike(batches.append, 16)
    held(crew, gate)
    crew.take_all(Lane("floods"), dict.fromkeys(range(16 + AMONG_OTHERS), "floods"), together)
    crew.take(Lane("quiet"), "one", "quiet", together)
    gate.open()
    assert crew.wait_idle(SOON)
    assert [(batch[0], len(batch)) for batch in batches] == [("floods", AMONG_OTHERS), ("quiet", 1), ("floods", 16)]
    assert crew.stop(SOON)


def test_a_piece_that_runs_is_in_no_second_batch(gate) -> None:
    crew, batches = Crew("test", 8), list[list[str]]()
    known(crew, Lane("a"))
    begun, ended = threading.Semaphore(0), threading.Event()

    def work(works: list[str]) -> None:
        batches.append(works)
        begun.release()
        assert ended.wait(SOON)

    alike = Alike(work, 9)
    crew.take_all(Lane("a"), {"one": "one", "two": "two"}, alike)
    crew.take_all(Lane("a"), {"two": "two again", "three": "three"}, alike)
    assert begun.acquire(timeout=SOON) and begun.acquire(timeout=SOON)
    assert sorted(batches) == [["one", "two"], ["three"]]
    ended.set()
    crew.wait_idle(SOON)
    assert batches[2:] == [["two again"]]
    assert crew.stop(SOON)


def test_what_is_done_side_by_side_comes_in_its_order_or_as_it_ends() -> None:
    late = threading.Event()

    def waits() -> str:
        assert late.wait(SOON)
        return "late"

    groups = as_they_end([waits, lambda: "early"], 0.0)
    assert next(groups) == ["early"], "what has ended waits for no other"
    late.set()
    assert list(groups) == [["late"]]
    assert side_by_side([waits, lambda: "early", lambda: "too"]) == ["late", "early", "too"]
    with pytest.raises(ZeroDivisionError):
        side_by_side([waits, lambda: 1 / 0])
