"""A sentence of which hardly a word was taught is asked back, not answered for the one word that was (AI-3)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.builtin.dialogue import Dialogue
from assistant.intents.coverage import coverage_of
from assistant.intents.learning.training import Classification, Example
from assistant.intents.recognised import MEANING, Recognised

TAUGHT = [Example("when does it come on friday", "delivery"), Example("i need the boots by friday", "delivery"),
          Example("try the boots on", "fitting"), Example("come and see us", "visit")]  # fmt: skip
SENTENCE = "can you send somebody to measure my feet at home next Monday"


def test_the_share_that_was_taught_counts_rare_words_for_more() -> None:
    coverage = coverage_of(TAUGHT)
    assert coverage.of("need friday", "delivery") == 1.0
    assert coverage.of("see friday", "delivery") == pytest.approx(0.333, abs=0.01)  # "see" is in one example of four
    assert coverage.known("friday zebra") == pytest.approx(0.333, abs=0.01)
    assert coverage.of("…", "delivery") == 1.0
    assert coverage.of("Friday", "no such") == 0.0


@pytest.mark.parametrize(
    ("said", "intent", "sure", "is_answered"),
    [
        (SENTENCE, "shipping_times", 0.7, False),
        (SENTENCE, "shipping_times", 0.9, True),  # that sure it is hardly ever wrong
        ("come by on Friday", "shipping_times", 0.7, True),  # no sentence
        ("I would like to have my parcel here by Friday, is express delivery possible", "shipping_times", 0.7, True),
        (
            "vorrei sapere per favore dove si trova il mio ordine",
            "order_status",
            0.7,
            True,
        ),  # no language that was taught
    ],
)
def test_it_has_to_be_likelier(
    visitor: Any, monkeypatch: pytest.MonkeyPatch, said: str, intent: str, sure: float, is_answered: bool
) -> None:
    """It was told the times of delivery, sure of itself, so that a model that could book was not even asked."""

    def look(dialogue: Dialogue, texts: list[str]) -> list[Recognised]:
        return [
            Recognised(Classification(((intent, sure),)), MEANING, dialogue.lessons.features.row(one)) for one in texts
        ]

    monkeypatch.setattr(Dialogue, "looked_at_all", look)
    reply = visitor().says(said)
    assert reply.intent == (intent if is_answered else "")
    assert ("Did you mean" in reply.contents[0].text) is not is_answered
