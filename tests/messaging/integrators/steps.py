"""What the tests of integrators' webhooks do again and again, in the tenant's scope."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.publish import publish_events
from tenants.storage.db import now


def publish_all() -> None:
    while publish_events():
        pass


def secret_of(endpoint: WebhookEndpoint) -> str:
    return endpoint.secrets[0]["secret"]


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def due_now(**where: Any) -> None:
    """Time passes: what waits is due, and no endpoint rests any more."""
    WebhookDelivery.objects.filter(**where).update(due_at=now() - timedelta(seconds=1))
    WebhookEndpoint.objects.update(held_until=None)
