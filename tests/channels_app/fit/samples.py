"""Channels that can much and little, and what is fitted to them."""

from __future__ import annotations

from channels_app.content.fit import fit
from channels_app.content.types import (
    Button,
    Capabilities,
    Card,
    Content,
    ListRow,
    ListSection,
    Location,
    Media,
    QuickReply,
)

SMS = Capabilities(max_text=160)
RICH = Capabilities(
    types=frozenset("text image file audio video location quick_reply carousel list template".split()),
    max_caption=1024,
    max_buttons=3,
    button_types=frozenset({"postback", "url", "phone", "share"}),
    max_quick_replies=10,
    max_list_rows=100,
    max_row_title=80,
    max_row_description=200,
    max_cards=10,
    markdown="markdown",
    templates=True,
)
WHATSAPP = RICH.model_copy(
    update={
        "types": frozenset("text image file audio video location list".split()),
        "max_list_rows": 10,
        "max_row_title": 24,
        "max_row_description": 72,
        "max_quick_replies": 3,
        "button_types": frozenset({"postback", "url"}),
        "max_cards": 0,
        "markdown": "whatsapp",
        "media_types": {"image/jpeg": 5_000_000, "video/*": 16_000_000},
    }
)


def pick(title: str) -> Button:
    return Button(type="postback", title=title, payload=title.upper())


def reply(title: str) -> QuickReply:
    return QuickReply(title=title, payload=title.upper())


IMAGE = Media(url="https://a.de/i.jpg", type="image/jpeg", size_bytes=1000, alt_text="A red shoe")
SHOP = Button(type="url", title="Shop", url="https://a.de/shop")
CALL = Button(type="phone", title="Call us", payload="+4930123456")
PLACE = Location(latitude=52.5, longitude=13.4, name="Shop", address="Alexanderplatz 1")
SHOES = ListSection(
    title="Shoes", rows=(ListRow(title="Red", payload="R", description="very"), ListRow(title="Blue", payload="B"))
)
HATS = ListSection(title="Hats", rows=(ListRow(title="Green", payload="G"),))
CARDS = (
    Card(title="Red", subtitle="A shoe", image_url="https://a.de/r.jpg", buttons=(pick("Buy red"), SHOP)),
    Card(title="Blue", url="https://a.de/b", buttons=(pick("Buy blue"),)),
)


def shown(content: Content, caps: Capabilities) -> list[str]:
    return [part.text or "" for part in fit(content, caps).parts]
