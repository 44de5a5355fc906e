"""Whether an article speaks of all that a question names: "can I rent *skis*" is near to an article on renting tents.

Owns which words of a question count, and how near each is to the article's. Must not touch the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from assistant.intents.common import COMMON, SENTENCES
from assistant.knowledge.facts import FEWEST, WORD, stem_of
from assistant.vectors import texts

MOST = 150  # words of an article that are compared
KEPT = 64  # articles whose words a process remembers, 150 KB each at most

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
    an everyday word. Some 5 ms, and 10 more with the first question to an article. Loads the encoder."""
    words = _words(article)
    stems = set(map(stem_of, words))
    asked = [word for word in _words(question) if stem_of(word) not in stems and word not in _everyday()]
    telling = tuple(word for word in words if word not in _everyday())  # "days" is near to "dog"
    if not asked or not telling:
        return 1.0
    return float((texts.encoded(asked) @ _numbers(telling[:MOST]).T).max(axis=1).min())


def _words(*said: str) -> tuple[str, ...]:
    """Each once, in their order."""
    found = (word for text in said for word in WORD.findall(text.casefold()) if len(word) >= FEWEST)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=KEPT)
def _numbers(words: tuple[str, ...]) -> Any:
    return texts.encoded(words).astype("float32")


@cache
def _everyday() -> frozenset[str]:
    """What people say whatever it is about, in the languages of the assistant."""
    taught: Iterable[str] = (
        said for languages in COMMON.values() for examples, _ in languages.values() for said in examples
    )
    ours = (said for sentences in SENTENCES.values() for said in sentences.values())
    return frozenset(_words(ASKING, *taught, *ours))
