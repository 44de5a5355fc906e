"""What a person hands in beside messages: a filled-in survey, a cart.

Owns these two readings. Never raises.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/template/customer-feedback
"""

from __future__ import annotations

from typing import Any

from channels_app.adapters.wire import array, obj, string
from channels_app.content.surroundings import form_of
from channels_app.content.types import Content, worded

MOST = 100  # questions or products of one
#: of an answer that is rated by the platform's own buttons → the emoji that says so
THUMBS = {"good": "👍", "bad": "👎"}


def thumb_of(word: str) -> str:
    """The emoji for a word of the platform's ("Good response"); "" for one that is unknown."""
    return THUMBS.get(word.strip().casefold().partition(" ")[0], "")


def survey_of(feedback: Any) -> Content | None:
    """The answers, each under its question's id, with what was written to it; None when nothing was said."""
    said: dict[str, Any] = {}
    for screen in array(feedback, "feedback_screens"):
        for name, question in list(obj(screen, "questions").items())[:MOST]:
            said[name] = string(question, "payload")
            said[f"{name}: comment"] = string(question, "follow_up", "payload")
    form = form_of("feedback", said)
    return Content(type="text", form=form, **worded(form.lines)) if form else None


def cart_of(order: Any) -> Content | None:
    """The products, one a line, and what the person wrote to them; None when nothing is in it."""
    names = ("quantity", "name", "unit_price", "currency")
    lines = [_line(product, *names) for product in array(order, "products")[:MOST]]
    note = string(order, "note").strip()
    words = "\n".join([*(["Order:", *lines] if lines else []), *filter(None, [note])])
    return Content(type="text", **worded(words)) if words else None


def _line(product: Any, *names: str) -> str:
    quantity, name, price, currency = (string(product, part, limit=200) for part in names)
    sku = string(product, "retailer_id", limit=200) or string(product, "id", limit=200)
    what = f"{name} ({sku})" if name and sku else name or sku or "unnamed"
    cost = f" at {price} {currency}".rstrip() if price else ""
    return f"{quantity or 1} × {what}{cost}"
