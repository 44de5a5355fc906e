"""The page of one conversation: acts on what the member of staff has seen, and words that are never lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import DataError, connection
from django.http import HttpResponse
from django.test import Client

from channels_app.content.types import text
from chatsvc.web.middleware import Unstorable
from conversations.models import Conversation, Message
from messaging.agents.models import Note
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, take_over
from tenants.models import AuditEntry, User
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import World, do, rows, url
from tests.factories import MessageFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def page_of(client: Client, conversation: Conversation) -> str:
    return client.get(url(Conversation, "change", conversation.pk)).content.decode()


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of the page's forms; all forms agree on those that several have."""
    return dict(re.findall(r'<input type="hidden" name="(epoch|assignee|seen_seq|reply_id)" value="([^"]*)"', page))


def now_of(world: World) -> Conversation:
    return rows(Conversation).get(pk=world.conversation.pk)


def replied(world: World) -> list[str]:
    return [entry.action for entry in rows(AuditEntry).filter(tenant=world.tenant, action="conversation.replied")]


@pytest.fixture(autouse=True)
def open_window(acme: World) -> None:
    rows(Conversation).filter(pk=acme.conversation.pk).update(
        reply_window_expires_at=now().replace(year=now().year + 1, day=1)
    )


def test_the_first_reply_makes_the_conversation_mine(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant)
    do(client, acme.conversation, "reply", text="Hello", reply_id="1")
    assert now_of(acme).assignee is not None
    listed = client.get(url(Conversation, "changelist"), {"mine": "yes"}).content.decode()
    assert "acme contact" in listed
    assert "Take over" not in page_of(client, acme.conversation)


def test_what_the_bot_handed_over_can_be_claimed(staff_of: Any, acme: World) -> None:
    rows(Conversation).filter(pk=acme.conversation.pk).update(control_owner="human", held_by="queue")
    client = staff_of(acme.tenant)
    assert "Take over" in page_of(client, acme.conversation)
    do(client, acme.conversation, "take_over", **fields_of(page_of(client, acme.conversation)))
    assert now_of(acme).assignee is not None


def test_a_colleague_is_replaced_only_by_an_agent_who_was_told(staff_of: Any, acme: World) -> None:
    ana = UserFactory(username="ana")
    client = staff_of(acme.tenant)
    before = fields_of(page_of(client, acme.conversation))
    with tenant_scope(acme.tenant.id):
        take_over(acme.conversation.pk, ana)
    refused = do(client, acme.conversation, "take_over", **before)
    assert "ana answers now" in refused.content.decode()
    assert now_of(acme).assignee == ana
    page = page_of(client, acme.conversation)
    assert "ana answers this conversation. Take it over?" in page
    do(client, acme.conversation, "take_over", **fields_of(page))
    assert now_of(acme).assignee != ana


@pytest.mark.parametrize("verb", ["hand_back", "close"])
def test_an_act_on_what_has_changed_meanwhile_is_refused(verb: str, staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant)
    do(client, acme.conversation, "take_over")
    before = fields_of(page_of(client, acme.conversation))
    with tenant_scope(acme.tenant.id):
        take_over(acme.conversation.pk, ben := UserFactory(username="ben"), expected_epoch=now_of(acme).control_epoch)
    assert "ben answers now" in do(client, acme.conversation, verb, **before).content.decode()
    assert (now_of(acme).is_open, now_of(acme).assignee) == (True, ben)


def test_a_stale_page_does_not_answer_what_came_since(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant)
    do(client, acme.conversation, "take_over")
    before = fields_of(page_of(client, acme.conversation))
    MessageFactory(tenant=acme.tenant, conversation=now_of(acme), text="my parcel is lost")
    rows(Conversation).filter(pk=acme.conversation.pk).update(waiting_since=now_of(acme).last_message_at)
    said = now_of(acme).last_seq
    answer = do(client, acme.conversation, "reply", text="Your parcel arrives tomorrow!", **before)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "The person has written meanwhile" in page
    assert re.search(r"<textarea[^>]*>Your parcel arrives tomorrow!</textarea>", page)  # never lost
    assert (now_of(acme).last_seq, now_of(acme).waiting_since is not None) == (said, True)
    # the page shows by now what was said: the same words may go
    do(client, acme.conversation, "reply", text="Your parcel arrives tomorrow!", **fields_of(page))
    assert (now_of(acme).last_seq, now_of(acme).waiting_since) == (said + 1, None)


REFUSALS = {
    "closed meanwhile": lambda world: conversation_end(world.conversation.pk),
    "stopped": lambda world: rows(type(world.conversation.identity)).update(
        stopped_at=world.conversation.created_at
    ),
    "window closed": lambda world: rows(Conversation).update(reply_window_expires_at=world.conversation.created_at),
}  # fmt: skip


@pytest.mark.parametrize(
    ("happens", "reason"),
    list(zip(REFUSALS.values(), ["has ended", "has stopped our messages", "window"], strict=True)),
    ids=REFUSALS,
)
def test_words_that_cannot_be_sent_stay_on_the_page(happens: Any, reason: str, staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant)
    page_of(client, acme.conversation)
    with tenant_scope(acme.tenant.id):
        happens(acme)
    answer = do(client, acme.conversation, "reply", text="a long <answer> that took an hour", reply_id="1")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert re.search(r"<textarea[^>]*>a long &lt;answer&gt; that took an hour</textarea>", page)
    assert reason in page
    assert not rows(Message).filter(role="agent").exists()
    assert replied(acme) == []


def test_a_template_that_cannot_be_sent_stays_chosen(staff_of: Any, acme: World) -> None:
    answer = do(staff_of(acme.tenant), acme.conversation, "template", template="gone|en", variables="order = AC-1")
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("reply", {"text": "Hel\0lo", "reply_id": "1"}),
        ("reply", {"text": "Hello", "reply_id": "1\0"}),
        ("template", {"template": "or\0der|en", "variables": "order = AC-1"}),
        ("template", {"template": "order|en", "variables": "order = AC\0-1"}),
        ("annotate", {"text": "He is\0 angry"}),
    ],
    ids=["text", "its id", "template", "variable", "note"],
)
def test_a_nul_is_told_and_nothing_is_stored(verb: str, fields: Any, staff_of: Any, acme: World) -> None:
    answer = do(staff_of(acme.tenant), acme.conversation, verb, **fields)
    assert "NUL characters are not allowed." in answer.content.decode()
    assert not rows(Message).filter(role="agent").exists()
    assert not rows(Note).filter(text__contains="angry").exists()
    assert replied(acme) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the other engines keep a NUL, and find nothing")
@pytest.mark.parametrize("query", ["?channel__kind=%00", "?q=%00", "?contact__id=%00"])
def test_an_address_with_a_nul_is_the_callers_fault(query: str, staff_of: Any, acme: World) -> None:
    answer = staff_of(acme.tenant).get(url(Conversation, "changelist") + query)
    assert answer.status_code < 500


def test_a_value_that_the_database_refuses_on_a_page_is_the_callers_fault(rf: Any) -> None:
    """Requests of the API do not come there: tests/chatsvc/test_short_way.py."""
    refuses, error = Unstorable(lambda request: HttpResponse()).process_exception, DataError("NUL (0x00)")
    answer = refuses(rf.get("/admin/"), error)
    assert isinstance(answer, HttpResponse)
    assert (answer.status_code, b"cannot be stored" in answer.content) == (400, True)
    assert refuses(rf.get("/admin/"), ValueError("x")) is None


def test_the_same_form_twice_is_one_reply_in_the_trail(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant)
    for _ in range(2):
        do(client, acme.conversation, "reply", text="Hello", reply_id="r-1")
    assert rows(Message).filter(role="agent").count() == 1
    assert replied(acme) == ["conversation.replied"]
    other = do(client, acme.conversation, "reply", text="Other words", reply_id="r-1")
    assert (other.status_code, "used for other content" in other.content.decode()) == (409, True)


def test_who_may_only_read_does_nothing(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("conversations:read", "messages:read"))
    for verb in ("take_over", "hand_back", "close", "reply", "annotate"):
        answer = client.post(url(Conversation, "do", acme.conversation.pk, verb), {"text": "x"})
        assert answer.status_code == 403
    reader = staff_of(acme.tenant, ("conversations:read", "conversations:write"))
    assert reader.post(url(Conversation, "do", acme.conversation.pk, "reply"), {"text": "x"}).status_code == 403


def test_an_unnamed_desk_is_not_in_the_way_of_a_reply(staff_of: Any, acme: World) -> None:
    with tenant_scope(acme.tenant.id):
        agent_reply(acme.conversation.pk, None, text("from the API"))
    client = staff_of(acme.tenant)
    do(client, acme.conversation, "reply", text="Hello", reply_id="1")
    assert now_of(acme).assignee == User.objects.get(pk=client.session["_auth_user_id"])
