"""``/api/v2/intents/trainings``: what a tenant's assistant has learnt, version by version, and which of it answers (AI-4)."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.intents.lessons import invalidate
from assistant.intents.versions.held import version_activate, version_get, version_release
from assistant.intents.versions.listed import versions_listed
from assistant.intents.versions.runs import lane_of, training_ask
from assistant.intents.versions.shapes import (
    ActivateBody,
    TrainingList,
    TrainingRunBody,
    TrainingRunShape,
    TrainingShape,
    head_shape,
    run_shape,
    training_shape,
)
from assistant.models import TrainedModel
from tenants.api.pages import ListQuery, Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound

TAGS = ["intents"]
TRAINING = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000e2", "version": 4, "state": "ready", "newest": True, "answers": True,
    "pinned": False, "kept": True, "trained_at": "2026-01-31T12:00:00.000Z", "examples": {"order_status": 2}, "facts": 0,
    "metrics": {},
}  # fmt: skip
PINNED = {**TRAINING, "newest": False, "pinned": True}
HELD = {
    "training_id": TRAINING["id"], "version": 4, "pinned": True, "since": "2026-01-31T12:00:00.000Z", "usable": True,
}  # fmt: skip
RUN = {
    "state": "running", "stage": "measuring", "percent": 64, "code": "", "training_id": None, "against": None,
    "asked_at": "2026-01-31T12:00:00.000Z", "ended_at": None,
}  # fmt: skip
LIST = {"run": RUN, "held": None, **listed(TRAINING)}
TRAININGS = Walk(
    "trainings", by="version", latest=True, sorts={"version": "version", "created_at": ""}, dated="trained_at"
)


class TrainingsView(TenantAPIView):
    permissions = {"GET": "intents:read", "POST": "intents:write"}

    @extend_schema(
        operation_id="intent_training_list", summary="What was learnt, version by version",
        description="The newest first. A change of examples or knowledge begins a version by itself; it answers as "
        "soon as it is learnt, unless another one is held. What the last ten have learnt is kept, and that of one that is held.",
        tags=TAGS, parameters=[ListQuery],  # type: ignore[list-item]
        responses=TrainingList, examples=[answered(LIST)],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return Response(_page(parse_query(request, ListQuery)))

    @extend_schema(
        operation_id="intent_training_begin", summary="Train, and measure what was learnt",
        description="A worker begins it within seconds; `GET …/trainings/run` says how far it is. What examples and articles teach "
        "now is learnt where it is not yet, and measured on examples held out, beside the version that answers (or answered "
        "before, or `against`) on the same texts. A version that is held goes on answering. 409 `training_busy` while one is "
        "under way; of `against` `training_not_found`, `training_not_kept`, `training_other_release`.",
        tags=TAGS, request=TrainingRunBody, responses={202: TrainingRunShape},
        examples=[asked({}), answered({**RUN, "state": "queued", "stage": "", "percent": 0}, 202)],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        lane = training_ask(parse_body(request, TrainingRunBody).against)
        self.audit("traininglane.asked", lane)
        return Response(run_shape(lane), 202)


class RunView(TenantAPIView):
    permissions = {"GET": "intents:read"}

    @extend_schema(
        operation_id="intent_training_run_get", summary="How far the training is",
        description="The one that was asked for last. 404 `training_not_found` where none was.",
        tags=TAGS, responses=TrainingRunShape, examples=[answered(RUN)],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        lane = lane_of()
        if lane is None:
            raise NotFound("No training was asked for.", code="training_not_found")
        return Response(run_shape(lane))


class TrainingView(TenantAPIView):
    permissions = {"GET": "intents:read"}

    @extend_schema(
        operation_id="intent_training_get", summary="One version", description="With its measures, where they were taken.",
        tags=TAGS, responses=TrainingShape, examples=[answered(TRAINING)],
    )  # fmt: skip
    def get(self, request: Request, training_id: uuid.UUID) -> Response:
        return Response(training_shape(version_get(training_id), versions_listed()))


class ActivateView(TenantAPIView):
    permissions = {"POST": "intents:write"}

    @extend_schema(
        operation_id="intent_training_activate", summary="Answer from this version",
        description="Every process takes it up within seconds. Replies, slots and articles are those of now; an intent that is "
        "gone is not recognised, nor is one that this version was not taught. It answers until something else is taught, or "
        "with `pinned` until it is released: meanwhile nothing is learnt by itself, and its numbers are kept however many follow. "
        "409 `training_not_kept` where what it learnt is kept no longer, `training_other_release` where another release learnt it.",
        tags=TAGS, request=ActivateBody, responses=TrainingShape,
        examples=[asked({"pinned": True}), answered(PINNED)],
    )  # fmt: skip
    def post(self, request: Request, training_id: uuid.UUID) -> Response:
        pinned = parse_body(request, ActivateBody).pinned
        row = version_get(training_id)
        version_activate(row, pinned=pinned)
        invalidate(row.tenant_id)
        self.audit("trainedmodel.activated", row, {"version": row.version, "pinned": pinned})
        return Response(training_shape(row, versions_listed()))


class NewestView(TenantAPIView):
    permissions = {"POST": "intents:write"}

    @extend_schema(
        operation_id="intent_training_newest", summary="Back to the newest version",
        description="A version that was activated or pinned is released. Where none is, nothing changes.",
        tags=TAGS, request=None, responses=TrainingList, examples=[answered(LIST)],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        if version_release():
            invalidate(self.principal.tenant_id)
            self.audit("trainedmodel.released")
        return Response(_page(ListQuery()))


def _page(query: ListQuery) -> dict[str, Any]:
    of = versions_listed()
    found = TRAININGS.answer(
        TrainedModel.objects.all(), query, shape=lambda rows: [training_shape(row, of) for row in rows]
    )
    return {**head_shape(of, lane_of()), **found}
