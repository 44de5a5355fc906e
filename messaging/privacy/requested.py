"""The event that an export or an erasure was asked for (EVT-3): ids of ours alone, for it may outlive the person's data."""

from __future__ import annotations

import uuid

from conversations.timeline import system_event
from tenants.scope import current_tenant_id


def request_tell(type: str, contact_id: uuid.UUID, request_id: uuid.UUID) -> None:
    """Call in the transaction that writes the request."""
    asked = {"learner_id": str(contact_id), "contact_id": str(contact_id), "request_id": str(request_id)}
    system_event(current_tenant_id(), type, asked)
