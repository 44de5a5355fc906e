"""What a turn of the built-in assistant costs, as calls of functions: these are the same however busy the machine is (NFR-1)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from assistant.builtin.phrases import denials
from assistant.demo import INTENTS
from assistant.embeddings import encoders
from assistant.embeddings.encoders import english_installed, name_for
from assistant.intents.common import BACKGROUND, COMMON
from assistant.intents.spelling import Spelling
from assistant.traces import trace_of
from channels_app.words.folding import unmarked


def calls_of(work: Callable[[], Any]) -> int:
    """Of Python's functions and C's, by a process that has done the same before."""
    work()
    count = 0

    def seen(frame: Any, event: str, given: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("line", "most"),
    [
        ("What are your opening hours?", 610),
        ("Do you ship to Spain?", 960),
        ("Where is my order?", 540),
        ("Thank you!", 565),
    ],
)
def test_a_turn_takes_so_many_calls_and_its_trace(visitor, line, most):
    assert calls_of(lambda: trace_of(visitor().says(line))) <= most


def test_a_text_is_put_right_once(shop, visitor, monkeypatch):
    asked = []

    class Noting(Spelling):
        def corrected(self, text: str) -> str:
            asked.append(text)
            return super().corrected(text)

    monkeypatch.setitem(shop.__dict__, "spelling", Noting(shop.spelling.known, shop.spelling.halves))
    visitor().says("Would your mothr like seven kinds of storis")
    assert asked == ["Would your mothr like seven kinds of storis"]


def test_which_encoder_is_meant_is_not_looked_for_in_every_turn(monkeypatch):
    before = english_installed()
    monkeypatch.setattr(encoders, "find_spec", lambda name: pytest.fail("the file system was asked"))
    assert name_for(["en"]) == (encoders.ENGLISH if before else encoders.DEFAULT)


def test_no_denial_is_passed_over_for_lack_of_a_negation():
    texts = [text for languages in COMMON.values() for examples, _ in languages.values() for text in examples]
    texts += [*BACKGROUND, *(text for intent in INTENTS.values() for text in intent["examples"])]
    texts += [
        f"{begin} {text}" for begin in ("Please do NOT", "bitte kein", "ne pas", "NÃO", "no", "je n’") for text in texts
    ]
    found = [text for text in texts if denials._DENIALS.search(unmarked(text))]
    assert len(found) > 100
    assert [text for text in texts if denials.denied(text)] == found
