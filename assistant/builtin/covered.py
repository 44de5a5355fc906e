"""Whether an article speaks of all that a question names: "can I rent *skis*" is near to an article on renting tents.

Owns which words of a question count, and how near each is to the article's. Must not touch the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from assistant.intents.common import COMMON, SENTENCES
from assistant.knowledge.facts import FEWEST, WORD, stem_of
from assistant.vectors import texts

MOST = 150  # words of an article that are compared
KEPT = 8_000  # words that a process remembers, 12 MB

#: by which people ask whatever it is about, beside what the assistant was taught of that
ASKING = (
    "possible possibly able allowed may might would should could like need needs want know tell "
    "möglich darf dürfen möchte möchten würde würden könnte könnten brauche bräuchte will gern gerne "
    "possible peux peut puis-je voudrais aimerais faut besoin veux souhaite "
    "posible puedo puede quisiera gustaría necesito quiero debo "
    "possível posso pode queria gostava gostaria preciso quero devo"
)


def least_covered(question: str, article: str) -> float:
    """How near the word that is farthest from all words of the article is to one of them, 0 to 1; 1 where each is one of them, or
    an everyday word. Some 0.1 ms for each word that the process meets for the first time. Loads the encoder."""
    words = _words(article)
    stems = set(map(stem_of, words))
    asked = [word for word in _words(question) if stem_of(word) not in stems and word not in _everyday()]
    telling = tuple(word for word in words if word not in _everyday())  # "days" is near to "dog"
    if not asked or not telling:
        return 1.0
    numbers = _numbers((*asked, *telling[:MOST]))
    return float((numbers[: len(asked)] @ numbers[len(asked) :].T).max(axis=1).min())


def _words(*said: str) -> tuple[str, ...]:
    """Each once, in their order."""
    found = (word for text in said for word in WORD.findall(text.casefold()) if len(word) >= FEWEST)
    return tuple(dict.fromkeys(found))


_kept: dict[str, Any] = {}


def _numbers(words: tuple[str, ...]) -> Any:
    import numpy as np

    found: dict[str, Any] = {word: _kept.get(word) for word in words}
    if new := [word for word, numbers in found.items() if numbers is None]:
        learnt = dict(zip(new, texts.encoded(new).astype("float32"), strict=True))
        if len(_kept) + len(learnt) > KEPT:
            _kept.clear()
        _kept.update(learnt)
        found |= learnt
    return np.stack([found[word] for word in words])


@cache
def _everyday() -> frozenset[str]:
    """What people say whatever it is about, in the languages of the assistant."""
    taught: Iterable[str] = (
        said for languages in COMMON.values() for examples, _ in languages.values() for said in examples
    )
    ours = (said for sentences in SENTENCES.values() for said in sentences.values())
    return frozenset(_words(ASKING, *taught, *ours))
