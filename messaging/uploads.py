"""Files that people and integrators hand us: who may, how much, and what a message may make of them.

Owns tickets and the way of an upload into storage. Must not know HTTP.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.core import signing
from django.db import IntegrityError

from channels_app.media import Refused
from channels_app.models import Channel
from conversations.attachments import UNUSED, attachment_settle, files_write, upload_begin
from conversations.models import Attachment
from messaging import webchat
from messaging.media import most_bytes, received
from messaging.webchat_frames import TicketRequest
from tenants.db import atomic, new_id, now, retried
from tenants.errors import Conflict, NotAuthenticated, PayloadTooLarge, Unprocessable

SALT = "webchat-upload"
TICKET_S = 600
MESSAGES = {
    "too_large": "The file is too large.",
    "type_refused": "Files of this type are not accepted.",
    "empty": "The file is empty.",
    "image_too_large": "The image has too many pixels.",
    "image_broken": "The image cannot be read.",
}


@dataclass(frozen=True)
class Ticket:
    """The right to upload one file as one visitor; ``file_id`` is what the message will call it."""

    file_id: uuid.UUID
    visitor: webchat.Visitor
    name: str
    type: str


def ticket_issue(channel: Channel, visitor: webchat.Visitor, wanted: TicketRequest) -> dict[str, object]:
    """A ticket as the widget gets it. Raises PayloadTooLarge ``too_large``, TooMany."""
    webchat.draw(f"webchat:upload:{channel.id}:{visitor.key}", 10 / 60, 10)
    if wanted.size > most_bytes():
        raise PayloadTooLarge(MESSAGES["too_large"], code="too_large")
    file_id = new_id()
    payload = [channel.key, file_id.hex, visitor.id, visitor.scheme, wanted.name, wanted.type]
    signed = signing.dumps(payload, salt=SALT, compress=True)
    url = f"/api/v2/webchat/{channel.key}/files/{signed}"
    return {"file": str(file_id), "url": url, "expires_in": TICKET_S, "limit": most_bytes()}


def ticket_read(channel: Channel, signed: str) -> Ticket:
    """Raises NotAuthenticated ``invalid_ticket`` when it is forged, too old or another channel's."""
    try:
        key, file_id, visitor, scheme, name, mime = signing.loads(signed, salt=SALT, max_age=TICKET_S)
    except (signing.BadSignature, ValueError) as error:
        raise NotAuthenticated("The upload ticket is not valid.", code="invalid_ticket") from error
    if key != channel.key:
        raise NotAuthenticated("The upload ticket is of another channel.", code="invalid_ticket")
    return Ticket(uuid.UUID(file_id), webchat.Visitor(visitor, scheme), name, mime)


def visitor_upload(channel: Channel, ticket: Ticket, chunks: Iterable[bytes]) -> Attachment:
    """The file of a ticket. The same file again is the same upload; another one needs another ticket.

    Raises PayloadTooLarge ``too_large``, Unprocessable (MESSAGES), Conflict ``ticket_used``.
    """
    identity_id = webchat.known_as(channel, ticket.visitor).identity_id
    return upload(ticket.file_id, channel, identity_id, ticket.name, ticket.type, chunks)


def upload(
    file_id: uuid.UUID, channel: Channel, identity_id: uuid.UUID | None, name: str, declared: str, chunks: Iterable[bytes]
) -> Attachment:  # fmt: skip
    """Examine a file while it comes and keep it for a day, until a message takes it.

    The row comes before the file: whatever dies in between leaves a row that is removed with all that
    lies under its name. Raises as `visitor_upload`.
    """
    try:
        file, kept = received(chunks, most_bytes(), declared)
    except Refused as refused:
        error = PayloadTooLarge if refused.code == "too_large" else Unprocessable
        raise error(MESSAGES[refused.code], code=refused.code) from refused
    with file:
        try:
            attachment = _begin(file_id, channel, identity_id, name)
        except IntegrityError:
            return _same(file_id, kept.sha256)
        attachment_settle(attachment, {**files_write(attachment, file, kept), "due_at": now() + UNUSED})
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
