"""Several wishes in one message: "where is my order and how do I return it?".

Owns where a text may be cut. Must not decide what the parts mean.
"""

from __future__ import annotations

import regex

MOST = 4  # parts; longer messages tell a story
LONGEST = 400  # characters
SHORTEST = 2  # words of a part that can be a wish

_BETWEEN = regex.compile(
    r"[?!;\n]+|\.(?=\s)|(?<!\s),?\s+(?:and also|and|also|und außerdem|und|außerdem|et aussi|et|y además|y|además|e também|e)\s+",
    regex.IGNORECASE,
)


def parts_of_wish(text: str) -> list[str]:
    """What may be wishes of their own, in order; [] where there is one at most."""
    if len(text) > LONGEST:
        return []
    parts = [part.strip(" ,.") for part in _BETWEEN.split(text)]
    parts = [part for part in parts if len(part.split()) >= SHORTEST]
    return parts if 2 <= len(parts) <= MOST else []
