"""What a person can pick in a content, what tells the options apart, and which one an answer means.

Owns the one order in which options are numbered. Must not know how a channel shows them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from channels_app.content.types import Button, Choice, Content, ListRow
from channels_app.words.split import shorten

MARK = "␟"  # around a payload that had to be changed for a platform's sake; on no keyboard
MARKED = re.compile(rf"{MARK}(.*){MARK}\d{{1,3}}", re.DOTALL)
MARK_ROOM = 5  # characters that it takes


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


def choice_for(content: Content, typed: str, *, numbered: bool = True) -> Choice | None:
    """The option a person means by typing its title, or its number ("2", "2.", "２)", "2. Blue") where the
    options were shown ``numbered``; else None."""
    said = _spoken(typed)
    found = options(content)
    by_title = [option for option in found if _spoken(option.title) == said]
    by_number = [option for option in found if numbered and said in _numbered(option)]
    return next((Choice(value=option.payload, title=option.title) for option in by_title + by_number), None)


def payloads_apart(payloads: Sequence[str]) -> list[str]:
    """``payloads`` as a platform takes them that wants each once and none with blanks at its ends; `payload_meant`
    undoes it. What is in order stays as it is."""
    apart: list[str] = []
    for number, payload in enumerate(payloads):
        as_it_is = payload == payload.strip() and payload not in apart
        apart.append(payload if as_it_is else f"{MARK}{payload_meant(payload)}{MARK}{number}")
    return apart


def payload_meant(value: str) -> str:
    """The payload that came back as ``value``, as it was before `payloads_apart`."""
    marked = MARKED.fullmatch(value)
    return marked[1] if marked else value


def choices_apart(picks: list[Any]) -> list[Any]:
    """``picks`` with payloads of which no two are the same; links and phone numbers as they are."""
    answers = [pick for pick in picks if getattr(pick, "type", "postback") == "postback"]
    payloads = iter(payloads_apart([pick.payload or pick.title for pick in answers]))
    return [pick.model_copy(update={"payload": next(payloads)}) if pick in answers else pick for pick in picks]


def titles_apart(
    titles: Sequence[str],
    limit: int,
    numbers: Sequence[int],
    taken: Set[str] = frozenset(),
    groups: Sequence[str] | None = None,
) -> list[str]:
    """The titles; those of options with their numbers when one of them would look like another once shortened, or like
    one of ``taken``. What stands in different ``groups`` is apart already. A number of 0 is no option's."""
    looks = [looks_of(shorten(title, limit)) for title in titles]
    places = Counter(zip(groups or [""] * len(looks), looks, strict=True))
    alike = {look for (_group, look), count in places.items() if count > 1} | taken
    if not any(number and look in alike for number, look in zip(numbers, looks, strict=True)):
        return list(titles)
    return [f"{number}. {title}" if number else title for number, title in zip(numbers, titles, strict=True)]


def numbers_of(picks: Sequence[Option | None]) -> list[int]:
    """Their numbers; 0 for what is no option."""
    return [pick.number if pick else 0 for pick in picks]


def looks_of(title: str) -> str:
    """What of a title tells it from others."""
    return title.strip().casefold()


def _postbacks(buttons: tuple[Button, ...]) -> list[Button]:
    return [button for button in buttons if button.type == "postback"]


def _numbered(option: Option) -> tuple[str, str]:
    """How a person names an option that is shown with its number."""
    return str(option.number), _spoken(f"{option.number}. {option.title}")


def _spoken(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().rstrip(".):").strip().casefold()
