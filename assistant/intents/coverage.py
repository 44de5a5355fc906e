"""How much of what a text says was ever taught of an intent: "I would like to come by on Friday and try on those boots" has
"Friday" of the times of delivery, and nothing else.

Owns that share. Must not decide what follows.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assistant.intents.learning.training import Example
from assistant.intents.spelling import WORD
from assistant.knowledge.facts import FEWEST, stem_of


@dataclass(frozen=True)
class Coverage:
    """``often``: in how many examples the beginning of a word stands; ``said``: those of each intent."""

    examples: int
    often: Counter[str]
    said: Mapping[str, frozenset[str]]

    def known(self, text: str) -> float:
        """The share of a text's words that stand in any example; rare ones count for more."""
        return self._share(text, self.often)

    def of(self, text: str, intent: str) -> float:
        """… in an example of the intent."""
        return self._share(text, self.said.get(intent, frozenset()))

    def _share(self, text: str, among: Mapping[str, int] | frozenset[str]) -> float:
        weights = {stem: math.log(self.examples / (self.often[stem] or 1)) for stem in stems_of(text)}
        whole = sum(weights.values())
        return sum(weight for stem, weight in weights.items() if stem in among) / whole if whole else 1.0


def coverage_of(examples: Iterable[Example]) -> Coverage:
    often, said, count = Counter[str](), defaultdict[str, set[str]](set), 0
    for example in examples:
        stems = stems_of(example.text)
        often.update(stems)
        said[example.intent] |= stems
        count += 1
    return Coverage(max(count, 2), often, {intent: frozenset(stems) for intent, stems in said.items()})


def stems_of(text: str) -> set[str]:
    return {stem_of(word) for word in WORD.findall(text.casefold()) if len(word) >= FEWEST}
