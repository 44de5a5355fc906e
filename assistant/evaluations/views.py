"""``/api/v2/evaluation-cases`` and ``/api/v2/evaluations``: questions with expected answers, and how engines do on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.engines import engine_named, is_held
from assistant.evaluations.models import EvaluationCase
from assistant.evaluations.run import Report, difference, evaluate
from assistant.evaluations.shapes import CaseBody, CaseChange, CasePage, CaseQuery, CaseShape, RunBody, RunShape
from assistant.port import Engine
from tenants.access.permissions import require_each
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound, Unprocessable
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

TAGS = ["evaluations"]
READ, WRITE, ASKS_MODELS = "intents:read", "intents:write", "models:write"
MOST_CASES = 2000  # of a tenant
MOST_ASKED = 200  # by one request
RUN_S = 20.0  # for each engine, after which no further question is asked
CASES = Walk("evaluation-cases", latest=True, sorts={"created_at": ""}, searched=("question",), dated="created_at")
BODY = {
    "set": "main", "question": "How long can I send it back?", "language": "en", "intent": "", "facts": ["30 days"],
    "source": "Returns",
}  # fmt: skip
CASE = {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000e1", **BODY, "created_at": "2026-01-31T12:00:00.000Z"}
REPORT = {
    "engine": "builtin", "asked": 1, "right": 1, "share": 1.0, "left_out": 0, "failed": 0, "missed": {}, "p50_ms": 2, "p95_ms": 2,
    "cost_usd": 0.0,
    "verdicts": [{
        "id": CASE["id"], "question": BODY["question"], "right": True, "missed": [], "intent": "knowledge",
        "text": "You can send it back within 30 days.", "sources": ["Returns"], "latency_ms": 2, "error": "", "model": "",
        "degraded": "",
    }],
}  # fmt: skip


class CasesView(TenantAPIView):
    permissions = {"GET": "intents:read", "POST": "intents:write"}

    @extend_schema(
        operation_id="evaluation_case_list",
        summary="List evaluation questions",
        description="The newest first, of all sets or of one.",
        tags=TAGS,
        parameters=[CaseQuery],  # type: ignore[list-item]
        responses=CasePage,
        examples=[answered(listed(CASE))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, CaseQuery)
        rows = EvaluationCase.objects.filter(name=query.set) if query.set else EvaluationCase.objects.all()
        return Response(CASES.answer(rows, query, shape=lambda page: map(case_shape, page)))

    @extend_schema(
        operation_id="evaluation_case_create",
        summary="Add an evaluation question",
        description="With what a good answer has; what is empty is not looked at. 422 `too_many_cases` beyond 2000.",
        tags=TAGS,
        request=CaseBody,
        responses={201: CaseShape},
        examples=[asked(BODY), answered(CASE, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, CaseBody)
        if EvaluationCase.objects.count() >= MOST_CASES:
            raise Unprocessable(f"A tenant has at most {MOST_CASES} evaluation questions.", code="too_many_cases")
        row = EvaluationCase.objects.create(tenant_id=self.principal.tenant_id, **_columns(body.model_dump()))
        self.audit("evaluationcase.created", row)
        return Response(case_shape(row), 201)


class CaseView(TenantAPIView):
    permissions = {"GET": "intents:read", "PATCH": "intents:write", "DELETE": "intents:write"}

    @extend_schema(
        operation_id="evaluation_case_get",
        summary="One evaluation question",
        description="With what is expected of its answer.",
        tags=TAGS,
        responses=CaseShape,
        examples=[answered(CASE)],
    )
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        return Response(case_shape(case_get(case_id)))

    @extend_schema(
        operation_id="evaluation_case_change",
        summary="Change an evaluation question",
        description="Changes the fields that the request names and no others.",
        tags=TAGS,
        request=CaseChange,
        responses=CaseShape,
        examples=[asked({"facts": ["30 days", "free"]}), answered(CASE)],
    )
    def patch(self, request: Request, case_id: uuid.UUID) -> Response:
        given = _columns(parse_body(request, CaseChange).given())
        row = case_get(case_id)
        changed = sorted(name for name, value in given.items() if getattr(row, name) != value)
        for name in changed:
            setattr(row, name, given[name])
        if changed:
            row.save(update_fields=changed)
            self.audit("evaluationcase.updated", row, {"fields": changed})
        return Response(case_shape(row))

    @extend_schema(
        operation_id="evaluation_case_delete",
        summary="Delete an evaluation question",
        description="Reports that have it stay as they are.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, case_id: uuid.UUID) -> Response:
        row = case_get(case_id)
        self.audit("evaluationcase.deleted", row)
        row.delete()
        return Response(status=204)


class RunView(TenantAPIView):
    permissions = {"POST": READ}

    @extend_schema(
        operation_id="evaluation_run",
        summary="Ask an engine the questions of a set",
        description="Its answers are judged, and compared with those of a second engine where `against` names one. The first 200 "
        "questions are asked, for 20 s at most of each engine; `left_out` counts the others. Nothing is kept. "
        "An answer may be paid for: beside reading it takes `intents:write`, where a model or a version of the prompt is named "
        "`models:write` in its place. 404 `evaluation_set_not_found`, `engine_not_found`.",
        tags=TAGS,
        request=RunBody,
        responses=RunShape,
        examples=[asked({"set": "main"}), answered({"report": REPORT, "against": [], "differences": []})],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, RunBody)
        names = [body.engine, *body.against]
        require_each(needed_to_ask(names), self.principal.permissions)
        report, *others = reports_of(body.set, names)
        return Response({
            "report": report.to_json(),
            "against": [other.to_json() for other in others],
            "differences": [difference(other, report) for other in others],
        })  # fmt: skip


def needed_to_ask(names: Iterable[str]) -> tuple[str, ...]:
    """The permissions that it takes to ask these engines a set: an answer is paid for, so that reading is not enough."""
    return READ, ASKS_MODELS if any(map(is_held, names)) else WRITE


def reports_of(set_name: str, names: Sequence[str]) -> list[Report]:
    """Of each engine, within the bounds of a request. Raises NotFound ``evaluation_set_not_found``, or ``engine_not_found``
    before any is asked."""
    cases = cases_of(set_name)
    tenant = settings_for(current_tenant_id()).model_dump()
    return reports_by(cases, [(name, engine_named(name, tenant)) for name in names])


def cases_of(set_name: str) -> tuple[list[EvaluationCase], int]:
    """Those of a set that one request asks, and how many more there are. Raises NotFound ``evaluation_set_not_found``."""
    rows = EvaluationCase.objects.filter(name=set_name).order_by("id")
    cases, total = list(rows[:MOST_ASKED]), rows.count()
    if not cases:
        raise NotFound("There are no questions in such a set.", code="evaluation_set_not_found")
    return cases, total - len(cases)


def reports_by(cases: tuple[list[EvaluationCase], int], engines: Sequence[tuple[str, Engine]]) -> list[Report]:
    """Of each engine with its name, within the bounds of a request; ``cases`` as `cases_of` gives them."""
    asked, more = cases
    found = [evaluate(asked, engine, name=name, within_s=RUN_S) for name, engine in engines]
    return [Report(one.engine, one.verdicts, one.left_out + more) for one in found]


def case_get(case_id: uuid.UUID) -> EvaluationCase:
    """Raises NotFound."""
    row: EvaluationCase | None = EvaluationCase.objects.filter(id=case_id).first()
    if row is None:
        raise NotFound("There is no such evaluation question.", code="evaluation_case_not_found")
    return row


def case_shape(row: EvaluationCase) -> dict[str, Any]:
    names = ("id", "question", "language", "intent", "facts", "source", "created_at")
    return {"set": row.name, **{name: getattr(row, name) for name in names}}


def _columns(given: dict[str, Any]) -> dict[str, Any]:
    """The names of columns for those of the API."""
    return {"name" if name == "set" else name: value for name, value in given.items()}
