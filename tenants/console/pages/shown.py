"""How pages of the console show words, values and times."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime


def verbatim(said: Any) -> str:
    """Text, or a value as JSON, as it stands; long words wrap."""
    words = said if isinstance(said, str) else json.dumps(said, indent=1, ensure_ascii=False)
    return format_html('<pre class="verbatim">{}</pre>', words)


def shortened(words: str, most: int = 60) -> str:
    """The beginning of a text: a list has one line for it."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip(' .,;:')}…"


def moment(at: datetime | None) -> str:
    """A time as all pages show it, for what a page computes: Django shows it so by itself in fields alone."""
    return date_format(localtime(at), "DATETIME_FORMAT") if at else "—"
