"""The journeys over Twilio: a text message and a phone call, from the signed webhook to the platform's twin."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import pytest
from django.conf import settings
from django.test import Client

from channels_app.models import Channel
from channels_app.twin.platforms.voice import Line, lines
from conversations.models import Conversation, Message
from messaging.models import Delivery, InboundEvent
from tenants.scope import tenant_scope
from tests.adapters.twilio_signing import signature
from tests.factories import ChannelFactory
from tests.journeys.connected import work

pytestmark = pytest.mark.django_db(transaction=True)

ANA = "+15005550006"
ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "token-0123456789"
CALL = "CA00000000000000000000000000000001"


@pytest.fixture
def channel(tenant, twin, connected):
    """Makes a channel of a kind that calls the twin."""

    def make(kind: str, **config: str) -> Channel:
        own = {"account_sid": ACCOUNT, "api_base": twin.url, **config}
        return ChannelFactory(tenant=tenant, kind=kind, config=own, secrets={"auth_token": TOKEN})

    return make


def post(channel: Channel, query: str = "", token: str = TOKEN, **said: str) -> Any:
    path = f"/api/v2/webhooks/{channel.kind}/{channel.key}{query}"
    body = urlencode({"AccountSid": ACCOUNT, "From": ANA, "To": "+15005550001", **said}).encode()
    signed = signature(token, f"{settings.PUBLIC_URL}{path}", body)
    kind = "application/x-www-form-urlencoded"
    return Client().post(path, body, content_type=kind, HTTP_X_TWILIO_SIGNATURE=signed)


def test_a_text_message_is_answered_and_reported(tenant, channel, twin) -> None:
    line = channel("sms", from_number="+15005550001")
    answer = post(line, MessageSid="SM01", Body="What are your opening hours?", NumMedia="0")
    assert (answer.status_code, answer["content-type"]) == (200, "text/xml; charset=utf-8")
    work(tenant)
    [sent] = twin.sent
    assert (sent["person"], sent["body"]["From"]) == (ANA, "+15005550001")
    call_back = sent["body"]["StatusCallback"]
    assert call_back.startswith(f"{settings.PUBLIC_URL}/api/v2/webhooks/sms/{line.key}?ref=")
    post(line, f"?{call_back.partition('?')[2]}", MessageSid=sent["id"], MessageStatus="delivered")
    work(tenant)
    with tenant_scope(tenant.id):
        assert Delivery.objects.get().status == "delivered"


def test_the_same_text_message_ten_times_is_one(tenant, channel, twin) -> None:
    line = channel("sms", from_number="+15005550001")
    for _ in range(10):
        post(line, MessageSid="SM01", Body="What are your opening hours?")
    work(tenant)
    assert len(twin.sent) == 1


def test_a_forged_message_is_refused(tenant, channel) -> None:
    line = channel("sms", from_number="+15005550001")
    assert post(line, token="other", MessageSid="SM01", Body="hi").status_code == 401
    with tenant_scope(tenant.id):
        assert not InboundEvent.objects.exists()


def test_a_call_is_a_conversation(tenant, channel, twin) -> None:
    line = channel("voice", number="+15005550001")
    lines(twin)[CALL] = Line(CALL, ANA, "in-progress")
    greeting = fromstring(post(line, CallSid=CALL, CallStatus="ringing").content)
    query = f"?{greeting.find('Gather').get('action').partition('?')[2]}"
    held = post(line, query, CallSid=CALL, CallStatus="in-progress", SpeechResult="What are your opening hours?")
    assert [verb.tag for verb in fromstring(held.content)] == ["Pause", "Redirect"]
    work(tenant)
    [sent] = twin.sent
    with tenant_scope(tenant.id):
        assert Message.objects.get(direction="outbound").text.split()[0] in sent["body"]["Twiml"]
        assert Conversation.objects.get().thread == CALL
        assert Delivery.objects.get().status == "sent"
    asked = fromstring(sent["body"]["Twiml"]).find("Gather").get("action")
    post(line, f"?{asked.partition('?')[2]}", CallSid=CALL, CallStatus="in-progress", SpeechResult="Thank you")
    work(tenant)
    with tenant_scope(tenant.id):
        assert Delivery.objects.order_by("seq").first().status == "delivered"
        words = list(Message.objects.filter(direction="inbound").order_by("seq").values_list("text", flat=True))
    assert words == ["What are your opening hours?", "Thank you"]


def test_a_reply_to_a_call_that_is_over_is_a_dead_letter_with_a_reason(tenant, channel, twin) -> None:
    line = channel("voice", number="+15005550001")
    lines(twin)[CALL] = Line(CALL, ANA, "completed")
    post(line, "?event=answer", CallSid=CALL, CallStatus="in-progress", SpeechResult="What are your opening hours?")
    work(tenant)
    with tenant_scope(tenant.id):
        dead = Delivery.objects.get()
    assert (dead.status, dead.error_code) == ("failed", "call_ended")
