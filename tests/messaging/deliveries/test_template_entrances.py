"""Who uses templates beside the API: the bot, the worker that brings them over, the platform's verdicts, staff."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.test import Client

from assistant.port import EngineReply
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Content, TemplateUse, text
from channels_app.contract import InboundMessage, RawRequest, RemoteTemplate, Sender, Unreachable
from channels_app.models import MessageTemplate
from channels_app.templates.resolve import templates_approved
from channels_app.templates.store import TemplateBody, template_create
from conversations.models import Conversation, Message
from messaging import tasks
from messaging.accept import accept
from messaging.models import Turn
from messaging.receive import receipt_process, receipt_store
from messaging.respond import respond
from messaging.turns import thinking
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.storage.db import now
from tests.factories import ConversationFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
GREETING = TemplateBody.model_validate(
    {"name": "greeting", "variants": {
        "en": {"content": {"type": "text", "text": "Hello {{name}}"}},
        "de": {"content": {"type": "text", "text": "Hallo {{name}}"}},
    }}
)  # fmt: skip
LISTED = RemoteTemplate("shipped", "en_US", "Order {{1}}", "approved", "utility")


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[RemoteTemplate]:
    templates = [LISTED]
    monkeypatch.setattr(WhatsApp, "templates", lambda self, config, http: templates)
    return templates


def bot_says(monkeypatch: pytest.MonkeyPatch, content: Content) -> None:
    class Engine:
        def respond(self, request: Any) -> EngineReply:
            return EngineReply(contents=(content,))

    monkeypatch.setattr(thinking, "engine_for", lambda settings: Engine())


@pytest.mark.parametrize(
    ("variables", "said"),
    [({"name": "Ana"}, "Hello Ana"), ({}, "Sorry, I cannot answer right now. Please try again in a moment.")],
    ids=["filled in", "a value is missing: the fallback reply"],
)
def test_the_bot_uses_templates(scope, web, said, monkeypatch, variables) -> None:
    template_create(name=GREETING.name, variants=GREETING.variants)
    bot_says(monkeypatch, Content(type="template", template=TemplateUse(name="greeting", variables=variables)))
    accept(web, InboundMessage("", Sender("web", "ana"), text("hi")))
    Turn.objects.update(due_at=now())
    respond(Turn.objects.get().id)
    assert Message.objects.get(role="bot").text == said


# --------------------------------------------------------------------------------- sync


def test_the_worker_brings_templates_over(scope, whatsapp, listed) -> None:
    tasks.sync_templates()
    assert templates_approved(whatsapp) == [{"name": "shipped", "language": "en_US", "variables": ["1"]}]
    assert "messaging.tasks.sync_templates" in {entry["task"] for entry in configured.CELERY["beat_schedule"].values()}


def test_the_command_does_too_and_says_what_failed(tenant, whatsapp, listed, monkeypatch) -> None:
    out = StringIO()
    call_command("sync_templates", tenant="acme", stdout=out)
    assert "1 acme" in out.getvalue()

    def away(self: Any, config: Any, http: Any) -> Any:
        raise Unreachable("connect_failed")

    monkeypatch.setattr(WhatsApp, "templates", away)
    with pytest.raises(CommandError):
        call_command("sync_templates", stdout=out)
    assert "failed" in out.getvalue()


@pytest.mark.parametrize(
    ("name", "status", "woken"), [("shipped", "paused", 0), ("brand_new", "approved", 1)], ids=["known", "new"]
)
def test_a_verdict_by_webhook_counts_at_once(scope, whatsapp, listed, calls, name, status, woken) -> None:
    tasks.sync_templates_of(str(whatsapp.id))
    value = {"event": status.upper(), "message_template_name": name, "message_template_language": "en_US"}
    change = {"field": "message_template_status_update", "value": value}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})
    receipt = receipt_store(whatsapp, RawRequest("POST", "/", body=body.encode()))
    assert receipt_process(receipt.id) == 1
    assert len(calls.of("sync_templates_of")) == woken
    assert len(templates_approved(whatsapp)) == woken  # the known one is paused, the new one not here yet


# ------------------------------------------------------------------------------ console


@pytest.fixture
def console(db: None) -> Client:
    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    return client


def test_staff_send_a_template_from_the_console(scope, whatsapp, listed, console) -> None:
    tasks.sync_templates()
    conversation = ConversationFactory(tenant=scope, channel=whatsapp, reply_window_expires_at=now())
    page = f"/admin/conversations/conversation/{conversation.id}"
    shown = console.get(f"{page}/change/").content.decode()
    assert "The reply window has closed" in shown
    assert "shipped (en_US): 1" in shown
    said = {"template": "shipped|en_US", "variables": "1 = 77", "reply_id": "r1"}
    console.post(f"{page}/do/template/", said)
    console.post(f"{page}/do/template/", said)
    assert Message.objects.get(role="agent").text == "Order 77"
    assert Conversation.objects.get().control_owner == "human"


def test_the_console_refuses_a_text_outside_the_window_and_says_why(scope, whatsapp, console) -> None:
    conversation = ConversationFactory(tenant=scope, channel=whatsapp, reply_window_expires_at=now())
    page = f"/admin/conversations/conversation/{conversation.id}"
    told = console.post(f"{page}/do/reply/", {"text": "late", "reply_id": "r1"}, follow=True).content.decode()
    assert "The reply window is closed" in told
    assert not Message.objects.exists()


def test_the_channels_page_syncs(scope, whatsapp, web, listed, console) -> None:
    page = "/admin/channels_app/channel/{}/{}/"
    assert "Sync templates" in console.get(page.format(whatsapp.id, "change")).content.decode()
    assert "Sync templates" not in console.get(page.format(web.id, "change")).content.decode()
    told = console.post(page.format(whatsapp.id, "do/sync_templates"), follow=True).content.decode()
    assert "1 templates" in told


def test_a_template_is_written_and_looked_at_in_the_console(tenant, scope, console) -> None:
    where = "/admin/channels_app/messagetemplate/add/"
    body = {"tenant": str(tenant.id), "name": "hello"}
    body |= {"variants-0-key": "en", "variants-0-value-content-type": "text"}
    bad = console.post(where, body)
    assert bad.status_code == 200 and not MessageTemplate.objects.exists()
    assert "text is required" in bad.content.decode()
    good = {
        "variants-0-value-content-text": "Hi {{who}}, {{when}}",
        "variants-0-value-defaults-0-key": "who", "variants-0-value-defaults-0-value": "you",
    }  # fmt: skip
    for _ in range(2):  # the second is told that the name is taken
        console.post(where, {**body, **good})
    row = MessageTemplate.objects.get()
    shown = console.get(f"/admin/channels_app/messagetemplate/{row.id}/change/").content.decode()
    assert "Hi you, {{when}}" in shown


# ---------------------------------------------------------- the tenant's rules on texts


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"region": "DE"}, {"phones": ["+493012345678"], "flags": []}),
        ({}, {"phones": [], "flags": []}),
        ({"safety": {"words": ["Quatsch"]}}, {"phones": [], "flags": ["profanity"]}),
        ({"safety": {"max_length": 10}}, {"phones": [], "flags": ["too_long"]}),
    ],
    ids=["a region", "none", "words", "length"],
)
def test_a_text_is_looked_at_by_the_tenants_rules(scope, web, settings, found) -> None:
    Tenant.objects.filter(id=scope.id).update(settings=settings)
    tenant_settings.invalidate(scope.id)
    accept(web, InboundMessage("", Sender("web", "ana"), text("quatsch, ruf 030 12345678 an")))
    analysis = Message.objects.get().analysis
    phones = [entity["value"] for entity in analysis["entities"] if entity["type"] == "phone"]
    assert {"phones": phones, "flags": analysis["flags"]} == found
