"""Personal data that a provider does not get: replaced by marks on the way out, put back in what comes back.

Owns the marks of one turn. Must not decide what is hidden: the tenant's ``prompting.mask`` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from channels_app.words.personal import find_personal

KINDS = ("EMAIL", "PHONE", "CARD_NUMBER", "IBAN", "NATIONAL_ID", "PROFANITY")
_BETWEEN = r"[\s\\_-]{1,3}"
#: a mark, also as models misspell it: small, with blanks, escaped for Markdown, in other brackets
MARK = re.compile(
    r"\\?[\[［【]\s?("
    + "|".join(kind.replace("_", _BETWEEN) for kind in KINDS)
    + rf"){_BETWEEN}0{{0,3}}(\d{{1,4}})\s?\\?[\]］】]",
    re.I,
)
OPENS, LONGEST = "[［【", 32  # how a mark begins, and how long it is at most


class Mask:
    """What was hidden in one turn. The same words get the same mark, so that the model can tell people apart."""

    def __init__(self, kinds: Sequence[str], region: str | None = None):
        self._kinds, self._region = tuple(kinds), region or None
        self._marks: dict[tuple[str, str], str] = {}
        self._words: dict[str, str] = {}

    def hide(self, said: str) -> str:
        """``said`` with marks for what is hidden. A mark that the person typed is broken up: it would be given another's
        data."""
        said = MARK.sub(lambda found: f"({_named(found)[1:-1]})", said)
        if not self._kinds:
            return said
        parts, end = [], 0
        for kind, start, stop in find_personal(said, kinds=self._kinds, region=self._region):
            parts += [said[end:start], self._mark(kind, said[start:stop])]
            end = stop
        return "".join([*parts, said[end:]])

    def back(self, answer: str) -> str:
        """The answer with the words in place of their marks; a mark that we did not give stays as it is."""
        return MARK.sub(lambda found: self._words.get(_named(found), found.group()), answer)

    def invented_in(self, words: str) -> bool:
        """Whether a mark stands there that we did not give."""
        return bool(self._kinds) and any(_named(found) not in self._words for found in MARK.finditer(words))

    def back_in(self, value: Any) -> Any:
        """The same for all texts of a JSON value: what a tool is called with."""
        if isinstance(value, str):
            return self.back(value)
        if isinstance(value, Mapping):
            return {name: self.back_in(member) for name, member in value.items()}
        return [self.back_in(member) for member in value] if isinstance(value, list | tuple) else value

    @property
    def hidden(self) -> int:
        """How many different things were hidden."""
        return len(self._marks)

    def _mark(self, kind: str, words: str) -> str:
        key = (kind, "".join(words.split()).casefold())
        if key not in self._marks:
            number = sum(1 for other, _ in self._marks if other == kind) + 1
            self._marks[key] = f"[{kind.upper()}_{number}]"
            self._words[self._marks[key]] = words
        return self._marks[key]


def _named(found: re.Match[str]) -> str:
    """The mark as we write it."""
    return f"[{re.sub(_BETWEEN, '_', found[1]).upper()}_{int(found[2])}]"
