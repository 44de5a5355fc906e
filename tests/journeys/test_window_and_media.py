"""What people send and when we may answer: a picture by WhatsApp, the closed reply window, choices by text message
(complaints 8, 16 and 17 of docs/testing.md)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client

from channels_app.models import MessageTemplate
from channels_app.twin.platforms.whatsapp import DOT
from conversations.models import Attachment, Conversation
from messaging.models import Delivery
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.journeys.connected import Connected

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"
PICTURE = {"type": "image", "image": {"id": "900000000000001", "mime_type": "image/png", "caption": "Is this yours?"}}


@pytest.fixture
def whatsapp(connected) -> Connected:
    return connected("whatsapp")


def test_a_picture_comes_in_is_kept_and_shown_by_a_signed_link(tenant, whatsapp, api, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path
    whatsapp.ask(message=PICTURE)
    with tenant_scope(tenant.id):
        assert Attachment.objects.get().state == "stored"
    shown = whatsapp.history(api(tenant))[0]
    assert shown["content"]["text"] == "Is this yours?"
    link = urlsplit(shown["content"]["media"]["url"])
    served = Client().get(f"{link.path}?{link.query}")
    assert (served.status_code, served["Content-Type"]) == (200, "image/png")
    assert b"".join(served.streaming_content) == DOT
    bent = f"{link.path[:-8]}{link.path[-1] * 8}"
    assert Client().get(bent).status_code in (403, 404)


def test_outside_the_window_words_are_refused_and_a_template_goes_through(tenant, whatsapp, api) -> None:
    whatsapp.ask(HOURS)
    body = {"content": {"type": "text", "text": "Order {{1}} is here."}, "external": {"status": "approved"}}
    with tenant_scope(tenant.id):
        MessageTemplate.objects.create(
            tenant=tenant, channel=whatsapp.channel, name="shipped", variants={"en_US": body}, synced_at=now()
        )
        Conversation.objects.update(reply_window_expires_at=now() - timedelta(seconds=1))
        where = f"/api/v2/chat/conversations/{Conversation.objects.get().id}/messages"
    client, before = api(tenant), len(whatsapp.heard)
    refused = client.post(where, {"content": {"type": "text", "text": "It is here."}})
    assert (refused.status_code, client.error_of(refused)["code"]) == (409, "window_closed")
    [offered] = client.error_of(refused)["details"]["templates"]
    template = {"name": offered["name"], "language": offered["language"], "variables": {"1": "AC-10042"}}
    assert client.post(where, {"content": {"type": "template", "template": template}}).status_code == 201
    whatsapp.settle()
    [sent] = whatsapp.twin.sent[before:]
    assert (sent["body"]["type"], sent["body"]["template"]["name"]) == ("template", "shipped")
    last = whatsapp.history(client)[-1]
    assert (last["content"]["text"], last["status"]) == ("Order AC-10042 is here.", "read")


def test_four_by_text_message_picks_the_fourth_choice(connected) -> None:
    line = connected("sms")
    line.ask("what can you do")
    offered = dict(row.split(". ", 1) for row in line.heard[-1].splitlines() if row[:1].isdigit())
    line.ask("4")
    assert offered["4"] == "Newsletter"
    assert line.heard[-1] == "Which e-mail address shall the newsletter go to?"


def test_answers_arrive_in_the_order_they_were_written(tenant, whatsapp, api) -> None:
    """Complaint 8: a failure in between holds what comes after it."""
    client = api(tenant)
    whatsapp.ask(HOURS)
    with tenant_scope(tenant.id):
        where = f"/api/v2/chat/conversations/{Conversation.objects.get().id}/messages"
    whatsapp.twin.faults.order("500")
    for words in ("one", "two", "three"):
        client.post(where, {"content": {"type": "text", "text": words}})
    whatsapp.settle()
    assert whatsapp.heard[1:] == []
    with tenant_scope(tenant.id):
        Delivery.objects.filter(status="queued").update(due_at=now())
    whatsapp.settle()
    assert whatsapp.heard[1:] == ["one", "two", "three"]
