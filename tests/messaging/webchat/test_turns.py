"""Whose message is stored next."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest

from messaging.webchat.sockets import turns as turns_module
from messaging.webchat.sockets.turns import Busy, Turns

LOUD, QUIET = uuid.UUID(int=1), uuid.UUID(int=2)


@dataclass(frozen=True)
class Said:
    tenant_id: uuid.UUID
    of: str
    number: int = 0


def filled(*said: Said) -> Turns[Said]:
    turns: Turns[Said] = Turns()
    for one in said:
        turns.put(one)
    return turns


def test_a_tenant_with_many_does_not_keep_another_waiting() -> None:
    loud = [Said(LOUD, f"visitor {number}") for number in range(10)]
    quiet = [Said(QUIET, f"guest {number}") for number in range(2)]
    turns = filled(*loud, *quiet)
    assert turns.take(4) == [loud[0], quiet[0], loud[1], quiet[1]]
    assert turns.take(100) == loud[2:]
    assert turns.take(100) == []


def test_the_turn_goes_on_where_the_last_one_ended() -> None:
    loud = [Said(LOUD, f"visitor {number}") for number in range(4)]
    quiet = Said(QUIET, "guest")
    turns = filled(*loud, quiet)
    assert [turns.take(1) for _ in range(3)] == [[loud[0]], [quiet], [loud[1]]]


def test_what_one_sender_says_is_taken_one_by_one_and_in_order() -> None:
    first, second, third = (Said(LOUD, "Ana", number) for number in range(3))
    other = Said(LOUD, "Ben")
    turns = filled(first, second, third, other)
    assert [turns.take(9) for _ in range(4)] == [[first, other], [second], [third], []]


def test_too_many_of_one_tenant_are_refused_and_the_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "MOST_OF_TENANT", 2)
    turns = filled(Said(LOUD, "Ana"), Said(LOUD, "Ben"))
    with pytest.raises(Busy):
        turns.put(Said(LOUD, "Cem"))
    turns.put(Said(QUIET, "Dora"))
    turns.take(1)
    turns.put(Said(LOUD, "Cem"))
    assert len(turns.take(9)) == 3


def test_a_process_holds_so_many_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "MOST_WAITING", 2)
    turns = filled(Said(LOUD, "Ana"), Said(QUIET, "Ben"))
    with pytest.raises(Busy):
        turns.put(Said(uuid.UUID(int=3), "Cem"))
    turns.take(1)
    turns.put(Said(uuid.UUID(int=3), "Cem"))
