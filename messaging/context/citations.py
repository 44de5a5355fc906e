"""What an answer rests on, shown to the person: a link under it (AI-10).

A channel without buttons writes the link into the text (channels_app/content/fit.py). Must not judge a source.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from assistant.port import Source
from channels_app.content.types import Button, Content

MOST = 3  # buttons of a content
TITLE = 20  # characters of a button


def cited(contents: tuple[Content, ...], sources: Sequence[Source]) -> tuple[Content, ...]:
    """The contents, the last text with links to the sources that none of them links to yet. A source without an address on
    the web is for staff alone."""
    places = [place for place, content in enumerate(contents) if content.type == "text"]
    if not sources or not places:
        return contents
    last = contents[places[-1]]
    shown = {str(button.url) for content in contents for button in content.buttons or () if button.url}
    buttons = list(last.buttons or ())
    for source in sources:
        button = _link(source)
        if button and str(button.url) not in shown:
            shown.add(str(button.url))
            buttons.append(button)
    if len(buttons) == len(last.buttons or ()) or last.quick_replies:
        return contents
    buttons = buttons[:MOST]
    return (*contents[: places[-1]], last.model_copy(update={"buttons": tuple(buttons)}), *contents[places[-1] + 1 :])


def _link(source: Source) -> Button | None:
    """None where the source has no address that a message can carry."""
    try:
        return Button(type="url", title=_short(source.title or source.url), url=source.url)
    except ValidationError:
        return None


def _short(title: str) -> str:
    return title if len(title) <= TITLE else title[: TITLE - 1].rstrip() + "…"
