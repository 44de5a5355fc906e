"""One name per thing: what a page is called at its top is what the sidebar calls it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from django import template
from django.conf import settings

from chatsvc.web.sidebar import name_of
from conversations.files.media_links import PATH
from tenants.console.dollars import dollars as usd

register = template.Library()


@register.filter
def of_ours(address: str | None) -> bool:
    """Whether a browser of staff may fetch what a message names: only from us, and so no other host learns that it was looked at."""
    return bool(address) and str(address).startswith(f"{settings.PUBLIC_URL}{PATH}")


@register.filter
def dollars(cost: Any) -> Any:
    """A cost in US dollars; what is no number, as another engine may tell it, stays as it is."""
    return usd(cost) if isinstance(cost, int | float) and isfinite(cost) else cost


@register.filter
def trail(parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps to a page without the app, which is no page of ours, and each by its name in the sidebar."""
    own = parts[1:] if len(parts) > 1 else parts
    return [{**part, "title": name_of(part.get("link")) or part["title"]} for part in own]
