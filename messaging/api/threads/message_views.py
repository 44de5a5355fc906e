"""Messages of a thread: list, write, read, change, delete."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.content.types import Content
from messaging.api.threads.shapes import (
    ThreadMessageBody,
    ThreadMessageChange,
    ThreadMessageDeleted,
    ThreadMessageDetail,
    ThreadMessagePage,
    ThreadMessagesQuery,
    content_of,
    thread_message_shape,
)
from messaging.threads.people import Who
from messaging.threads.rows import learner_of, thread_get
from messaging.threads.said import Said, message_change, message_delete, message_in, message_post, messages_of
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Unprocessable

IN_ORDER = Walk(
    "thread messages", by="seq", sorts={"seq": "seq", "created_at": "seq"}, searched=("text",), dated="created_at"
)
MESSAGE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000d2",
    "thread_id": "0192f0d0-7b1a-7c3e-9a55-0000000000d1",
    "learner_id": "learner-456",
    "seq": 1,
    "sender_id": "guardian-7",
    "sender_role": "guardian",
    "message_type": "text",
    "content": "Hello, world!",
    "metadata": {},
    "created_at": "2026-01-31T12:30:00.000Z",
    "updated_at": "2026-01-31T12:30:00.000Z",
}


class ThreadMessagesView(TenantAPIView):
    reads = "thread"
    permissions = {"GET": "threads:read", "POST": "threads:write"}
    obeys_learners = True

    @extend_schema(
        operation_id="thread_message_list",
        description="In the order in which they were written.",
        summary="What was written in a thread, in order",
        tags=["threads"],
        parameters=[ThreadMessagesQuery],  # type: ignore[list-item]
        responses=ThreadMessagePage,
        examples=[answered(listed(MESSAGE))],
    )
    def get(self, request: Request, thread_id: uuid.UUID) -> Response:
        query = parse_query(request, ThreadMessagesQuery)
        thread = thread_get(thread_id, Who.of(self.principal))
        learner_id = learner_of(thread)
        page = IN_ORDER.answer(
            messages_of(thread), query, within=thread.id,
            shape=lambda rows: [thread_message_shape(row, learner_id) for row in rows],
        )  # fmt: skip
        return Response(page)

    @extend_schema(
        operation_id="thread_message_create",
        summary="Write in a thread",
        description="By participants, the learner and staff: 403 `not_a_participant`. 409 `thread_full` beyond "
        "`MAX_MESSAGES_PER_THREAD`. The same `Idempotency-Key` again stores nothing twice: 409 `message_deleted` where what it wrote "
        "was deleted since. Files are put in by credentials "
        "that are not limited to learners: 403 `files_not_yours`.",
        tags=["threads"],
        request=ThreadMessageBody,
        responses={201: ThreadMessageDetail},
        examples=[asked({"content": "Hello, world!", "message_type": "text"}), answered(MESSAGE, 201)],
    )
    def post(self, request: Request, thread_id: uuid.UUID) -> Response:
        body, who = parse_body(request, ThreadMessageBody), Who.of(self.principal)
        said = Said(
            _typed(content_of(body.content), body.message_type), body.metadata, body.sender_id or "", body.sender_role,
            self.idempotency_id,
        )  # fmt: skip
        message = message_post(thread_id, said, who)
        return Response(thread_message_shape(message, learner_of(message.conversation)), 201)


class ThreadMessageView(TenantAPIView):
    reads = "thread"
    permissions = {"GET": "threads:read", "PUT": "threads:write", "DELETE": "threads:write"}
    obeys_learners = True

    @extend_schema(
        operation_id="thread_message_get",
        description="One message of the thread, with who wrote it.",
        summary="One message of a thread",
        tags=["threads"],
        responses=ThreadMessageDetail,
        examples=[answered(MESSAGE)],
    )
    def get(self, request: Request, thread_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        thread = thread_get(thread_id, Who.of(self.principal))
        return Response(thread_message_shape(message_in(thread, message_id), learner_of(thread)))

    @extend_schema(
        operation_id="thread_message_put",
        summary="Change a message",
        description="By who wrote it, or a credential that is not limited: 403 `role_not_allowed`. What is left out stays.",
        tags=["threads"],
        request=ThreadMessageChange,
        responses=ThreadMessageDetail,
        examples=[asked({"content": "Hello again"}), answered({**MESSAGE, "content": "Hello again"})],
    )
    def put(self, request: Request, thread_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        body, who = parse_body(request, ThreadMessageChange), Who.of(self.principal)
        content = None if body.content is None else _typed(content_of(body.content), body.message_type)
        message = message_change(thread_id, message_id, content, body.metadata, who)
        self.audit("thread.message_updated", message, {"fields": sorted(body.model_fields_set)})
        return Response(thread_message_shape(message, learner_of(message.conversation)))

    @extend_schema(
        operation_id="thread_message_delete",
        summary="Delete a message",
        description="By who wrote it, and by staff: 403 `role_not_allowed`. Nothing of what it said is left. 409 `legal_hold`.",
        tags=["threads"],
        responses={200: ThreadMessageDeleted},
        examples=[answered({"deleted": True})],
    )
    def delete(self, request: Request, thread_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        message_delete(thread_id, message_id, Who.of(self.principal))
        self.audit("thread.message_deleted", f"message:{message_id}")
        return Response({"deleted": True})


def _typed(content: Content, said: str | None) -> Content:
    """Raises Unprocessable ``message_type_mismatch``."""
    if said not in (None, content.type):
        raise Unprocessable(f"The content is of the type {content.type}.", code="message_type_mismatch")
    return content
