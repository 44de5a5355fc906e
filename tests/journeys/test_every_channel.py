"""What holds on every channel on which people write: a signed webhook in, one answer out, its delivery status back, nothing
doubled, nothing lost while a credential is refused (complaints 1, 2, 4, 9 and 17 of docs/testing.md)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels_app.models import ChannelHealth
from channels_app.services import channel_save
from channels_app.twin.platforms import PLATFORMS
from conversations.models import Contact, Conversation, Message
from messaging.health import watch
from messaging.models import DeliveryAttempt, InboundEvent, Turn
from tenants.scope import tenant_scope
from tests.journeys.connected import Connected, post, post_at_once, work

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"
#: kind → how far the platform's own reports bring a message
LAST_WORD = {
    "messenger": "read",
    "slack": "sent",
    "sms": "delivered",
    "teams": "read",
    "webhook": "read",
    "whatsapp": "read",
}
#: kinds that show something to press
PRESSED = [kind for kind in LAST_WORD if kind != "sms"]


@pytest.fixture(params=LAST_WORD)
def line(request, connected) -> Connected:
    return connected(request.param)


def test_every_platform_of_the_twin_is_here_or_is_the_phone() -> None:
    assert set(LAST_WORD) | {"voice"} == set(PLATFORMS)


def test_from_the_webhook_to_the_history(tenant, line, api) -> None:
    said = line.ask(HOURS)
    [inbound] = line.inbound()
    assert inbound.text == HOURS
    assert inbound.platform_message_id.startswith(said)
    question, *answers = line.history(api(tenant))
    assert (question["direction"], question["content"]["text"]) == ("inbound", HOURS)
    assert {(answer["direction"], answer["role"]) for answer in answers} == {("outbound", "bot")}
    assert {answer["status"] for answer in answers} == {LAST_WORD[line.channel.kind]}
    assert len(line.heard) == len(answers) == 1
    assert line.heard[0].split()[:4] == answers[0]["content"]["text"].split()[:4]


def test_who_is_named_by_a_caller_is_the_person_who_wrote(tenant, line, api) -> None:
    """One person is one contact and one conversation, by whichever entrance their words come."""
    line.ask(HOURS)
    kind, client = line.channel.kind, api(tenant)
    [talk] = client.data_of(client.get("/api/v2/chat/conversations"))["items"]
    named = client.data_of(client.get(f"/api/v2/chat/conversations/{talk['id']}"))["user_id"]
    body = {"user_id": named, "channel": kind, "content": {"type": "text", "text": "And on Sundays?"}}
    answer = client.post("/api/v2/chat/message", body)
    with tenant_scope(tenant.id):
        assert (answer.status_code, Contact.objects.count()) == (200, 1), answer.content
        assert set(Message.objects.values_list("identity__value", flat=True)) == {named}


def test_ten_copies_in_parallel_are_one_message_and_one_answer(tenant, line) -> None:
    """Complaint 2: platforms send at least once, and Slack's retry is no reason to drop it either."""
    line.say(HOURS)
    [webhook] = line.take_mail()
    assert post_at_once([webhook] * 10) == [200] * 10
    line.settle()
    assert (len(line.inbound()), len(line.heard)) == (1, 1)


def test_a_burst_at_the_same_instant_is_one_conversation_and_one_answer(tenant, line) -> None:
    """Complaints 1 and 9: every message opened a conversation of its own, and the bot answered each fragment."""
    for words in ("hello", "I have a question", HOURS):
        line.say(words)
    assert post_at_once(line.take_mail()) == [200] * 3
    work(tenant)
    with tenant_scope(tenant.id):
        assert (Conversation.objects.count(), Turn.objects.filter(status="answered").count()) == (1, 1)
    assert sorted(message.seq for message in line.inbound()) == [1, 2, 3]


def test_a_forged_webhook_is_refused_and_not_stored(tenant, line) -> None:
    line.say(HOURS)
    [webhook] = line.take_mail()
    proof = next(name for name in webhook.headers if name.endswith(("signature", "signature-256", "authorization")))
    forged = replace(webhook, headers={**webhook.headers, proof: webhook.headers[proof][:-6] + "AAAAA="})
    assert [post(one).status_code for one in (forged, replace(webhook, headers={}))] == [401, 401]
    with tenant_scope(tenant.id):
        assert not InboundEvent.objects.exists()


def test_garbage_with_a_good_signature_is_kept_for_inspection(tenant, line) -> None:
    line.say(HOURS)
    [webhook] = line.take_mail()
    body = b"{not json"
    sign = line.platform.sign or (lambda settings, url, body: webhook.headers)
    headers = sign(line.twin.settings[line.channel.kind], webhook.url, body)
    status = post(replace(webhook, body=body, headers={**webhook.headers, **headers})).status_code
    work(tenant)
    with tenant_scope(tenant.id):
        assert list(InboundEvent.objects.values_list("status", flat=True)) == EXPECTED_GARBAGE[status]
        assert not Message.objects.exists()


#: kept and answered with 200; where the proof names what the body says (Teams) it is no good proof any more
EXPECTED_GARBAGE: dict[int, list[str]] = {200: ["malformed"], 422: ["malformed"], 401: []}


def test_a_refused_credential_holds_the_answers_and_the_repaired_channel_sends_them_in_order(tenant, line) -> None:
    """Complaint 4: no attempt is used up, nothing becomes a dead letter, staff press no button."""
    line.twin.faults.order("refuse_token", times=None)
    line.ask(HOURS)
    line.ask("How can I pay?")
    assert (line.heard, set(line.deliveries())) == ([], {"queued"})
    with tenant_scope(tenant.id):
        assert ChannelHealth.objects.get(channel=line.channel).state == "credential_refused"
        assert DeliveryAttempt.objects.count() == 1  # the second answer was not even tried
    line.twin.faults.clear()
    with tenant_scope(tenant.id):
        watch.channel_saved(channel_save(line.channel))
    line.settle()
    assert set(line.deliveries()) == {LAST_WORD[line.channel.kind]}
    with tenant_scope(tenant.id):
        replies = Message.objects.filter(direction="outbound").order_by("seq")
        assert [words.split()[:3] for words in line.heard] == [reply.text.split()[:3] for reply in replies]
        assert len(replies) == 2


@pytest.mark.parametrize("kind", PRESSED)
def test_what_the_bot_offers_can_be_pressed(tenant, connected, kind) -> None:
    """Complaint 17: interactive messages are understood, not ignored."""
    line = connected(kind)
    line.ask("I want to return something")
    line.ask(message=line.choices()["Faulty"])
    _, picked = line.inbound()
    assert (picked.content["choice"]["title"], "order number" in line.heard[-1]) == ("Faulty", True)
