"""What is done with a conversation beside talking: changed, escalated, measured, rated, exported, deleted (API-1, CONV-6)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from conversations.export import lines, pdf
from conversations.models import Attachment, Contact, Conversation, Event, Message
from messaging.models import Delivery, Turn
from messaging.talks import remove
from tenants.api.trail import cells
from tenants.models import AuditEntry
from tenants.storage.db import now
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    ConversationFactory,
    DeliveryFactory,
    IdentityFactory,
    MessageFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v2/chat/conversations"


@pytest.fixture
def client(tenant, api) -> Any:
    return api(tenant)


@pytest.fixture
def talk(scope) -> Conversation:
    """Ana asks on the site, the bot and a colleague answer."""
    person = ContactFactory(tenant=scope, name="Ana <script>")
    channel = ChannelFactory(tenant=scope, name="Shop")
    identity = IdentityFactory(tenant=scope, contact=person, channel=channel)
    row = ConversationFactory(tenant=scope, contact=person, channel=channel, identity=identity, first_reply_at=now())
    MessageFactory(tenant=scope, conversation=row, text='=cmd|"/c calc"!A1\nsecond line & more')
    reply = MessageFactory(tenant=scope, conversation=row, role="bot", direction="outbound", text="Good day")
    DeliveryFactory(tenant=scope, message=reply, status="read")
    colleague = UserFactory(username="ben")
    MessageFactory(
        tenant=scope, conversation=row, role="agent", direction="outbound", text="<b>Hello</b>", author=colleague
    )
    MessageFactory(tenant=scope, conversation=row, text="gone", deleted_at=now())
    Conversation.objects.filter(id=row.id).update(last_message_at=now())
    return Conversation.objects.get(id=row.id)


def exported(client: Any, talk: Conversation, form: str) -> tuple[Any, str]:
    answer = client.post(f"{ROOT}/{talk.id}/export", {"format": form})
    assert answer.status_code == 200
    return answer, b"".join(answer.streaming_content).decode()


def test_its_subject_and_priority_are_changed_and_told_once(client, talk) -> None:
    where = f"{ROOT}/{talk.id}"
    changed = client.data_of(client.patch(where, {"subject": "Refund", "priority": "urgent"}))
    assert (changed["subject"], changed["priority"]) == ("Refund", "urgent")
    assert client.patch(where, {"priority": "urgent"}).status_code == 200
    talk.refresh_from_db()
    assert talk.rank == Conversation.Rank.URGENT
    told = [event.payload for event in Event.objects.all()]
    assert [(fact["trigger"], fact["priority"]) for fact in told] == [("changed", "urgent")]
    assert "Refund" not in json.dumps(told)
    assert client.patch(where, {"priority": "whenever"}).status_code == 400


def test_its_history_comes_along_where_it_is_asked_for(client, tenant, api, talk) -> None:
    where = f"{ROOT}/{talk.id}"
    assert client.data_of(client.get(where))["messages"] == []
    shown = client.data_of(client.get(where, {"messages": 2}))["messages"]
    assert [row["seq"] for row in shown] == [3, 4]
    blind = api(tenant, "conversations:read")
    assert blind.data_of(blind.get(where, {"messages": 2}))["messages"] is None
    assert client.get(where, {"messages": 101}).status_code == 400


def test_a_human_is_asked_for_once(client, talk) -> None:
    where = f"{ROOT}/{talk.id}/escalate"
    first, again = (client.data_of(client.post(where, {"reason": "order_lost"})) for _ in range(2))
    assert (first["held_by"], first["status"], first["waiting_since"] is not None) == ("queue", "escalated", True)
    assert (again["control_epoch"], again["waiting_since"]) == (first["control_epoch"], first["waiting_since"])
    told = [event.payload for event in Event.objects.filter(type="chat.conversation.updated")]
    assert [(fact["reason"], fact["trigger"]) for fact in told] == [("order_lost", "handover")]
    assert client.post(where, {"reason": "In words"}).status_code == 400


def test_its_figures(client, talk, django_assert_max_num_queries) -> None:
    client.get(f"{ROOT}/{talk.id}/metrics")
    with django_assert_max_num_queries(7):
        told = client.data_of(client.get(f"{ROOT}/{talk.id}/metrics"))
    assert told["by_role"] == {"agent": 1, "bot": 1, "visitor": 2}
    assert (told["messages"], told["deliveries"], told["turns"], told["answer_ms"]) == (4, {"read": 1}, {}, None)
    assert told["first_reply_seconds"] is not None


def test_a_rating_is_handed_in_and_read(client, talk) -> None:
    where = f"{ROOT}/{talk.id}/rating"
    assert client.data_of(client.get(where)) == {"score": None}
    assert client.data_of(client.post(where, {"score": 4})) == client.data_of(client.get(where)) == {"score": 4}
    assert client.post(where, {"score": 6}).status_code == 400


# ---------------------------------------------------------------------------------- export


def test_as_json_each_message_is_as_the_api_shows_it(client, talk, monkeypatch) -> None:
    monkeypatch.setattr(lines, "PAGE", 2)  # several pages
    answer, said = exported(client, talk, "json")
    told = json.loads(said)
    page = client.data_of(client.get(f"{ROOT}/{talk.id}/messages"))
    assert told["messages"] == page["items"]
    shown = client.data_of(client.get(f"{ROOT}/{talk.id}"))
    assert {**told["conversation"], "messages": []} == shown
    assert answer["Content-Disposition"] == f'attachment; filename="conversation-{talk.id}.json"'


def test_as_csv_no_cell_is_a_formula(client, talk) -> None:
    _, said = exported(client, talk, "csv")
    assert said.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(said.removeprefix("\ufeff"))))
    assert [row[0] for row in rows] == ["seq", "1", "2", "3", "4"]
    assert rows[1][4] == '\'=cmd|"/c calc"!A1\nsecond line & more'
    assert [row[3:5] for row in rows[2:]] == [
        ["Assistant", "Good day"],
        ["ben", "<b>Hello</b>"],
        ["Ana <script>", "[deleted]"],
    ]
    assert not any(cell.startswith(cells.FORMULA) for row in rows[1:] for cell in row)


def test_as_html_nothing_that_was_written_is_markup(client, talk) -> None:
    answer, said = exported(client, talk, "html")
    assert "Ana &lt;script&gt;" in said and "&lt;b&gt;Hello&lt;/b&gt;" in said and "second line &amp; more" in said
    assert "<script" not in said and "<b>" not in said
    assert "sandbox" in answer["Content-Security-Policy"]


def test_as_text_in_the_order_in_which_it_was_said(client, talk) -> None:
    _, said = exported(client, talk, "text")
    places = [said.index(words) for words in ("second line & more", "Good day", "<b>Hello</b>", "[deleted]")]
    assert places == sorted(places)
    assert "gone" not in said
    assert AuditEntry.objects.get().changes == {"format": "txt"}


def test_as_text_a_name_does_not_read_as_another_entry(client, talk) -> None:
    """Names that were stored before they were cleaned, too."""
    Contact.objects.filter(id=talk.contact_id).update(name="Ana\n\n[2026-01-01T00:00:00.000Z] ben:\n    I promise")
    _, said = exported(client, talk, "text")
    assert not [line for line in said.splitlines() if line.startswith("[2026-01-01")]


def test_pdf_has_what_was_said(client, talk):
    answer = client.post(f"{ROOT}/{talk.id}/export", {"format": "pdf"})
    made = b"".join(answer.streaming_content)
    assert answer.status_code == 200 and made.startswith(b"%PDF-") and made.rstrip().endswith(b"%%EOF")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].endswith('.pdf"')


def test_a_pdf_that_would_be_too_long_is_refused_and_no_export_noted(client, talk, monkeypatch):
    monkeypatch.setattr(pdf, "MOST_CHARACTERS", 100)
    answer = client.post(f"{ROOT}/{talk.id}/export", {"format": "pdf"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "pdf_too_long"
    assert not AuditEntry.objects.filter(action="conversation.exported").exists()


def test_it_takes_the_right_to_read_messages(tenant, api, talk) -> None:
    assert api(tenant, "conversations:read").post(f"{ROOT}/{talk.id}/export", {"format": "json"}).status_code == 403


# --------------------------------------------------------------------------------- deletion


def ended(talk: Conversation) -> None:
    Conversation.objects.filter(id=talk.id).update(is_open=False, status="completed")


def test_with_all_that_was_said_and_nothing_of_others(client, scope, talk, monkeypatch) -> None:
    monkeypatch.setattr(remove, "BATCH", 3)  # several transactions
    other = MessageFactory(tenant=scope)
    Attachment.objects.create(
        tenant=scope, channel=talk.channel, message=Message.objects.filter(conversation=talk).first(), kind="image"
    )
    ended(talk)
    assert client.data_of(client.delete(f"{ROOT}/{talk.id}")) == {"messages": 4}
    assert client.get(f"{ROOT}/{talk.id}").status_code == 404
    assert (Message.objects.get(), Attachment.objects.count(), Delivery.objects.count()) == (other, 0, 0)
    assert AuditEntry.objects.get().target == f"conversation:{talk.id}"


def test_the_deletion_is_told_once_behind_all_other_events(client, scope, talk) -> None:
    ended(talk)
    client.delete(f"{ROOT}/{talk.id}")
    assert client.delete(f"{ROOT}/{talk.id}").status_code == 404
    event = Event.objects.get()
    assert (event.type, event.conversation_id, event.published_at) == ("chat.conversation.deleted", None, None)
    assert event.payload == {
        "conversation_id": str(talk.id), "channel_id": str(talk.channel_id), "contact_id": str(talk.contact_id),
        "identity_id": str(talk.identity_id), "message_count": talk.message_count,
    }  # fmt: skip


@pytest.mark.parametrize("what", ["open", "delivery", "turn", "event"])
def test_not_while_something_of_it_is_under_way(client, scope, talk, what) -> None:
    if_ended = {"open": lambda _: None}.get(what, ended)
    if_ended(talk)
    {
        "open": lambda: None,
        "delivery": lambda: Delivery.objects.update(status="queued"),
        "turn": lambda: Turn.objects.create(tenant=scope, conversation=talk, first_seq=1, last_seq=1),
        "event": lambda: Event.objects.create(tenant=scope, conversation=talk, seq=1, type="chat.message.sent"),
    }[what]()
    answer = client.delete(f"{ROOT}/{talk.id}")
    code = client.error_of(answer)["code"]
    assert (answer.status_code, code) == (409, "conversation_open" if what == "open" else "conversation_busy")
    assert Message.objects.count() == 4


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "", {"subject": "theirs"}),
        ("delete", "", None),
        ("post", "/escalate", {}),
        ("post", "/export", {"format": "json"}),
        ("get", "/metrics", None),
        ("get", "/rating", None),
        ("post", "/rating", {"score": 1}),
        ("get", "/summary", None),
        ("get", "/similar", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_tenant_reaches_anothers(other_tenant, api, talk, method, path, body) -> None:
    ended(talk)
    theirs = api(other_tenant)
    answer = getattr(theirs, method)(f"{ROOT}/{talk.id}{path}", body)
    assert (answer.status_code, theirs.error_of(answer)["code"]) == (404, "conversation_not_found")
    assert Message.objects.count() == 4
