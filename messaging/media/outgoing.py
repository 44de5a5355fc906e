"""Files of ours on their way out: an address that platforms can open, in a format that they can show.

Owns conversion for a channel's sake. Must not send. What is made is made from the same bytes in the same
way every time and kept beside the original, so that every try of a delivery says the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from django.conf import settings
from django.core.files.storage import default_storage

from channels_app.content.media import FORMATS, Refused, as_jpeg, essence, safe_name
from channels_app.content.types import Capabilities, Content, Media
from channels_app.contract import Rejected
from conversations.attachments import attachment_of, jpeg_name, jpeg_write, storage_asked
from conversations.media_links import PATH, attachment_id_for, media_link
from conversations.models import Attachment
from tenants.errors import NotFound

JPEG = "image/jpeg"


def content_public(content: Content, caps: Capabilities) -> Content:
    """``content`` with a signed public link in place of ``media:…``, good for MEDIA_PUBLIC_LINK_TTL
    seconds; an image that the channel does not take as it is becomes a JPEG where that helps.

    Raises Rejected ``media_gone`` when the file is no more.
    """
    try:
        attachment = attachment_of(content)
    except NotFound as error:
        raise Rejected("media_gone", "The file was deleted before it could be sent.") from error
    if attachment is None or content.media is None:
        return content
    link = media_link(attachment.id, ttl_s=settings.ENV["MEDIA_PUBLIC_LINK_TTL"])
    name = content.media.name or safe_name(content.type, attachment.mime)  # the link's own end is a token
    media = content.media.model_copy(update={"url": link, "name": name})
    return content.model_copy(update={"media": _converted(attachment, media, caps)})


def own_file(url: str) -> bytes | None:
    """What lies under a link that `content_public` made; None for any other address. Raises Rejected ``media_gone``."""
    token, _, query = url.removeprefix(f"{settings.PUBLIC_URL}{PATH}").partition("?")
    named = attachment_id_for(token) if url.startswith(f"{settings.PUBLIC_URL}{PATH}") else None
    if named is None:
        return None
    attachment = Attachment.objects.filter(id=named[0], state=Attachment.State.STORED).first()
    try:
        if attachment is None:
            raise FileNotFoundError
        name = jpeg_name(attachment) if query == "as=jpeg" else attachment.file.name
        with storage_asked(), default_storage.open(name, "rb") as file:
            return bytes(file.read())
    except FileNotFoundError as error:
        raise Rejected("media_gone", "The file was deleted before it could be sent.") from error


def _converted(attachment: Attachment, media: Media, caps: Capabilities) -> Media:
    if attachment.mime not in FORMATS or _takes(caps.media_types, attachment.mime, attachment.size or 0):
        return media
    if attachment.mime == JPEG or not _takes(caps.media_types, JPEG, 0):
        return media
    size = _jpeg_size(attachment)
    if not size or not _takes(caps.media_types, JPEG, size):
        return media  # fit() makes it a link
    return media.model_copy(update={"url": f"{media.url}?as=jpeg", "type": JPEG, "size_bytes": size})


def _takes(limits: Mapping[str, int], mime: str, size: int) -> bool:
    """Whether a channel takes a file of this type and size; no limits: whatever comes."""
    return not limits or size <= limits.get(essence(mime), limits.get(f"{mime.split('/')[0]}/*", -1))


def _jpeg_size(attachment: Attachment) -> int:
    """Bytes of the image as a JPEG, made now if it was not before; 0 when it cannot be."""
    name = jpeg_name(attachment)
    with storage_asked():
        if default_storage.exists(name):
            return int(default_storage.size(name))
        with attachment.file.open("rb") as file:
            original = io.BytesIO(file.read())
    try:
        made = as_jpeg(original, attachment.mime)
    except Refused:
        made = None
    if made:
        with storage_asked():
            jpeg_write(attachment, made)
    return len(made or b"")
