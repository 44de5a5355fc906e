"""An integrator's server, an endpoint that leads to it, and events that happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models import F

from conversations.models import Conversation, Event
from messaging.integrators.endpoints import endpoint_create
from messaging.models import WebhookEndpoint
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import ConversationFactory
from tests.messaging.integrators.server import Integrator, integrator


@pytest.fixture
def crm(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Integrator]:
    """A server that the deployment allows webhooks to call."""
    with integrator() as server:
        monkeypatch.setitem(settings.ENV, "OUTBOUND_ALLOW_HOSTS", [server.authority])
        yield server


@pytest.fixture
def endpoint(scope: Tenant, crm: Integrator) -> WebhookEndpoint:
    return endpoint_create(scope.id, url=crm.url, event_types=["*"], description="CRM")[0]


@pytest.fixture
def happen(tenant: Tenant) -> Callable[..., Event]:
    """``happen("chat.message.received", text="hello")`` → an event of a conversation, not published yet."""
    with tenant_scope(tenant.id):
        conversation = ConversationFactory(tenant=tenant)

    def make(type: str = "chat.message.received", **payload: Any) -> Event:
        with tenant_scope(tenant.id):
            Conversation.objects.filter(id=conversation.id).update(event_seq=F("event_seq") + 1)
            seq = Conversation.objects.get(id=conversation.id).event_seq
            return Event.objects.create(tenant=tenant, conversation=conversation, seq=seq, type=type, payload=payload)

    return make
