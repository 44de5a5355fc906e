"""Answers are judged by REST as by the thumbs of the inbox, and become questions of an evaluation set (AI-10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assistant.evaluations.models import AnswerMark, EvaluationCase
from conversations.models import Message
from tenants.models import AuditEntry
from tests.factories import ConversationFactory, MembershipFactory, MessageFactory, RoleFactory

pytestmark = pytest.mark.django_db
LIST = "/api/v2/judged-answers"


def answer(tenant: Any, asked: str = "I am mia@example.com. Can I return boots?") -> Message:
    talk = ConversationFactory(tenant=tenant)
    question = MessageFactory(tenant=tenant, conversation=talk, text=asked, language="en")
    analysis = {"intent": "returns", "why": {"settled": "knowledge", "sources": [{"title": "Return policy"}]}}
    return MessageFactory(
        tenant=tenant, conversation=talk, role="bot", direction="outbound", text="Within 60 days.",
        reply_to=question.id, analysis=analysis,
    )  # fmt: skip


@pytest.fixture
def agent(scope: Any) -> str:
    role = RoleFactory(tenant=scope, permissions=["conversations:read", "conversations:write", "messages:send"])
    return MembershipFactory(tenant=scope, role=role).user.username


def judge(client: Any, row: Message, **body: Any) -> Any:
    return client.put(f"/api/v2/chat/messages/{row.id}/judgement", body)


def listed(client: Any, **query: Any) -> list[Any]:
    return client.data_of(client.get(LIST, query))["items"]


def test_the_last_verdict_counts_and_is_taken_back(scope: Any, api: Any, agent: str) -> None:
    client, row = api(scope), answer(scope)
    assert client.data_of(judge(client, row, good=True, agent=agent)) == {"good": True, "agent": agent}
    judge(client, row, good=False, agent=agent)
    assert [(one["good"], one["agent"]) for one in listed(client)] == [(False, agent)]
    for _ in range(2):
        assert client.delete(f"/api/v2/chat/messages/{row.id}/judgement").status_code == 204
    assert listed(client) == []
    acts = AuditEntry.objects.filter(action="conversation.judged").order_by("id")
    assert [act.changes["good"] for act in acts] == ["yes", "no", ""]


def test_a_good_answer_is_the_draft_of_a_question_that_can_be_sent_as_it_is(scope: Any, api: Any, agent: str) -> None:
    client, row = api(scope), answer(scope)
    judge(client, row, good=True, agent=agent)
    [one] = listed(client)
    assert (one["asked"], one["answer"]) == ("I am mia@example.com. Can I return boots?", "Within 60 days.")
    assert one["case"] == {
        "set": "judged", "question": "I am [EMAIL_1]. Can I return boots?", "language": "en", "intent": "returns",
        "facts": [], "source": "Return policy",
    }  # fmt: skip
    assert client.post("/api/v2/evaluation-cases", one["case"]).status_code == 201
    assert EvaluationCase.objects.get().name == "judged"


def test_a_bad_answer_is_expected_of_none(scope: Any, api: Any, agent: str) -> None:
    client, row = api(scope), answer(scope)
    judge(client, row, good=False, agent=agent)
    [one] = listed(client, good="false")
    assert (one["case"]["intent"], one["case"]["source"], listed(client, good="true")) == ("", "", [])


def test_who_judges_is_named_and_only_answers_of_the_assistant_are(scope: Any, api: Any, agent: str) -> None:
    client, row = api(scope), answer(scope)
    question = Message.objects.get(id=row.reply_to)
    refused = [judge(client, row, good=True), judge(client, row, good=True, agent="no.one"),
               judge(client, question, good=True, agent=agent), judge(client, row, good="perhaps", agent=agent)]  # fmt: skip
    told = [(one.status_code, client.error_of(one)["code"]) for one in refused]
    assert told == [
        (422, "agent_required"),
        (422, "agent_unknown"),
        (422, "no_answer_of_the_assistant"),
        (400, "validation_error"),
    ]
    assert not AnswerMark.objects.exists()


def test_a_cursor_walks_all_of_them_newest_first_at_a_fixed_price(scope: Any, api: Any, agent: str) -> None:
    client = api(scope)
    rows = [answer(scope, f"question {n}") for n in range(5)]
    for row in rows:
        judge(client, row, good=True, agent=agent)
    seen, cursor, prices = [], {}, []
    for _ in range(3):
        with CaptureQueriesContext(connection) as made:
            page = client.data_of(client.get(LIST, {"page_size": 2, **cursor}))
        prices.append(len(made))
        seen += [one["message_id"] for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert (seen, page["has_next"]) == ([str(row.id) for row in reversed(rows)], False)
    assert prices[1:] == [prices[1]] * 2 and prices[1] <= 8, prices
    assert client.error_of(client.get(LIST, {"cursor": "x"}))["code"] == "invalid_cursor"
    numbered = client.data_of(
        client.get(LIST, {"page_size": 2, "page": 2, "sort_by": "judged_at", "sort_order": "asc"})
    )
    assert [one["message_id"] for one in numbered["items"]] == [str(row.id) for row in rows[2:4]]
    assert numbered["total"] == 5
    later = AnswerMark.objects.get(message_id=rows[3].id).marked_at.isoformat()
    assert [one["message_id"] for one in listed(client, start_date=later)] == [
        str(row.id) for row in (rows[4], rows[3])
    ]


def test_what_was_deleted_since_is_not_listed_and_permissions_hold(
    scope: Any, other_tenant: Any, api: Any, agent: str
) -> None:
    client, row = api(scope), answer(scope)
    judge(client, row, good=True, agent=agent)
    assert listed(api(other_tenant)) == []
    assert judge(api(other_tenant), row, good=True).status_code == 404
    assert api(scope, "intents:read").get(LIST).status_code == 403
    assert judge(api(scope, "messages:read"), row, good=True, agent=agent).status_code == 403
    Message.objects.filter(id=row.id).update(text="", deleted_at=row.created_at)
    assert listed(client) == []
