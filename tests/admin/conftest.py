"""Two tenants with a row of everything, and people who look at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assistant.evaluations.models import EvaluationCase
from assistant.knowledge.sites.models import Site, SitePage
from assistant.models import Intent, KnowledgeEntry, LanguageModel, ModelUse, Provider, TrainedModel
from assistant.prompts.models import SystemPrompt
from assistant.tools.models import Tool
from channels_app.models import Channel, ChannelHealth, ChannelIncident, MessageTemplate
from conversations.models import Attachment, ContactMerge, Conversation, Event, Note, Review, Revision
from messaging.agents.models import CannedReply, Label, ScheduledReply
from messaging.models import (
    Delivery,
    DeliveryAttempt,
    HandledEvent,
    InboundEvent,
    StaffAlert,
    Turn,
    WebhookDelivery,
    WebhookEndpoint,
)
from messaging.privacy.models import Erasure, Export
from tenants.access.api_keys import api_key_create
from tenants.access.grants.clients import client_create
from tenants.access.grants.families import family_begin
from tenants.models import Invitation, Removal, Role, Team, Tenant, TrustedIssuer, User
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tenants.trail.audit import audit
from tests.factories import (
    ChannelFactory,
    ConversationFactory,
    DeliveryFactory,
    MembershipFactory,
    MessageFactory,
    RoleFactory,
    UserFactory,
)

SECRET = "EAAB-very-secret-token-9876"  # noqa: S105
XSS = "<script>alert('x')</script>"


@dataclass
class World:
    """The rows of one tenant. ``word`` is in every text of theirs."""

    tenant: Tenant
    word: str
    channel: Channel
    conversation: Conversation
    delivery: Delivery
    receipt: InboundEvent
    intent: Intent


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def rows(model: Any) -> Any:
    manager = model._default_manager
    return getattr(manager, "unscoped", manager.all)()  # unscoped: the test looks at all tenants


def do(client: Client, row: Any, verb: str, **data: Any) -> Any:
    return client.post(url(type(row), "do", row.pk, verb), data, follow=True)


def build(tenant: Tenant) -> World:
    word = tenant.slug
    channel = ChannelFactory(
        tenant=tenant,
        kind="whatsapp",
        name=f"{word} channel",
        config={"phone_number_id": "123"},
        secrets={"access_token": SECRET, "app_secret": SECRET + "A", "verify_token": SECRET + "V"},
    )
    conversation = ConversationFactory(tenant=tenant, channel=channel, contact__name=f"{word} contact", event_seq=1)
    asked = MessageFactory(tenant=tenant, conversation=conversation, text=f"{word} {XSS}")
    answer = MessageFactory(
        tenant=tenant, conversation=conversation, direction="outbound", role="bot", text=f"{word} answer"
    )
    delivery = DeliveryFactory(tenant=tenant, message=answer, status="failed", error_detail=f"{word} number is gone")
    MembershipFactory(tenant=tenant, user__username=f"{word}-colleague", role__name=f"{word}-role")
    with tenant_scope(tenant.id):
        ChannelHealth.objects.create(channel=channel)
        ChannelIncident.objects.create(tenant=tenant, channel=channel, state="degraded", reason=f"{word} {XSS}")
        Attachment.objects.create(tenant=tenant, channel=channel, message=asked, kind="image", name=f"{word} {XSS}")
        Revision.objects.create(
            tenant=tenant,
            channel=channel,
            message=asked,
            platform_id=word,
            target="1",
            previous={"text": f"{word} {XSS}"},
        )
        ScheduledReply.objects.create(
            tenant=tenant, conversation=conversation, content={"type": "text", "text": f"{word} {XSS}"}, at=now()
        )
        Invitation.objects.create(
            tenant=tenant,
            email=f"new@{word}.example",
            role=Role.objects.get(name=f"{word}-role"),
            token_hash=word,
            expires_at=now() + timedelta(days=1),
        )
        Label.objects.create(tenant=tenant, name=f"{word} label")
        Team.objects.create(tenant=tenant, name=f"{word} team")
        CannedReply.objects.create(
            tenant=tenant, shortcut=word, title=f"{word} reply", content={"type": "text", "text": f"{word} {XSS}"}
        )
        StaffAlert.objects.create(
            tenant=tenant, event=asked.id, way="email", subject=f"{word} {XSS}", text=f"{word} {XSS}", status="failed"
        )
        MessageTemplate.objects.create(tenant=tenant, name=f"{word} template", variants={"en": {"text": "Hi"}})
        DeliveryAttempt.objects.create(tenant=tenant, delivery=delivery, number=1, outcome="permanent", exchange=[{}])
        Export.objects.create(tenant=tenant, contact_id=new_id(), requested_by=f"user:{word}", status="expired")
        Erasure.objects.create(tenant=tenant, contact_id=new_id(), requested_by=f"user:{word}", status="done")
        Turn.objects.create(tenant=tenant, conversation=conversation, first_seq=1, last_seq=1)
        Event.objects.create(tenant=tenant, conversation=conversation, seq=1, type=f"chat.{word}")
        HandledEvent.objects.create(
            tenant=tenant, handler="audit", event=Event.objects.get(seq=1).id, error=f"{word} {XSS}"
        )
        ContactMerge.objects.create(
            tenant=tenant, contact=conversation.contact, former_id=new_id(), by="user:ana",
            moved={"identities": [], "sessions": {}, "merges": []},
            former={"name": f"{word} {XSS}", "email": "", "phone": "", "language": "", "profile": {}, "preferences": {},
                    "decided": None, "created_at": "2026-01-01T00:00:00.000Z", "last_active_at": "2026-01-01T00:00:00.000Z"},
        )  # fmt: skip
        Review.objects.create(tenant=tenant, conversation=conversation, message=asked, flags=["profanity"])
        Note.objects.create(tenant=tenant, conversation=conversation, text=f"{word} note {XSS}")
        endpoint = WebhookEndpoint.objects.create(
            tenant=tenant, url=f"https://{word}.example.com/hook", event_types=["*"], description=f"{word} {XSS}",
            secrets=[{"secret": SECRET, "expires_at": None}],
        )  # fmt: skip
        WebhookDelivery.objects.create(tenant=tenant, endpoint=endpoint, type=f"chat.{word}", status="failed")
        KnowledgeEntry.objects.create(tenant=tenant, title=f"{word} fact", answer="It is so.")
        own = Provider.objects.create(tenant=tenant, name=f"{word}-own", kind="openai", key=SECRET)
        LanguageModel.objects.create(tenant=tenant, provider=own, name=f"{word}-gpt")
        ModelUse.objects.create(tenant=tenant, day="2026-01-31", model=f"{word}-own/{word}-gpt", questions=1)
        TrainedModel.objects.create(tenant=tenant, version=1, examples_digest="0")
        SystemPrompt.objects.create(tenant=tenant, version=1, text=f"{word} speaks", note=word)
        site = Site.objects.create(tenant=tenant, url=f"https://{word}.example/sitemap.xml", state="done")
        SitePage.objects.create(tenant=tenant, site=site, url=f"https://{word}.example/{XSS}")
        Tool.objects.create(tenant=tenant, name="order_status", title=f"{word} tool", description="Where an order is",
                            schema={"type": "object"}, url="https://tools.example.com/x", secret=SECRET)  # fmt: skip
        api_key_create(tenant=tenant, name=f"{word} key", scopes=["*"])
        client_create(tenant, f"{word} client", ["messages:read"])
        TrustedIssuer.objects.create(
            tenant=tenant, issuer=f"https://{word}.example.com/", audience="chat", place=word,
            jwks_url=f"https://{word}.example.com/jwks.json", permissions=["messages:read"],
        )  # fmt: skip
        family_begin(tenant.id, f"{word}-ana", ["messages:read"], "", int((now() + timedelta(days=1)).timestamp()))
        audit("system", f"{word}.made")
        receipt = InboundEvent.objects.create(
            tenant=tenant,
            channel=channel,
            digest=word,
            status="processed",
            reason=f"{word} reason",
            request={
                "method": "POST", "path": "/hook", "headers": {"authorization": f"Bearer {SECRET}"}, "query": {},
                "body": "eyJhIjogIkVBQUItdmVyeS1zZWNyZXQtdG9rZW4tOTg3NiIsICJiIjogIjxzY3JpcHQ+In0=", "url": "",
            },
        )  # fmt: skip
        EvaluationCase.objects.create(tenant=tenant, question=f"{word} {XSS}", intent=f"{word}_wish")
        intent = Intent.objects.create(
            tenant=tenant, name=f"{word}-intent", title=f"{word} wish", examples=["I want it", "give it to me"]
        )
    return World(tenant, word, channel, conversation, delivery, receipt, intent)


@pytest.fixture
def acme(tenant: Tenant) -> World:
    Removal.objects.create(tenant_id=new_id(), slug="globex-2019", name="A tenant of old", requested_by="user:root")
    return build(tenant)


@pytest.fixture
def globex(other_tenant: Tenant) -> World:
    return build(other_tenant)


@pytest.fixture
def superuser(db: None) -> Client:
    return _client(UserFactory(username="root", is_superuser=True))


@pytest.fixture
def staff_of() -> Any:
    """``staff_of(tenant, permissions)``: a client of a member of staff with one membership."""

    def make(tenant: Tenant, permissions: tuple[str, ...] = ("*",)) -> Client:
        user = UserFactory()
        role = RoleFactory(tenant=tenant, permissions=list(permissions))
        MembershipFactory(tenant=tenant, user=user, role=role)
        return _client(user)

    return make


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
