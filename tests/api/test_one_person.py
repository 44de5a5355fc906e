"""One person is one contact, whether they write themselves or a caller of the API names them (API-1, CONV-4, PRIV-2)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Contact, Event, Identity
from messaging.privacy.erase import erasure_go_on, erasure_start
from tests.api.test_identities_api import PHONE, where
from tests.api.test_import import WHERE, item
from tests.factories import ChannelFactory, ContactFactory, IdentityFactory

pytestmark = pytest.mark.django_db(transaction=True)
#: kind of channel, the id by which callers name a person, and that by which the person's own messages come
NAMED = {
    "sms": (PHONE, ("phone", "", PHONE)),
    "voice": (PHONE, ("phone", "", PHONE)),
    "whatsapp": (PHONE.lstrip("+"), ("phone", "", PHONE)),
    "web": (PHONE, ("user", "", PHONE)),
}


ACCOUNT, TOKEN = {"account_sid": "AC" + "0" * 32}, {"auth_token": "token-0123456789-0123456789-0123"}
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sms": ({**ACCOUNT, "from_number": "+15550100002"}, TOKEN),
    "voice": ({**ACCOUNT, "number": "+15005550001"}, TOKEN),
    "whatsapp": (
        {"phone_number_id": "400000000000001"},
        {"access_token": "token-0123456789", "app_secret": "secret-0123456789", "verify_token": "verify-0123456789"},
    ),
}


def made(tenant: Any, kind: str) -> Any:
    config, secrets = SETTINGS.get(kind, ({}, {}))
    return ChannelFactory(tenant=tenant, kind=kind, config=config, secrets=secrets)


@pytest.fixture
def client(tenant, api) -> Any:
    return api(tenant)


def said(client: Any, kind: str, user_id: str, **more: Any) -> Any:
    body = {"user_id": user_id, "channel": kind, "content": {"type": "text", "text": "Hi"}, **more}
    answer = client.post("/api/v2/chat/message", body)
    assert answer.status_code == 200, answer.content
    return client.data_of(answer)


def ids() -> list[tuple[str, str, str]]:
    return list(Identity.objects.order_by("id").values_list("scheme", "scope", "value"))


@pytest.mark.parametrize("kind", NAMED)
def test_a_caller_names_the_person_as_their_own_messages_do(client, scope, kind) -> None:
    made(scope, kind)
    user_id, theirs = NAMED[kind]
    said(client, kind, user_id)
    said(client, kind, user_id)
    assert ids() == [theirs]


def test_a_message_finds_the_contact_that_has_the_number(client, scope) -> None:
    sms, mira = made(scope, "sms"), ContactFactory(tenant=scope)
    assert client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE}).status_code == 201
    talk = said(client, "sms", PHONE)["conversation_id"]
    assert client.data_of(client.get(f"/api/v2/chat/conversations/{talk}"))["contact"]["id"] == str(mira.id)
    assert Contact.objects.count() == 1


def test_the_number_is_not_in_events(client, scope) -> None:
    made(scope, "sms")
    said(client, "sms", PHONE)
    assert Event.objects.exists()
    assert not [event.type for event in Event.objects.all() if PHONE.lstrip("+") in str(event.payload)]


def test_a_person_whom_callers_named_before_goes_on_where_they_were(client, scope) -> None:
    sms, mira = made(scope, "sms"), ContactFactory(tenant=scope)
    IdentityFactory(tenant=scope, contact=mira, channel=sms, scheme="user", value=PHONE)
    talk = said(client, "sms", PHONE)["conversation_id"]
    assert said(client, "sms", PHONE, conversation_id=talk)["conversation_id"] == talk
    assert (ids(), Contact.objects.count()) == ([("user", "", PHONE)], 1)


@pytest.mark.parametrize("scheme", ["phone", "user"])
def test_an_import_brings_no_erased_person_back_under_their_number(client, scope, scheme) -> None:
    sms, mira = made(scope, "sms"), ContactFactory(tenant=scope)
    IdentityFactory(tenant=scope, contact=mira, channel=sms, scheme=scheme, value=PHONE)
    begun = erasure_start(mira.id, "system")
    erasure_go_on(begun.id, lambda: True)
    done = client.data_of(client.post(WHERE, {"items": [item("1", 10, channel="sms", user_id=PHONE)]}))
    assert (done["refused"], done["items"][0]["error"]["code"]) == (1, "person_erased")
