"""What of an edit or a deletion goes out to a platform, and what is told before (CONV-9, CH-9); with a platform:
tests/journeys/test_changes.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.adapters.base import Adapter
from channels_app.content.types import text
from channels_app.contract import StatusUpdate
from channels_app.registry import KINDS, adapter_for
from channels_app.services import channel_close
from conversations.models import Event, Message
from messaging import heads
from messaging.accept import accept
from messaging.deliver import redeliver
from messaging.models import Delivery, DeliveryPart
from messaging.reports.delivery_status import mark_read, status_apply
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import take_over
from messaging.sends.due import expired
from messaging.sends.settling import delivery_give_up
from tenants.storage.db import atomic, now
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v2/chat/messages"


@pytest.fixture
def slack(scope: Any) -> Any:
    secrets = {"bot_token": "xoxb-1234-abcd", "signing_secret": "0123456789"}
    return ChannelFactory(tenant=scope, kind="slack", config={"team_id": "T0AAA1111"}, secrets=secrets)


@pytest.fixture
def client(tenant: Any, api: Any) -> Any:
    return api(tenant)


@pytest.fixture
def reply(scope: Any, slack: Any, said: Any) -> Message:
    """What staff answered, and Slack took in one part."""
    talk = accept(slack, said("hello", id="D01:1.1", by="U0ANA0001", scheme="slack")).conversation
    take_over(talk.id, None)
    message = agent_reply(talk.id, None, text("We open at nine"))
    Delivery.objects.update(status="sent", parts_sent=1)
    DeliveryPart.objects.create(tenant=scope, delivery=message.delivery, channel=slack, index=0, platform_id="D01:2.2")
    return message


def edit(client: Any, message: Message, words: str = "We open at ten") -> tuple[int, str]:
    answer = client.patch(f"{ROOT}/{message.id}", {"content": {"type": "text", "text": words}})
    return answer.status_code, (client.error_of(answer) or {}).get("code", "")


def gone(client: Any, message: Message) -> str:
    return str(client.data_of(client.delete(f"{ROOT}/{message.id}"))["gone"])


def changes() -> list[tuple[str, str]]:
    return list(Delivery.objects.exclude(action=None).order_by("seq").values_list("action", "status"))


@pytest.mark.parametrize("kind", KINDS)
def test_who_can_change_what_it_sent_says_how(kind: str) -> None:
    """Each capability is either the push to the widget, or a call of the adapter's own."""
    adapter = adapter_for(kind)
    caps = adapter.capabilities
    own = [getattr(type(adapter), name) is not getattr(Adapter, name) for name in ("edit", "delete")]
    assert own == ([False, False] if adapter.instant else [caps.can_edit, caps.can_delete])
    assert caps.can_edit <= caps.can_delete, "an edit may leave parts over"


def test_a_change_is_work_in_the_lane_behind_the_message(client: Any, reply: Message) -> None:
    Delivery.objects.update(status="queued")
    assert edit(client, reply) == (200, "")
    [message, change] = Delivery.objects.order_by("seq")
    assert (change.action, change.message.reply_to, change.seq > message.seq) == ("edit", reply.id, True)
    assert list(heads.deliveries(Delivery.objects.all(), now())) == [message]


@pytest.mark.parametrize("word", ["edit", "delete"])
def test_a_part_without_a_name_cannot_be_changed(client: Any, reply: Message, word: str) -> None:
    DeliveryPart.objects.update(platform_id="")
    said = edit(client, reply) if word == "edit" else gone(client, reply)
    assert said == {"edit": (422, "not_changeable"), "delete": "here"}[word]
    assert changes() == []


def test_what_another_system_sent_is_not_changed_there(client: Any, reply: Message) -> None:
    Delivery.objects.all().delete()
    assert (edit(client, reply), gone(client, reply), changes()) == ((422, "edit_not_shown"), "here", [])


def test_a_message_that_never_went_out_is_edited_here_and_goes_as_it_is_by_then(client: Any, reply: Message) -> None:
    DeliveryPart.objects.all().delete()
    Delivery.objects.update(status="failed", dead_at=now(), error_code="x", parts_sent=0)
    assert (edit(client, reply), changes()) == ((200, ""), [])
    assert redeliver(Delivery.objects.filter(message=reply)) == 1


def test_a_channel_that_was_disconnected_changes_nothing(client: Any, reply: Message, slack: Any) -> None:
    with atomic():
        channel_close(slack)
    assert (edit(client, reply), gone(client, reply), changes()) == ((422, "edit_not_shown"), "here", [])


def test_a_deletion_ends_the_edits_that_wait(client: Any, reply: Message) -> None:
    edit(client, reply)
    assert gone(client, reply) == "on_its_way"
    assert changes() == [("edit", "failed"), ("delete", "queued")]
    assert Delivery.objects.get(action="edit").dead_at is None, "nobody has to look at it"


def test_a_message_that_is_being_sent_is_taken_back_behind_it(client: Any, reply: Message) -> None:
    DeliveryPart.objects.all().delete()
    Delivery.objects.update(status="sending", parts_sent=0)
    assert (gone(client, reply), changes()) == ("on_its_way", [("delete", "queued")])


def test_half_of_a_message_that_is_out_already_is_not_called_unsent(client: Any, reply: Message) -> None:
    Delivery.objects.update(status="queued", parts_sent=1)
    assert (gone(client, reply), changes()) == ("on_its_way", [("delete", "queued")])


def test_reports_and_read_marks_are_not_about_a_change(client: Any, reply: Message, slack: Any) -> None:
    edit(client, reply)
    change = Delivery.objects.get(action="edit")
    assert not status_apply(slack, StatusUpdate("D01:9.9", "sent", client_ref=f"{change.id}.0"))
    Delivery.objects.update(status="sent")
    mark_read(reply.conversation_id, change.seq)
    assert dict(Delivery.objects.values_list("action", "status")) == {None: "read", "edit": "sent"}
    assert not DeliveryPart.objects.filter(delivery=change).exists()


def test_a_change_does_not_expire_but_for_a_worker_of_the_release_before(client: Any, reply: Message) -> None:
    edit(client, reply)
    change = Delivery.objects.get(action="edit")
    assert (change.expires_at <= now(), expired(change)) == (True, False)
    Delivery.objects.filter(id=change.id).update(expires_at=now() - timedelta(days=9))
    assert not expired(Delivery.objects.get(id=change.id))


def test_the_event_of_a_change_that_failed_names_what_it_changes(client: Any, reply: Message) -> None:
    edit(client, reply)
    change = Delivery.objects.get(action="edit")
    with atomic():
        assert delivery_give_up(change, "cant_update_message", "refused")
    told = Event.objects.get(type="chat.message.failed").payload
    assert (told["message_id"], told["change"]) == (str(change.message_id), {"kind": "edited", "of": str(reply.id)})
    assert client.data_of(client.get(f"{ROOT}/{reply.id}/delivery"))["changes"][0]["error_detail"] == "refused"
