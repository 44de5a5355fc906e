"""The REST journey: a message in by HTTP, its answer in the response, everything told to the timeline."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assistant.demo import seed_assistant
from conversations.models import Conversation, Event, Identity, Message
from messaging.rules.control import take_over
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import on_mongo
from tests.factories import ChannelFactory, ConversationFactory, MembershipFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v2/chat/message"


def body(words: str = "What are your opening hours?", **more: object) -> dict[str, object]:
    return {"user_id": "user123", "channel": "web", "content": {"type": "text", "text": words}, **more}


@pytest.fixture
def client(tenant, api):
    ChannelFactory(tenant=tenant, kind="web")
    with tenant_scope(tenant.id):
        seed_assistant(tenant)
    return api(tenant)


def test_the_answer_comes_in_the_response(client, tenant) -> None:
    response = client.post(URL, body())
    assert response.status_code == 200
    answer = client.data_of(response)
    assert answer["response"]["type"] == "text"
    assert answer["processing_metadata"]["status"] == "answered"
    one = client.get(f"/api/v2/chat/messages/{answer['processing_metadata']['stored_id']}")
    assert client.data_of(one)["seq"] == answer["processing_metadata"]["seq"]
    transcript = client.data_of(client.get(f"/api/v2/chat/conversations/{answer['conversation_id']}/messages"))
    assert [m["role"] for m in transcript["items"]][:2] == ["visitor", "bot"]
    listed = client.data_of(client.get("/api/v2/chat/conversations"))["items"]
    assert [row["id"] for row in listed] == [answer["conversation_id"]]
    detail = client.data_of(client.get(f"/api/v2/chat/conversations/{answer['conversation_id']}"))
    assert detail["user_id"] == "user123"
    with tenant_scope(tenant.id):
        assert Event.objects.filter(type="chat.message.sent").exists()


def test_the_same_message_id_gives_the_same_answer(client, tenant) -> None:
    first = client.post(URL, body(message_id="m1"))
    again = client.post(URL, body(message_id="m1"))
    assert client.data_of(first)["responses"] == client.data_of(again)["responses"]
    with tenant_scope(tenant.id):
        assert Message.objects.filter(direction="inbound").count() == 1


def test_the_same_message_id_with_other_words_is_refused(client) -> None:
    client.post(URL, body(message_id="m1"))
    response = client.post(URL, body("Something else", message_id="m1"))
    assert (response.status_code, client.error_of(response)["code"]) == (409, "message_id_conflict")


def test_an_idempotency_key_alone_is_enough(client, tenant) -> None:
    answers = [client.post(URL, body(), HTTP_IDEMPOTENCY_KEY="k1") for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    with tenant_scope(tenant.id):
        assert Message.objects.filter(direction="inbound").count() == 1


def test_respond_async_gives_202(client, tenant) -> None:
    response = client.post(URL, body(), HTTP_PREFER="respond-async")
    assert response.status_code == 202
    assert client.data_of(response)["response"] is None


def test_while_a_human_is_in_control_there_is_no_response(client, tenant) -> None:
    conversation_id = client.data_of(client.post(URL, body()))["conversation_id"]
    with tenant_scope(tenant.id):
        take_over(Conversation.objects.get(id=conversation_id).id, None)
    client.post(URL, body("Hello?"))
    with CaptureQueriesContext(connection) as captured:
        answer = client.data_of(client.post(URL, body("Anybody?")))
    assert answer["response"] is None
    assert answer["processing_metadata"]["status"] == "with_human"
    # the assistant gives no answer here: none is looked for
    assert on_mongo() or not [one for one in captured.captured_queries if 'FROM "messaging_turn"' in one["sql"]]


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"user_id": ""}, 400, "validation_error"),
        ({"content": {"type": "text", "text": "x" * 4097}}, 400, "validation_error"),
        ({"content": {"type": "text", "text": "\u200b"}}, 400, "empty_message"),
        ({"channel": "pigeon"}, 400, "validation_error"),
        ({"channel": "sms"}, 422, "channel_not_configured"),
        ({"conversation_id": "0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"}, 404, "conversation_not_found"),
        ({"surprise": 1}, 400, "validation_error"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else str(value),
)
def test_bad_input_gets_a_stable_code_and_stores_nothing(client, tenant, wrong, status, code) -> None:
    response = client.post(URL, {**body(), **wrong})
    assert (response.status_code, client.error_of(response)["code"]) == (status, code)
    with tenant_scope(tenant.id):
        assert not Message.objects.exists()


SAY = {"content": {"type": "text", "text": "hi"}}
CONVERSATION_ADDRESSES = [
    ("get", "", None),
    ("get", "/messages", None),
    ("post", "/messages", SAY),
    ("post", "/take-over", None),
    ("post", "/hand-back", None),
    ("post", "/end", None),
]


@pytest.mark.parametrize(
    ("method", "tail", "say"), CONVERSATION_ADDRESSES, ids=[a[0] + a[1] for a in CONVERSATION_ADDRESSES]
)
def test_another_tenants_conversation_is_as_absent_as_none(api, tenant, other_tenant, method, tail, say) -> None:
    theirs = MessageFactory(tenant=other_tenant, conversation=ConversationFactory(tenant=other_tenant)).conversation
    client = api(tenant)
    foreign = getattr(client, method)(f"/api/v2/chat/conversations/{theirs.id}{tail}", say)
    absent = getattr(client, method)(f"/api/v2/chat/conversations/0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10{tail}", say)
    assert foreign.status_code == absent.status_code == 404
    assert client.error_of(foreign)["code"] == client.error_of(absent)["code"]


def test_another_tenants_rows_and_cursors_are_never_listed(api, tenant, other_tenant) -> None:
    for _ in range(3):
        MessageFactory(tenant=other_tenant, conversation=ConversationFactory(tenant=other_tenant))
    mine, theirs = api(tenant), api(other_tenant)
    assert mine.data_of(mine.get("/api/v2/chat/conversations"))["items"] == []
    cursor = theirs.data_of(theirs.get("/api/v2/chat/conversations?page_size=1"))["next_cursor"]
    refused = mine.get(f"/api/v2/chat/conversations?cursor={cursor}")
    assert (refused.status_code, mine.error_of(refused)["code"]) == (400, "invalid_cursor")


def test_pages_follow_each_other_without_gap_or_repeat(api, tenant) -> None:
    made = {
        str(MessageFactory(tenant=tenant, conversation=ConversationFactory(tenant=tenant)).conversation_id)
        for _ in range(7)
    }
    client, seen, cursor = api(tenant), [], ""
    for _ in range(4):
        page = client.data_of(client.get(f"/api/v2/chat/conversations?page_size=2{cursor}"))
        seen += [row["id"] for row in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(made)


# ------------------------------------------------------------------------ what agents do

AT = "/api/v2/chat/conversations"


@pytest.fixture
def place(client) -> str:
    """The address of a conversation that the bot has answered."""
    return f"{AT}/{client.data_of(client.post(URL, body()))['conversation_id']}"


@pytest.fixture
def ana(tenant) -> str:
    return MembershipFactory(tenant=tenant, user__username="ana").user.username


def trail(tenant) -> list[str]:
    return list(
        AuditEntry.objects.unscoped().filter(tenant=tenant).order_by("created_at").values_list("action", flat=True)
    )


def test_a_repeat_of_an_act_answers_as_the_first_and_is_in_the_trail_once(client, tenant, place, ana) -> None:
    for act, say in (("take-over", {"agent": ana}), ("hand-back", None), ("end", None)):
        answers = [client.post(f"{place}/{act}", say) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        first, again = map(client.data_of, answers)
        assert first == again
    acts = ["conversation.take-over", "conversation.hand-back", "conversation.end"]
    assert [action for action in trail(tenant) if action.startswith("conversation.")] == acts
    assert client.data_of(client.get(place))["status"] == "completed"
    for act in ("take-over", "hand-back", "messages"):
        refused = client.post(f"{place}/{act}", SAY if act == "messages" else None)
        assert (refused.status_code, client.error_of(refused)["code"]) == (409, "conversation_closed")


def test_a_second_agent_has_to_know_of_the_first(client, tenant, place, ana) -> None:
    MembershipFactory(tenant=tenant, user__username="ben")
    seen = client.data_of(client.post(f"{place}/take-over", {"agent": ana}))
    assert (seen["assignee"]["name"], seen["held_by"], seen["control_epoch"]) == ("ana", "staff", 1)
    for blind in ({}, {"expected_epoch": 0}):
        refused = client.post(f"{place}/take-over", {"agent": "ben", **blind})
        error = client.error_of(refused)
        assert (refused.status_code, error["code"]) == (409, "control_changed")
        assert error["details"]["assignee"]["name"] == "ana"
    taken = client.post(f"{place}/take-over", {"agent": "ben", "expected_epoch": seen["control_epoch"]})
    assert client.data_of(taken)["assignee"]["name"] == "ben"


def test_an_agent_is_a_member_of_this_tenant(client, other_tenant, place) -> None:
    MembershipFactory(tenant=other_tenant, user__username="spy")
    for act, say in (("take-over", {}), ("messages", SAY)):
        refused = client.post(f"{place}/{act}", {**say, "agent": "spy"})
        assert (refused.status_code, client.error_of(refused)["code"]) == (422, "agent_unknown")


def test_a_reply_says_how_far_the_agent_had_read(client, place, ana) -> None:
    client.post(f"{place}/take-over", {"agent": ana})
    seen = client.data_of(client.get(place))["last_seq"]
    client.post(URL, body("my parcel is lost"))
    late = {**SAY, "agent": ana, "seen_seq": seen}
    refused = client.post(f"{place}/messages", late)
    error = client.error_of(refused)
    assert (refused.status_code, error["code"]) == (409, "reply_outdated")
    assert [entry["role"] for entry in error["details"]["newer"]] == ["visitor"]
    assert [entry["content"]["text"] for entry in error["details"]["entries"]] == ["my parcel is lost"]
    sent = client.post(f"{place}/messages", {**late, "anyway": True})
    assert (sent.status_code, client.data_of(sent)["waiting_since"] is None) == (201, False)
    assert client.data_of(client.get(place))["waiting_since"] is not None
    all_of_it = client.data_of(client.post(f"{place}/messages", {**SAY, "agent": ana}))
    assert (all_of_it["waiting_since"], client.data_of(client.get(place))["waiting_since"]) == (None, None)


def test_an_agents_message_id_with_other_words_is_refused(client, tenant, place) -> None:
    say = {"content": {"type": "text", "text": "20 euros"}, "message_id": "m-1"}
    first, again = client.post(f"{place}/messages", say), client.post(f"{place}/messages", say)
    assert client.data_of(first)["id"] == client.data_of(again)["id"]
    assert client.data_of(first)["message_id"] == "m-1"
    other = client.post(f"{place}/messages", {**say, "content": {"type": "text", "text": "200 euros"}})
    assert (other.status_code, client.error_of(other)["code"]) == (409, "message_id_conflict")
    assert trail(tenant).count("conversation.replied") == 1


def test_bypassing_the_bot_is_told_by_the_answer(client, place) -> None:
    answer = client.data_of(client.post(URL, body("a human", processing_hints={"bypass_automation": True})))
    assert (answer["response"], answer["processing_metadata"]["status"]) == (None, "with_human")
    assert client.data_of(client.get(place))["held_by"] == "queue"


def test_a_walk_meets_what_is_written_to_meanwhile(client, tenant) -> None:
    made = [
        MessageFactory(tenant=tenant, conversation=ConversationFactory(tenant=tenant)).conversation for _ in range(3)
    ]
    page = client.data_of(client.get(AT, {"page_size": 1}))
    seen = [row["id"] for row in page["items"]]
    for conversation in made:
        MessageFactory(tenant=tenant, conversation=conversation, text="and another thing")
    MessageFactory(tenant=tenant, conversation=ConversationFactory(tenant=tenant))
    for _ in range(2):
        page = client.data_of(client.get(AT, {"page_size": 1, "cursor": page["next_cursor"]}))
        seen += [row["id"] for row in page["items"]]
    assert seen == [str(conversation.id) for conversation in reversed(made)]
    assert not page["has_next"]


def test_one_idempotency_key_of_two_callers_is_two_messages(client, api, tenant) -> None:
    answers = [caller.post(URL, body(), HTTP_IDEMPOTENCY_KEY="k1") for caller in (client, api(tenant))]
    assert [answer.status_code for answer in answers] == [200, 200]
    with tenant_scope(tenant.id):
        assert Message.objects.filter(direction="inbound").count() == 2


@pytest.mark.parametrize("typed", ["pad", " pad ", "pad\u200b", "\tpad"], ids=repr)
def test_one_person_is_one_however_the_id_is_typed(client, tenant, typed) -> None:
    client.post(URL, body(user_id="pad"))
    client.post(URL, body(user_id=typed))
    with tenant_scope(tenant.id):
        assert Identity.objects.count() == 1
    assert len(client.data_of(client.get(AT, {"user_id": typed}))["items"]) == 1


def test_composed_and_decomposed_letters_are_one_id(client, tenant) -> None:
    for typed in ("caf\u00e9", "cafe\u0301"):
        client.post(URL, body(user_id=typed))
    with tenant_scope(tenant.id):
        assert Identity.objects.get().value == "caf\u00e9"


@pytest.mark.parametrize("typed", [" ", "\u200b", "\t\n"], ids=repr)
def test_a_blank_id_is_refused(client, typed) -> None:
    response = client.post(URL, body(user_id=typed))
    assert (response.status_code, client.error_of(response)["details"][0]["field"]) == (400, "user_id")


def test_code_in_plain_text_is_stored_as_it_was_written(client, tenant) -> None:
    code = "Use <div class='x'>hi</div> in HTML:\n```\nif x:\n    y  =  1\n```"
    client.post(URL, body(code))
    with tenant_scope(tenant.id):
        assert Message.objects.get(role="visitor").text == code
