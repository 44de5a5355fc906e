"""Words in another language, by a language model. Must not write a row."""

from __future__ import annotations

from django.utils.translation import get_language_info

from assistant.language.plain import LONGEST, Told, room_for, told_plainly
from tenants.errors import Unprocessable

PURPOSE = "translation"
RULES = (
    "You translate between the people of a shop and its support team. Translate the words between the marks into {name} ({code}), "
    "as a person would say them. Answer with the translation alone: no quotes, no remarks. Keep names, numbers, links, line "
    "breaks, Markdown and marks such as [EMAIL_1] as they are. Words that are {name} already you repeat unchanged."
)


def translated(words: str, language: str) -> Told:
    """``words`` in ``language`` (ISO 639-1). Raises Unprocessable ``text_too_long``, and as `told_plainly`."""
    if len(words) > LONGEST:
        raise Unprocessable(f"At most {LONGEST} characters are translated at once.", code="text_too_long")
    rules = RULES.format(name=_name(language), code=language)
    return told_plainly(rules, words, kind="words", purpose=PURPOSE, most=room_for(words), language=language)


def _name(language: str) -> str:
    """In English; the code itself where it has no name."""
    try:
        return str(get_language_info(language)["name"])
    except KeyError:
        return language
