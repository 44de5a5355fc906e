"""What a person can pick in a content, and which option a typed answer means.

Owns the one order in which options are numbered. Must not know how a channel shows them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from channels_app.content.types import Button, Choice, Content, ListRow


@dataclass(frozen=True)
class Option:
    """Something to pick. ``number`` counts from 1 over the whole content; ``place`` is card, row,
    button or reply; ``group`` the title of its card or section."""

    number: int
    payload: str
    title: str
    place: str
    description: str = ""
    group: str = ""

    def line(self) -> str:
        return f"{self.title} — {self.description}" if self.description else self.title

    def as_row(self) -> ListRow:
        return ListRow(title=self.title, payload=self.payload, description=self.description or None)


def options(content: Content) -> list[Option]:
    """Everything that can be picked, in one fixed order: cards, rows, buttons, quick replies."""
    found: list[tuple[Any, str, str]] = [
        (button, "card", card.title) for card in content.cards or () for button in _postbacks(card.buttons)
    ]
    found += [(row, "row", section.title or "") for section in content.sections or () for row in section.rows]
    found += [(button, "button", "") for button in _postbacks(content.buttons or ())]
    found += [(reply, "reply", "") for reply in content.quick_replies or ()]
    return [
        Option(number, item.payload or item.title, item.title, place, getattr(item, "description", None) or "", group)
        for number, (item, place, group) in enumerate(found, 1)
    ]


def numbered_choices(content: Content) -> dict[int, tuple[str, str]]:
    """number → (payload, title), as ``fit`` numbers the options of ``content`` when it writes them."""
    return {option.number: (option.payload, option.title) for option in options(content)}


def choice_for(content: Content, typed: str, *, numbered: bool = True) -> Choice | None:
    """The option a person means by typing its title, or its number ("2", "2.", "２)") where the options
    were shown ``numbered``; else None."""
    said = _spoken(typed)
    found = options(content)
    by_title = [option for option in found if _spoken(option.title) == said]
    by_number = [option for option in found if numbered and str(option.number) == said]
    return next((Choice(value=option.payload, title=option.title) for option in by_title + by_number), None)


def _postbacks(buttons: tuple[Button, ...]) -> list[Button]:
    return [button for button in buttons if button.type == "postback"]


def _spoken(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().rstrip(".):").strip().casefold()
