"""Transcripts of another system: stored once, in order, without any consequence (API-6)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Contact, Conversation, Event, Message
from messaging.models import Delivery, Turn
from messaging.rules.opening import first_words
from tenants.storage.db import now
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
WHERE = "/api/v2/chat/messages/import"


@pytest.fixture
def client(scope, api) -> Any:
    ChannelFactory(tenant=scope, kind="web")
    return api(scope)


def item(id: str, hour: int, words: str = "hello", role: str = "visitor", **more: Any) -> dict[str, Any]:
    return {
        "id": id, "conversation": "ticket-77", "channel": "web", "user_id": "u1", "role": role,
        "content": {"type": "text", "text": words}, "sent_at": f"2025-11-03T{hour:02}:00:00Z", **more,
    }  # fmt: skip


def sent(client: Any, *items: Any) -> Any:
    answer = client.post(WHERE, {"items": items})
    assert answer.status_code == 200, answer.content
    return client.data_of(answer)


def transcript() -> list[tuple[int, str, str]]:
    return list(Message.objects.order_by("seq").values_list("seq", "role", "text"))


def test_a_transcript_is_stored_in_order_as_one_that_has_ended(client) -> None:
    done = sent(client, item("2", 11, "good day", "agent"), item("1", 10, name="Ana"), item("3", 12, "bye", "bot"))
    assert (done["stored"], done["repeated"], done["refused"]) == (3, 0, 0)
    assert [one["id"] for one in done["items"]] == ["2", "1", "3"]
    assert transcript() == [(1, "visitor", "hello"), (2, "agent", "good day"), (3, "bot", "bye")]
    talk = Conversation.objects.get()
    assert (talk.is_open, talk.status, talk.last_seq, talk.message_count) == (False, "completed", 3, 3)
    assert (talk.created_at.hour, talk.ended_at.hour, talk.last_message_at.hour) == (10, 12, 12)
    assert (talk.last_message_preview, Contact.objects.get().name) == ("bye", "Ana")
    assert (Event.objects.count(), Delivery.objects.count(), Turn.objects.count()) == (0, 0, 0)
    found = client.data_of(client.get("/api/v2/chat/messages", {"search_query": "good day"}))["items"]
    assert [one["id"] for one in found] == [done["items"][0]["message_id"]]


def test_what_is_sent_again_is_stored_once(client) -> None:
    first = sent(client, item("1", 10), item("2", 11))
    again = sent(client, item("2", 11), item("3", 12), item("1", 10), item("3", 12))
    assert [one["status"] for one in again["items"]] == ["repeated", "stored", "repeated", "repeated"]
    assert again["items"][0]["message_id"] == first["items"][1]["message_id"]
    assert [row[0] for row in transcript()] == [1, 2, 3]
    assert Conversation.objects.count() == 1


def test_one_that_is_wrong_harms_no_other(client) -> None:
    done = sent(
        client, item("1", 10), item("2", 9, conversation="another"), {"id": "3"}, item("4", 11, role="owner"),
        item("5", 11, content={"type": "text", "text": " "}), item("6", 11, channel="sms"),
        item("7", 11, sent_at="2099-01-01T00:00:00Z"), {**item("8", 12), "sent_at": "soon"},
        item("9", 11, content={"type": "image", "media": {"url": "https://x.example/a.png", "type": "image/png"}}),
    )  # fmt: skip
    assert (done["stored"], done["refused"]) == (2, 7)
    codes = [one["error"]["code"] for one in done["items"] if one["status"] == "refused"]
    assert codes == [
        "validation_error", "validation_error", "validation_error", "channel_not_configured", "sent_in_future",
        "validation_error", "files_not_imported",
    ]  # fmt: skip


def test_nothing_comes_before_what_is_there(client) -> None:
    sent(client, item("1", 10))
    done = sent(client, item("0", 9), item("2", 11))
    assert [one["status"] for one in done["items"]] == ["refused", "stored"]
    assert done["items"][0]["error"]["code"] == "out_of_order"
    assert [row[0] for row in transcript()] == [1, 2]


def test_the_person_goes_on_talking_in_a_conversation_of_their_own(client) -> None:
    sent(client, item("1", 10))
    said = {"user_id": "u1", "channel": "web", "content": {"type": "text", "text": "hello again"}}
    assert client.post("/api/v2/chat/message", said).status_code == 200
    assert Conversation.objects.count() == 2
    assert Contact.objects.count() == 1


def test_our_first_words_open_none_of_the_past(scope, api) -> None:
    texts = ChannelFactory(
        tenant=scope, kind="sms", config={"account_sid": f"AC{'0' * 32}", "from_number": "+15550100002"},
        secrets={"auth_token": "SECRET-0123456789"},
    )  # fmt: skip
    client = api(scope)
    sent(client, item("1", 10, channel="sms", user_id="+15550100001"))
    from channels_app.content.types import text

    message = first_words(texts, "+15550100001", text("It is ready."))
    assert (message.seq, message.conversation.is_open, Conversation.objects.count()) == (1, True, 2)


def test_each_tenant_has_its_own(client, other_tenant, api) -> None:
    ChannelFactory(tenant=other_tenant, kind="web")
    ours, theirs = sent(client, item("1", 10)), sent(api(other_tenant), item("1", 10))
    assert ours["items"][0]["message_id"] != theirs["items"][0]["message_id"]
    assert (theirs["stored"], Message.objects.count()) == (1, 1)


def test_no_more_than_can_be_dealt_with_at_once(client) -> None:
    assert client.post(WHERE, {"items": [item("1", 10)] * 501}).status_code == 400
    assert client.post(WHERE, {"items": []}).status_code == 400


def test_people_whose_names_read_the_same_when_joined_have_transcripts_of_their_own(client) -> None:
    sent(
        client,
        item("1", 10, "mine", user_id="crm:7", conversation="t"),
        item("1", 10, "yours", user_id="crm", conversation="7:t"),
    )
    said = Message.objects.order_by("text").values_list("identity__value", "conversation__identity__value", "text")
    assert list(said) == [("crm:7", "crm:7", "mine"), ("crm", "crm", "yours")]


@pytest.mark.parametrize("other", [{"words": "200 euros"}, {"role": "agent"}], ids=["words", "role"])
def test_an_id_that_comes_again_with_another_message_is_refused(client, other) -> None:
    done = sent(client, item("1", 10, "20 euros"), item("1", 11, **{"words": "20 euros", **other}))
    later = sent(client, item("1", 11, **{"words": "20 euros", **other}), item("2", 12))
    for report in (done["items"][1], later["items"][0]):
        assert (report["status"], report["error"]["code"]) == ("refused", "message_id_conflict")
    assert [row[2] for row in transcript()] == ["20 euros", "hello"]


def test_what_staff_have_changed_since_is_the_same_message_when_it_comes_again(client) -> None:
    sent(client, item("1", 10, "20 euros"))
    Message.objects.update(content={"type": "text", "text": "20 dollars"}, edited_at=now())
    assert sent(client, item("1", 10, "20 euros"))["items"][0]["status"] == "repeated"
