"""What people asked and got no answer to is a page of the console: written, or dismissed with the like of it (AI-7)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assistant.console import unanswered as page
from assistant.knowledge.articles import unchecked
from assistant.knowledge.unanswered import unanswered_note
from assistant.models import KnowledgeEntry, Unanswered
from assistant.vectors.port import StoreAway
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import new_id
from tests.admin.conftest import rows
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db
PAGE = "/admin/assistant/knowledgeentry/unanswered/"
TEACHES = ("intents:read", "intents:write", "messages:read", "conversations:read")


def ask(tenant: Any, text: str) -> Any:
    row = MessageFactory(tenant=tenant, text=text)
    with tenant_scope(tenant.id):
        unanswered_note(row.id, row.conversation_id)
    return row


@pytest.fixture
def teacher(tenant: Any, staff_of: Any) -> Client:
    return staff_of(tenant, TEACHES)


@pytest.fixture
def asked(tenant: Any, other_tenant: Any) -> list[Any]:
    ask(other_tenant, "A secret of globex?")
    return [ask(tenant, text) for text in ("Do you lend ladders?", "do you lend  LADDERS?", "<b>Dogs</b>?")]


def test_the_list_says_how_often_and_opens_an_article_with_the_question(tenant, teacher, asked) -> None:
    told = teacher.get(PAGE).content.decode()
    assert ("People asked this 2 times" in told, "&lt;b&gt;Dogs" in told, "globex" in told) == (True, True, False)
    assert f"/admin/inbox/{asked[1].conversation_id}/" in told
    assert "Also asked" not in told
    [first, *_] = teacher.get(PAGE).context["questions"]
    form = teacher.get(first["write_at"]).context["adminform"].form
    assert form["title"].value() == form["questions"].value() == "do you lend LADDERS?"
    answer = teacher.post(
        first["write_at"],
        {"tenant": str(tenant.id), "title": "Ladders", "questions": form["questions"].value(), "answer": "We do.", "enabled": "on", "tags": "", "language": "", "source_url": ""},
    )  # fmt: skip
    assert (answer.status_code, rows(KnowledgeEntry).get().questions) == (302, ["do you lend LADDERS?"])


def test_what_is_dismissed_does_not_come_back_with_the_next_person(tenant, teacher, asked) -> None:
    answer = teacher.post(PAGE, {"message": str(asked[1].id)}, follow=True)
    assert "ladders" not in answer.content.decode().lower()
    assert rows(Unanswered).filter(tenant=tenant, dismissed_at=None).count() == 1
    assert rows(AuditEntry).get(tenant=tenant, action="question.dismissed").changes == {"messages": 2}
    ask(tenant, "DO YOU lend ladders?")
    assert [one["text"] for one in teacher.get(PAGE).context["questions"]] == ["<b>Dogs</b>?"]
    again = teacher.post(PAGE, {"message": str(asked[0].id)}, follow=True)
    assert rows(AuditEntry).filter(action="question.dismissed").count() == 2
    assert again.status_code == 200


def test_what_is_not_on_the_list_is_told(tenant, other_tenant, teacher, asked) -> None:
    foreign = rows(Unanswered).get(tenant=other_tenant)
    told = teacher.post(PAGE, {"message": str(foreign.message_id)}, follow=True).content.decode()
    assert "not on the list any more" in told
    assert rows(Unanswered).filter(dismissed_at=None).count() == 4
    assert teacher.post(PAGE, {"message": "1"}).status_code == 403


@pytest.mark.parametrize("lacking", ["messages:read", "intents:read"])
def test_who_may_not_read_words_or_lessons_sees_none(tenant, staff_of, asked, lacking: str) -> None:
    held = tuple(
        one for one in TEACHES if one != lacking and not (lacking == "intents:read" and one == "intents:write")
    )
    assert staff_of(tenant, held).get(PAGE).status_code == 403


def test_who_only_reads_dismisses_nothing(tenant, staff_of, asked) -> None:
    reader = staff_of(tenant, ("intents:read", "messages:read"))
    told = reader.get(PAGE).content.decode()
    assert ("Write it" in told, "Dismiss" in told, "/admin/inbox/" in told.partition("lesson-page")[2]) == (False,) * 3
    assert reader.post(PAGE, {"message": str(asked[0].id)}).status_code == 403


def test_another_tenant_is_refused(other_tenant, teacher, asked) -> None:
    assert teacher.get(PAGE, {"tenant": str(other_tenant.id)}).status_code == 403


def test_a_store_that_is_away_is_told(teacher, asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(limit: int) -> None:
        raise StoreAway("gone")

    monkeypatch.setattr(page, "questions_unanswered", away)
    assert page.AWAY in teacher.get(PAGE).content.decode()


def test_articles_that_are_due_are_counted_and_found_right_together(tenant, teacher) -> None:
    tenant.settings = {"knowledge_days": 30}
    tenant.save()
    with tenant_scope(tenant.id):
        old = [
            KnowledgeEntry.objects.create(
                tenant=tenant, title=title, answer="It is.", checked_at="2020-01-01T00:00:00Z"
            )
            for title in ("One", "Two")
        ]
    where = "/admin/assistant/knowledgeentry/"
    assert "Due to be checked <b>2</b>" in teacher.get(where).content.decode()
    teacher.post(where, {"action": "still_right", "_selected_action": [str(row.pk) for row in old]})
    assert "Due to be checked" not in teacher.get(where).content.decode()


def test_articles_that_are_due_are_found_among_very_many_tenants(scope) -> None:
    KnowledgeEntry.objects.create(tenant=scope, title="One", answer="It is.", checked_at="2020-01-01T00:00:00Z")
    many = [new_id() for _ in range(1_200)]
    assert KnowledgeEntry.objects.filter(unchecked([*many, scope.id])).count() == 1


@pytest.mark.parametrize("wanted", ["x", "00000000-0000-0000-0000-000000000000"])
def test_a_tenant_that_is_none_is_refused(teacher, wanted: str) -> None:
    assert teacher.get(PAGE, {"tenant": wanted}).status_code == 403
