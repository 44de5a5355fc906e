"""How well a recogniser does on examples that it was not taught with: the figures of `evaluate_intents`.

Owns those figures. Must not touch the database.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from assistant.intents import stages
from assistant.intents.common import BACKGROUND
from assistant.intents.files import Given
from assistant.intents.learning.training import NONE, Example

WORST = 10
ALONE = 200  # texts, for the time that one takes


def figures(train: Given, test: Given, encoder: stages.Encoder) -> dict[str, Any]:
    """Taught with ``train`` (its unknown ones, if it has any, are shown as belonging to none) and asked ``test``.

    ``accuracy``: the likeliest intent is the right one, of the texts that have one. ``in_scope_right``: and it is sure
    enough to be the answer. ``unknown_recall``: of the texts that have none, those that get no answer; None where there
    are none. ``settled``: the share for which no vector was needed; ``settled_right``: of these, those that were taken for
    what they are, None where none was settled. ``us_per_text``: CPU in one batch; ``us_settled`` and ``us_embedded``: of a
    text that is asked alone.
    """
    begun = time.process_time()
    nothing = [*train.unknown, *(Example(text, NONE) for text in BACKGROUND)]
    examples = [*train.known, *nothing]
    called = {example.intent: (example.intent,) for example in train.known}
    recogniser, threshold = stages.learn(examples, called, encoder)
    taught_s = time.process_time() - begun
    asked = [*test.known, *test.unknown]
    begun = time.process_time()
    found = recogniser.classify_many([one.text for one in asked], encoder)
    took_s = time.process_time() - begun
    answers = [one.intent if one.confidence >= threshold else NONE for one in found]
    known, told = found[: len(test.known)], answers[: len(test.known)]
    first = recogniser.first.classify_many([one.text for one in asked])
    settled = [one.confidence >= stages.SETTLED for one in first]
    held = [one.intent == example.intent for one, example, is_so in zip(first, asked, settled, strict=True) if is_so]
    right = [one.intent == example.intent for one, example in zip(known, test.known, strict=True)]
    return {
        "examples": len(train.known),
        "intents": len(called),
        "tested": len(test.known),
        "accuracy": _share(right),
        "in_scope_right": _share([answer == one.intent for answer, one in zip(told, test.known, strict=True)]),
        "unknown_recall": _share([a == NONE for a in answers[len(known) :]]) if test.unknown else None,
        "threshold": round(threshold, 4),
        "settled": _share(settled),
        "settled_right": _share(held) if held else None,
        "us_per_text": round(took_s / len(asked) * 1e6, 1),
        "us_settled": _us_alone(recogniser, encoder, asked, settled, True),
        "us_embedded": _us_alone(recogniser, encoder, asked, settled, False),
        "train_s": round(taught_s, 2),
        "confusion": _confusion(test.known, [one.intent for one in known]),
    }


def _us_alone(
    recogniser: stages.Recogniser,
    encoder: stages.Encoder,
    asked: Sequence[Example],
    settled: Sequence[bool],
    which: bool,
) -> float | None:
    """Processor time of a text that comes alone, over ALONE at most of those that are settled, or of the others."""
    texts = [one.text for one, is_so in zip(asked, settled, strict=True) if is_so is which][:ALONE]
    begun = time.process_time()
    for text in texts:
        recogniser.classify_many([text], encoder)
    return round((time.process_time() - begun) / len(texts) * 1e6, 1) if texts else None


def _confusion(meant: Sequence[Example], taken: Sequence[str]) -> list[dict[str, Any]]:
    """The WORST intents, those that are missed most often, with what they were taken for."""
    missed: dict[str, Counter[str]] = {}
    count = Counter(example.intent for example in meant)
    for example, found in zip(meant, taken, strict=True):
        if found != example.intent:
            missed.setdefault(example.intent, Counter())[found] += 1
    worst = sorted(missed, key=lambda name: (-sum(missed[name].values()) / count[name], name))[:WORST]
    return [
        {"intent": name, "tested": count[name], "right": count[name] - sum(missed[name].values()),
         "taken_for": dict(missed[name].most_common(5))}
        for name in worst
    ]  # fmt: skip


def _share(of: Sequence[bool]) -> float:
    return round(sum(of) / len(of), 4) if of else 0.0
