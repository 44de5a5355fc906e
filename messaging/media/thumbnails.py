"""Thumbnails of uploads: made by a worker, since decoding takes time and memory that a web process has not.

Owns when one is made. Must not decode anything itself (channels_app/content/media.py). A wake-up call that
was lost is made up for when the thumbnail is asked for; until then the original is shown.
"""

from __future__ import annotations

import uuid

from channels_app.content.media import FORMATS, Refused, thumbnail
from conversations.files.attachments import files_of_deleted_erase, thumbnail_write
from conversations.models import Attachment
from messaging import wake

NONE = "no_thumbnail"  # the reason on a stored image of which none can be made


def thumbnail_order(attachment: Attachment) -> None:
    """Wake a worker for the thumbnail if there is one to be made."""
    if _lacks(attachment):
        wake.thumbnail(attachment.id)


def thumbnail_make(attachment_id: uuid.UUID) -> None:
    """Make the thumbnail of a stored image that has none, in its tenant's scope; again is harmless."""
    attachment = Attachment.objects.filter(id=attachment_id).first()
    if attachment is None or not _lacks(attachment):
        return
    try:
        with attachment.file.open("rb") as file:
            small = thumbnail(file, attachment.mime)
    except (Refused, FileNotFoundError):  # refused: stored under older limits; gone: deleted meanwhile
        small = None
    made = {"thumbnail": thumbnail_write(attachment, small)} if small else {"reason": NONE}
    own = Attachment.objects.filter(id=attachment_id)
    if not own.filter(thumbnail="").update(**made):
        files_of_deleted_erase(attachment)


def _lacks(attachment: Attachment) -> bool:
    stored = attachment.state == Attachment.State.STORED and attachment.reason != NONE
    return stored and attachment.mime in FORMATS and not attachment.thumbnail.name
