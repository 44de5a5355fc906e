"""Names that people give to what they make: labels, teams, roles, keys. Two that look alike are one name.

Owns the one form of a name. Must not know whose it is, nor judge its words.
"""

from __future__ import annotations

import re
import unicodedata

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # control, format (bidi, zero width, tags), surrogate, no character
JOINERS = "\u200c\u200d"  # letters of some scripts, and emoji, look different with them
FILLERS = "\u115f\u1160\u3164\uffa0"  # of Hangul: letters that are blank
#: beside a character of ASCII, or at an end, a joiner is not seen
IDLE = re.compile(rf"(?<=[ -~{JOINERS}])[{JOINERS}]|[{JOINERS}](?=[ -~{JOINERS}]|$)|^[{JOINERS}]")


def name_clean(given: str) -> str:
    """``given`` in NFC and on one line, without what is not seen; "" where nothing is left."""
    seen = (" " if one.isspace() else one for one in unicodedata.normalize("NFC", given) if _is_seen(one))
    return " ".join(IDLE.sub("", "".join(seen)).split())


def _is_seen(one: str) -> bool:
    return one not in FILLERS and (one in JOINERS or one.isspace() or unicodedata.category(one) not in UNSEEN)


def name_taken(given: str) -> str:
    """`name_clean`. Raises PydanticCustomError ``name_unseen`` where nothing is left of it."""
    cleaned = name_clean(given)
    if given and not cleaned:
        raise PydanticCustomError("name_unseen", "Nothing of the name can be seen")
    return cleaned


def text_taken(given: str) -> str:
    """``given`` as it is. Raises PydanticCustomError ``text_unseen`` where nothing of it can be seen."""
    if given and not name_clean(given):
        raise PydanticCustomError("text_unseen", "Nothing of the text can be seen")
    return given


#: for a text that people or models read, after its bounds: blanks alone are refused
Said = AfterValidator(text_taken)
#: for a text that is a name, after its bounds: `name_clean`; what cannot be seen at all is refused
Seen = AfterValidator(name_taken)
