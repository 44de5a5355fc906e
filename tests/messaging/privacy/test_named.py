"""An erasure finds who is named without a key: in requests of other channels, in encrypted answers, on the tenant's own
timeline (PRIV-2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels_app.contract import RawRequest
from conversations.models import Contact, Event, Identity, Message
from conversations.timeline import system_event
from messaging.agents.models import SavedFilter
from messaging.models import InboundEvent
from messaging.privacy.models import Erasure
from messaging.receive import receipt_process, receipt_store
from tenants.models import IdempotencyRecord
from tenants.storage.crypto import decrypt, encrypt
from tenants.storage.db import new_id
from tests.factories import ChannelFactory
from tests.messaging.privacy.rita import RITA, erased, left_in

pytestmark = pytest.mark.django_db(transaction=True)


def foreign(channel: Any, words: str, id: str) -> InboundEvent:
    """A request of a channel on which Rita is not."""
    body = {"id": id, "type": "message", "person": {"id": "crm"}, "content": {"type": "text", "text": words}}
    raw = RawRequest("POST", "/", {"content-type": "application/json"}, body=json.dumps(body).encode())
    stored = receipt_store(channel, raw)
    assert stored is not None
    receipt_process(stored.id)
    return InboundEvent.objects.get(id=stored.id)


@pytest.mark.parametrize("by", [RITA, f"+{RITA}", "rita@example.com"])
@pytest.mark.parametrize(
    ("status", "emptied"),
    [("processed", True), ("ignored", True), ("malformed", True), ("failed", False), ("received", False)],
)
def test_a_foreign_request_that_names_the_person_is_emptied(rita: Contact, by: str, status: str, emptied: bool) -> None:
    channel = ChannelFactory(tenant=rita.tenant, kind="webhook")
    named, other = foreign(channel, f"call {by}", "f1"), foreign(channel, "call Otto", "f2")
    InboundEvent.objects.filter(id__in=[named.id, other.id]).update(status=status)
    erased(rita)
    kept = {row.id: row for row in InboundEvent.objects.filter(channel=channel)}
    assert bool(kept[named.id].request["body"]) != emptied
    assert kept[named.id].digest == named.digest, "a repeat of it is still refused"
    assert kept[other.id].request == other.request


def test_what_another_person_said_of_them_stays_said(rita: Contact) -> None:
    Message.objects.filter(text="My walrus").update(text=f"Ask {RITA}")
    erased(rita)
    assert Message.objects.get().text == f"Ask {RITA}"


def test_a_remembered_answer_that_names_the_person_goes(rita: Contact, api: Any) -> None:
    client = api(rita.tenant)
    for contact, key in ((rita, "r"), (Contact.objects.get(name="Otto"), "o")):
        answer = client.post(f"/api/v2/contacts/{contact.id}/stop", {}, HTTP_IDEMPOTENCY_KEY=key)
        assert answer.status_code == 200
    IdempotencyRecord.objects.filter(key="k").delete()
    IdempotencyRecord.objects.create(
        tenant=rita.tenant,
        key="by mail",
        fingerprint="f",
        body=encrypt('{"email": "rita@example.com"}'),
        running_until=rita.created_at,
    )
    before = [decrypt(row.body) for row in IdempotencyRecord.objects.all()]
    assert {"15550107701", "rita@example.com"} <= {*left_in(str(before))}
    erased(rita)
    after = [decrypt(row.body) for row in IdempotencyRecord.objects.all()]
    assert (len(before), len(after)) == (3, 1)
    assert left_in(str(after)) == [] and str(rita.id) not in str(after)


def test_an_answer_under_a_key_that_is_gone_is_left(rita: Contact) -> None:
    IdempotencyRecord.objects.all().delete()
    IdempotencyRecord.objects.create(
        tenant=rita.tenant, key="k", fingerprint="f", body="gAAAAABlost", running_until=rita.created_at
    )
    erased(rita)
    assert IdempotencyRecord.objects.count() == 1


def test_the_tenants_own_timeline_tells_nothing_of_the_person(rita: Contact) -> None:
    channel = str(Identity.objects.get(contact=rita).channel_id)
    facts = {"channel_id": channel, "session_id": str(new_id()), "duration_seconds": 7, "end_reason": "expired"}
    for contact_id in (rita.id, Contact.objects.get(name="Otto").id):
        system_event(rita.tenant_id, "chat.session.ended", {**facts, "contact_id": str(contact_id)})
    before = Event.objects.filter(conversation__contact=rita).count()
    erased(rita)
    left = Event.objects.filter(conversation=None).order_by("created_at", "id")
    assert [(row.type, row.payload["contact_id"]) for row in left] == [
        ("chat.session.ended", str(Contact.objects.get().id)),
        ("CHAT_PRIVACY_DELETION_REQUESTED", str(rita.id)),
    ], "that it was asked for stays, by ids of ours"
    assert Erasure.objects.get().counts["conversations.Event"] == before + 1


def test_a_kept_filter_that_searches_for_the_person_goes(rita: Contact) -> None:
    for name, search in (("hers", "rita@example.com"), (RITA, "tent"), ("all", "tent"), ("none", None)):
        SavedFilter.objects.create(tenant=rita.tenant, name=name, query={"view": "all", "search": search})
    erased(rita)
    assert set(SavedFilter.objects.values_list("name", flat=True)) == {"all", "none"}


def test_in_a_thread_about_another_learner_their_id_goes_and_the_words_stay(rita: Contact, api: Any) -> None:
    client = api(rita.tenant)
    asked = {
        "learner_id": "otto",
        "participants": [{"user_id": RITA, "role": "guardian"}, {"user_id": "mr-k", "role": "teacher"}],
    }
    thread = client.data_of(client.post("/api/v1/threads", asked))
    at = f"/api/v1/threads/{thread['id']}"
    for sender, role in ((RITA, "guardian"), ("mr-k", "teacher")):
        client.post(f"{at}/messages", {"content": f"said by the {role}", "sender_id": sender, "sender_role": role})
    erased(rita)
    assert client.data_of(client.get(at))["participants"] == [{"user_id": "mr-k", "role": "teacher"}]
    told = client.data_of(client.get(f"{at}/messages"))["items"]
    assert sorted((one["sender_id"], one["content"]) for one in told) == [
        ("", "said by the guardian"), ("mr-k", "said by the teacher"),
    ]  # fmt: skip
    events = Event.objects.filter(conversation=thread["id"], type="CHAT_MESSAGE_CREATED").order_by("seq")
    assert [one.payload["sender_id"] for one in events] == ["", "mr-k"]
