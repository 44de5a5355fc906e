"""Replies that are planned from a conversation's page (ADM-2)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations.models import Message
from messaging.agents.models import ScheduledReply
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import World, rows
from tests.admin.inbox.parts.asking import AGENT, JSON, at, error_of, post
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


def planned(acme: World) -> Any:
    return rows(ScheduledReply).filter(conversation=acme.conversation, author__isnull=False).order_by("at")


def test_a_reply_is_planned_stands_above_the_box_and_is_taken_back(staff_of: Any, acme: World) -> None:
    client, at_ = staff_of(acme.tenant, AGENT), now() + timedelta(hours=1)
    made = post(client, acme, "plan", text="Did it <b>arrive</b>?", at=at_.isoformat(), unless_person_writes=True)
    assert made.status_code == 201 and "Did it &lt;b&gt;arrive" in made.text and "unless they write before" in made.text
    row = planned(acme).get()
    assert (row.at, row.status, row.unless_after) == (at_, "waiting", acme.conversation.last_seq)
    page = client.get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
    assert "Did it &lt;b&gt;arrive" in page and str(row.pk) in page
    for _ in range(2):
        gone = client.post(at(acme, "unplan"), {"scheduled": str(row.pk)}, **JSON)
        assert gone.status_code == 200 and str(row.pk) not in gone.text
    assert planned(acme).get().status == "cancelled"
    acts = rows(AuditEntry).filter(action__contains="reply_").order_by("created_at").values_list("action", flat=True)
    assert list(acts) == ["conversation.reply_scheduled", "conversation.reply_unscheduled"]
    assert not rows(Message).filter(conversation=acme.conversation, role="agent").exists()


def test_a_planned_reply_says_that_it_will_not_go_once_they_have_written(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    soon = (now() + timedelta(hours=1)).isoformat()
    post(client, acme, "plan", text="unless", at=soon, unless_person_writes=True)
    assert "will not go out" not in post(client, acme, "plan", text="anyway", at=soon).text
    seq = acme.conversation.last_seq + 1
    with tenant_scope(acme.tenant.id):
        MessageFactory(tenant=acme.tenant, conversation=acme.conversation, text="It came", seq=seq)
    page = client.get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
    assert page.count("They have written: it will not go out.") == 1


def test_the_words_of_a_planned_reply_that_was_refused_are_not_lost(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    post(client, acme, "plan", text="Did it arrive?", at=(now() + timedelta(hours=1)).isoformat())
    for ago, shown in ((timedelta(minutes=1), 1), (timedelta(days=1, minutes=1), 0)):
        planned(acme).update(status="refused", reason="conversation_closed", at=now() - ago)
        page = client.get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
        assert (page.count("Was not sent; a note says why"), page.count("Did it arrive?")) == (shown, shown)
        assert str(planned(acme).get().pk) not in page


def test_without_a_script_a_planned_reply_is_taken_back_too(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    post(client, acme, "plan", text="Did it arrive?", at=(now() + timedelta(hours=1)).isoformat())
    answer = client.post(at(acme, "unplan"), {"scheduled": str(planned(acme).get().pk)})
    assert answer.status_code == 302 and planned(acme).get().status == "cancelled"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": " "}, 400, "empty_message"),
        ({"text": "Hi", "at": "2020-01-01T09:00:00Z"}, 422, "schedule_time"),
        ({"text": "Hi", "at": "2026-01-01T09:00:00"}, 400, "validation_error"),
        ({"text": "Hi", "at": None}, 400, "validation_error"),
        ({"files": [str(uuid.uuid4())]}, 404, "media_not_found"),
    ],
)
def test_a_plan_that_cannot_be_says_why(body: Any, status: int, code: str, staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    answer = post(client, acme, "plan", **{"at": (now() + timedelta(hours=1)).isoformat(), **body})
    assert (answer.status_code, error_of(answer)) == (status, code)
    assert not planned(acme).exists()


def test_a_plan_behind_the_reply_window_is_refused_or_says_when_it_goes(staff_of: Any, acme: World) -> None:
    client, late = staff_of(acme.tenant, AGENT), (now() + timedelta(hours=3)).isoformat()
    never = post(client, acme, "plan", text="Hi", at=late, unless_person_writes=True)
    assert error_of(never) == "window_ends_before"
    told = post(client, acme, "plan", text="Hi", at=late)
    assert told.status_code == 201 and "only if they write again" in told.text


def test_a_planned_reply_of_another_conversation_is_not_there(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    for other in (rows(ScheduledReply).get(tenant=globex.tenant).pk, uuid.uuid4(), "none"):
        answer = client.post(at(acme, "unplan"), {"scheduled": str(other)}, **JSON)
        assert answer.status_code == 404
    assert set(rows(ScheduledReply).values_list("status", flat=True)) == {"waiting"}


def test_two_files_are_not_one_planned_reply(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    files = [
        client.post(at(acme, "upload"), {"file": SimpleUploadedFile(name, b"plain words", "text/plain")}).json()["id"]
        for name in ("a.txt", "b.txt")
    ]
    soon = (now() + timedelta(hours=1)).isoformat()
    assert error_of(post(client, acme, "plan", files=files, at=soon)) == "one_message"
    assert post(client, acme, "plan", text="See", files=files[:1], at=soon).status_code == 201
