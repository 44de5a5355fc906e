"""Whether an answer gives away what the model was told in confidence: our rules and the tenant's system prompt.

Owns the comparison and what may be streamed meanwhile. Must not decide what is said instead.

An answer is listened to as it grows. What it says is compared in several forms (`FORMS`), each blind to a way of writing the
same, and so is what it says in codes that everybody can undo (spellings.py); short secrets are looked for by themselves
(marks.py). What is told in other words, or in another language, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from assistant.prompting.forms import FORMS, Line, known_of
from assistant.prompting.letters import seen
from assistant.prompting.marks import pattern_of
from assistant.prompting.masking import LONGEST, OPENS
from assistant.prompting.spellings import spelled

#: an unfinished word that is as long, or has other letters than small ones behind its first, may be in a code: it is passed
#: on once it has ended and says nothing
LONG_WORD = 8
NEAR = 3  # words after which a text is not taken to go on in a code
DEEP = 2  # codes within a code
CLOSED = re.compile("[]］】]")
TAIL = 240  # signs of an answer within which a short secret is looked for


class Secret:
    """What no answer may repeat: a run of one of ``texts``, or one of ``marks`` whole."""

    def __init__(self, *texts: str, marks: tuple[str, ...] = ()):
        self.known, self.marks, self.pattern = known_of(texts), marks, pattern_of(marks)

    def told_in(self, answer: str) -> bool:
        """Whether ``answer`` gives it away, in whichever order, letters or common code."""
        listener = Listener(self)
        listener.hear(answer)
        listener.finish()
        return listener.told


class Listener:
    """Listens to an answer as it grows. ``told``: it gives the secret away; ``begun``: it may be about to, and so many of its
    last signs (as they are `seen`) must not be passed on yet."""

    def __init__(self, secret: Secret, deep: int = DEEP):
        self._secret, self._deep = secret, deep
        self._lines = [Line(form, known) for form, known in zip(FORMS, secret.known, strict=True) if known.runs]
        self._codes: dict[str, Listener] = {}
        self._fed: dict[str, int] = {}  # words ago that one was of the code
        self._word = self._tail = ""
        self.begun = 0
        self._found = False

    @property
    def told(self) -> bool:
        return self._found or any(line.told for line in self._lines) or any(code.told for code in self._codes.values())

    @property
    def along(self) -> bool:
        """Whether it runs along the secret right now, or may do so in a code."""
        return (
            self._spelling
            or any(line.along for line in self._lines)
            or any(code.along or code.begun > 1 for name, code in self._codes.items() if self._fed[name] <= NEAR)
        )

    @property
    def _spelling(self) -> bool:
        word = self._word if self._deep == DEEP else ""
        return len(word) >= LONG_WORD or (len(word) > 2 and not word[1:].islower())

    def hear(self, piece: str) -> None:
        read = seen(piece)
        for line in self._lines:
            line.hear(read)
        self._look(read, last=False)
        if self._deep:
            words = (self._word + piece).split()
            self._word = words.pop() if words and not piece[-1:].isspace() else ""
            self._decode(words)

    def finish(self) -> None:
        for line in self._lines:
            line.hear(" ")
        self._look("", last=True)
        self._decode([self._word] if self._word else [])
        self._word = ""
        for code in self._codes.values():
            code.finish()

    def _decode(self, words: list[str]) -> None:
        if not words:
            return
        said = spelled(words)
        self._fed = {name: ago + len(words) for name, ago in self._fed.items()} | dict.fromkeys(said, 0)
        for name, told in said.items():
            self._codes.setdefault(name, Listener(self._secret, self._deep - 1)).hear(told)

    def _look(self, read: str, *, last: bool) -> None:
        if self._secret.pattern is None:
            return
        text = self._tail + read
        found = self._secret.pattern.search(text, partial=not last)
        open_end = found is not None and not last and found.end() == len(text)  # "4711" may be of "47110"
        self._found |= found is not None and not open_end
        self.begun = len(text) - found.start() if found is not None and open_end else 0
        self._tail = text[-TAIL:]


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
        self._stream, self._listener, self._shown = stream, Listener(secret), shown
        self._said, self._passed = "", 0

    @property
    def leaked(self) -> bool:
        return self._listener.told

    def __call__(self, piece: str) -> None:
        self._said += piece
        if self.leaked:
            return
        self._listener.hear(piece)
        if self.leaked or self._listener.along:
            return
        end, held = self._said, self._listener.begun
        while held > 0 and end:  # back to before the short secret began
            held -= len(seen(end[-1]))
            end = end[:-1]
        opened = max(map(end.rfind, OPENS))
        if opened >= 0 and not CLOSED.search(end, opened) and len(end) - opened < LONGEST:
            end = end[:opened]
        self._pass_on(end.rstrip(" \t\\"))  # a number in brackets takes the blank before it along, a mark its escape

    def finish(self) -> None:
        """The answer is whole: what was held back is no part of anything."""
        self._listener.finish()
        if not self.leaked:
            self._pass_on(self._said)

    def _pass_on(self, words: str) -> None:
        shown = self._shown(words)
        if len(shown) > self._passed:
            self._stream(shown[self._passed :])
            self._passed = len(shown)
