"""The audit trail of the console: whatever staff do there is written down, and what failed is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client

from assistant.evaluations.models import EvaluationCase
from assistant.knowledge.sites.models import Site
from assistant.llm.chat import ChatResult
from assistant.llm.providers.setup import Tried
from assistant.models import Intent, KnowledgeEntry, LanguageModel, Provider
from assistant.prompts.models import SystemPrompt
from assistant.tools.models import Tool
from channels_app.contract import CheckResult
from channels_app.models import Channel, MessageTemplate
from conversations.models import Attachment, Contact, ContactMerge, Conversation, Review
from messaging.admin import conversations as conversation_admin
from messaging.agents.models import ScheduledReply
from messaging.models import Delivery, HandledEvent, InboundEvent, StaffAlert, Turn, WebhookDelivery, WebhookEndpoint
from tenants.console.pages.trailed import Trailed
from tenants.models import (
    ApiKey,
    AuditEntry,
    Invitation,
    Membership,
    OAuthClient,
    TokenFamily,
    TrustedIssuer,
    User,
)
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import World, do, rows, url

admin.autodiscover()
PAGES = list(admin.site._registry.items())
CONVERSATION_BUTTONS = [
    getattr(conversation_admin, name) for name in ("TAKE_OVER", "HAND_BACK", "CLOSE", "REPLY", "TEMPLATE", "NOTE")
]
CONTROL = {"hand_back": "human"}  # who is in control before the act; else the bot


def _working(monkeypatch: pytest.MonkeyPatch) -> None:
    """Platforms and integrators that answer well."""
    answered = SimpleNamespace(status="delivered", response_status=200)
    monkeypatch.setattr("messaging.admin.channels.page.channel_check", lambda channel: CheckResult("healthy", "Works"))
    monkeypatch.setattr("messaging.admin.channels.page.templates_sync", lambda channel: 3)
    monkeypatch.setattr("assistant.console.models.provider_test", lambda provider: Tried("", 5, ("gpt-x",)))
    monkeypatch.setattr("tenants.console.tokens.issuers.issuer_try", lambda issuer: ["2026-01"])
    result = ChatResult("ready", "stop", "own/gpt-x")
    monkeypatch.setattr("assistant.console.models.chat_with", lambda offer, request: result)
    monkeypatch.setattr("messaging.integrators.admin.ping", lambda endpoint: answered)


#: what staff can do with a row: (model, verb, what the form says, action in the trail)
ACTS: list[tuple[Any, str, dict[str, str], str]] = [
    (Conversation, "take_over", {}, "conversation.take-over"),
    (Conversation, "hand_back", {}, "conversation.hand-back"),
    (Conversation, "close", {}, "conversation.end"),
    (Conversation, "reply", {"text": "Hello", "reply_id": "1"}, "conversation.replied"),
    (
        Conversation, "template", {"template": "hi|en", "reply_id": "1"}, "conversation.replied",
    ),
    (Conversation, "annotate", {"text": "said in secret"}, "conversation.annotated"),
    (KnowledgeEntry, "checked", {}, "knowledgeentry.checked"),
    (Site, "read", {}, "site.read"),
    (Provider, "test", {}, "provider.tested"),
    (LanguageModel, "test", {}, "languagemodel.tested"),
    (LanguageModel, "switch", {}, "languagemodel.switched"),
    (Review, "reviewed", {}, "review.reviewed"),
    (ContactMerge, "part", {}, "contact.parted"),
    (Contact, "stop", {}, "contact.stopped"),
    (Contact, "allow", {}, "contact.allowed"),
    (HandledEvent, "retry", {}, "handledevent.retried"),
    (Delivery, "retry", {}, "delivery.retried"),
    (Attachment, "fetch", {}, "attachment.replayed"),
    (InboundEvent, "process", {}, "inboundevent.replayed"),
    (Turn, "answer", {}, "turn.replayed"),
    (StaffAlert, "send", {}, "staffalert.replayed"),
    (ScheduledReply, "cancel", {}, "scheduledreply.cancelled"),
    (ScheduledReply, "send", {}, "scheduledreply.replayed"),
    (Channel, "test", {}, "channel.checked"),
    (Channel, "disconnect", {}, "channel.disconnected"),
    (Channel, "sync_templates", {}, "channel.templates_synced"),
    (WebhookEndpoint, "ping", {}, "webhookendpoint.pinged"),
    (WebhookEndpoint, "resume", {}, "webhookendpoint.resumed"),
    (WebhookEndpoint, "replay", {}, "webhookendpoint.replayed"),
    (WebhookEndpoint, "rotate", {}, "webhookendpoint.secret_rotated"),
    (WebhookDelivery, "replay", {}, "webhookdelivery.replayed"),
    (Membership, "reset_second", {}, "second_factor.reset"),
    (Invitation, "send", {}, "invitation.sent"),
    (Invitation, "revoke", {}, "invitation.revoked"),
    (ApiKey, "rotate", {}, "apikey.rotated"),
    (ApiKey, "revoke", {}, "apikey.revoked"),
    (OAuthClient, "rotate", {}, "oauthclient.rotated"),
    (OAuthClient, "revoke", {}, "oauthclient.revoked"),
    (TrustedIssuer, "try", {}, "tokenissuer.tried"),
    (TokenFamily, "revoke", {}, "tokenfamily.revoked"),
    (Intent, "train", {}, "traininglane.asked"),
    (KnowledgeEntry, "train", {}, "traininglane.asked"),
    (SystemPrompt, "activate", {}, "systemprompt.activated"),
    (Tool, "switch", {}, "tool.switched"),
    (EvaluationCase, "run", {}, "evaluationcase.evaluated"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "verb", "data", "action"), ACTS, ids=[f"{a[0].__name__} {a[1]}" for a in ACTS])
def test_every_act_of_staff_leaves_a_trail(
    model: Any, verb: str, data: dict[str, str], action: str,
    staff_of: Any, acme: World, globex: World, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    _working(monkeypatch)
    with tenant_scope(acme.tenant.id):
        MessageTemplate.objects.create(
            tenant=acme.tenant, name="hi", variants={"en": {"content": {"type": "text", "text": "Hi there"}}}
        )
        Conversation.objects.update(control_owner=CONTROL.get(verb, "bot"))
        Turn.objects.update(status="failed")
        StaffAlert.objects.update(status="failed")
        ScheduledReply.objects.update(status={"send": "failed"}.get(verb, "waiting"))
        Attachment.objects.update(state="failed")
    User.objects.update(second_factor_at=now())
    row = rows(model).filter(tenant=acme.tenant).first()
    do(staff_of(acme.tenant), row, verb, **data)
    entry = rows(AuditEntry).get(action=action)
    assert entry.tenant_id == acme.tenant.pk
    assert entry.actor.startswith("user:")
    assert entry.ip == "127.0.0.1"
    assert "said in secret" not in str(entry.changes)


def test_no_act_of_staff_is_without_a_test() -> None:
    own = [CONVERSATION_BUTTONS if model is Conversation else getattr(page, "buttons", ()) for model, page in PAGES]
    there = {(model, button.verb) for (model, _), buttons in zip(PAGES, own, strict=True) for button in buttons}
    assert there == {(model, verb) for model, verb, _, _ in ACTS}


def test_an_act_that_failed_leaves_no_trail(staff_of: Any, acme: World) -> None:
    do(staff_of(acme.tenant), acme.conversation, "reply", text=" ")
    assert not rows(AuditEntry).filter(action="conversation.replied").exists()


def test_django_keeps_no_log_of_its_own_with_names_of_people(superuser: Client, acme: World) -> None:
    contact = acme.conversation.contact
    fields = {"name": "Erin Quartz", "identities-TOTAL_FORMS": "0", "identities-INITIAL_FORMS": "0"}
    superuser.post(url(Contact, "change", contact.pk), fields)
    assert rows(Contact).get(pk=contact.pk).name == "Erin Quartz"
    superuser.post(url(User, "add"), {"username": "new", "usable_password": "false", "is_superuser": "on"})
    member = User.objects.get(username="new")
    superuser.post(url(User, "delete", member.pk), {"post": "yes"})
    assert not User.objects.filter(pk=member.pk).exists()
    assert list(LogEntry.objects.all()) == []
    assert rows(AuditEntry).filter(action="contact.updated", target=f"contact:{contact.pk}").count() == 1


def test_no_page_that_changes_rows_is_left_out() -> None:
    silent = [page for page in admin.site._registry.values() if not isinstance(page, Trailed)]
    assert [type(page).__name__ for page in silent] == ["RemovalAdmin"]  # it is read alone


def test_the_history_of_a_row_is_what_the_trail_has_of_it(staff_of: Any, acme: World) -> None:
    channel = acme.channel
    for permissions, shown in ((("channels:read", "audit:read"), True), (("channels:read",), False)):
        client = staff_of(acme.tenant, permissions)
        assert (
            url(Channel, "history", channel.pk) in client.get(url(Channel, "change", channel.pk)).content.decode()
        ) is shown
        assert client.get(url(Channel, "history", channel.pk), follow=True).status_code == (200 if shown else 403)
