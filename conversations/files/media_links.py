"""Addresses of files: ``media:<attachment id>`` in storage, a signed link that runs out outside.

Owns the token and how stored content is shown. Must not query: a transcript shows many of them at once.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer

PREFIX = "media:"
PATH = "/api/v2/media/"
_signer = Signer(sep=".", salt="media")


def media_address(attachment_id: uuid.UUID) -> str:
    """The address under which content keeps a file of ours."""
    return f"{PREFIX}{attachment_id}"


def attachment_id_of(address: str) -> uuid.UUID | None:
    """The attachment behind a ``media:`` address; None for any other address."""
    try:
        return uuid.UUID(address.removeprefix(PREFIX)) if address.startswith(PREFIX) else None
    except ValueError:
        return None


def media_link(attachment_id: uuid.UUID, *, ttl_s: int = 0) -> str:
    """A public address of the file that works for at least ``ttl_s`` seconds (0: MEDIA_LINK_TTL) and at
    most twice as long: it stays the same for a while, so that browsers can keep what they fetched."""
    ttl_s = ttl_s or settings.ENV["MEDIA_LINK_TTL"]
    until = (int(time.time()) // ttl_s + 2) * ttl_s
    return f"{settings.PUBLIC_URL}{PATH}{_signer.sign(f'{attachment_id.hex}.{until}')}"


def attachment_id_for(token: str) -> tuple[uuid.UUID, int] | None:
    """The attachment that a link's token names and the seconds it still works; None when it is forged or
    has run out."""
    try:
        name, _, until = _signer.unsign(token).partition(".")
        left = int(until) - int(time.time())
        return (uuid.UUID(name), left) if left > 0 else None
    except (BadSignature, ValueError):
        return None


def attachment_id_linked(address: str) -> uuid.UUID | None:
    """The attachment that one of our links leads to, also once it has run out: it is how an upload is told, and a message
    that kept the link would lose its file with it. None for any other address."""
    if not address.startswith(f"{settings.PUBLIC_URL}{PATH}"):
        return None
    token = address.removeprefix(f"{settings.PUBLIC_URL}{PATH}").partition("?")[0]
    try:
        return uuid.UUID(_signer.unsign(token).partition(".")[0])
    except (BadSignature, ValueError):
        return None


def content_with_links(content: Mapping[str, Any]) -> dict[str, Any]:
    """Stored content as it goes out to people and integrators: with a link for each file of ours, and one
    to its thumbnail where it is an image."""
    media = content.get("media")
    attachment_id = attachment_id_of(media.get("url", "")) if media else None
    if media is None or attachment_id is None:
        return dict(content)
    link = media_link(attachment_id)
    small = {"thumbnail_url": f"{link}?size=thumb"} if content.get("type") == "image" else {}
    return {**content, "media": {**media, **small, "url": link}}
