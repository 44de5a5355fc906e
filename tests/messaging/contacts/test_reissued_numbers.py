"""A number that the platform gives to a new owner brings nothing of the former one with it (CONV-4, bugs2 B2)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.content.types import text
from channels_app.models import Channel
from conversations.models import Contact, Conversation, Identity, Message
from messaging.reply import recipient_of
from messaging.rules.agent_replies import agent_reply
from tests.messaging.arrivals import arrives, change

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "15550101606"


def writes(
    channel: Channel, id: str, user: str = "", words: str = "hello", number: str = NUMBER, name: str = ""
) -> None:
    contact = {"profile": {"name": name or user or "Visitor"}, "wa_id": number} | ({"user_id": user} if user else {})
    author: dict[str, Any] = {"from": number} | ({"from_user_id": user} if user else {})
    message = {"id": id, "type": "text", "text": {"body": words}, **author}
    arrives(channel, change("messages", contacts=[contact], messages=[message]))


def owner_of_the_number() -> str:
    return Identity.objects.get(scheme="phone", scope="", value=f"+{NUMBER}").contact.name


def test_another_user_id_at_a_known_number_is_another_person(scope, whatsapp) -> None:
    writes(whatsapp, "m1", "US.A", "My order AC-10042, send it to Elm Street 5")
    writes(whatsapp, "m2", "US.B", "Hi, who are you? I just got this number")
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["US.A", "US.B"]
    assert Conversation.objects.filter(is_open=True).count() == 2
    assert list(Message.objects.filter(identity__value="US.B").values_list("seq", flat=True)) == [1]
    assert owner_of_the_number() == "US.B"


def test_a_conversation_that_began_by_number_stays_with_the_former_owner(scope, whatsapp) -> None:
    writes(whatsapp, "m1", name="Ana")
    writes(whatsapp, "m2", "US.A")
    writes(whatsapp, "m3", "US.B")
    first, second = Conversation.objects.order_by("created_at")
    assert (first.message_count, first.identity.value) == (2, "US.A")
    assert (second.message_count, second.identity.value) == (1, "US.B")
    assert {message.identity_id for message in first.messages.all()} == {first.identity_id}


def test_what_staff_write_to_the_former_owner_does_not_go_to_the_number(scope, whatsapp) -> None:
    writes(whatsapp, "m1", name="Ana")
    writes(whatsapp, "m2", "US.A")
    writes(whatsapp, "m3", "US.B")
    for conversation, address in zip(Conversation.objects.order_by("created_at"), ["US.A", f"+{NUMBER}"], strict=True):
        reply = agent_reply(conversation.id, None, text("your parcel"))
        assert (
            recipient_of(
                Conversation.objects.get(id=conversation.id), Message.objects.get(id=reply.id).identity
            ).address
            == address
        )


def test_a_stop_of_the_former_owner_is_neither_lifted_nor_inherited(scope, whatsapp) -> None:
    writes(whatsapp, "m1", "US.A")
    writes(whatsapp, "m2", "US.A", "STOP")
    writes(whatsapp, "m3", "US.B")
    stopped = dict(Identity.objects.filter(scheme="wa_user").values_list("value", "stopped_at"))
    assert (stopped["US.A"] is not None, stopped["US.B"]) == (True, None)


def test_a_stop_that_was_said_by_number_stays_with_the_former_owner(scope, whatsapp) -> None:
    writes(whatsapp, "m1")
    writes(whatsapp, "m2", words="STOP")
    Identity.objects.create(
        tenant=whatsapp.tenant, channel=whatsapp, scheme="wa_user", value="US.A", verified=True,
        contact=Contact.objects.get(), address=f"+{NUMBER}",
    )  # fmt: skip
    writes(whatsapp, "m3", "US.B")
    stopped = dict(Identity.objects.filter(scheme="wa_user").values_list("value", "stopped_at"))
    assert (stopped["US.A"] is not None, stopped["US.B"]) == (True, None)


def test_the_number_may_come_back(scope, whatsapp) -> None:
    for number, user in enumerate(["US.A", "US.B", "US.A", "US.B"]):
        writes(whatsapp, f"m{number}", user)
        assert owner_of_the_number() == user
    assert Contact.objects.count() == Conversation.objects.count() == 2
    assert list(Conversation.objects.values_list("message_count", flat=True)) == [2, 2]


def test_a_change_of_user_id_that_the_platform_tells_is_the_same_person(scope, whatsapp) -> None:
    for before, after in (("US.A", "US.B"), ("US.B", "US.C")):
        writes(whatsapp, f"m{before}", before)
        update = {"wa_id": NUMBER, "user_id": {"previous": before, "current": after}}
        arrives(whatsapp, change("user_id_update", user_id_update=[update]))
    writes(whatsapp, "m3", "US.C")
    assert Contact.objects.count() == Conversation.objects.count() == 1


def test_a_change_that_is_told_late_joins_what_was_kept_apart(scope, whatsapp) -> None:
    writes(whatsapp, "m1", "US.A")
    writes(whatsapp, "m2", "US.B")
    update = {"wa_id": NUMBER, "user_id": {"previous": "US.A", "current": "US.B"}}
    arrives(whatsapp, change("user_id_update", user_id_update=[update]))
    assert Contact.objects.count() == 1
    writes(whatsapp, "m3", "US.B")
    assert Conversation.objects.filter(is_open=True).count() == 1


def test_a_user_id_that_comes_to_a_known_number_is_the_same_person(scope, whatsapp) -> None:
    writes(whatsapp, "m1")
    writes(whatsapp, "m2", "US.A")
    assert Contact.objects.count() == Conversation.objects.count() == 1
