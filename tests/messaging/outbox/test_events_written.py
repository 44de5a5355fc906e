"""Deeds of people, platforms and staff write the events that tell of them, each once and with its facts (EVT-3)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Revision, Sender, Signal
from conversations.models import Contact, Conversation, Event, Identity, Message
from messaging import tasks
from messaging.accept import accept
from messaging.models import InboundEvent
from messaging.privacy.models import Export
from messaging.receipts.applying import item_apply as apply
from messaging.rules.agent_replies import agent_reply
from tests.factories import ContactFactory
from tests.messaging.work.test_work import receipt

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, OTHER = "+4915100000001", "+4915100000002"
ANA = Sender("phone", PHONE)
MOVED = Sender("phone", OTHER, aliases=(("phone", "", PHONE),))


def says(words: str, id: str) -> InboundMessage:
    return InboundMessage(id, ANA, text(words))


def told(type: str) -> list[dict[str, Any]]:
    return list(Event.objects.filter(type=type).order_by("id").values_list("payload", flat=True))


def where(conversation: Conversation) -> dict[str, str]:
    return {"conversation_id": str(conversation.id), "channel_id": str(conversation.channel_id)}


def test_a_request_that_cannot_be_read_is_told_once_by_its_receipt(scope, whatsapp) -> None:
    row = receipt(whatsapp)
    InboundEvent.objects.update(request={"method": "POST", "path": "/", "body": "bm90IGpzb24="})
    for _ in range(2):
        tasks.parse(str(row.id))
    assert InboundEvent.objects.get().status == "malformed"
    assert told("chat.system.webhook_malformed") == [{"receipt_id": str(row.id)}]
    assert Event.objects.get().conversation_id is None


def test_an_export_that_is_asked_for_is_told_once_by_ids_of_ours(scope, api) -> None:
    contact, client = ContactFactory(tenant=scope, name="Ana", email="ana@example.com"), api(scope)
    for _ in range(2):  # while it is made it is asked for again
        answer = client.post("/api/v1/privacy/export", {"contact_id": str(contact.id)})
        assert answer.status_code == 202, answer.content
    asked = {"learner_id": str(contact.id), "contact_id": str(contact.id), "request_id": str(Export.objects.get().id)}
    assert told("CHAT_PRIVACY_EXPORT_REQUESTED") == [asked]


@pytest.mark.parametrize(
    ("words", "type"), [("STOP", "chat.contact.stopped"), ("START", "chat.contact.resumed")], ids=["stop", "start"]
)
def test_consent_that_is_taken_back_or_given_is_told_of_the_person(scope, whatsapp, words, type) -> None:
    talk = accept(whatsapp, says("hello", "m1")).conversation
    accept(whatsapp, says("STOP", "m2"))
    if words != "STOP":
        accept(whatsapp, says(words, "m3"))
    person = {"contact_id": str(Contact.objects.get().id), "identity_id": str(Identity.objects.get().id)}
    assert told(type) == [{**where(talk), **person}]


def test_a_person_under_a_new_id_is_told_by_the_new_identity(scope, whatsapp) -> None:
    talk = accept(whatsapp, says("hello", "m1")).conversation
    for _ in range(2):
        apply(whatsapp, Signal("identity_changed", MOVED, "s1"))
    person = {"contact_id": str(Contact.objects.get().id), "identity_id": str(Identity.objects.get(value=OTHER).id)}
    assert told("chat.contact.identity_changed") == [{**where(talk), **person}]


@pytest.mark.parametrize(
    ("content", "type"),
    [(text("hello again"), "chat.message.updated"), (None, "chat.message.deleted")],
    ids=["edit", "deletion"],
)
def test_what_a_person_changes_is_told_with_its_entry_and_by_whom(scope, whatsapp, content, type) -> None:
    accept(whatsapp, says("helo", "m1"))
    for _ in range(2):
        apply(whatsapp, Revision("r1", "m1", ANA, content))
    message, entry = Message.objects.order_by("seq")
    [change] = told(type)
    assert (change["message_id"], change["seq"], change["role"]) == (str(message.id), message.seq, "visitor")
    assert (change["change_seq"], change["by"], "content" in change) == (entry.seq, "person", False)


@pytest.mark.parametrize(
    ("method", "body", "type"),
    [
        ("patch", {"content": {"type": "text", "text": "We open at ten"}}, "chat.message.updated"),
        ("delete", None, "chat.message.deleted"),
    ],
)
def test_what_staff_change_is_told_with_its_entry_and_by_whom(scope, web, api, method, body, type) -> None:
    talk = accept(web, InboundMessage("m1", Sender("web", "v1"), text("hello"))).conversation
    message = agent_reply(talk.id, None, text("We open at nine"))
    address = f"/api/v2/chat/messages/{message.id}"
    client = api(scope)
    answer = client.patch(address, body) if method == "patch" else client.delete(address)
    assert answer.status_code == 200, answer.content
    [change] = told(type)
    assert (change["message_id"], change["role"], change["by"]) == (str(message.id), "agent", "staff")
    assert change["change_seq"] == Message.objects.latest("seq").seq
