"""Ids that are attached to contacts before the person writes, and taken off again (API-2, CONV-4, PRIV-2)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Contact, Identity, Message
from messaging.privacy.models import Erasure, LegalHold
from messaging.privacy.tombstones import tombstones_set
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tests.factories import ChannelFactory, ContactFactory, IdentityFactory, MessageFactory, TenantFactory

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+4915112345678"


@pytest.fixture
def client(tenant, api) -> Any:
    return api(tenant)


@pytest.fixture
def mira(scope) -> Contact:
    return ContactFactory(tenant=scope, name="Mira")


@pytest.fixture
def sms(scope) -> Any:
    return ChannelFactory(
        tenant=scope,
        kind="sms",
        config={"account_sid": "AC" + "0" * 32, "from_number": "+15550100002"},
        secrets={"auth_token": "token-0123456789"},
    )


def where(contact: Contact, *more: object) -> str:
    return "/".join(map(str, (f"/api/v2/contacts/{contact.id}/identities", *more)))


def refused(client: Any, answer: Any) -> tuple[int, str]:
    return answer.status_code, client.error_of(answer)["code"]


def test_what_the_person_writes_finds_the_contact_that_has_the_id(client, mira, scope) -> None:
    channel = ChannelFactory(tenant=scope, kind="web")
    answer = client.post(where(mira), {"channel_id": channel.id, "user_id": "mira-7"})
    made = client.data_of(answer)
    assert (answer.status_code, made["scheme"], made["user_id"], made["verified"]) == (201, "user", "mira-7", False)
    said = {"user_id": "mira-7", "channel": "web", "content": {"type": "text", "text": "Hi"}}
    assert client.post("/api/v2/chat/message", said).status_code == 200
    assert Message.objects.filter(role="visitor").values_list("conversation__contact", flat=True).get() == mira.id
    acts = AuditEntry.objects.filter(action__startswith="contact.").values_list("action", "target", "changes")
    assert list(acts) == [("contact.identity_attached", f"contact:{mira.id}", {"identity": made["id"]})]


def test_a_number_has_one_form_and_is_attached_once(client, mira, sms) -> None:
    first = client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE})
    again = client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE})
    assert (first.status_code, again.status_code) == (201, 200)
    assert client.data_of(first) == client.data_of(again)
    assert list(Identity.objects.values_list("scheme", "value", "contact")) == [("phone", PHONE, mira.id)]


def test_an_id_of_another_contact_is_refused_and_stays(client, mira, sms, scope) -> None:
    other = ContactFactory(tenant=scope)
    client.post(where(other), {"channel_id": sms.id, "user_id": PHONE})
    answer = client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE})
    assert refused(client, answer) == (409, "identity_taken")
    assert client.error_of(answer)["details"] == {"contact_id": str(other.id)}
    assert Identity.objects.get(value=PHONE).contact_id == other.id


def test_an_id_of_an_erased_person_is_refused(client, mira, sms, scope) -> None:
    tombstones_set([Identity(tenant_id=scope.id, channel=sms, scheme="phone", scope="", value=PHONE)])
    answer = client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE})
    assert refused(client, answer) == (409, "person_erased")
    assert not Identity.objects.exists()


def test_a_contact_that_is_being_erased_gets_and_loses_no_id(client, mira, sms, scope) -> None:
    row = IdentityFactory(tenant=scope, contact=mira, channel=sms, verified=False)
    Erasure.objects.create(tenant=scope, contact_id=mira.id, requested_by="x")
    answer = client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE})
    assert refused(client, answer) == (409, "being_erased")
    assert refused(client, client.delete(where(mira, row.id))) == (409, "being_erased")


def test_another_tenants_contacts_channels_and_identities_are_not_there(client, mira, sms, scope) -> None:
    stranger = TenantFactory()
    with tenant_scope(stranger.id):
        theirs, channel = ContactFactory(tenant=stranger), ChannelFactory(tenant=stranger, kind="web")
        row = IdentityFactory(tenant=stranger, contact=theirs, channel=channel, verified=False)
    given = {"channel_id": channel.id, "user_id": "x"}
    assert refused(client, client.post(where(mira), given)) == (404, "channel_not_found")
    given = {"channel_id": sms.id, "user_id": PHONE}
    assert refused(client, client.post(where(theirs), given)) == (404, "contact_not_found")
    assert refused(client, client.delete(where(theirs, row.id))) == (404, "contact_not_found")
    assert refused(client, client.delete(where(mira, row.id))) == (404, "identity_not_found")


@pytest.mark.parametrize(
    ("kind", "user_id", "code"),
    [("sms", "no number", "recipient_invalid"), ("voice", PHONE, "person_writes_first")],
    ids=["no number", "who calls us"],
)
def test_an_id_that_the_channel_cannot_have_is_refused(client, mira, sms, scope, kind, user_id, code) -> None:
    channel = sms if kind == "sms" else ChannelFactory(tenant=scope, kind=kind)
    answer = client.post(where(mira), {"channel_id": channel.id, "user_id": user_id})
    assert refused(client, answer) == (422, code)


def test_a_contact_has_a_bounded_number_of_ids(client, mira, sms, scope) -> None:
    for n in range(50):
        IdentityFactory(tenant=scope, contact=mira, channel=sms, value=f"+49151{n:07}")
    answer = client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE})
    assert refused(client, answer) == (422, "too_many_identities")


def test_one_that_was_attached_by_mistake_is_taken_off(client, mira, sms) -> None:
    made = client.data_of(client.post(where(mira), {"channel_id": sms.id, "user_id": PHONE}))
    assert client.delete(where(mira, made["id"])).status_code == 204
    assert not Identity.objects.exists()
    assert AuditEntry.objects.latest("id").action == "contact.identity_detached"
    assert refused(client, client.delete(where(mira, made["id"]))) == (404, "identity_not_found")


@pytest.mark.parametrize("why", ["verified", "stopped", "said"])
def test_an_id_of_which_something_hangs_stays(client, mira, sms, scope, why) -> None:
    facts = {"verified": {"verified": True}, "stopped": {"stopped_at": now()}, "said": {}}[why]
    row = IdentityFactory(tenant=scope, contact=mira, channel=sms, **{"verified": False, **facts})
    _ = MessageFactory(tenant=scope, identity=row) if why == "said" else None
    assert refused(client, client.delete(where(mira, row.id))) == (409, "identity_in_use")
    assert Identity.objects.filter(id=row.id).exists()


def test_a_legal_hold_keeps_the_ids(client, mira, sms, scope) -> None:
    row = IdentityFactory(tenant=scope, contact=mira, channel=sms, verified=False)
    LegalHold.objects.create(tenant=scope, contact_id=mira.id, reason="case 7")
    assert refused(client, client.delete(where(mira, row.id))) == (409, "legal_hold")


def test_who_only_reads_contacts_changes_no_ids(mira, sms, tenant, api) -> None:
    reader = api(tenant, "contacts:read")
    assert reader.post(where(mira), {"channel_id": sms.id, "user_id": PHONE}).status_code == 403
    assert reader.delete(where(mira, new_id())).status_code == 403
