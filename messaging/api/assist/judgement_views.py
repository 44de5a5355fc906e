"""``/api/v2/chat/messages/{id}/judgement``: what a member of staff thinks of an answer of the assistant (AI-10)."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.evaluations.marks import answer_mark, mark_remove
from assistant.evaluations.models import AnswerMark
from conversations import selectors
from messaging.api.agents.acting import acting_required
from messaging.api.agents.shapes import Agent
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.errors import NotFound
from tenants.models import User


class JudgementBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    good: bool = Field(description="Whether it was a good answer")
    agent: Agent = ""


class Judgement(BaseModel):
    """What staff think of an answer."""

    good: bool
    agent: str = Field(description="User name of who judged it; empty: their account is gone")


class JudgementView(TenantAPIView):
    permissions = {"GET": "conversations:read", "PUT": "conversations:write", "DELETE": "conversations:write"}

    @extend_schema(
        operation_id="message_judgement_get",
        summary="What staff think of an answer",
        description="Of several members the last one. 404 `judgement_not_found` where there is none.",
        tags=["chat"],
        responses=Judgement,
        examples=[answered({"good": True, "agent": "maria"})],
    )
    def get(self, request: Request, message_id: uuid.UUID) -> Response:
        row = selectors.message_get(message_id)
        mark = AnswerMark.objects.filter(message_id=row.id).first()
        if mark is None:
            raise NotFound("This message has no judgement.", code="judgement_not_found")
        name = User.objects.filter(id=mark.by).values_list("username", flat=True).first()
        return Response({"good": mark.good, "agent": name or ""})

    @extend_schema(
        operation_id="message_judgement_put",
        summary="Judge an answer of the assistant",
        description="As the thumbs of the inbox: of several members the last one counts. `GET /api/v2/judged-answers` lists them. "
        "422 `no_answer_of_the_assistant`, `agent_required`, `agent_unknown`.",
        tags=["chat"],
        request=JudgementBody,
        responses=Judgement,
        examples=[asked({"good": True, "agent": "maria"}), answered({"good": True, "agent": "maria"})],
    )
    def put(self, request: Request, message_id: uuid.UUID) -> Response:
        body = parse_body(request, JudgementBody)
        row = selectors.message_get(message_id)
        member = acting_required(self, body.agent)
        answer_mark(row, body.good, member.pk)
        self.audit("conversation.judged", row.conversation, {"seq": row.seq, "good": "yes" if body.good else "no"})
        return Response({"good": body.good, "agent": member.get_username()})

    @extend_schema(
        operation_id="message_judgement_delete",
        summary="Take a judgement back",
        description="The answer is not listed as judged any more. Again is harmless.",
        tags=["chat"],
        responses={204: None},
    )
    def delete(self, request: Request, message_id: uuid.UUID) -> Response:
        row = selectors.message_get(message_id)
        if mark_remove(row.id):
            self.audit("conversation.judged", row.conversation, {"seq": row.seq, "good": ""})
        return Response(status=204)
