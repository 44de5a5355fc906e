"""A channel is disconnected, never deleted: what people said stays, what was acknowledged is understood, secrets go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import ProtectedError

from channels_app.health import DISCONNECTED, state_of
from channels_app.models import Channel, ChannelHealth, ChannelIncident
from channels_app.selectors import channel_for_key, channel_for_kind
from channels_app.services import channel_save
from conversations.models import Attachment, Conversation, Event, Message
from messaging.accept import accept
from messaging.deliver import deliver, redeliver
from messaging.health.watch import channel_check
from messaging.housekeeping.disconnect import LONGEST, channel_disconnect, disconnected_clear
from messaging.models import Delivery, InboundEvent
from tenants.errors import Conflict, Invalid
from tenants.storage.db import new_id, now
from tests.factories import DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


def always() -> bool:
    return True


def never() -> bool:
    return False


def receipt(channel: Channel) -> InboundEvent:
    return InboundEvent.objects.create(tenant=channel.tenant, channel=channel, digest=str(new_id()), request={})


def file(channel: Channel) -> Attachment:
    own = {"tenant": channel.tenant, "channel": channel}
    return Attachment.objects.create(**own, message=MessageFactory(tenant=channel.tenant), kind="image")


def test_what_people_said_outlives_its_channel(scope, whatsapp, said) -> None:
    accept(whatsapp, said("one", id="w1"))
    with pytest.raises(ProtectedError):
        whatsapp.delete()
    assert Message.objects.get().text == "one"


def test_a_disconnected_channel_keeps_its_transcripts_and_no_secret(scope, whatsapp, said) -> None:
    accept(whatsapp, said("one", id="w1"))
    key = whatsapp.key
    assert channel_for_key(key)
    channel_disconnect(whatsapp, always)
    row = Channel.objects.get(id=whatsapp.id)
    assert (row.enabled, row.secrets, row.key == key, state_of(row, None)) == (False, {}, False, DISCONNECTED)
    assert row.cleared_at and row.disconnected_at
    assert channel_for_key(key) is channel_for_key(row.key) is channel_for_kind(scope.id, "whatsapp") is None
    talk = Conversation.objects.get()
    assert (talk.is_open, talk.status, talk.ended_reason) == (False, "completed", "channel_disconnected")
    assert "one" in Message.objects.values_list("text", flat=True)
    assert Event.objects.filter(type="chat.conversation.ended").count() == 1


def test_what_waits_to_be_sent_fails_in_the_open_and_again_when_it_is_replayed(scope, whatsapp, calls) -> None:
    waiting = DeliveryFactory(tenant=scope, message__channel=whatsapp, due_at=now() + timedelta(hours=1))
    ChannelHealth.objects.create(channel=whatsapp, state="degraded", held_until=now() + timedelta(hours=1))
    ChannelIncident.objects.create(tenant=scope, channel=whatsapp, state="degraded")
    Delivery.objects.update(channel=whatsapp)
    channel_disconnect(whatsapp, always)
    assert waiting.conversation_id in calls.of("deliver")
    for _ in range(2):
        deliver(waiting.conversation_id)
        row = Delivery.objects.get()
        assert (row.status, row.error_code) == ("failed", "channel_disconnected")
        assert row.dead_at
        assert redeliver(Delivery.objects.all()) == 1
    assert Event.objects.filter(type="chat.message.failed").count() == 2
    assert not ChannelIncident.objects.get().is_open


@pytest.mark.parametrize("make", [receipt, file])
def test_what_was_acknowledged_before_still_has_the_secrets(scope, whatsapp, make: Any) -> None:
    row = make(whatsapp)
    channel_disconnect(whatsapp, always)
    assert Channel.objects.get(id=whatsapp.id).secrets, "they are needed to understand it"
    assert disconnected_clear(always) == 0
    {InboundEvent: lambda: InboundEvent.objects.update(status="processed"),
     Attachment: lambda: Attachment.objects.update(state="stored")}[type(row)]()  # fmt: skip
    assert [disconnected_clear(always) for _ in range(2)] == [1, 0]
    assert Channel.objects.get(id=whatsapp.id).secrets == {}


def test_no_secret_is_kept_longer_than_an_hour(scope, whatsapp) -> None:
    receipt(whatsapp)
    channel_disconnect(whatsapp, always)
    Channel.objects.update(disconnected_at=now() - LONGEST)
    assert disconnected_clear(always) == 1
    assert Channel.objects.get().secrets == {}


def test_house_keeping_does_what_the_request_left(scope, whatsapp, other_tenant, said) -> None:
    accept(whatsapp, said("one", id="w1"))
    others = MessageFactory(tenant=other_tenant).conversation
    channel_disconnect(whatsapp, never)
    assert Conversation.objects.get().is_open
    assert disconnected_clear(always) == 1
    assert not Conversation.objects.get().is_open
    # unscoped: the test looks at the other tenant
    assert Conversation.objects.unscoped().get(id=others.id).is_open


def test_a_form_that_was_read_before_brings_no_channel_back(scope, whatsapp) -> None:
    stale = Channel.objects.get(id=whatsapp.id)
    channel_disconnect(whatsapp, always)
    with pytest.raises(Invalid) as refused:
        channel_save(stale)
    assert refused.value.code == "channel_disconnected"
    row = Channel.objects.get(id=whatsapp.id)
    assert (row.enabled, row.secrets, row.disconnected_at is not None) == (False, {}, True)
    assert row.key != stale.key


def test_there_is_no_way_back(scope, whatsapp) -> None:
    channel_disconnect(whatsapp, always)
    with pytest.raises(Invalid) as refused:
        channel_save(whatsapp, config={"access_token": "new-token-0123456"})
    assert refused.value.code == "channel_disconnected"
    with pytest.raises(Conflict):
        channel_check(whatsapp)
