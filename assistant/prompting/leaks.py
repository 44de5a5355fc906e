"""Whether an answer gives away what the model was told in confidence: our rules and the tenant's system prompt.

Owns the comparison and what may be streamed meanwhile. Must not decide what is said instead.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

#: letters and digits in a row, blanks and marks not counted, that are no coincidence
RUN = 60
#: a secret shorter than RUN counts where it is told whole, if it is at least so long: shorter ones are everybody's words
SHORTEST = 20
#: letters in a row that the end of a growing answer may share with the secret before the rest is held back
TAIL = 14
ENCODED = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[\s:]?){24,}")


def plain(words: str) -> str:
    """The letters and digits of ``words``, small: what is left however it is spaced, accented or set in marks."""
    spread = unicodedata.normalize("NFKD", words).casefold()
    return "".join(letter for letter in spread if letter.isalnum())


class Secret:
    """What no answer may repeat, in whichever order of its letters or common encoding."""

    def __init__(self, *texts: str):
        self._texts = [short for one in texts if len(short := plain(one)) >= SHORTEST]
        self._runs = {
            one[at : at + min(RUN, len(one))] for one in self._texts for at in range(max(1, len(one) - RUN + 1))
        }
        self._lengths = {len(run) for run in self._runs}

    def told_in(self, answer: str) -> bool:
        """Whether ``answer`` holds a run of it: as it is, backwards, by rot13, in base64 or hexadecimal, or escaped as in
        addresses and HTML."""
        letters = plain(answer)
        forms = [letters, letters[::-1], codecs.encode(letters, "rot13"), *map(plain, _decoded(answer))]
        return any(self._within(form) for form in forms)

    def shared_end(self, answer: str) -> int:
        """How many of the last letters of ``answer`` (as `plain` has them) run along the secret; 0 below TAIL."""
        letters = plain(answer[-4 * RUN :])
        longest = 0
        for size in range(TAIL, min(len(letters), RUN) + 1):
            if not any(letters[-size:] in one for one in self._texts):
                break
            longest = size
        return longest

    def _within(self, letters: str) -> bool:
        return any(
            letters[at : at + length] in self._runs
            for length in self._lengths
            for at in range(len(letters) - length + 1)
        )


def _decoded(answer: str) -> list[str]:
    """What stands in it in base64 or hexadecimal, and what it is without the escapes of addresses and HTML."""
    found = [bytes.fromhex("".join(re.findall(r"[0-9A-Fa-f]{2}", run))) for run in HEX.findall(answer)]
    for run in ENCODED.findall(answer):
        cut = run.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            found.append(base64.b64decode(cut + "=" * (-len(cut) % 4)))
        except (binascii.Error, ValueError):
            continue
    escaped = [unquote(answer)] if "%" in answer else []
    escaped += [html.unescape(answer)] if "&" in answer else []
    return [*escaped, *(one.decode("utf-8", "ignore") for one in found)]


def texts_in(value: Any) -> str:
    """The names and texts of a JSON value, however deep, one per line."""
    if isinstance(value, Mapping):
        return "\n".join(f"{name}\n{texts_in(member)}" for name, member in value.items())
    if isinstance(value, list):
        return "\n".join(map(texts_in, value))
    return value if isinstance(value, str) else ""


class Spoken:
    """The way of a growing answer to the person: words are passed on as they come, save for an end that may become a mark of
    ours or a run of the secret. After a run nothing is passed on any more.

    ``shown`` makes of the model's words what people see; it must leave what it made of the beginning as it is.
    """

    def __init__(self, stream: Callable[[str], None], secret: Secret, shown: Callable[[str], str]):
        self._stream, self._secret, self._shown = stream, secret, shown
        self._said, self._passed, self.leaked = "", 0, False

    def __call__(self, piece: str) -> None:
        self._said += piece
        if self.leaked or self._secret.told_in(self._said[-16 * RUN :]):
            self.leaked = True
            return
        end = self._said
        opened = end.rfind("[")
        if opened >= 0 and "]" not in end[opened:] and len(end) - opened < 24:
            end = end[:opened]
        end = end.rstrip(" \t")  # a number in brackets takes the blank before it along
        held = self._secret.shared_end(end)
        while held and end:  # back to before the run began
            held -= len(plain(end[-1]))
            end = end[:-1]
            held = max(held, 0)
        self._pass_on(end)

    def finish(self) -> None:
        """The answer is whole: what was held back is no part of anything."""
        if not self.leaked and not self._secret.told_in(self._said):
            self._pass_on(self._said)

    def _pass_on(self, words: str) -> None:
        shown = self._shown(words)
        if len(shown) > self._passed:
            self._stream(shown[self._passed :])
            self._passed = len(shown)
