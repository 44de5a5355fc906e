"""Every hint on a message changes what happens (MSG-7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assistant.port import EngineReply
from channels_app.content.types import Button, Content, ListRow, ListSection, Media, QuickReply, text
from conversations.models import Conversation, Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.context.expected import as_expected
from messaging.models import Turn
from messaging.turns import thinking
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ConversationFactory, MembershipFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v2/chat/message"
BUTTONS = Content(
    type="text", text="Which one?",
    buttons=(Button(type="postback", title="Red", payload="red"), Button(type="url", title="Shop", url="https://a.example")),
)  # fmt: skip
ROWS = Content(
    type="list",
    text="Which one?",
    sections=(ListSection(rows=(ListRow(title="Red", payload="red"), ListRow(title="Blue", payload="blue"))),),
)
PICTURE = Content(type="image", text="Look", media=Media(url="https://a.example/i.png", type="image/png"))


class Engine:
    name = "test"
    contents: tuple[Content, ...] = (BUTTONS,)

    def __init__(self) -> None:
        self.hints: list[dict[str, Any]] = []

    def respond(self, request: Any) -> EngineReply:
        self.hints.append(dict(request.hints))
        return EngineReply(contents=self.contents, context=dict(request.context), engine=self.name)


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


@pytest.fixture
def asks(api: Callable[..., Any], tenant: Tenant, web: Any) -> Callable[..., Any]:
    """``asks(priority="high")``: one REST message with these hints; its answer."""
    client = api(tenant)

    def ask(**hints: Any) -> Any:
        body = {
            "user_id": "u1",
            "channel": "web",
            "content": {"type": "text", "text": "hello"},
            "processing_hints": hints,
        }
        answer = client.post(URL, body)
        return client.data_of(answer) if answer.status_code == 200 else answer

    return ask


# ------------------------------------------------------------------ what is expected


def test_an_answer_that_is_expected_as_text_is_text(asks, engine) -> None:
    answer = asks(expected_response_type="text")
    assert answer["response"]["type"] == "text"
    assert "buttons" not in answer["response"]
    assert ("1. Red" in answer["response"]["text"], "https://a.example" in answer["response"]["text"]) == (True, True)
    assert answer["processing_metadata"]["expected_response_met"] is True
    assert engine.hints == [{"expected_response_type": "text"}]


def test_without_an_expectation_the_answer_is_the_engines(asks) -> None:
    answer = asks()
    assert [button["title"] for button in answer["response"]["buttons"]] == ["Red", "Shop"]
    assert "expected_response_met" not in answer["processing_metadata"]


def test_what_an_engine_does_not_give_is_told(asks) -> None:
    answer = asks(expected_response_type="image")
    assert answer["response"]["text"] == "Which one?"
    assert answer["processing_metadata"]["expected_response_met"] is False


def test_an_unknown_expectation_is_refused(asks) -> None:
    assert asks(expected_response_type="poem").status_code == 400


@pytest.mark.parametrize(
    ("content", "expected", "replies", "rows"),
    [
        (ROWS, "quick_reply", ["Red", "Blue"], []),
        (BUTTONS, "quick_reply", ["Red"], []),
        (Content(type="text", text="?", quick_replies=(QuickReply(title="A", payload="a"), QuickReply(title="B", payload="b"))), "list", [], ["A", "B"]),
        (BUTTONS, "list", [], ["Red"]),
    ],
    ids=["a list", "buttons", "quick replies", "buttons as a list"],
)  # fmt: skip
def test_choices_come_in_the_form_that_was_asked_for(content, expected, replies, rows) -> None:
    [part] = as_expected([content], expected)
    assert [reply.title for reply in part.quick_replies or ()] == replies
    assert [row.title for section in part.sections or () for row in section.rows] == rows


def test_a_picture_as_text_is_its_address() -> None:
    [part] = as_expected([PICTURE], "text")
    assert (part.type, part.text) == ("text", "Look\n\nhttps://a.example/i.png")


# -------------------------------------------------------------------------- priority


def test_the_priority_is_the_conversations_until_another_is_given(asks, tenant) -> None:
    def priority() -> str:
        with tenant_scope(tenant.id):
            return str(Conversation.objects.get().priority)

    asks(priority="urgent")
    asks()
    assert priority() == "urgent"
    asks(priority="normal")
    assert priority() == "normal"


def test_the_priority_is_the_place_among_those_who_wait(asks, tenant) -> None:
    """With the first message, and with a later one anew."""

    def rank() -> int | None:
        with tenant_scope(tenant.id):
            return Conversation.objects.get().rank

    ranks = Conversation.Rank
    for said, place in (
        ("urgent", ranks.URGENT), ("low", ranks.LOW), ("high", ranks.HIGH), ("normal", ranks.NORMAL), ("urgent", ranks.URGENT),
    ):  # fmt: skip
        asks(priority=said)
        assert rank() == place
    asks()
    assert rank() == ranks.URGENT, "a message that says nothing of it changes nothing"


def test_what_is_urgent_is_not_gathered_with_what_follows(scope, whatsapp, said, calls) -> None:
    accept(whatsapp, said("one", id="1"))
    assert Turn.objects.get().due_at > now()
    accept(whatsapp, said("two", id="2"), Entrance(hints={"priority": "urgent"}))
    turn = Turn.objects.get()
    assert (turn.due_at <= now(), turn.last_seq) == (True, 2)
    assert ("respond", turn.id, 0.0) in calls.all


def test_an_urgent_first_message_is_answered_at_once(scope, whatsapp, said) -> None:
    accept(whatsapp, said("hurry", id="1"), Entrance(hints={"priority": "high"}))
    assert Turn.objects.get().due_at <= now()


def test_who_waits_is_listed_by_priority(tenant: Tenant) -> None:
    user = UserFactory()
    MembershipFactory(tenant=tenant, user=user, role=RoleFactory(tenant=tenant, permissions=["*"]))
    client = Client()
    client.force_login(user)
    waits = [("normal", 3), ("low", 9), ("urgent", 1), ("high", 2), ("normal", 5)]
    made = [
        ConversationFactory(
            tenant=tenant,
            priority=priority,
            waiting_since=now() - timedelta(hours=hours),
            last_message_at=now(),
            control_owner="human",
            held_by="queue",
            status="escalated",
        )  # fmt: skip
        for priority, hours in waits
    ]
    page = client.get(reverse("admin:conversations_conversation_changelist"), {"waiting": "yes"})
    listed = [row.id for row in page.context["cl"].result_list]
    assert listed == [made[index].id for index in (2, 3, 4, 0, 1)]
    assert "urgent" in page.content.decode()


def test_conversations_are_found_by_priority(asks, api, tenant) -> None:
    asks(priority="high")
    client = api(tenant)
    found = [
        len(client.data_of(client.get("/api/v2/chat/conversations", {"priority": name}))["items"])
        for name in ("high", "low")
    ]
    assert found == [1, 0]


# ----------------------------------------------------------------------------- humans


def test_a_review_by_a_human_keeps_the_answer_back(asks, tenant) -> None:
    answer = asks(require_human_review=True)
    with tenant_scope(tenant.id):
        conversation = Conversation.objects.get()
        assert not Message.objects.filter(role="bot").exists()
        assert conversation.notes.get().text.startswith("Suggested reply:")
    assert (answer["processing_metadata"]["status"], conversation.held_by) == ("with_human", "queue")


def test_text_is_text() -> None:
    assert as_expected([text("hello")], "text") == (text("hello"),)
