"""Whether a text agrees to what was asked, or refuses it, where something is then done that cannot be taken back.

Owns signs and shapes of a yes and a no. Likeness to "yes" is no consent: "maybe" has most of its letters. Must not decide what
follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

UP, DOWN = frozenset("👍👌✅🆗"), frozenset("👎❌🚫")
STYLE = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff\\s]")  # colours of skin, and how a sign is drawn
#: the common intents that may follow a yes
AGREEABLE = frozenset({"yes", "thanks", "goodbye"})
#: what makes a yes depend on something
UNLESS = re.compile(
    r"\b(?:if|unless|only|but|wenn|falls|nur|aber|erst|si|sauf|mais|seulement|solo|pero|salvo|se|só|mas|exceto)\b", re.I
)
LONGEST_YES = 3  # words
WORD = re.compile(r"[^\s,.;!…]+")


def sign_of(text: str) -> Literal["yes", "no", ""]:
    """What a text says that is such signs and nothing else."""
    signs = set(STYLE.sub("", text[:40]))
    return "yes" if signs and signs <= UP else "no" if signs and signs <= DOWN else ""


def after_yes(text: str, is_yes: Callable[[str], bool]) -> str | None:
    """What stands behind the yes that a text begins with; None where it begins with none. ``is_yes``: of some words alone."""
    words = list(WORD.finditer(text[:200]))
    for many in range(min(LONGEST_YES, len(words)), 0, -1):
        if is_yes(text[: words[many - 1].end()]):
            return text[words[many - 1].end() :].strip(" ,.;!…\n")
    return None
