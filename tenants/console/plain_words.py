"""What is wrong with a field, for people who filled in a form.

Owns the words in place of pydantic's, which are for programmers: they speak of strings, inputs and patterns. What the
project's own checks say stays as it is. Must not decide what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: how the pattern of a field begins → what to write; the first that fits
PATTERNS = (
    (r"^(https://", "Write a web address that begins with https://."),
    (r"^https://", "Write a web address that begins with https://."),
    (r"^(https?://", "Write a web address that begins with https://."),
    (r"^https?://", "Write a web address that begins with https://."),
    (r"^(\*|https?://", "Write a site as https://www.example.com, without a path."),
    (r"^(/", "Write a path that begins with /."),
    (r"^#[0-9a-fA-F]", "Write a colour as #2563eb."),
    (r"^[0-9]{", "Write digits only."),
    (r"^v[0-9]", "Write a version as v25.0."),
    (r"^[a-z]{2}$", "Write a language as two letters, such as en."),
    (r"^([a-z]{2})?$", "Write a language as two letters, such as en."),
    (r"^[a-z]{2,3}", "Write a language such as en or pt-BR."),
    (r"^([a-z]{2}(", "Write a language such as en or pt-BR."),
    (r"^([A-Z]{2})?$", "Write a country as two capital letters, such as PT."),
    (r"[^\s", "Write something."),
)
OTHER_FORM = "This has not the form that is wanted here."
LEADS = (
    ("Value error, ", ""),
    ("Input should be greater than or equal to ", "Not less than "),
    ("Input should be less than or equal to ", "Not more than "),
    ("Input should be greater than ", "More than "),
    ("Input should be less than ", "Less than "),
    ("Input should be ", "Choose "),
)
WORDS = {
    "missing": "This is needed.",
    "int_parsing": "Write a whole number.",
    "int_type": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "float_parsing": "Write a number.",
    "float_type": "Write a number.",
}
MOST = re.compile(r"at (most|least) (\d+)( characters?)?")


def plain_words(problem: Mapping[str, Any]) -> str:
    """``problem``: with ``code`` and ``message``, as services and `tenants.api.parse.problems` tell it."""
    code, message = str(problem.get("code", "")), str(problem["message"])
    if code in WORDS:
        return WORDS[code]
    if code == "string_pattern_mismatch":
        pattern = message.partition("'")[2]
        return next((words for begins, words in PATTERNS if pattern.startswith(begins)), OTHER_FORM)
    if code in ("string_too_short", "string_too_long", "too_short", "too_long") and (found := MOST.search(message)):
        if (found[1], found[2]) == ("least", "1"):
            return "Write something."
        return f"At {found[1]} {found[2]}{found[3] or ''}."
    for lead, words in LEADS:
        if message.startswith(lead):
            told = f"{words}{message.removeprefix(lead)}"
            return told if told.endswith((".", "!", "?")) else f"{told}."
    return message
