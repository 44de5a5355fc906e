"""From an entry of the account's template list to a RemoteTemplate.

Owns the words of the list. Must not know how templates are stored or sent.
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from channels_app.adapters.wire import array, obj, string
from channels_app.content.types import TemplateUse
from channels_app.contract import Complaint, RemoteTemplate

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
MEDIA_HEADERS = ("image", "video", "document")
#: characters that a value may have, by the place that it fills
MOST = {"header": 60, "body": 1024, "button": 2000}
TEXT_BUTTONS = frozenset({"url", "quick_reply", "phone_number"})  # others need parameters of their own


def template_listed(entry: Any) -> RemoteTemplate | None:
    """One entry; None when it has no name or language. What we cannot fill in says so in ``unsupported``."""
    name, language = string(entry, "name", limit=512), string(entry, "language", limit=15)
    if not name or not language:
        return None
    components = [obj(component) for component in array(entry, "components")]
    reason = string(entry, "rejected_reason", limit=200).lower()
    return RemoteTemplate(
        name=name,
        language=language,
        text="\n\n".join(filter(None, map(_words, components))),
        status=string(entry, "status", limit=40).lower(),
        category=string(entry, "category", limit=20).lower(),
        platform_id=string(entry, "id", limit=60),
        reason="" if reason == "none" else reason,
        unsupported=next((why for why in map(_obstacle, components) if why), ""),
    )


def template_complaints(use: TemplateUse) -> Iterator[Complaint]:
    """The values that the place they fill has no room for."""
    for name, value in use.variables.items():
        place = name.partition(".")[0]
        most = MOST.get(place, MOST["body"])
        if len(value) > most:
            sentence = f"The template's variable {name} takes {most} characters, not {len(value)}."
            yield Complaint(f"template.variables.{name}", "template_variable_too_long", sentence)


def _words(component: dict[str, Any]) -> str:
    """What the person reads, with its variables under the names that `outbound` takes."""
    kind = string(component, "type").lower()
    if kind == "header" and string(component, "format").lower() in MEDIA_HEADERS:
        return f"{{{{header.{string(component, 'format').lower()}}}}}"
    if kind == "header":
        return PLACEHOLDER.sub(r"{{header.\1}}", string(component, "text"))
    if kind == "buttons":
        return "\n".join(_buttons(component))
    return PLACEHOLDER.sub(r"{{\1}}", string(component, "text"))


def _buttons(component: dict[str, Any]) -> Iterator[str]:
    for index, button in enumerate(array(component, "buttons")):
        target = PLACEHOLDER.sub(f"{{{{button.{index}}}}}", string(button, "url")) or string(button, "phone_number")
        title = string(button, "text", limit=25)
        yield f"{title}: {target}" if target else f"[{title}]"


def _obstacle(component: dict[str, Any]) -> str:
    kind, form = string(component, "type").lower(), string(component, "format").lower()
    if kind == "header" and form not in ("", "text", *MEDIA_HEADERS):
        return f"header:{form}"
    if kind == "buttons":
        kinds = (string(button, "type").lower() for button in array(component, "buttons"))
        return next((f"button:{kind}" for kind in kinds if kind not in TEXT_BUTTONS), "")
    return "" if kind in ("header", "body", "footer") else f"component:{kind}"
