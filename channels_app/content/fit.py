"""Turning what a channel cannot show into the nearest thing it can (CH-10).

Owns the degradation rules; they read a channel's Capabilities and nothing else. Must not drop a word
silently: what changes is named in ``Fitted.cuts``, what no longer fits in place moves to the text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels_app.content.picks import Picks, button_line
from channels_app.content.types import MAX_TEXT, Capabilities, Card, Content
from channels_app.words.markdown import DIALECTS, convert
from channels_app.words.segments import split_segments
from channels_app.words.split import shorten, split_text

MEDIA = frozenset({"image", "file", "audio", "video"})
CAPTIONED = frozenset({"image", "file", "video", "template"})  # no platform shows words on a location or a sound
CARDS_MAX = 10  # the content model allows no more, wherever a channel could
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


def shown_as(content: Content, caps: Capabilities) -> str:
    """The kind of media as which a channel shows the file of ``content``; "" where a link has to do."""
    media = content.media
    if media is None or content.type not in MEDIA:
        return ""
    limits, mime = caps.media_types, media.type.split(";")[0].strip().lower()
    taken = not limits or media.size_bytes <= limits.get(mime, limits.get(f"{mime.split('/')[0]}/*", -1))
    return next((kind for kind in (content.type, "file") if taken and kind in caps.types), "")


class _Draft(Picks):
    """A content on its way."""

    def __init__(self, content: Content, caps: Capabilities, link: Callable[[str], str]):
        super().__init__(content, caps)
        self.link = link
        self.text = content.text or ""
        self.head: dict[str, Any] = {}  # media, location or template
        self.cards: list[Card] = []

    # ------------------------------------------------------------------------- what it shows

    def fit_format(self) -> None:
        """Markdown in the channel's dialect; ``native`` marks text that is written in it already."""
        if self.format != "markdown" or self.caps.markdown not in DIALECTS:
            return
        self.format = "plain" if self.caps.markdown == "none" else "native"
        self.text = convert(self.text, self.caps.markdown)
        self.cuts += [f"markdown → {'plain text' if self.format == 'plain' else self.caps.markdown}"] * bool(self.text)

    def fit_quote(self) -> None:
        """A quote that the channel has no way to show stands above the words."""
        quote = self.content.quote
        if quote is None or self.caps.quotes:
            return
        self.cuts.append("quote → text" if quote.text else "quote → nothing")
        if quote.text:
            self.text = "\n\n".join(filter(None, (self.escaped(f"> {shorten(quote.text, QUOTED_MAX)}"), self.text)))

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
        if "template" in self.head:  # its header shows the file
            self.head["media"] = media
            return
        kind = shown_as(self.content, self.caps)
        if not kind:
            self.say(media.alt_text, media.name, self.link(media.url))
            self.degrade(self.type if self.type in MEDIA else "media", "link")
            return
        self.head = {"media": media}
        if kind != self.type:
            self.degrade(self.type, kind)

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
            own = [next(picks) if button.type == "postback" else None for button in card.buttons]
            lines = [
                self.numbered_line(pick) if pick else button_line(button)
                for position, (button, pick) in enumerate(zip(card.buttons, own, strict=True))
                if position not in shown
            ]
            if native:
                buttons = tuple(self.short_buttons(card.buttons, own, shown))
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

    # ----------------------------------------------------------------------------- assembly

    def degrade(self, what: str, into: str) -> None:
        self.cuts.append(f"{what} → {into}")
        self.type = into if into in MEDIA else "text"

    def assembled(self) -> tuple[Content, ...]:
        """The parts: media or location first, then text, the things to pick at the very end."""
        if self.mark_room:
            self.payloads_distinct()
            self.cuts.append("payloads of choices → told apart")
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
        """By code points (open: whether Meta counts those; SMS is counted by segments)."""
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
