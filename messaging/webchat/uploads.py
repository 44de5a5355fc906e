"""Files of visitors: a ticket is the right to upload one.

Must not know HTTP, nor how a file is examined and kept (messaging/media/uploads.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.core import signing

from channels_app.models import Channel
from conversations.models import Attachment
from messaging.media.fetch import most_bytes
from messaging.media.uploads import TOO_LARGE, upload
from messaging.webchat import rules as webchat
from messaging.webchat.frames import TicketRequest
from tenants.errors import Forbidden, NotAuthenticated, PayloadTooLarge
from tenants.storage.db import new_id
from tenants.tenant_settings import settings_for

SALT = "webchat-upload"
TICKET_S = 600


@dataclass(frozen=True)
class Ticket:
    """The right to upload one file as one visitor; ``file_id`` is what the message will call it."""

    file_id: uuid.UUID
    visitor: webchat.Visitor
    name: str
    type: str


def ticket_issue(channel: Channel, visitor: webchat.Visitor, wanted: TicketRequest) -> dict[str, object]:
    """A ticket as the widget gets it. Raises Forbidden ``uploads_off``, PayloadTooLarge ``too_large``, TooMany."""
    if not settings_for(channel.tenant_id).features.uploads:
        raise Forbidden("Files are not taken here.", code="uploads_off")
    webchat.draw(f"webchat:upload:{channel.id}:{visitor.key}", 10 / 60, 10)
    if wanted.size > most_bytes():
        raise PayloadTooLarge(TOO_LARGE, code="too_large")
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

    Raises PayloadTooLarge ``too_large``, Unprocessable (those of `messaging.media.uploads`), Conflict ``ticket_used``, Unavailable ``scanner_away``.
    """
    identity_id = webchat.known_as(channel, ticket.visitor).identity_id
    return upload(ticket.file_id, channel, identity_id, ticket.name, ticket.type, chunks)
