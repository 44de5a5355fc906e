"""Rows for every list of the API: how they are made, the oldest first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from assistant.evaluations.models import EvaluationCase
from assistant.knowledge.sites.models import Site, SitePage
from assistant.models import Intent, KnowledgeEntry, LanguageModel, ModelUse, Provider
from assistant.prompts.models import SystemPrompt
from channels_app.content.types import text
from channels_app.models import MessageTemplate
from conversations.models import ContactMerge, Conversation, Event, Identity, Message, Note, Review, Session
from messaging.agents.models import CannedReply, Label, SavedFilter, ScheduledReply
from messaging.models import HandledEvent, WebhookDelivery, WebhookEndpoint
from messaging.privacy.models import Erasure, Export
from messaging.threads.people import Who
from messaging.threads.rows import Wanted, thread_create
from messaging.threads.said import Said, message_post
from tenants.models import (
    AuditEntry,
    Invitation,
    Membership,
    OAuthClient,
    Role,
    Team,
    Tenant,
    TokenFamily,
    TrustedIssuer,
)
from tenants.storage.db import new_id
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    ConversationFactory,
    DeliveryFactory,
    IdentityFactory,
    LabelFactory,
    MembershipFactory,
    MessageFactory,
    RoleFactory,
    SessionFactory,
)

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 5
HOUSE = Who("system", "staff")
Made = tuple[str, list[Any]]


def at(number: int) -> datetime:
    return FIRST + timedelta(days=number)


def conversations(tenant: Tenant) -> Made:
    rows = [ConversationFactory(tenant=tenant, subject=f"number {n}") for n in range(MANY)]
    for n, row in enumerate(rows):
        Conversation.objects.filter(id=row.id).update(last_message_at=at(n))
    return "", rows


def articles(tenant: Tenant) -> Made:
    rows = [KnowledgeEntry.objects.create(tenant=tenant, title=f"number {n}", answer="It is so.") for n in range(MANY)]
    return "", dated(KnowledgeEntry, rows)


def site_pages(tenant: Tenant) -> Made:
    site = Site.objects.create(tenant=tenant, url="https://shop.example.com/sitemap.xml")
    rows = [SitePage.objects.create(tenant=tenant, site=site, url=f"https://x.example/number {n}") for n in range(MANY)]
    return str(site.id), dated(SitePage, rows)


def providers(tenant: Tenant) -> Made:
    rows = [Provider.objects.create(tenant=tenant, name=f"number {n}", kind="openai") for n in range(MANY)]
    return "", dated(Provider, rows)


def models(tenant: Tenant) -> Made:
    of = Provider.objects.create(tenant=tenant, name="own", kind="openai")
    rows = [LanguageModel.objects.create(tenant=tenant, provider=of, name=f"number {n}") for n in range(MANY)]
    return "", dated(LanguageModel, rows)


def model_use(tenant: Tenant) -> Made:
    rows = [ModelUse.objects.create(tenant=tenant, day=at(n).date(), model=f"number {n}") for n in range(MANY)]
    return "", dated(ModelUse, rows)


def contacts(tenant: Tenant) -> Made:
    return "", [ContactFactory(tenant=tenant, name=f"number {n}", last_active_at=at(n)) for n in range(MANY)]


def conversations_of(tenant: Tenant) -> Made:
    person = ContactFactory(tenant=tenant)
    rows = [ConversationFactory(tenant=tenant, contact=person, subject=f"number {n}") for n in range(MANY)]
    for n, row in enumerate(rows):
        Conversation.objects.filter(id=row.id).update(last_message_at=at(n))
    return str(person.id), rows


def history(tenant: Tenant) -> Made:
    talk = ConversationFactory(tenant=tenant)
    rows = [MessageFactory(tenant=tenant, conversation=talk, text=f"number {n}") for n in range(MANY)]
    return str(talk.contact_id), dated(Message, rows)


def transcript(tenant: Tenant) -> Made:
    talk = ConversationFactory(tenant=tenant, last_seq=MANY)
    rows = [MessageFactory(tenant=tenant, conversation=talk, text=f"number {n}", seq=n + 1) for n in range(MANY)]
    return str(talk.id), dated(Message, rows)


def merges(tenant: Tenant) -> Made:
    person = ContactFactory(tenant=tenant)
    rows = [
        ContactMerge.objects.create(
            tenant=tenant, contact=person, former_id=new_id(), by=f"number {n}", moved={"identities": []}
        )
        for n in range(MANY)
    ]
    return str(person.id), dated(ContactMerge, rows)


def channels(tenant: Tenant) -> Made:
    rows = [ChannelFactory(tenant=tenant, name=f"number {n}") for n in range(MANY)]
    return "", dated(type(rows[0]), rows)


def templates(tenant: Tenant) -> Made:
    rows = [
        MessageTemplate.objects.create(tenant=tenant, name=f"number {n}", variants={"en": {"content": {}}})
        for n in range(MANY)
    ]
    return "", dated(MessageTemplate, rows)


def prompts(tenant: Tenant) -> Made:
    rows = [
        SystemPrompt.objects.create(tenant=tenant, version=n + 1, text="Be brief.", note=f"number {n}")
        for n in range(MANY)
    ]
    return "", dated(SystemPrompt, rows)


def reviews(tenant: Tenant) -> Made:
    talk = ConversationFactory(tenant=tenant)
    rows = [
        Review.objects.create(
            tenant=tenant,
            conversation=talk,
            message=MessageFactory(tenant=tenant, conversation=talk, text=f"number {n}"),
        )
        for n in range(MANY)
    ]
    return "", dated(Review, rows)


def failures(tenant: Tenant) -> Made:
    rows = [
        HandledEvent.objects.create(tenant=tenant, handler="audit", event=new_id(), error=f"number {n}")
        for n in range(MANY)
    ]
    return "", dated(HandledEvent, rows)


def calls(tenant: Tenant) -> Made:
    where = WebhookEndpoint.objects.create(tenant=tenant, url="https://hooks.example.com")
    rows = [
        WebhookDelivery.objects.create(tenant=tenant, endpoint=where, type="chat.system.ping", error_code=f"number {n}")
        for n in range(MANY)
    ]
    return str(where.id), dated(WebhookDelivery, rows)


def sessions(tenant: Tenant) -> Made:
    rows = [SessionFactory(tenant=tenant, key=f"number {n}") for n in range(MANY)]
    return "", dated(Session, rows)


def events(tenant: Tenant) -> Made:
    rows = [Event.objects.create(tenant=tenant, type=f"chat.number {n}") for n in range(MANY)]
    return "", dated(Event, rows)


def dead_letters(tenant: Tenant) -> Made:
    return "", [
        DeliveryFactory(tenant=tenant, status="failed", dead_at=at(n), error_code=f"number {n}") for n in range(MANY)
    ]


def deliveries(tenant: Tenant) -> Made:
    rows = [DeliveryFactory(tenant=tenant, status="failed", error_code=f"number {n}") for n in range(MANY)]
    return "", dated(type(rows[0]), rows)


def labels(tenant: Tenant) -> Made:
    return "", dated(Label, [LabelFactory(tenant=tenant, name=f"number {n}") for n in range(MANY)])


def teams(tenant: Tenant) -> Made:
    return "", dated(Team, [Team.objects.create(tenant=tenant, name=f"number {n}") for n in range(MANY)])


def members(tenant: Tenant) -> Made:
    """They go by the ids of their accounts."""
    rows = [MembershipFactory(tenant=tenant, user__username=f"{tenant.slug} number {n}") for n in range(MANY)]
    return "", [row.user for row in dated(Membership, rows)]


def canned_replies(tenant: Tenant) -> Made:
    rows = [
        CannedReply.objects.create(
            tenant=tenant, shortcut=f"s{n}", title=f"number {n}", content={"type": "text", "text": "Yes."}
        )
        for n in range(MANY)
    ]
    return "", dated(CannedReply, rows)


def filters(tenant: Tenant) -> Made:
    rows = [
        SavedFilter.objects.create(tenant=tenant, name=f"number {n}", query={"view": "waiting"}) for n in range(MANY)
    ]
    return "", dated(SavedFilter, rows)


def endpoints(tenant: Tenant) -> Made:
    rows = [WebhookEndpoint.objects.create(tenant=tenant, url=f"https://x.example/number {n}") for n in range(MANY)]
    return "", dated(WebhookEndpoint, rows)


def audit_entries(tenant: Tenant) -> Made:
    rows = [AuditEntry.objects.create(tenant=tenant, actor=f"number {n}", action="x.y") for n in range(MANY)]
    return "", dated(AuditEntry, rows)


def invitations(tenant: Tenant) -> Made:
    role = RoleFactory(tenant=tenant)
    rows = [
        Invitation.objects.create(
            tenant=tenant, role=role, email=f"number {n}@example.com", token_hash=f"{n}", expires_at=at(n)
        )
        for n in range(MANY)
    ]
    return "", dated(Invitation, rows)


def token_families(tenant: Tenant) -> Made:
    rows = [TokenFamily.objects.create(tenant=tenant, subject=f"number {n}", expires_at=at(n)) for n in range(MANY)]
    return "", dated(TokenFamily, rows)


def roles(tenant: Tenant) -> Made:
    return "", dated(Role, [RoleFactory(tenant=tenant, name=f"number {n}") for n in range(MANY)])


def privacy_records(model: Any, tenant: Tenant) -> Made:
    rows = [model.objects.create(tenant=tenant, contact_id=new_id(), requested_by=f"number {n}") for n in range(MANY)]
    return "", dated(model, rows)


def token_issuers(tenant: Tenant) -> Made:
    rows = [TrustedIssuer.objects.create(tenant=tenant, issuer=f"number {n}", place=f"{n}") for n in range(MANY)]
    return "", dated(TrustedIssuer, rows)


def oauth_clients(tenant: Tenant) -> Made:
    rows = [OAuthClient.objects.create(tenant=tenant, name=f"number {n}", client_id=f"oac_{n}") for n in range(MANY)]
    return "", dated(OAuthClient, rows)


def threads(tenant: Tenant) -> Made:
    rows = [thread_create("l-1", Wanted(subject=f"number {n}"), HOUSE).thread for n in range(MANY)]
    for n, row in enumerate(rows):
        Conversation.objects.filter(id=row.id).update(last_message_at=at(n))
    return "", rows


def thread_messages(tenant: Tenant) -> Made:
    thread = thread_create("l-1", Wanted(), HOUSE).thread
    rows = [message_post(thread.id, Said(text(f"number {n}")), HOUSE) for n in range(MANY)]
    return str(thread.id), dated(Message, rows)


def evaluation_cases(tenant: Tenant) -> Made:
    rows = [EvaluationCase.objects.create(tenant=tenant, question=f"number {n}") for n in range(MANY)]
    return "", dated(EvaluationCase, rows)


def notes(tenant: Tenant) -> Made:
    talk = ConversationFactory(tenant=tenant)
    rows = [Note.objects.create(tenant=tenant, conversation=talk, text=f"number {n}") for n in range(MANY)]
    return str(talk.id), dated(Note, rows)


def scheduled(tenant: Tenant) -> Made:
    talk = ConversationFactory(tenant=tenant)
    said = [{"type": "text", "text": f"number {n}"} for n in range(MANY)]
    return str(talk.id), [
        ScheduledReply.objects.create(tenant=tenant, conversation=talk, content=said[n], at=at(n)) for n in range(MANY)
    ]


def identities(tenant: Tenant) -> Made:
    person = ContactFactory(tenant=tenant)
    rows = [IdentityFactory(tenant=tenant, contact=person, value=f"number {n}") for n in range(MANY)]
    return str(person.id), dated(Identity, rows)


def intents(tenant: Tenant) -> Made:
    rows = [Intent.objects.create(tenant=tenant, name=f"own_{n}", title=f"number {n}") for n in range(MANY)]
    return "", dated(Intent, rows)


def dated(model: Any, rows: list[Any]) -> list[Any]:
    for n, row in enumerate(rows):
        model.objects.filter(id=row.id).update(created_at=at(n))
    return rows


#: path → (rows, the oldest first and each of a day of its own; the column of the days)
LISTS: dict[str, tuple[Callable[[Tenant], Made], str]] = {
    "/api/v2/chat/conversations": (conversations, "last_message_at"),
    "/api/v2/contacts": (contacts, "last_active_at"),
    "/api/v2/contacts/{contact_id}/conversations": (conversations_of, "last_message_at"),
    "/api/v2/chat/conversations/{conversation_id}/messages": (transcript, "seq"),
    "/api/v2/contacts/{contact_id}/history": (history, "created_at"),
    "/api/v2/contacts/{contact_id}/merges": (merges, "created_at"),
    "/api/v1/privacy/export": (partial(privacy_records, Export), "created_at"),
    "/api/v1/privacy/delete": (partial(privacy_records, Erasure), "created_at"),
    "/api/v1/threads": (threads, "updated_at"),
    "/api/v1/threads/{thread_id}/messages": (thread_messages, "created_at"),
    "/api/v2/sessions": (sessions, "created_at"),
    "/api/v2/contacts/{contact_id}/identities": (identities, "created_at"),
    "/api/v2/chat/conversations/{conversation_id}/notes": (notes, "created_at"),
    "/api/v2/chat/conversations/{conversation_id}/scheduled": (scheduled, "at"),
    "/api/v2/intents": (intents, "created_at"),
    "/api/v2/events": (events, "timestamp"),
    "/api/v2/labels": (labels, "created_at"),
    "/api/v2/teams": (teams, "created_at"),
    "/api/v2/members": (members, "created_at"),
    "/api/v2/canned-replies": (canned_replies, "created_at"),
    "/api/v2/chat/inbox/filters": (filters, "created_at"),
    "/api/v2/webhook-endpoints": (endpoints, "created_at"),
    "/api/v2/deliveries": (deliveries, "created_at"),
    "/api/v2/dead-letters": (dead_letters, "dead_at"),
    "/api/v2/audit": (audit_entries, "created_at"),
    "/api/v2/token-issuers": (token_issuers, "created_at"),
    "/api/v2/oauth-clients": (oauth_clients, "created_at"),
    "/api/v2/token-families": (token_families, "created_at"),
    "/api/v2/invitations": (invitations, "created_at"),
    "/api/v2/roles": (roles, "created_at"),
    "/api/v2/channels": (channels, "created_at"),
    "/api/v2/providers": (providers, "created_at"),
    "/api/v2/models": (models, "created_at"),
    "/api/v2/models/use": (model_use, "created_at"),
    "/api/v2/templates": (templates, "created_at"),
    "/api/v2/knowledge": (articles, "created_at"),
    "/api/v2/knowledge-sites/{site_id}/pages": (site_pages, "created_at"),
    "/api/v2/prompts": (prompts, "created_at"),
    "/api/v2/reviews": (reviews, "created_at"),
    "/api/v2/events/failed": (failures, "failed_at"),
    "/api/v2/evaluation-cases": (evaluation_cases, "created_at"),
    "/api/v2/webhook-endpoints/{endpoint_id}/deliveries": (calls, "created_at"),
}
