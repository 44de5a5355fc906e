"""What is shown once on a page of the console, and copied by a button: a key, a link."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html

FIELD = (
    '{} <span class="shown-once"><input id="{}" value="{}" readonly aria-label="{}" data-copied>'
    '<button type="button" data-copy="{}" hidden>Copy</button></span>'
)


def show_once(request: HttpRequest, words: str, secret: str, name: str) -> None:
    """On the next page that is shown. ``name``: what it is, for people who do not see it."""
    place = "shown-once"
    messages.warning(request, format_html(FIELD, words, place, secret, name, place))
