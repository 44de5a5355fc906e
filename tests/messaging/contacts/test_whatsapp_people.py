"""People on WhatsApp have two ids, a number and a user id: staff's own phone, a change of id and a wish about marketing
are understood by either (CONV-5, CONV-8, payloads W4, M5, M6, L1)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.models import Channel
from conversations.models import Contact, Conversation, Identity
from tenants.storage.db import now
from tests.messaging.arrivals import arrives, change, whatsapp_body

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = [{"wa_id": "15550107701", "user_id": "GB.111"}]
PHONE_ONLY: list[Any] = [{"wa_id": "15550107701"}]


def writes(channel: Channel, *, user_id: bool, id: str = "wamid.A") -> None:
    body = whatsapp_body(id=id, type="text", text={"body": "hello"}, **({"from_user_id": "GB.111"} if user_id else {}))
    arrives(channel, body)


def staff_do(channel: Channel, contacts: list[Any], **echo: Any) -> None:
    known = {"from": "15550100001", "id": "wamid.E", "timestamp": str(int(now().timestamp())), "type": "text"}
    arrives(channel, change("smb_message_echoes", contacts=contacts, message_echoes=[{**known, **echo}]))


@pytest.mark.parametrize("user_id", [True, False], ids=["person by user id", "person by number"])
@pytest.mark.parametrize(
    ("contacts", "to"),
    [
        ([], {"to": "15550107701"}),
        (BOTH, {"to": "15550107701"}),
        (PHONE_ONLY, {"to": "15550107701"}),
        ([], {"to": "15550107701", "to_user_id": "GB.111"}),
        (BOTH, {"to_user_id": "GB.111"}),
    ],
)
def test_staff_who_answer_with_their_phone_take_over_whichever_id_is_named(
    user_id, contacts, to, scope, whatsapp
) -> None:
    writes(whatsapp, user_id=user_id)
    staff_do(whatsapp, contacts, **to, text={"body": "I take over"})
    found = Conversation.objects.get()
    assert (found.control_owner, found.held_by) == ("human", "outside")


@pytest.mark.parametrize("type", ["revoke", "edit", "reaction"])
def test_staff_who_correct_a_message_do_not_silence_the_bot(type, scope, whatsapp) -> None:
    writes(whatsapp, user_id=True)
    staff_do(whatsapp, BOTH, to="15550107701", type=type, **{type: {"original_message_id": "wamid.X"}})
    assert Conversation.objects.get().control_owner == "bot"


@pytest.mark.parametrize("end", ["", "."])
def test_a_new_user_id_of_a_person_without_a_number_is_the_same_person(end, scope, whatsapp) -> None:
    body = change(
        "messages", messages=[{"from_user_id": "GB.111", "id": "wamid.A", "type": "text", "text": {"body": "hi"}}]
    )
    arrives(whatsapp, body)
    words = f"User Rita changed from GB.111 to GB.222{end}"
    system = {"type": "user_changed_user_id", "user_id": "GB.222", "body": words}
    arrives(whatsapp, change("messages", messages=[{"id": "wamid.F", "type": "system", "system": system}]))
    assert Contact.objects.count() == 1
    assert Conversation.objects.get().identity.value == "GB.222"


@pytest.mark.parametrize("body", ["changed from GB.111 to GB.333", "changed", ""])
def test_words_that_do_not_fit_move_no_person(body, scope, whatsapp) -> None:
    system = {"type": "user_changed_user_id", "user_id": "GB.222", "body": body}
    receipt = arrives(whatsapp, change("messages", messages=[{"id": "wamid.F", "type": "system", "system": system}]))
    assert (receipt.status, receipt.reason) == ("ignored", "no_sender")


def test_a_wish_for_no_marketing_is_heard_and_taken_back(scope, whatsapp) -> None:
    writes(whatsapp, user_id=False)
    wish = {"wa_id": "15550107701", "category": "marketing_messages", "timestamp": str(int(now().timestamp()))}
    arrives(whatsapp, change("user_preferences", user_preferences=[{**wish, "value": "stop"}]))
    assert Identity.objects.get().stopped_at is not None
    arrives(whatsapp, change("user_preferences", user_preferences=[{**wish, "value": "resume"}]))
    assert Identity.objects.get().stopped_at is None


def test_the_number_that_a_person_shares_when_asked_is_theirs(scope, whatsapp) -> None:
    card = {"origin": "contact_request", "phones": [{"wa_id": "15550107701", "phone": "+15550107701"}]}
    message = {"from_user_id": "GB.111", "id": "wamid.G", "type": "contacts", "contacts": [card]}
    arrives(whatsapp, change("messages", messages=[message]))
    assert set(Identity.objects.values_list("value", flat=True)) == {"GB.111", "+15550107701"}


def test_an_id_that_is_none_of_the_platforms_is_not_the_persons(scope, whatsapp) -> None:
    body = whatsapp_body(id="wamid.A", type="text", text={"body": "hello"}, from_user_id="foo_bar")
    arrives(whatsapp, body)
    assert Identity.objects.get().value == "+15550107701"
