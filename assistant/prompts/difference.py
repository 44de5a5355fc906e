"""What one text of a prompt has that another has not, word by word, for staff before a version holds.

Must not know rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

WORDS = re.compile(r"\s+|\S+")
Kind = Literal["same", "gone", "new"]


def words_different(before: str, after: str) -> Iterator[tuple[Kind, str]]:
    """Stretches in their order: without the ``new`` ones they are ``before``, without those ``gone`` they are ``after``."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    for _how, from_old, to_old, from_new, to_new in SequenceMatcher(None, old, new).get_opcodes():
        gone, came = "".join(old[from_old:to_old]), "".join(new[from_new:to_new])
        if gone == came:
            yield "same", came
            continue
        if gone:
            yield "gone", gone
        if came:
            yield "new", came
