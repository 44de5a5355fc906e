"""That an export or an erasure is asked for: whether such requests are taken here, and the event that tells of one (EVT-3)."""

from __future__ import annotations

import uuid

from django.conf import settings

from conversations.timeline import system_event
from tenants.errors import Conflict
from tenants.scope import current_tenant_id


def demand_taken() -> None:
    """Call at the doors of REST and console. Raises Conflict ``privacy_off`` where the operator takes such requests by
    other ways alone (PRIVACY_ENABLED); commands are the operator's own."""
    if not settings.ENV["PRIVACY_ENABLED"]:
        raise Conflict("Exports and erasures are not asked for here; ask the operator.", code="privacy_off")


def request_tell(type: str, contact_id: uuid.UUID, request_id: uuid.UUID) -> None:
    """Ids of ours alone, for the event may outlive the person's data. Call in the transaction that writes the request."""
    asked = {"learner_id": str(contact_id), "contact_id": str(contact_id), "request_id": str(request_id)}
    system_event(current_tenant_id(), type, asked)
