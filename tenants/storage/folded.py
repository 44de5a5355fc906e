"""A column of folded words, as each engine can look for one of them.

Owns how it is kept: on SQL as one text, words between blanks; on MongoDB as a list, of which each word is in the index.
Must not know how words are folded.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from tenants.storage.db import on_mongo


class Folded(models.TextField):
    """Written as the text that channels_app/words/folding.py makes; not read but by a search."""

    if on_mongo():

        def get_prep_value(self, value: Any) -> Any:
            return value.split() if isinstance(value, str) else value
