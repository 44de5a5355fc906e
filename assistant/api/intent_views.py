"""``/api/v2/intents``: what a tenant teaches its assistant, and what it takes texts for (AI-1, AI-4)."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.api.intent_shapes import (
    ClassifiedList,
    ClassifyBody,
    IntentBody,
    IntentChange,
    IntentList,
    IntentQuery,
    IntentShape,
    intent_shape,
    stored_of,
)
from assistant.builtin.engine import options_of
from assistant.intents.definitions import intent_delete, intent_get, intent_save
from assistant.intents.lessons import lessons
from assistant.intents.recognised import Recognised, recognise
from assistant.models import Intent
from channels_app.words.entities import find_entities
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.tenant_settings import settings_for

TAGS = ["intents"]
SLOT = {
    "name": "order_number", "prompt": "What is your order number?", "retry": "", "required": True, "entity": "order",
    "pattern": "", "choices": [],
}  # fmt: skip
BODY = {
    "name": "order_status", "title": "Where is my order", "description": "", "examples": ["where is my order", "track my parcel"],
    "replies": [{"messages": [{"type": "text", "text": "Order {order_number} is on its way."}], "language": "en", "channels": []}],
    "slots": [SLOT], "translations": {"de": {"title": "Wo ist meine Ware?", "slots": {}}}, "enabled": True, "handover": False,
    "confirm": False,
}  # fmt: skip
INTENT = {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000e1", **BODY, "updated_at": "2026-01-31T12:00:00.000Z"}
CLASSIFIED = {
    "items": [
        {"intent": "order_status", "confidence": 0.98, "outcome": "answer",
         "scores": [{"intent": "order_status", "confidence": 0.98}, {"intent": "cancel_order", "confidence": 0.01}],
         "settled_by": "letters", "entities": [{"type": "order", "value": "AC-10042", "start": 15, "end": 23}]}
    ],
    "thresholds": {"answer": 0.55, "ask": 0.35}, "model": "", "version": "0192f0d0-7b1a-7c3e-9a55-0000000000e2",
}  # fmt: skip
INTENTS = Walk(
    "intents", by="name", sorts={"name": "name", "created_at": ""}, searched=("name", "title", "description"),
    dated="created_at",
)  # fmt: skip


class IntentsView(TenantAPIView):
    permissions = {"GET": "intents:read", "POST": "intents:write"}

    @extend_schema(
        operation_id="intent_list", summary="List intents",
        description="By name; `search_query`: in name, title or description.", tags=TAGS,
        parameters=[IntentQuery],  # type: ignore[list-item]
        responses=IntentList, examples=[answered(listed(INTENT))],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = parse_query(request, IntentQuery).paged()
        return Response(INTENTS.answer(Intent.objects.all(), query, shape=lambda rows: map(intent_shape, rows)))

    @extend_schema(
        operation_id="intent_create", summary="Teach an intent",
        description="It is learnt within seconds, in the background; until then the former ones answer. A name of a common intent "
        "(`greeting`, `human` …) adds to it, and takes it away where `enabled` is false.",
        tags=TAGS, request=IntentBody, responses={201: IntentShape}, examples=[asked(BODY), answered(INTENT, 201)],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = parse_body(request, IntentBody)
        columns = stored_of(body.model_dump(), body.replies)
        row = intent_save(Intent(tenant_id=self.principal.tenant_id, **columns))
        self.audit("intent.created", row)
        return Response(intent_shape(row), 201)


class IntentView(TenantAPIView):
    permissions = {"GET": "intents:read", "PATCH": "intents:write", "DELETE": "intents:write"}

    @extend_schema(
        operation_id="intent_get", summary="One intent", description="With its examples, slots and replies.", tags=TAGS,
        responses=IntentShape, examples=[answered(INTENT)],
    )  # fmt: skip
    def get(self, request: Request, intent_id: uuid.UUID) -> Response:
        return Response(intent_shape(intent_get(intent_id)))

    @extend_schema(
        operation_id="intent_change", summary="Change an intent",
        description="Changes the fields that the request names and no others; a list takes the place of the former.",
        tags=TAGS, request=IntentChange, responses=IntentShape,
        examples=[asked({"title": "My order"}), answered({**INTENT, "title": "My order"})],
    )  # fmt: skip
    def patch(self, request: Request, intent_id: uuid.UUID) -> Response:
        body = parse_body(request, IntentChange)
        given = stored_of(body.model_dump(include=body.model_fields_set), body.replies)
        row = intent_save(intent_get(intent_id), given)
        self.audit("intent.updated", row, {"fields": sorted(given)})
        return Response(intent_shape(row))

    @extend_schema(
        operation_id="intent_delete", summary="Forget an intent",
        description="Its examples are forgotten with it; a common intent of that name is itself again.", tags=TAGS,
        responses={204: None},
    )  # fmt: skip
    def delete(self, request: Request, intent_id: uuid.UUID) -> Response:
        row = intent_get(intent_id)
        self.audit("intent.deleted", row)
        intent_delete(row)
        return Response(status=204)


class ClassifyView(TenantAPIView):
    permissions = {"POST": "intents:read"}

    @extend_schema(
        operation_id="intent_classify", summary="What texts are taken for",
        description="One `text`, or up to 100 `texts`, by the same looks at them as in a conversation. Nothing is stored.",
        tags=TAGS, request=ClassifyBody, responses=ClassifiedList,
        examples=[asked({"texts": ["where is order AC-10042"]}), answered(CLASSIFIED)],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        texts = parse_body(request, ClassifyBody).asked()
        tenant = settings_for(self.principal.tenant_id)
        options, known = options_of(tenant.model_dump()), lessons()
        found = recognise(known, texts, sure=options.high)
        second = known.learnt.second
        return Response(
            {
                "items": [
                    _classified(one, text, options.high, options.medium, options.region)
                    for one, text in zip(found, texts, strict=True)
                ],
                "thresholds": {"answer": options.high, "ask": options.medium},
                "model": second.model if second else "",
                "version": str(known.version or ""),
            }
        )


def _classified(found: Recognised, text: str, high: float, medium: float, region: str) -> dict[str, Any]:
    told = found.classification
    outcome = "answer" if told.confidence >= high else "ask" if told.confidence >= medium else "unknown"
    return {
        "intent": told.intent,
        "confidence": round(told.confidence, 4),
        "outcome": outcome,
        "scores": [{"intent": name, "confidence": round(chance, 4)} for name, chance in told.scores],
        "settled_by": found.by,
        "entities": [
            {"type": one.type, "value": one.value, "start": one.start, "end": one.end}
            for one in find_entities(text, region=region or None)
        ],
    }
