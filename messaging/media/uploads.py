"""Files that people and integrators hand us: who may, how much, and what a message may make of them.

Owns the way of an upload into storage. Must not know HTTP, nor visitors' tickets (messaging/webchat/uploads.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import IntegrityError

from channels_app.content.media import Refused
from channels_app.models import Channel
from conversations.files.attachments import UNUSED, attachment_settle, files_write, upload_begin
from conversations.models import Attachment
from messaging.media.fetch import most_bytes, received
from messaging.media.scanning import BACK_S, ScannerAway, ScannerBusy, ScannerFailed
from messaging.media.thumbnails import thumbnail_order
from tenants.errors import Conflict, PayloadTooLarge, Unprocessable
from tenants.storage.db import atomic, key_taken, now, retried

TOO_LARGE = "The file is too large."
MESSAGES = {
    "type_refused": "Files of this type are not accepted.",
    "empty": "The file is empty.",
    "image_too_large": "The image has too many pixels.",
    "image_broken": "The image cannot be read.",
    "infected": "A virus was found in the file. Nothing of it was kept.",
    "not_scanned": "The file is too large to be examined for viruses.",
}


def upload(
    file_id: uuid.UUID, channel: Channel, identity_id: uuid.UUID | None, name: str, declared: str, chunks: Iterable[bytes]
) -> Attachment:  # fmt: skip
    """Examine a file while it comes and keep it for a day, until a message takes it. A worker makes its
    thumbnail: many images at once must not cost the web process its memory.

    The row comes before the file: whatever dies in between leaves a row that is removed with all that
    lies under its name. Raises as `visitor_upload`.
    """
    try:
        file, kept = received(chunks, most_bytes(), declared)
    except Refused as refused:
        if refused.code == "too_large":
            raise PayloadTooLarge(TOO_LARGE, code="too_large") from refused
        raise Unprocessable(MESSAGES[refused.code], code=refused.code) from refused
    except (ScannerAway, ScannerFailed) as error:
        raise ScannerBusy(retry_after=BACK_S) from error
    with file:
        try:
            attachment = _begin(file_id, channel, identity_id, name)
        except IntegrityError as error:
            if not key_taken(error):
                raise
            return _same(file_id, kept.sha256)
        attachment_settle(attachment, {**files_write(attachment, file, kept), "due_at": now() + UNUSED})
    thumbnail_order(attachment)
    return attachment


@retried
def _begin(file_id: uuid.UUID, channel: Channel, identity_id: uuid.UUID | None, name: str) -> Attachment:
    with atomic():
        return upload_begin(file_id, channel.id, channel.tenant_id, identity_id, name)


def _same(file_id: uuid.UUID, sha256: str) -> Attachment:
    stored = Attachment.objects.filter(id=file_id, state=Attachment.State.STORED, sha256=sha256).first()
    if stored is None:
        raise Conflict("This ticket was used for another file.", code="ticket_used")
    return stored
