"""Signals of platforms: what each kind leads to, once, and never as words in a transcript."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender, SendResult, Signal, StatusUpdate
from conversations.contacts.people import identity_meet, identity_resolve
from conversations.models import Contact, Conversation, Event, Identity, Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.deliver import deliver
from messaging.models import Delivery
from messaging.receipts.applying import item_apply as apply
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, now
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, OTHER = "+4915100000001", "+4915100000002"
BY_PHONE = Sender("phone", PHONE)
BY_ID = Sender("wa_user", "U1", address=PHONE, aliases=(("phone", "", PHONE),))
ID_ONLY = Sender("wa_user", "U1")
MOVED = Sender("phone", OTHER, aliases=(("phone", "", PHONE),))
AT_NEW = Sender("phone", OTHER)


def said(id: str, by: Sender = BY_PHONE, words: str = "hello", **parts: Any) -> InboundMessage:
    return InboundMessage(id, by, text(words), **parts)


def changed(sender: Sender = MOVED) -> Signal:
    return Signal("identity_changed", sender, "s1")


# --------------------------------------------------------------------------- short-lived


def test_typing_writes_nothing(scope, whatsapp) -> None:
    accept(whatsapp, said("m1"))
    counted = (Event.objects.count(), Message.objects.count())
    assert apply(whatsapp, Signal("typing", BY_PHONE)) == "typing is not shown to staff"
    assert (Event.objects.count(), Message.objects.count()) == counted


def test_read_marks_what_was_sent_until_then(scope, whatsapp, monkeypatch) -> None:
    monkeypatch.setattr(WhatsApp, "send", lambda *_: SendResult("wamid.1"))
    stored = accept(whatsapp, said("m1"))
    agent_reply(stored.conversation.id, None, text("hi"))
    deliver(stored.conversation.id)
    assert apply(whatsapp, Signal("read", BY_PHONE, at=now() - timedelta(minutes=5))) == "nothing unread"
    assert apply(whatsapp, Signal("read", BY_PHONE)) == ""
    assert Delivery.objects.get().status == "read"


@pytest.mark.parametrize("kind", ["joined", "left"])
def test_coming_and_going_is_an_event_once(kind, scope, whatsapp) -> None:
    stored = accept(whatsapp, said("m1"))
    signal = Signal(kind, BY_PHONE, "s1", data={"ref": "ad"})
    assert apply(whatsapp, signal) == ""
    assert apply(whatsapp, signal) == "repeated"
    event = Event.objects.get(type=f"chat.contact.{kind}")
    assert (event.conversation, event.payload["data"]) == (stored.conversation, {"ref": "ad"})
    assert Message.objects.count() == 1


@pytest.mark.parametrize("kind", ["joined", "left", "ended", "human_took_over"])
def test_without_a_conversation_nothing_happens_and_no_contact_is_made(kind, scope, whatsapp) -> None:
    assert apply(whatsapp, Signal(kind, BY_PHONE, "s1")) == "no conversation"
    assert Contact.objects.count() == Event.objects.count() == 0


def test_an_unknown_kind_says_so(scope, whatsapp) -> None:
    assert apply(whatsapp, Signal("yawned", BY_PHONE)) == "signal yawned"


def test_hanging_up_ends_the_conversation_of_that_thread(scope, whatsapp) -> None:
    first = accept(whatsapp, said("m1", thread="call-1")).conversation
    second = accept(whatsapp, said("m2", thread="call-2")).conversation
    hung_up = Signal("ended", BY_PHONE, "s1", thread="call-1")
    assert apply(whatsapp, hung_up) == ""
    assert apply(whatsapp, hung_up) == "no conversation"
    assert list(Conversation.objects.filter(is_open=True)) == [second]
    assert Conversation.objects.get(id=first.id).ended_reason == "ended_by_contact"


def test_another_tenants_conversation_goes_on(scope, whatsapp, other_tenant) -> None:
    theirs = ChannelFactory(tenant=other_tenant, kind="whatsapp", config=whatsapp.config, secrets=whatsapp.secrets)
    with tenant_scope(other_tenant.id):
        accept(theirs, said("m1"))
        assert apply(whatsapp, Signal("ended", BY_PHONE, "s1")) == "no conversation"
        assert Conversation.objects.get().is_open


# --------------------------------------------------------------------------------- links


@pytest.mark.parametrize(
    "senders", list(itertools.permutations([BY_PHONE, BY_ID, ID_ONLY])), ids=["-".join(map(str, p)) for p in
    itertools.permutations(["phone", "both", "id"])]
)  # fmt: skip
def test_two_ids_of_one_person_are_one_contact_in_every_order(senders, scope, whatsapp) -> None:
    for number, sender in enumerate(senders):
        apply(whatsapp, said(f"m{number}", sender))
    assert Contact.objects.count() == 1
    assert set(Identity.objects.values_list("scheme", "value")) == {("phone", PHONE), ("wa_user", "U1")}


def test_an_id_that_is_met_later_is_linked_though_the_person_is_remembered(scope, whatsapp) -> None:
    for number, sender in enumerate((ID_ONLY, ID_ONLY, ID_ONLY, BY_ID)):
        apply(whatsapp, said(f"m{number}", sender))
    assert set(Identity.objects.values_list("scheme", "value")) == {("phone", PHONE), ("wa_user", "U1")}


def test_one_person_with_two_ids_has_one_open_conversation(scope, whatsapp) -> None:
    for number, sender in enumerate((BY_PHONE, BY_ID, BY_PHONE, ID_ONLY)):
        apply(whatsapp, said(f"m{number}", sender))
    assert Conversation.objects.get().message_count == 4


def test_what_was_known_of_both_is_kept(scope, whatsapp) -> None:
    apply(whatsapp, said("m1", BY_PHONE))
    apply(whatsapp, said("m2", ID_ONLY))
    by_phone, by_id = (Contact.objects.get(identities__scheme=scheme) for scheme in ("phone", "wa_user"))
    Contact.objects.filter(id=by_phone.id).update(email="ana@example.com")
    Contact.objects.filter(id=by_id.id).update(language="de")
    apply(whatsapp, said("m3", BY_ID))
    contact = Contact.objects.get()
    assert (contact.phone, contact.email, contact.language) == (PHONE, "ana@example.com", "de")
    assert set(Conversation.objects.values_list("contact_id", flat=True)) == {contact.id}


def test_a_claimed_identity_never_links(scope, web) -> None:
    accept(web, said("", Sender("user", "4711")), Entrance(verified=True))
    claims = Sender("web", "v1", aliases=(("user", "", "4711"),))
    accept(web, said("", claims), Entrance(verified=False))
    assert Contact.objects.count() == 2


def test_a_claimed_identity_is_linked_to_by_no_other(scope, web) -> None:
    accept(web, said("", Sender("web", "v1")), Entrance(verified=False))
    with atomic():
        identity_resolve(web, Sender("user", "4711", aliases=(("web", "", "v1"),)))
        identity_meet(web, Sender("web", "v1", aliases=(("user", "", "4711"),)))
    assert Contact.objects.count() == 2


def test_the_same_ids_at_another_tenant_are_another_person(scope, whatsapp, other_tenant) -> None:
    apply(whatsapp, said("m1", BY_PHONE))
    theirs = ChannelFactory(tenant=other_tenant, kind="whatsapp", config=whatsapp.config, secrets=whatsapp.secrets)
    with tenant_scope(other_tenant.id):
        apply(theirs, said("m1", BY_ID))
        assert Contact.objects.count() == 1
    assert Contact.objects.count() == Identity.objects.count() == 1


# ----------------------------------------------------------------------- identity changed


def test_the_conversation_goes_on_under_the_new_id(scope, whatsapp) -> None:
    before = accept(whatsapp, said("m1")).conversation
    agent_reply(before.id, None, text("one moment"))
    assert apply(whatsapp, changed()) == ""
    after = accept(whatsapp, said("m2", AT_NEW)).conversation
    assert after.id == before.id
    assert Contact.objects.count() == 1
    assert Delivery.objects.get().message.identity.value == OTHER
    assert Event.objects.filter(type="chat.contact.identity_changed").count() == 1


def test_the_change_may_come_twice(scope, whatsapp) -> None:
    accept(whatsapp, said("m1"))
    apply(whatsapp, changed())
    apply(whatsapp, changed())
    assert (Conversation.objects.count(), Contact.objects.count(), Identity.objects.count()) == (1, 1, 2)
    assert Event.objects.filter(type="chat.contact.identity_changed").count() == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_no_second_conversation_opens_in_any_order(order, scope, whatsapp) -> None:
    accept(whatsapp, said("m0"))
    items = [said("m1"), changed(), said("m2", AT_NEW)]
    for index in order:
        apply(whatsapp, items[index])
    assert Conversation.objects.filter(is_open=True).count() == 1
    assert Contact.objects.count() == 1


def test_a_stranger_who_changes_is_no_news(scope, whatsapp) -> None:
    assert apply(whatsapp, changed()) == "unknown contact"
    assert Contact.objects.count() == 0


def test_a_stop_goes_along(scope, whatsapp) -> None:
    accept(whatsapp, said("m1", words="STOP"))
    apply(whatsapp, changed())
    assert Identity.objects.get(value=OTHER).stopped_at


def test_a_claimed_former_id_is_left_alone(scope, whatsapp) -> None:
    accept(whatsapp, said("m1"), Entrance(verified=False))
    assert apply(whatsapp, changed()) == "unknown contact"
    apply(whatsapp, said("m2", AT_NEW))
    apply(whatsapp, changed())
    assert Contact.objects.count() == 2
    assert Message.objects.get(platform_message_id="m1").identity.value == PHONE


def test_a_status_under_the_new_id_finds_what_was_sent_to_the_old(scope, whatsapp, monkeypatch) -> None:
    monkeypatch.setattr(WhatsApp, "send", lambda *_: SendResult("wamid.1"))
    stored = accept(whatsapp, said("m1"))
    agent_reply(stored.conversation.id, None, text("hi"))
    deliver(stored.conversation.id)
    apply(whatsapp, changed())
    apply(whatsapp, StatusUpdate("", "read", now(), sender=AT_NEW, up_to=now()))
    assert Delivery.objects.get().status == "read"


def test_a_change_and_a_first_word_at_the_same_instant_leave_one_conversation(scope, whatsapp) -> None:
    accept(whatsapp, said("m0"))
    gate, errors = threading.Barrier(3), []

    def run(item: Any) -> None:
        try:
            gate.wait()
            with tenant_scope(scope.id):
                apply(whatsapp, item)
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(item,)) for item in (changed(), said("m1", AT_NEW), changed())]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert errors == []
    assert Conversation.objects.filter(is_open=True).count() == 1
    assert Contact.objects.count() == 1


def test_an_ended_conversation_stays_with_its_id(scope, whatsapp) -> None:
    stored = accept(whatsapp, said("m1"))
    conversation_end(stored.conversation.id)
    apply(whatsapp, changed())
    assert Conversation.objects.get().identity.value == PHONE
