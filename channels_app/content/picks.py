"""What can be picked in a content, as a channel shows it: in place, as something else, or as a numbered list.

Owns the draft's choices and the limits on them. Must not know what a message shows beside (fit.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from channels_app.content.options import (
    MARK_ROOM,
    Option,
    choices_apart,
    looks_of,
    numbers_of,
    options,
    payloads_apart,
    titles_apart,
)
from channels_app.content.types import Button, Capabilities, Content, ListRow, ListSection, QuickReply
from channels_app.words.markdown import DIALECTS
from channels_app.words.split import shorten

# what the content model allows, wherever a channel could do more
BUTTONS_MAX, REPLIES_MAX = 3, 10
ROW_TITLE_MAX = 80  # characters
TITLE_MAX = 20  # characters of a button or quick reply
SECTION_ROWS = 10


class Picks:
    """The choices of a content on its way: what is kept in place, what moves to the text, what was changed."""

    def __init__(self, content: Content, caps: Capabilities):
        self.content = content
        self.caps = caps
        self.type: str = content.type
        self.format: str = content.format
        self.blocks: list[str] = []  # follow the text
        self.sections: list[ListSection] = []
        self.buttons: list[Button] = []
        self.replies: list[QuickReply] = []
        self.options = options(content)
        payloads = [option.payload for option in self.options]
        self.mark_room = MARK_ROOM if caps.distinct_payloads and payloads_apart(payloads) != payloads else 0
        self.overflow: list[Option] = []
        self.numbered = False
        self.cuts: list[str] = []

    def fit_rows(self) -> None:
        sections = self.content.sections or ()
        rows = [row for section in sections for row in section.rows]
        if not rows:
            return
        picks = [option for option in self.options if option.place == "row"]
        if self.type == "list" and self.lists(picks):
            short = iter(self.short_rows(rows, picks))
            self.sections = [
                section.model_copy(update={"rows": tuple(next(short) for _row in section.rows)}) for section in sections
            ]
            return
        self.type = "text" if self.type == "list" else self.type
        self.overflow += picks

    def fit_buttons(self) -> None:
        buttons = self.content.buttons or ()
        picks = {position for position, button in enumerate(buttons) if button.type == "postback"}
        shown = self.showable(buttons)
        offered = [option for option in self.options if option.place == "button"]
        if not picks.issubset(shown):
            # choices stay together: some of them as buttons would read as all there are
            self.overflow += offered
            buttons = tuple(button for button in buttons if button.type != "postback")
            shown = self.showable(buttons)
        hidden = [button for position, button in enumerate(buttons) if position not in shown]
        self.say(*map(button_line, hidden))
        self.cuts += [f"{button.type} button → text" for button in hidden]
        own = iter(offered)
        picked = [next(own) if button.type == "postback" else None for button in buttons]
        self.buttons = self.short_buttons(buttons, picked, shown)

    def fit_replies(self) -> None:
        replies = self.content.quick_replies or ()
        picks = [option for option in self.options if option.place == "reply"]
        if len(replies) > self.caps.max_quick_replies or not self.carried(picks, self.caps.max_payload):
            self.overflow += picks
            return
        titles = self.short_titles(
            "quick reply", [reply.title for reply in replies], self.caps.max_quick_reply_title, numbers_of(picks)
        )
        self.replies = [_titled(reply, title) for reply, title in zip(replies, titles, strict=True)]

    def place_overflow(self) -> None:
        """Options that do not fit where they stood: as a list, quick replies, buttons or numbers."""
        picks = self.overflow
        if not picks:
            return
        count = len(picks)
        what = {"row": "list", "button": "buttons", "reply": "quick replies"}[picks[0].place]
        if not self.sections and self.lists(picks):
            rows = self.short_rows([pick.as_row() for pick in picks], picks)
            self.sections = [
                ListSection(rows=tuple(rows[start : start + SECTION_ROWS])) for start in range(0, count, SECTION_ROWS)
            ]
            self.cuts.append(f"{what} → list")
        elif not self.replies and self.replies_for(picks):
            titles = self.titles_of(picks, "quick reply", self.caps.max_quick_reply_title)
            self.replies = [QuickReply(title=title, payload=p.payload) for title, p in zip(titles, picks, strict=True)]
            self.cuts.append(f"{what} → quick replies")
        elif self.buttons_for(picks):
            titles = self.titles_of(picks, "button", self.caps.max_button_title)
            self.buttons = [
                Button(type="postback", title=title, payload=p.payload) for title, p in zip(titles, picks, strict=True)
            ]
            self.cuts.append(f"{what} → buttons")
        else:
            self.say(*_grouped(picks, self.numbered_line))
            self.cuts.append(f"{what} → numbered text")

    def titles_of(self, picks: Sequence[Option], what: str, limit: int) -> list[str]:
        """Short titles of ``picks``. Row descriptions and section titles have no place on a button: they go to the text,
        with the numbers by which equal titles are told apart."""
        titles = [pick.title for pick in picks]
        if any(pick.description or pick.group for pick in picks):
            apart = titles_apart(titles, _title_limit(limit), numbers_of(picks), self.taken()) == titles
            self.say(*_grouped(picks, Option.line if apart else self.numbered_line))
        return self.short_titles(what, titles, limit, numbers_of(picks))

    def numbered_line(self, pick: Option) -> str:
        self.numbered = True
        return f"{pick.number}. {pick.line()}"

    def lists(self, picks: Sequence[Option]) -> bool:
        fitting = "list" in self.caps.types and len(picks) <= self.caps.max_list_rows
        return fitting and self.carried(picks, self.caps.max_row_payload)

    def replies_for(self, picks: Sequence[Option]) -> bool:
        fitting = len(picks) <= min(self.caps.max_quick_replies, REPLIES_MAX)
        return fitting and self.carried(picks, self.caps.max_payload)

    def buttons_for(self, picks: Sequence[Option]) -> bool:
        fitting = len(picks) <= min(self.caps.max_buttons, BUTTONS_MAX) and "postback" in self.caps.button_types
        return not self.buttons and fitting and self.carried(picks, self.caps.max_payload)

    def carried(self, picks: Sequence[Option], limit: int) -> bool:
        """Whether what each sends back has at most ``limit`` characters: cut, it would be another choice."""
        return all(len(pick.payload) + self.mark_room <= limit for pick in picks)

    def showable(self, buttons: Sequence[Button]) -> list[int]:
        """The positions of the buttons that the channel has room for."""
        longest = self.caps.max_payload - self.mark_room
        fitting = [
            position
            for position, button in enumerate(buttons)
            if button.type in self.caps.button_types
            and (button.type != "postback" or len(button.payload or "") <= longest)
        ]
        return fitting[: self.caps.max_buttons]

    def short_buttons(
        self, buttons: Sequence[Button], picks: Sequence[Option | None], shown: Sequence[int]
    ) -> list[Button]:
        """The buttons at the positions ``shown``; ``picks`` are the options that they are, None for links and numbers."""
        kept = [buttons[position] for position in shown]
        numbers = numbers_of([picks[position] for position in shown])
        titles = self.short_titles("button", [button.title for button in kept], self.caps.max_button_title, numbers)
        return [_titled(button, title) for button, title in zip(kept, titles, strict=True)]

    def short_titles(self, what: str, titles: Sequence[str], limit: int, numbers: Sequence[int]) -> list[str]:
        """``titles`` in ``limit`` characters each, told apart from each other and from the buttons beside them; the full
        ones go to the text."""
        limit = _title_limit(limit)
        full = titles_apart(titles, limit, numbers, self.taken())
        short = [shorten(title, limit) for title in full]
        cut = [title for title, shown in zip(full, short, strict=True) if title != shown]
        self.say(*cut)
        self.cuts += [f"{what} title shortened"] * bool(cut)
        self.count_numbers(what, full != list(titles))
        return short

    def count_numbers(self, what: str, numbered: bool) -> None:
        self.numbered |= numbered
        self.cuts += [f"equal {what} titles → numbered"] * numbered

    def taken(self) -> set[str]:
        """The titles that stand there already."""
        return {looks_of(button.title) for button in self.buttons}

    def short_rows(self, rows: Sequence[ListRow], picks: Sequence[Option]) -> list[ListRow]:
        """Rows within the limits; a title or description that does not fit goes to the text in full. Rows of different
        sections may have the same title."""
        limit = max(1, min(self.caps.max_row_title, ROW_TITLE_MAX))
        titles = [row.title for row in rows]
        full = titles_apart(titles, limit, numbers_of(picks), groups=[pick.group for pick in picks])
        self.count_numbers("list row", full != titles)
        short: list[ListRow] = []
        lines = []
        for title, row in zip(full, rows, strict=True):
            described = shorten(row.description or "", self.caps.max_row_description)
            short.append(row.model_copy(update={"title": shorten(title, limit), "description": described or None}))
            if len(title) > limit or described != (row.description or ""):
                lines.append(f"{title} — {row.description}" if row.description else title)
        self.say(*lines)
        self.cuts += ["list row shortened"] * bool(lines)
        return short

    def payloads_distinct(self) -> None:
        """Of what may stand in one message: buttons with quick replies, and the rows of the list."""
        count = len(self.buttons)
        picks = choices_apart([*self.buttons, *self.replies])
        self.buttons, self.replies = picks[:count], picks[count:]
        rows = iter(choices_apart([row for section in self.sections for row in section.rows]))
        self.sections = [
            section.model_copy(update={"rows": tuple(next(rows) for _row in section.rows)}) for section in self.sections
        ]

    def say(self, *lines: str | None) -> None:
        """Add a block of lines after the text."""
        # in Markdown a single line break is none
        block = ("\n\n" if self.format == "markdown" else "\n").join(self.escaped(line) for line in lines if line)
        self.blocks += [block] * bool(block)

    def escaped(self, line: str) -> str:
        """Words of ours as the channel's dialect reads them where the text is written in it."""
        native = self.format == "native" and self.caps.markdown in DIALECTS
        return DIALECTS[self.caps.markdown].words(line) if native else line


def button_line(button: Button) -> str:
    """A link or phone number to read; a ``share`` button without address is its title."""
    target = button.url or (button.payload if button.type == "phone" else "")
    return f"{button.title}: {target}" if target else button.title


def _titled(item: Any, title: str) -> Any:
    return item if item.title == title else item.model_copy(update={"title": title})


def _title_limit(limit: int) -> int:
    return max(1, min(limit, TITLE_MAX))


def _grouped(picks: Sequence[Option], line: Callable[[Option], str]) -> list[str]:
    lines = []
    group = ""
    for pick in picks:
        lines += [pick.group] if pick.group != group else []
        lines.append(line(pick))
        group = pick.group
    return lines
