"""The form before the chat: whether what a visitor filled in answers the channel's questions.

Must not store anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from channels_app.adapters.web import FormField
from channels_app.content.normalise import clean_text
from messaging.webchat.frames import MAX_ANSWER
from tenants.errors import Invalid

#: of the contact's own columns
LONGEST = {"name": 200, "email": 254, "phone": 20}


def answers_of(fields: Sequence[FormField], given: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """The answers to ``fields``, cleaned; what was not asked is left out, and so is what was not answered.

    Raises Invalid ``profile_invalid`` that names the first field whose answer is missing or of another type.
    """
    answers = {field.name: _answer(field, given.get(field.name, "")) for field in fields}
    return {name: answer for name, answer in answers.items() if answer != ""}


def _answer(field: FormField, given: str | bool) -> str | bool:
    if field.type == "checkbox":
        return _fitting(field, given, given is True or (not field.required and given in (False, "")))
    words = clean_text(given, limit=MAX_ANSWER).strip() if isinstance(given, str) else ""
    fits = len(words) <= LONGEST.get(field.name, MAX_ANSWER) and CHECKS.get(field.type, _anything)(field, words)
    return _fitting(field, words, fits if words else not field.required)


def _fitting(field: FormField, answer: str | bool, fits: bool) -> str | bool:
    if not fits:
        raise Invalid(f"The answer to `{field.name}` is missing or not valid.", code="profile_invalid")
    return answer


def _anything(field: FormField, words: str) -> bool:
    return True


def _is_date(field: FormField, words: str) -> bool:
    try:
        date.fromisoformat(words)
    except ValueError:
        return False
    return True


def _like(pattern: str) -> Callable[[FormField, str], bool]:
    return lambda field, words: re.fullmatch(pattern, words) is not None


#: what browsers let through for an input of the type, roughly; https://html.spec.whatwg.org/#states-of-the-type-attribute
CHECKS: dict[str, Callable[[FormField, str], bool]] = {
    "email": _like(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*"),
    "tel": _like(r"\+?[0-9 ()./\-]{3,40}"),
    "url": _like(r"https?://\S+"),
    "number": _like(r"-?\d{1,30}([.,]\d{1,30})?"),
    "date": _is_date,
    "select": lambda field, words: words in field.options,
}
