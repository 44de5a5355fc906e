"""Staff judge answers in the inbox; the list of them becomes questions of an evaluation set (AI-10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assistant.console import judged
from assistant.evaluations.models import AnswerMark, EvaluationCase
from tenants.models import AuditEntry
from tenants.storage.db import now
from tests.admin.conftest import rows
from tests.factories import ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db
PAGE = "/admin/assistant/evaluationcase/judged/"
SEES = ("conversations:read", "messages:read")
JUDGES = (*SEES, "conversations:write")
TEACHES = (*SEES, "intents:read", "intents:write")


@pytest.fixture
def answer(tenant: Any) -> Any:
    talk = ConversationFactory(tenant=tenant)
    asked = MessageFactory(
        tenant=tenant, conversation=talk, text="I am <b>Mia</b>, mia@example.com. Can I return boots?", language="en"
    )
    analysis = {"intent": "returns", "why": {"settled": "knowledge", "sources": [{"title": "Return policy"}]}}
    return MessageFactory(
        tenant=tenant, conversation=talk, role="bot", direction="outbound", text="Within 60 days.", reply_to=asked.id, analysis=analysis,
    )  # fmt: skip


@pytest.fixture
def agent(tenant: Any, staff_of: Any) -> Client:
    return staff_of(tenant, JUDGES)


def judge(client: Client, row: Any, good: str, seq: int | str | None = None, **headers: str) -> Any:
    where = f"/admin/conversations/conversation/{row.conversation_id}/judge/"
    sent = {"seq": row.seq if seq is None else seq, "good": good}
    return client.post(where, sent, headers=headers or {"Accept": "application/json"})


def verdicts() -> list[bool]:
    return list(rows(AnswerMark).values_list("good", flat=True))


def test_the_last_verdict_counts_and_is_taken_back(tenant, agent, answer) -> None:
    page = f"/admin/conversations/conversation/{answer.conversation_id}/entries/?after=0"
    assert agent.get(page).content.decode().count("data-judge") == 1  # of the assistant's entry alone
    assert judge(agent, answer, "yes").json() == {"seq": answer.seq, "good": "yes"}
    assert verdicts() == [True]
    judge(agent, answer, "no")
    assert verdicts() == [False]
    assert 'data-good="no" aria-pressed="true"' in agent.get(page).content.decode()
    judge(agent, answer, "")
    assert verdicts() == []
    assert rows(AuditEntry).filter(tenant=tenant, action="conversation.judged").count() == 3


def test_without_a_script_it_leads_back(agent, answer) -> None:
    assert judge(agent, answer, "no", Referer="http://testserver/admin/inbox/").headers["Location"] == "/admin/inbox/"
    assert verdicts() == [False]


def test_only_answers_of_the_assistant_are_judged(agent, answer) -> None:
    codes = [judge(agent, answer, "yes", seq).status_code for seq in (answer.seq - 1, 999, "x")]
    assert (codes, judge(agent, answer, "maybe").status_code) == ([404, 404, 400], 400)
    assert verdicts() == []


def test_who_may_not_judge_sees_no_thumbs(tenant, other_tenant, staff_of, answer) -> None:
    reader = staff_of(tenant, SEES)
    page = f"/admin/conversations/conversation/{answer.conversation_id}/entries/?after=0"
    assert "data-judge" not in reader.get(page).content.decode()
    assert judge(reader, answer, "yes").status_code == 403
    assert judge(staff_of(other_tenant), answer, "yes").status_code == 404
    assert verdicts() == []


def test_the_list_makes_a_question_without_what_tells_of_the_person(tenant, staff_of, agent, answer) -> None:
    judge(agent, answer, "yes")
    teacher = staff_of(tenant, TEACHES)
    told = teacher.get(PAGE)
    assert (
        "&lt;b&gt;Mia" in told.content.decode(),
        f"/admin/inbox/{answer.conversation_id}/" in told.content.decode(),
    ) == (True, True)
    form = teacher.get(told.context["answers"][0]["make_at"]).context["adminform"].form
    filled = {name: form[name].value() for name in ("name", "question", "intent", "source", "language")}
    assert filled == {
        "name": "judged", "question": "I am <b>Mia</b>, [EMAIL_1]. Can I return boots?", "intent": "returns",
        "source": "Return policy", "language": "en",
    }  # fmt: skip
    sent = {**filled, "tenant": str(tenant.id), "question": "Can I return boots?", "facts": "60 days"}
    assert teacher.post("/admin/assistant/evaluationcase/add/", sent).status_code == 302
    assert rows(EvaluationCase).get().facts == ["60 days"]
    assert PAGE in teacher.get("/admin/assistant/evaluationcase/").content.decode()


def test_a_bad_answer_is_expected_of_none(tenant, staff_of, agent, answer) -> None:
    judge(agent, answer, "no")
    teacher = staff_of(tenant, TEACHES)
    [one] = teacher.get(PAGE, {"which": "bad"}).context["answers"]
    assert ("intent=&" in one["make_at"], one["make_at"].endswith("source=")) == (True, True)
    assert teacher.get(PAGE, {"which": "good"}).context["answers"] == []
    teacher.post(PAGE, {"message": str(answer.id)})
    assert verdicts() == []
    assert rows(AuditEntry).filter(tenant=tenant, action="answermark.deleted").count() == 1


def test_what_was_deleted_since_is_not_listed(tenant, staff_of, agent, answer) -> None:
    judge(agent, answer, "yes")
    rows(type(answer)).filter(id=answer.id).update(deleted_at=answer.created_at)
    assert staff_of(tenant, TEACHES).get(PAGE).context["answers"] == []


@pytest.mark.parametrize("held", [("intents:read", "intents:write"), SEES], ids=["no words", "no lessons"])
def test_who_may_not_read_both_sees_no_list(tenant, staff_of, held: tuple[str, ...]) -> None:
    assert staff_of(tenant, held).get(PAGE).status_code == 403


def test_who_only_reads_takes_nothing_off(tenant, staff_of, agent, answer) -> None:
    judge(agent, answer, "yes")
    reader = staff_of(tenant, (*SEES, "intents:read"))
    assert "Make a question of it" not in reader.get(PAGE).content.decode()
    assert reader.post(PAGE, {"message": str(answer.id)}).status_code == 403
    assert verdicts() == [True]


def test_older_ones_are_on_further_pages(tenant, staff_of, agent, answer, monkeypatch) -> None:
    """Beyond the newest hundred none could be reached."""
    monkeypatch.setattr(judged, "MOST_SHOWN", 2)
    said = [answer] + [
        MessageFactory(
            tenant=tenant, conversation=answer.conversation, role="bot", direction="outbound", text=f"no {n}"
        )
        for n in range(4)
    ]
    for row in said:
        judge(agent, row, "no")
    rows(AnswerMark).update(marked_at=now())  # at the same moment
    client, seen, where = staff_of(tenant, TEACHES), [], PAGE
    for _ in range(3):
        shown = client.get(where)
        seen.append([one["message"] for one in shown.context["answers"]])
        where = f"{PAGE}?which=bad&tenant={tenant.pk}&behind={shown.context['further']}"
        assert ('rel="next"' in shown.content.decode()) is bool(shown.context["further"])
    assert [len(page) for page in seen] == [2, 2, 1] and {one for page in seen for one in page} == {
        row.id for row in said
    }
    assert len(client.get(f"{PAGE}?behind=odd").context["answers"]) == 2
