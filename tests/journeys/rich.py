"""One message of every kind, for what shows them."""

from __future__ import annotations

from channels_app.content.types import Content
from tests.journeys.line import Frame
from tests.journeys.service import Service, address, said

FILE = "/files/a.svg"  # of the service, which starts when a test asks where it is
MEDIA = {"url": FILE, "type": "image/png", "alt_text": "Lino lamp"}
CARD = {
    "title": "Birk",
    "subtitle": "Oak",
    "buttons": [{"type": "postback", "title": "Choose Birk", "payload": "birk"}],
}
RICH: dict[str, Frame] = {
    "image": {"type": "image", "media": MEDIA, "text": "In oak."},
    "file": {"type": "file", "media": {**MEDIA, "type": "application/pdf", "name": "Care.pdf", "size_bytes": 482113}},
    "audio": {"type": "audio", "media": {**MEDIA, "type": "audio/mpeg"}},
    "video": {"type": "video", "media": {**MEDIA, "type": "video/mp4"}},
    "location": {"type": "location", "location": {"latitude": 48.1, "longitude": 11.5, "name": "Munich"}},
    "carousel": {"type": "carousel", "cards": [CARD, {**CARD, "title": "Lino", "buttons": []}]},
    "list": {"type": "list", "text": "Next?", "sections": [{"rows": [{"title": "Track", "payload": "track"}]}]},
    "buttons": {
        "type": "text",
        "text": "More?",
        "buttons": [{"type": "url", "title": "Terms", "url": "https://shop.test/t"}],
    },
}


def echo(text: str) -> Content:
    return said(f"You said **{text}**", format="markdown")


def content(fields: Frame) -> Content:
    if media := fields.get("media"):
        fields = {**fields, "media": {**media, "url": f"{address()}{media['url']}"}}
    return Content.model_validate(fields)


def fill(service: Service) -> str:
    """A conversation with one message of every kind; the visitor's token."""
    token = service.visitor("Hello?")
    asks = {"type": "text", "text": "Well?", "quick_replies": [{"title": "Yes", "payload": "y"}]}
    service.bot(*map(content, [*RICH.values(), asks]))
    return token
