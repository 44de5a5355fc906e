"""What staff and integrators change of messages: edited, deleted, answered once more (API-1, CONV-9)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels_app.content.types import text
from conversations import selectors
from conversations.models import Attachment, Conversation, Event, Message, Revision
from messaging import respond
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.deliver import deliver, redeliver
from messaging.models import Delivery, Turn
from messaging.privacy.holds import hold_place, holds_lift
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import take_over
from tenants.models import AuditEntry
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v2/chat/messages"


@pytest.fixture
def client(tenant, api) -> Any:
    return api(tenant)


@pytest.fixture
def reply(scope, web, said) -> Message:
    """What staff answered on the site."""
    talk = accept(web, said("hello", by="visitor-1", scheme="visitor")).conversation
    take_over(talk.id, None)
    return agent_reply(talk.id, None, text("We open at nine"))


def edit(client: Any, message: Message, words: str) -> Any:
    return client.patch(f"{ROOT}/{message.id}", {"content": {"type": "text", "text": words}})


def code_of(client: Any, answer: Any) -> tuple[int, str]:
    return answer.status_code, client.error_of(answer)["code"]


# ------------------------------------------------------------------------------------ edits


def test_what_we_said_is_edited_where_the_person_sees_it(client, reply) -> None:
    changed = client.data_of(edit(client, reply, "We open at ten"))
    assert (changed["content"]["text"], changed["edited_at"] is not None) == ("We open at ten", True)
    reply.refresh_from_db()
    assert (reply.text, "ten" in reply.words, "nine" in reply.words) == ("We open at ten", True, False)
    entry = Message.objects.latest("seq")
    assert (entry.change, entry.reply_to) == ("edited", reply.id)
    assert Revision.objects.get().previous["text"] == "We open at nine"
    assert [event.type for event in Event.objects.order_by("seq")][-1] == "chat.message.updated"
    assert Conversation.objects.get().last_message_preview == "We open at ten"
    assert edit(client, reply, "We open at ten").status_code == 200
    assert Message.objects.latest("seq") == entry  # the same words again tell nothing
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["message.edited"]


def test_elsewhere_an_edit_would_not_be_seen(client, scope, whatsapp, said) -> None:
    talk = accept(whatsapp, said("hello", id="w1")).conversation
    take_over(talk.id, None)
    message = agent_reply(talk.id, None, text("We open at nine"))
    assert code_of(client, edit(client, message, "ten")) == (422, "edit_not_shown")


def test_what_cannot_be_edited(client, scope, web, reply) -> None:
    theirs = Message.objects.get(role="visitor")
    assert code_of(client, edit(client, theirs, "other words")) == (422, "not_ours")
    picture = MessageFactory(
        tenant=scope, conversation=reply.conversation, role="agent", direction="outbound", content_type="image"
    )
    assert code_of(client, edit(client, picture, "words")) == (422, "words_only")
    client.delete(f"{ROOT}/{reply.id}")
    assert code_of(client, edit(client, reply, "words")) == (409, "message_deleted")
    theirs.refresh_from_db()
    assert theirs.text == "hello"


# -------------------------------------------------------------------------------- deletions


def test_a_deleted_message_leaves_its_place_and_nothing_of_its_words(client, scope, reply) -> None:
    edit(client, reply, "secret words")
    answer = client.delete(f"{ROOT}/{reply.id}")
    assert client.data_of(answer) == {"id": str(reply.id), "gone": "everywhere"}
    told = selectors.message_page(reply.conversation_id, selectors.MessageQuery())["items"]
    shown = next(row for row in told if row["id"] == reply.id)
    assert (shown["content"], shown["deleted_at"] is not None) == (None, True)
    assert [row["seq"] for row in told] == list(range(1, len(told) + 1))
    rows = [
        *Message.objects.values(),
        *Revision.objects.values(),
        *Event.objects.values(),
        *Conversation.objects.values(),
    ]
    assert "secret words" not in json.dumps(rows, default=str)
    assert client.get(ROOT, {"search_query": "secret"}).json()["data"]["items"] == []
    count = Message.objects.count()
    assert client.data_of(client.delete(f"{ROOT}/{reply.id}"))["gone"] == "everywhere"
    assert Message.objects.count() == count


def test_files_go_with_a_deleted_message(client, scope, web, reply) -> None:
    Attachment.objects.create(tenant=scope, channel=web, message=reply, kind="image")
    client.delete(f"{ROOT}/{reply.id}")
    assert Attachment.objects.count() == 0


def test_what_was_not_sent_is_not_sent_and_does_not_hold_up_what_follows(client, scope, whatsapp, said) -> None:
    talk = accept(whatsapp, said("hello", id="w1")).conversation
    take_over(talk.id, None)
    first, second = (agent_reply(talk.id, None, text(words)) for words in ("one", "two"))
    assert client.data_of(client.delete(f"{ROOT}/{first.id}"))["gone"] == "not_sent"
    states = dict(Delivery.objects.values_list("message_id", "status"))
    assert (states[first.id], states[second.id]) == ("failed", "queued")
    assert Delivery.objects.get(message=first).dead_at is None
    assert redeliver(Delivery.objects.filter(message=first)) == 0


def test_one_that_a_worker_took_up_before_it_was_deleted_is_not_sent_empty(scope, client, whatsapp, said) -> None:
    talk = accept(whatsapp, said("hello", id="w1")).conversation
    take_over(talk.id, None)
    message = agent_reply(talk.id, None, text("one"))
    Delivery.objects.update(status="sending")
    assert client.data_of(client.delete(f"{ROOT}/{message.id}"))["gone"] == "here"
    Delivery.objects.update(status="queued")  # the try failed, and it is due again
    deliver(talk.id)
    row = Delivery.objects.get(message=message)
    assert (row.status, row.error_code, row.parts_sent) == ("failed", "message_deleted", 0)


def test_entries_of_the_system_stay(client, reply) -> None:
    entry = Message.objects.filter(role="system").first()
    assert code_of(client, client.delete(f"{ROOT}/{entry.id}")) == (422, "entry_of_system")


# ------------------------------------------------------------------------ answered once more


def test_the_last_words_are_answered_once_more(client, scope, web, said, calls) -> None:
    accepted = accept(web, said("What are your opening hours?", by="v1", scheme="visitor"), Entrance(answer_now=True))
    respond.answer(accepted.turn)
    answered = Message.objects.filter(role="bot").count()
    answer = client.post(f"{ROOT}/{accepted.message.id}/regenerate")
    turn = Turn.objects.get(id=client.data_of(answer)["turn"])
    assert (answer.status_code, turn.id in calls.of("respond")) == (202, True)
    assert code_of(client, client.post(f"{ROOT}/{accepted.message.id}/regenerate")) == (409, "answer_under_way")
    respond.respond(turn.id)
    turn.refresh_from_db()
    assert turn.status == "answered"
    assert Message.objects.filter(role="bot").count() == answered + 1
    numbers = list(Message.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


def test_words_are_answered_again_by_the_id_of_the_answer(client, scope, web, said) -> None:
    """It was refused as if the person had not said it last."""
    accepted = accept(web, said("What are your opening hours?", by="v1", scheme="visitor"), Entrance(answer_now=True))
    respond.answer(accepted.turn)
    ours = Message.objects.get(role="bot", reply_to=accepted.message.id)
    turn = Turn.objects.get(id=client.data_of(client.post(f"{ROOT}/{ours.id}/regenerate"))["turn"])
    assert (turn.first_seq, turn.last_seq) == (accepted.message.seq, accepted.message.seq)
    Turn.objects.filter(id=turn.id).update(status="answered")
    accept(web, said("And on Sundays?", by="v1", scheme="visitor"))
    assert code_of(client, client.post(f"{ROOT}/{ours.id}/regenerate")) == (422, "not_the_last_words")


def test_no_answer_over_a_human_or_to_earlier_words(client, scope, web, said) -> None:
    first = accept(web, said("one", by="v1", scheme="visitor"))
    second = accept(web, said("two", by="v1", scheme="visitor"))
    Turn.objects.all().delete()
    assert code_of(client, client.post(f"{ROOT}/{first.message.id}/regenerate")) == (422, "not_the_last_words")
    take_over(first.conversation.id, None)
    assert code_of(client, client.post(f"{ROOT}/{second.message.id}/regenerate")) == (409, "with_human")
    Conversation.objects.update(is_open=False)
    assert code_of(client, client.post(f"{ROOT}/{second.message.id}/regenerate")) == (409, "conversation_closed")


# ------------------------------------------------------------------------------------ parts


def test_a_message_between_its_neighbours(client, scope) -> None:
    rows = [MessageFactory(tenant=scope)]
    rows += [MessageFactory(tenant=scope, conversation=rows[0].conversation) for _ in range(4)]
    told = client.data_of(client.get(f"{ROOT}/{rows[2].id}/context?context_size=1"))
    assert [row["seq"] for row in told["before"]] == [2]
    assert (told["message"]["id"], [row["seq"] for row in told["after"]]) == (str(rows[2].id), [4])
    edge = client.data_of(client.get(f"{ROOT}/{rows[0].id}/context"))
    assert (edge["before"], len(edge["after"])) == ([], 4)


def test_how_it_was_understood_and_answered(client, scope, web, said) -> None:
    accepted = accept(web, said("What are your opening hours?", by="v1", scheme="visitor"), Entrance(answer_now=True))
    respond.answer(accepted.turn)
    theirs = client.data_of(client.get(f"{ROOT}/{accepted.message.id}/analysis"))
    ours = Message.objects.filter(role="bot").latest("seq")
    told = client.data_of(client.get(f"{ROOT}/{ours.id}/analysis"))
    assert theirs["turn"]["id"] == told["turn"]["id"] == str(accepted.turn.id)
    assert (theirs["turn"]["status"], theirs["language"], theirs["intent"]) == ("answered", "en", None)


def test_what_surrounds_its_words(client, scope) -> None:
    content = {
        "type": "text", "text": "as I said", "quote": {"text": "hello", "author": "visitor"},
        "form": {"name": "Return", "answers": [{"name": "Size", "value": "M"}]}, "origin": {"kind": "ad", "id": "7"},
        "cards": [{"title": "Shoe"}], "contacts": [{"name": "Ben"}],
    }  # fmt: skip
    row = MessageFactory(tenant=scope, content=content)
    told = client.data_of(client.get(f"{ROOT}/{row.id}/surroundings"))
    assert (told["quote"]["text"], told["form"]["answers"][0]["value"], told["referral"]["id"]) == ("hello", "M", "7")
    assert (told["products"][0]["title"], told["contacts"][0]["name"], told["full_text"]) == ("Shoe", "Ben", None)
    Message.objects.update(deleted_at="2026-01-31T12:00:00Z")
    gone = client.data_of(client.get(f"{ROOT}/{row.id}/surroundings"))
    assert (gone["quote"], gone["products"]) == (None, [])


def test_how_it_went_out(client, scope, whatsapp, said) -> None:
    talk = accept(whatsapp, said("hello", id="w1")).conversation
    take_over(talk.id, None)
    message = agent_reply(talk.id, None, text("one"))
    deliver(talk.id)
    told = client.data_of(client.get(f"{ROOT}/{message.id}/delivery"))
    assert [row["number"] for row in told["tries"]] == [1]
    assert (told["status"], told["parts"], told["due_at"] is not None) == ("queued", [], True)
    theirs = Message.objects.get(role="visitor")
    assert code_of(client, client.get(f"{ROOT}/{theirs.id}/delivery")) == (404, "delivery_not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""), ("patch", ""), ("delete", ""), ("get", "/context"), ("get", "/analysis"), ("get", "/surroundings"),
        ("get", "/delivery"), ("post", "/regenerate"), ("get", "/similar"),
    ],
    ids=lambda value: value,
)  # fmt: skip
def test_no_tenant_reaches_anothers(other_tenant, api, reply, method, path) -> None:
    theirs = api(other_tenant)
    body = {"content": {"type": "text", "text": "theirs"}} if method == "patch" else None
    answer = getattr(theirs, method)(f"{ROOT}/{reply.id}{path}", body)
    assert answer.status_code == 404
    reply.refresh_from_db()
    assert (reply.text, reply.deleted_at) == ("We open at nine", None)


def test_a_legal_hold_keeps_the_words(client, reply) -> None:
    contact_id = reply.conversation.contact_id
    hold_place(contact_id, "case 7", "system")
    assert code_of(client, client.delete(f"{ROOT}/{reply.id}")) == (409, "legal_hold")
    reply.refresh_from_db()
    assert (reply.text, reply.deleted_at) == ("We open at nine", None)
    holds_lift(contact_id, "system")
    assert client.delete(f"{ROOT}/{reply.id}").status_code == 200
