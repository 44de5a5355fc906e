"""Turning what a channel cannot show into the nearest thing it can (CH-10).

Owns the degradation rules; they read a channel's Capabilities and nothing else. Must not drop a word
silently: what changes is named in ``Fitted.cuts``, what no longer fits in place moves to the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from channels_app.content.markdown import DIALECTS, convert
from channels_app.content.options import Option, options
from channels_app.content.segments import split_segments
from channels_app.content.split import shorten, split_text
from channels_app.content.types import (
    MAX_TEXT,
    Button,
    Capabilities,
    Card,
    Content,
    ListRow,
    ListSection,
    Media,
    QuickReply,
)

MEDIA = frozenset({"image", "file", "audio", "video"})
CAPTIONED = frozenset({"image", "file", "video", "template"})  # no platform shows words on a location or a sound
# what the content model allows, wherever a channel could do more
CARDS_MAX, BUTTONS_MAX, REPLIES_MAX = 10, 3, 10
ROW_TITLE_MAX = 80  # characters
TITLE_MAX = 20  # characters of a button or quick reply
SECTION_ROWS = 10
QUOTED_MAX = 80  # characters of a quote that is written out


@dataclass(frozen=True)
class Fitted:
    """``parts`` go out in their order. ``cuts`` say what was changed, without any of the content.
    ``numbered``: options were written as a numbered list, so a typed number may be a choice
    (``options.choice_for`` with the content as it was before fitting resolves it)."""

    parts: tuple[Content, ...]
    cuts: tuple[str, ...] = ()
    numbered: bool = False


def fit(content: Content, caps: Capabilities, *, link: Callable[[str], str] = str) -> Fitted:
    """``content`` as a channel with ``caps`` can show it. What fits already comes back as it is, so
    fitting a part again changes nothing. ``link`` turns the address of media into one that a person
    can open (``media:…`` addresses need it)."""
    draft = _Draft(content, caps, link)
    draft.fit_format()
    draft.fit_template()
    draft.fit_media()
    draft.fit_location()
    draft.fit_cards()
    draft.fit_rows()
    draft.fit_buttons()
    draft.fit_replies()
    draft.place_overflow()
    draft.fit_quote()
    parts = draft.assembled()
    return Fitted(parts, tuple(dict.fromkeys(draft.cuts)), draft.numbered) if draft.cuts else Fitted((content,))


class _Draft:
    """A content on its way: what is kept in place, what moves to the text, what was changed."""

    def __init__(self, content: Content, caps: Capabilities, link: Callable[[str], str]):
        self.content = content
        self.caps = caps
        self.link = link
        self.type: str = content.type
        self.format: str = content.format
        self.text = content.text or ""
        self.blocks: list[str] = []  # follow the text
        self.head: dict[str, Any] = {}  # media, location or template
        self.cards: list[Card] = []
        self.sections: list[ListSection] = []
        self.buttons: list[Button] = []
        self.replies: list[QuickReply] = []
        self.options = options(content)
        self.overflow: list[Option] = []
        self.numbered = False
        self.cuts: list[str] = []

    # ------------------------------------------------------------------------- what it shows

    def fit_format(self) -> None:
        """Markdown in the channel's dialect; ``native`` marks text that is written in it already."""
        if self.format != "markdown" or self.caps.markdown not in DIALECTS:
            return
        self.format = "plain" if self.caps.markdown == "none" else "native"
        self.text = convert(self.text, self.caps.markdown)
        self.cuts += [f"markdown → {'plain text' if self.format == 'plain' else self.caps.markdown}"] * bool(self.text)

    def fit_template(self) -> None:
        template = self.content.template
        if template is None:
            return
        if self.type == "template" and self.caps.templates:
            self.head = {"template": template}
            return
        self.degrade("template", "text")
        if not self.text.strip():
            self.say(template.name, *template.variables.values())

    def fit_media(self) -> None:
        media = self.content.media
        if media is None:
            return
        kind = next((kind for kind in (self.type, "file") if self.shows(kind, media)), "")
        if not kind:
            self.say(media.alt_text, media.name, self.link(media.url))
            self.degrade(self.type if self.type in MEDIA else "media", "link")
            return
        self.head = {"media": media}
        if kind != self.type:
            self.degrade(self.type, kind)

    def shows(self, kind: str, media: Media) -> bool:
        if self.type not in MEDIA or kind not in self.caps.types:
            return False
        limits = self.caps.media_types
        mime = media.type.split(";")[0].strip().lower()
        return not limits or media.size_bytes <= limits.get(mime, limits.get(f"{mime.split('/')[0]}/*", -1))

    def fit_location(self) -> None:
        location = self.content.location
        if location is None:
            return
        if self.type == "location" and "location" in self.caps.types:
            self.head = {"location": location}
            return
        self.say(location.name, location.address, location.map_url)
        self.degrade("location", "map link")

    def fit_cards(self) -> None:
        cards = self.content.cards or ()
        picks = iter(option for option in self.options if option.place == "card")
        native = self.type == "carousel" and "carousel" in self.caps.types and self.caps.max_cards > 0
        for card in cards:
            shown = self.showable(card.buttons) if native else []  # positions, as two buttons may be equal
            lines = [
                self.numbered_line(pick) if pick else _button_line(button)
                for position, button in enumerate(card.buttons)
                for pick in [next(picks) if button.type == "postback" else None]
                if position not in shown
            ]
            if native:
                buttons = tuple(self.short_buttons([card.buttons[position] for position in shown]))
                self.cards.append(card.model_copy(update={"buttons": buttons, "subtitle": self.short_subtitle(card)}))
                self.say(*[f"{card.title}: {line}" for line in lines])
                self.cuts += ["card button → text"] * bool(lines)
            else:
                self.say(card.title, card.subtitle, card.image_url, card.url, *lines)
        if cards and not native:
            self.degrade("carousel", "text")

    def short_subtitle(self, card: Card) -> str | None:
        """The card's subtitle within the limit; one that does not fit goes to the text in full."""
        limit = self.caps.max_card_subtitle
        if not card.subtitle or len(card.subtitle) <= limit:
            return card.subtitle
        self.say(f"{card.title}: {card.subtitle}")
        self.cuts.append("card subtitle shortened")
        return shorten(card.subtitle, limit) or None

    # ------------------------------------------------------------------- what can be picked

    def fit_rows(self) -> None:
        sections = self.content.sections or ()
        rows = [row for section in sections for row in section.rows]
        if not rows:
            return
        if self.type == "list" and self.lists(len(rows)):
            short = iter(self.short_rows(rows))
            self.sections = [
                section.model_copy(update={"rows": tuple(next(short) for _row in section.rows)}) for section in sections
            ]
            return
        self.type = "text" if self.type == "list" else self.type
        self.overflow += [option for option in self.options if option.place == "row"]

    def fit_buttons(self) -> None:
        buttons = self.content.buttons or ()
        picks = {position for position, button in enumerate(buttons) if button.type == "postback"}
        shown = self.showable(buttons)
        if not picks.issubset(shown):
            # choices stay together: some of them as buttons would read as all there are
            self.overflow += [option for option in self.options if option.place == "button"]
            buttons = tuple(button for button in buttons if button.type != "postback")
            shown = self.showable(buttons)
        hidden = [button for position, button in enumerate(buttons) if position not in shown]
        self.say(*map(_button_line, hidden))
        self.cuts += [f"{button.type} button → text" for button in hidden]
        self.buttons = self.short_buttons([buttons[position] for position in shown])

    def fit_replies(self) -> None:
        replies = self.content.quick_replies or ()
        if len(replies) > self.caps.max_quick_replies:
            self.overflow += [option for option in self.options if option.place == "reply"]
            return
        titles = self.short_titles("quick reply", [reply.title for reply in replies], self.caps.max_quick_reply_title)
        self.replies = [_titled(reply, title) for reply, title in zip(replies, titles, strict=True)]

    def fit_quote(self) -> None:
        """A quote that the channel has no way to show stands above the words."""
        quote = self.content.quote
        if quote is None or self.caps.quotes:
            return
        self.cuts.append("quote → text" if quote.text else "quote → nothing")
        if quote.text:
            self.text = "\n\n".join(filter(None, (self.escaped(f"> {shorten(quote.text, QUOTED_MAX)}"), self.text)))

    def place_overflow(self) -> None:
        """Options that do not fit where they stood: as a list, quick replies, buttons or numbers."""
        picks = self.overflow
        if not picks:
            return
        count = len(picks)
        what = {"row": "list", "button": "buttons", "reply": "quick replies"}[picks[0].place]
        if not self.sections and self.lists(count):
            rows = self.short_rows([pick.as_row() for pick in picks])
            self.sections = [
                ListSection(rows=tuple(rows[start : start + SECTION_ROWS])) for start in range(0, count, SECTION_ROWS)
            ]
            self.cuts.append(f"{what} → list")
        elif not self.replies and count <= min(self.caps.max_quick_replies, REPLIES_MAX):
            self.tell_details(picks)
            titles = self.short_titles("quick reply", [pick.title for pick in picks], self.caps.max_quick_reply_title)
            self.replies = [QuickReply(title=title, payload=p.payload) for title, p in zip(titles, picks, strict=True)]
            self.cuts.append(f"{what} → quick replies")
        elif self.buttons_for(count):
            self.tell_details(picks)
            titles = self.short_titles("button", [pick.title for pick in picks], self.caps.max_button_title)
            self.buttons = [
                Button(type="postback", title=title, payload=p.payload) for title, p in zip(titles, picks, strict=True)
            ]
            self.cuts.append(f"{what} → buttons")
        else:
            self.say(*_grouped(picks, self.numbered_line))
            self.cuts.append(f"{what} → numbered text")

    def tell_details(self, picks: Sequence[Option]) -> None:
        """Row descriptions and section titles have no place on a button: they go to the text."""
        if any(pick.description or pick.group for pick in picks):
            self.say(*_grouped(picks, Option.line))

    def numbered_line(self, pick: Option) -> str:
        self.numbered = True
        return f"{pick.number}. {pick.line()}"

    def lists(self, count: int) -> bool:
        return "list" in self.caps.types and count <= self.caps.max_list_rows

    def buttons_for(self, count: int) -> bool:
        room = min(self.caps.max_buttons, BUTTONS_MAX)
        return not self.buttons and count <= room and "postback" in self.caps.button_types

    def showable(self, buttons: Sequence[Button]) -> list[int]:
        """The positions of the buttons that the channel has room for."""
        fitting = [position for position, button in enumerate(buttons) if button.type in self.caps.button_types]
        return fitting[: self.caps.max_buttons]

    def short_buttons(self, buttons: Sequence[Button]) -> list[Button]:
        titles = self.short_titles("button", [button.title for button in buttons], self.caps.max_button_title)
        return [_titled(button, title) for button, title in zip(buttons, titles, strict=True)]

    def short_titles(self, what: str, titles: Sequence[str], limit: int) -> list[str]:
        """``titles`` in ``limit`` characters each, still told apart; the full ones go to the text."""
        limit = max(1, min(limit, TITLE_MAX))
        full = _told_apart(titles, limit)
        short = [shorten(title, limit) for title in full]
        cut = [title for title, shown in zip(full, short, strict=True) if title != shown]
        self.say(*cut)
        self.cuts += [f"{what} title shortened"] * bool(cut)
        return short

    def short_rows(self, rows: Sequence[ListRow]) -> list[ListRow]:
        """Rows within the limits; a title or description that does not fit goes to the text in full."""
        limit = max(1, min(self.caps.max_row_title, ROW_TITLE_MAX))
        full = _told_apart([row.title for row in rows], limit)
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

    # ----------------------------------------------------------------------------- assembly

    def say(self, *lines: str | None) -> None:
        """Add a block of lines after the text."""
        # in Markdown a single line break is none
        block = ("\n\n" if self.format == "markdown" else "\n").join(self.escaped(line) for line in lines if line)
        self.blocks += [block] * bool(block)

    def escaped(self, line: str) -> str:
        """Words of ours as the channel's dialect reads them where the text is written in it."""
        native = self.format == "native" and self.caps.markdown in DIALECTS
        return DIALECTS[self.caps.markdown].words(line) if native else line

    def degrade(self, what: str, into: str) -> None:
        self.cuts.append(f"{what} → {into}")
        self.type = into if into in MEDIA else "text"

    def assembled(self) -> tuple[Content, ...]:
        """The parts: media or location first, then text, the things to pick at the very end."""
        text = "\n\n".join(filter(None, (self.text, *self.blocks)))
        parts: list[dict[str, Any]] = []
        if self.head:
            caption = text if self.takes_caption(text) else ""
            self.cuts += ["caption → separate message"] * (text != caption)
            parts.append({"type": self.type, "text": caption or None, **self.head})
            text = "" if caption else text
        texts = self.split(text)
        self.cuts += [f"text → {len(texts)} messages"] * (len(texts) > 1)
        with_text = self.last_parts()
        bare = not texts and not with_text and (not parts or self.type not in CAPTIONED)
        if bare and (self.buttons or self.replies):
            texts = ["…"]  # something to pick has to hang on words
            self.cuts += ["choices → separate message"] * bool(parts)
        if with_text and texts:
            with_text[0]["text"] = texts.pop()
        parts += [{"type": "text", "text": piece} for piece in texts] + with_text
        if not parts:
            parts, self.cuts = [{"type": "text", "text": "…"}], [*self.cuts, "nothing to show → …"]
        if self.type == "quick_reply" and "quick_reply" not in self.caps.types:
            self.cuts.append("quick reply → text")
        elif self.type == "quick_reply" and parts[-1]["type"] == "text":
            parts[-1]["type"] = "quick_reply"
        parts[-1] |= {
            "buttons": tuple(self.buttons) or None,
            "quick_replies": tuple(self.replies) or None,
            "choice": self.content.choice,
        }
        if self.caps.quotes:
            parts[0]["quote"] = self.content.quote
        shared = {"language": self.content.language, "format": self.format}
        return tuple(Content(**{**shared, **part}) for part in parts)

    def split(self, text: str) -> list[str]:
        limit = min(self.caps.max_text, MAX_TEXT)
        if self.caps.max_segments:
            return list(split_segments(text, self.caps.max_segments, limit))
        return split_text(text, limit)

    def takes_caption(self, text: str) -> bool:
        if self.type == "template":
            return True  # what staff see of it; the platform has its own copy
        return self.type in CAPTIONED and len(text) <= min(self.caps.max_caption, MAX_TEXT)

    def last_parts(self) -> list[dict[str, Any]]:
        """Carousels and the list, which close the message."""
        size = max(1, min(self.caps.max_cards, CARDS_MAX))
        shelves = [self.cards[start : start + size] for start in range(0, len(self.cards), size)]
        self.cuts += [f"carousel → {len(shelves)} carousels"] * (len(shelves) > 1)
        last: list[dict[str, Any]] = [{"type": "carousel", "cards": tuple(shelf)} for shelf in shelves]
        return last + [{"type": "list", "sections": tuple(self.sections)}] * bool(self.sections)


def _button_line(button: Button) -> str:
    """A link or phone number to read; a ``share`` button without address is its title."""
    target = button.url or (button.payload if button.type == "phone" else "")
    return f"{button.title}: {target}" if target else button.title


def _titled(item: Any, title: str) -> Any:
    return item if item.title == title else item.model_copy(update={"title": title})


def _told_apart(titles: Sequence[str], limit: int) -> list[str]:
    """The titles; numbered when they would look the same once shortened."""
    short = {shorten(title, limit) for title in titles}
    if len(short) == len(set(titles)):
        return list(titles)
    return [f"{number}. {title}" for number, title in enumerate(titles, 1)]


def _grouped(picks: Sequence[Option], line: Callable[[Option], str]) -> list[str]:
    lines = []
    group = ""
    for pick in picks:
        lines += [pick.group] if pick.group != group else []
        lines.append(line(pick))
        group = pick.group
    return lines
