"""What other systems call their people: one form, so that one person is one identity however an id was typed.

Owns that form. Must not look a person up.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from channels_app.content.normalise import INVISIBLE, UNSTORABLE

LONGEST = 255
MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u061c"))


def clean_id(given: str) -> str:
    """``given`` in NFC, without blanks round it and without invisible characters, marks of direction too, which come along
    where an id is copied; "" when nothing is left."""
    seen = INVISIBLE.sub("", UNSTORABLE.sub("", given)).translate(MARKS)
    return unicodedata.normalize("NFC", seen).strip()


def _clean(given: str) -> str:
    cleaned = clean_id(given)
    if not cleaned:
        raise PydanticCustomError("string_too_short", "The id is blank")
    if len(cleaned) > LONGEST:  # some letters are two in NFC
        raise PydanticCustomError("string_too_long", "The id is too long")
    return cleaned


#: the id of a person in a caller's system
PersonId = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_clean)]
