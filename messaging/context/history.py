"""What earlier messages say in words, for engines: of cards, files and places, too.

Must not query.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from channels_app.content.fit import fit
from channels_app.content.types import Capabilities, Content

WORDS_ALONE = Capabilities()


def in_words(content: Mapping[str, Any], text: str) -> str:
    """What a channel of text alone would show of a stored message; ``text`` is what the message itself says. Addresses of
    files are left out: they are no words, and not everybody's."""
    kind = content.get("type", "text")
    if kind == "text":
        return text
    try:
        shown = fit(Content.model_validate(content), WORDS_ALONE, link=lambda address: "")
    except ValidationError:  # of an earlier release, or of what is known no more
        return text or f"[{kind}]"
    words = "\n".join(part.text for part in shown.parts if part.text and part.text != "…")  # nothing to say of a file
    named = f"[{kind}]" if content.get("media") else ""
    return " ".join(filter(None, (named, words))) or f"[{kind}]"
