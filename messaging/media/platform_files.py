"""Files of ours put with a platform before they are sent, so that it never has to fetch them from us (CH-3).

Owns what is remembered of that: of the last channel that sent the file, for as long as the platform keeps it, and until the
file is deleted. Must not send a message. Where the memory is away or empty the file is put there once more, which harms nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from django.core.cache import cache

from channels_app.content.fit import shown_as
from channels_app.content.types import PLATFORM_FILE, Content
from channels_app.contract import Http, HttpAnswer, OutcomeUnknown, Rejected, Unreachable
from channels_app.models import Channel
from conversations.files.attachments import platform_key
from conversations.files.media_links import attachment_id_of
from messaging.media.outgoing import content_public, own_file

log = structlog.get_logger(__name__)

MARGIN_S = 24 * 3600  # a file is put there anew so long before the platform forgets it


class OwnFiles:
    """An Http that reads files of ours where they lie, without a way over our public address, which may be none."""

    def __init__(self, http: Http):
        self._http = http

    def request(self, method: str, url: str, **parts: Any) -> HttpAnswer:
        return self._http.request(method, url, **parts)

    def fetch(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int) -> HttpAnswer:
        content = own_file(url)
        if content is None:
            return self._http.fetch(url, headers=headers, max_bytes=max_bytes)
        return HttpAnswer(200, {}, content)


def content_outgoing(channel: Channel, content: Content, http: Http, notes: list[str] | None = None) -> Content:
    """``content`` as it can be rendered: a file of ours by the platform's id for it where its kind takes uploads and the
    channel shows such a file, else by a public link. ``notes`` as in `content_public`. Raises a SendError."""
    public = content_public(content, channel.capabilities, notes=notes)
    stored = attachment_id_of(content.media.url) if content.media else None
    shown = public.type == "template" or shown_as(public, channel.capabilities)
    if public.media is None or stored is None or not (shown and channel.adapter.uploads(public)):
        return public
    file_id = _remembered(channel, stored) or _put(channel, stored, public, http)
    if not file_id:
        return public
    media = public.media.model_copy(update={"url": f"{PLATFORM_FILE}{file_id}"})
    return public.model_copy(update={"media": media})


def file_forget(channel: Channel, content: Mapping[str, object]) -> None:
    """The platform does not have the file of a stored content any more, or cannot read it: the next try puts it there anew."""
    media = content.get("media")
    stored = attachment_id_of(str(media.get("url", ""))) if isinstance(media, dict) else None
    if stored:
        try:
            cache.delete(platform_key(stored))
        except Exception:  # noqa: BLE001  a cache that is away remembers nothing
            return


def _put(channel: Channel, stored: uuid.UUID, public: Content, http: Http) -> str:
    """The platform's id of the file; "" where it refuses it and may fetch it from us instead."""
    assert public.media is not None
    body = own_file(public.media.url)
    if body is None:
        raise Rejected("media_gone", "The file was deleted before it could be sent.")
    try:
        file_id = channel.adapter.upload(public, body, channel.adapter_config(), http)
    except OutcomeUnknown as error:  # no person has seen anything of it
        raise Unreachable(error.code, error.detail, status=error.status) from error
    except Rejected as error:
        if not public.media.url.startswith("https://"):
            raise
        log.info("file_not_put", channel=str(channel.id), code=error.code)
        return ""
    try:
        cache.set(platform_key(stored), (_place(channel), file_id), channel.adapter.upload_life_s - MARGIN_S)
    except Exception:  # noqa: BLE001  a cache that is away: it is put there again next time
        log.info("file_not_remembered", channel=str(channel.id))
    return file_id


def _remembered(channel: Channel, stored: uuid.UUID) -> str:
    try:
        place, file_id = cache.get(platform_key(stored)) or ("", "")
    except Exception:  # noqa: BLE001  a cache that is away remembers nothing
        return ""
    return str(file_id) if place == _place(channel) else ""


def _place(channel: Channel) -> str:
    """The channel with its last change: with another account the platform knows other files."""
    return f"{channel.id}:{channel.updated_at.timestamp()}"
