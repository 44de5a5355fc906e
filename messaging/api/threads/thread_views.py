"""Threads: list, open, read, change, delete."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.api.threads.shapes import (
    ThreadBody,
    ThreadChange,
    ThreadDeleted,
    ThreadDetail,
    ThreadPage,
    ThreadQuery,
    thread_shape,
)
from messaging.threads.people import Who
from messaging.threads.rows import thread_change, thread_create, thread_delete, thread_get, threads_of
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Forbidden

LATEST_FIRST = Walk(
    "threads", by="last_message_at", latest=True, searched=("subject",), dated="last_message_at",
    sorts={"updated_at": "last_message_at", "created_at": "created_at"},
)  # fmt: skip
THREAD = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000d1",
    "learner_id": "learner-456",
    "subject": "Reading at home",
    "participants": [{"user_id": "guardian-7", "role": "guardian"}, {"user_id": "teacher-3", "role": "teacher"}],
    "metadata": {"class": "3b"},
    "message_count": 4,
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:30:00.000Z",
}
OPENED = {name: THREAD[name] for name in ("learner_id", "subject", "participants", "metadata")}


class ThreadsView(TenantAPIView):
    reads = "thread"
    permissions = {"GET": "threads:read", "POST": "threads:write"}
    obeys_learners = True

    @extend_schema(
        operation_id="thread_list",
        summary="Threads, the latest first",
        description="By their last change or message; `start_date` and `end_date` are of that. A token that is limited to "
        "learners gets those of its learners; 403 `learner_out_of_scope` for another `learner_id`.",
        tags=["threads"],
        parameters=[ThreadQuery],  # type: ignore[list-item]
        responses=ThreadPage,
        examples=[answered(listed(THREAD))],
    )
    def get(self, request: Request) -> Response:
        query, who = parse_query(request, ThreadQuery), Who.of(self.principal)
        if query.learner_id and not who.reaches(query.learner_id):
            raise Forbidden("This token does not reach this learner.", code="learner_out_of_scope")
        rows = threads_of(who, query.learner_id or "")
        return Response(LATEST_FIRST.answer(rows, query, shape=lambda page: [thread_shape(row) for row in page]))

    @extend_schema(
        operation_id="thread_create",
        summary="Open a thread about a learner",
        description="The subject of a limited token that opens it takes part. 403 `learner_out_of_scope`. 409 "
        "`thread_deleted`: the thread that this `Idempotency-Key` opened was deleted since.",
        tags=["threads"],
        request=ThreadBody,
        responses={201: ThreadDetail},
        examples=[asked(OPENED), answered({**THREAD, "message_count": 0}, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, ThreadBody)
        made = thread_create(body.learner_id, body.wanted(), Who.of(self.principal), self.idempotency_id)
        if not made.repeated:
            self.audit("thread.created", f"thread:{made.thread.id}")
        return Response(thread_shape(made.thread, made.learner_id), 201)


class ThreadView(TenantAPIView):
    reads = "thread"
    permissions = {"GET": "threads:read", "PUT": "threads:write", "DELETE": "threads:write"}
    obeys_learners = True

    @extend_schema(
        operation_id="thread_get",
        description="Its learner, subject, participants and facts.", summary="One thread", tags=["threads"], responses=ThreadDetail, examples=[answered(THREAD)]
    )  # fmt: skip
    def get(self, request: Request, thread_id: uuid.UUID) -> Response:
        return Response(thread_shape(thread_get(thread_id, Who.of(self.principal))))

    @extend_schema(
        operation_id="thread_put",
        summary="Change a thread",
        description="What is left out stays. By teachers and staff: 403 `role_not_allowed`.",
        tags=["threads"],
        request=ThreadChange,
        responses=ThreadDetail,
        examples=[asked({"subject": "Reading at home"}), answered(THREAD)],
    )
    def put(self, request: Request, thread_id: uuid.UUID) -> Response:
        body = parse_body(request, ThreadChange)
        thread = thread_change(thread_id, body.wanted(), Who.of(self.principal))
        self.audit("thread.updated", f"thread:{thread_id}", {"fields": sorted(body.model_fields_set)})
        return Response(thread_shape(thread))

    @extend_schema(
        operation_id="thread_delete",
        summary="Delete a thread with its messages and files",
        description="By staff: 403 `role_not_allowed`. 409 `legal_hold`.",
        tags=["threads"],
        responses={200: ThreadDeleted},
        examples=[answered({"messages": 4})],
    )
    def delete(self, request: Request, thread_id: uuid.UUID) -> Response:
        count = thread_delete(thread_id, Who.of(self.principal))
        self.audit("thread.deleted", f"thread:{thread_id}", {"messages": count})
        return Response({"messages": count})
