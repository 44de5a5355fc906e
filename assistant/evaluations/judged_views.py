"""``/api/v2/judged-answers``: the assistant's answers that staff judged, to make evaluation questions of (AI-10)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.evaluations.drafted import case_drafted
from assistant.evaluations.marks import Judged, judged_of
from assistant.evaluations.models import AnswerMark
from assistant.evaluations.shapes import CaseBody
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.models import User

JUDGED = Walk(
    "judged-answers", by="marked_at", latest=True, sorts={"judged_at": "marked_at", "created_at": ""}, dated="marked_at"
)
ITEM = {
    "message_id": "0192f0d0-7b1a-7c3e-9a55-0000000000b2", "conversation_id": "0192f0d0-7b1a-7c3e-9a55-0000000000c1",
    "good": True, "agent": "maria", "judged_at": "2026-01-31T12:00:00.000Z", "asked": "How long can I send it back?",
    "answer": "Within 60 days.",
    "case": {"set": "judged", "question": "How long can I send it back?", "language": "en", "intent": "returns",
             "facts": [], "source": "Return policy"},
}  # fmt: skip


class JudgedQuery(ListQuery):
    good: bool | None = Field(None, description="Good ones alone, or the others alone")


class JudgedItem(BaseModel):
    message_id: uuid.UUID
    conversation_id: uuid.UUID
    good: bool
    agent: str = Field(description="User name of who judged it last; empty: no member of staff any more")
    judged_at: Moment
    asked: str = Field(description="The person's words; empty where they are gone")
    answer: str
    case: CaseBody | None = Field(
        description="The body of an evaluation question out of it, without recognised personal data: look at it, add `facts`, and "
        "send it to `POST /api/v2/evaluation-cases`. Null where the person's words are gone"
    )


class JudgedPage(Page):
    items: list[JudgedItem] = Field(description="Fewer than `page_size` where answers were deleted since")


class JudgedAnswersView(TenantAPIView):
    reads = "message"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="judged_answer_list",
        summary="List judged answers",
        description="Of the assistant, as staff judged them in the inbox or by `PUT …/chat/messages/{id}/judgement`; what was "
        "judged last comes first. Words are those of the messages: what is deleted or erased is not there.",
        tags=["evaluations"],
        parameters=[JudgedQuery],  # type: ignore[list-item]
        responses=JudgedPage,
        examples=[answered(listed(ITEM))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, JudgedQuery)
        rows = AnswerMark.objects.all() if query.good is None else AnswerMark.objects.filter(good=query.good)
        return Response(JUDGED.answer(rows, query, shape=_shapes))


def _shapes(page: Sequence[AnswerMark]) -> list[dict[str, Any]]:
    found = judged_of(page)
    users = dict(User.objects.filter(id__in={one.mark.by for one in found}).values_list("id", "username"))
    return [_shape(one, users.get(one.mark.by, "")) for one in found]


def _shape(one: Judged, agent: str) -> dict[str, Any]:
    case = case_drafted(one)
    return {
        "message_id": one.answer.id, "conversation_id": one.answer.conversation_id, "good": one.mark.good, "agent": agent,
        "judged_at": one.mark.marked_at, "asked": one.question.text if one.question else "", "answer": one.answer.text,
        "case": {"set": case.pop("name"), "facts": [], **case} if case else None,
    }  # fmt: skip
