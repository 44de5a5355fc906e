"""``/api/v2/chat/conversations/<id>/…``: who has a conversation, its labels, notes, and who looks at it."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.models import Conversation, Note
from conversations.selectors import conversation_get
from messaging.agents.assign import assign_to_person, assign_to_team, unassign
from messaging.agents.labels import label_put, label_take
from messaging.agents.members import members, team_get
from messaging.agents.notes import mentions_seen, note_write, notes_in, notes_shown
from messaging.agents.presence import look_end, look_say, looks_at
from messaging.agents.snooze import snooze, unsnooze
from messaging.api.agents.acting import acting, acting_required, detail
from messaging.api.agents.shapes import (
    AssignChange,
    LabelledConversation,
    Looking,
    LookList,
    NoteBody,
    NoteList,
    NoteShape,
    SnoozeChange,
    UnassignChange,
)
from messaging.api.chat_views import DETAIL
from messaging.api.named import agent_of, member_of
from tenants.api.pages import Walk, WholeQuery, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Invalid

NOTES = Walk("notes", sorts={"created_at": ""}, searched=("text",), dated="created_at")
HELD = {
    **DETAIL, "control_owner": "human", "held_by": "staff", "control_epoch": 2,
    "assignee": {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000aa", "name": "ben"}, "team": None, "snoozed_until": None,
    "labels": [],
}  # fmt: skip
NOTE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000c1", "text": "@ben can you look at the invoice?",
    "author": {"id": "0192f0d0-7b1a-7c3e-9a55-0000000000ab", "name": "ana"}, "created_at": "2026-01-31T12:00:00.000Z",
    "mentioned": [{"id": "0192f0d0-7b1a-7c3e-9a55-0000000000aa", "name": "ben"}],
}  # fmt: skip


class DeedView(TenantAPIView):
    """An act on one conversation, answered with the conversation as it is then."""

    def done(self, conversation: Conversation, deed: str, changes: dict[str, Any] | None = None) -> Response:
        if not conversation.repeated:
            self.audit(f"conversation.{deed}", conversation, changes)
        return Response(detail(self, conversation.id))


class AssignView(DeedView):
    permissions = {"POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_assign",
        summary="Give the conversation to a person or a team",
        description="A person answers from here on, and the visitor is told that they have joined. For a team it waits until "
        "one of its members takes it. What is so already is not done again.",
        tags=["inbox"],
        request=AssignChange,
        responses=LabelledConversation,
        examples=[asked({"agent": "ben", "expected_epoch": 1}), answered(HELD)],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, AssignChange)
        if bool(body.agent) == bool(body.team):
            raise Invalid("Name either `agent` or `team`.", code="assign_to_one")
        if body.team:
            given = assign_to_team(conversation_id, team_get(body.team), expected_epoch=body.expected_epoch)
            return self.done(given, "assigned", {"team": str(body.team)})
        agent = member_of(self.principal.tenant_id, body.agent)
        assert agent is not None  # a name was given
        given = assign_to_person(
            conversation_id, agent, expected_epoch=body.expected_epoch, by=agent_of(self.principal)
        )
        return self.done(given, "assigned", {"assignee": body.agent})


class UnassignView(DeedView):
    permissions = {"POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_unassign",
        summary="Put the conversation back into the queue",
        description="No colleague has it any longer: it waits for any of them. One that the bot answers stays the bot's.",
        tags=["inbox"],
        request=UnassignChange,
        responses=LabelledConversation,
        examples=[asked({"expected_epoch": 2}), answered({**HELD, "held_by": "queue", "assignee": None})],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, UnassignChange)
        return self.done(unassign(conversation_id, expected_epoch=body.expected_epoch), "unassigned")


class SnoozeView(DeedView):
    permissions = {"POST": "conversations:write", "DELETE": "conversations:write"}

    @extend_schema(
        operation_id="conversation_snooze",
        summary="Put the conversation off",
        description="Until then only the view `snoozed` shows it. It is back before that when the person writes.",
        tags=["inbox"],
        request=SnoozeChange,
        responses=LabelledConversation,
        examples=[
            asked({"until": "2026-02-02T09:00:00Z"}),
            answered({**HELD, "snoozed_until": "2026-02-02T09:00:00.000Z"}),
        ],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return self.done(snooze(conversation_id, parse_body(request, SnoozeChange).until), "snoozed")

    @extend_schema(
        operation_id="conversation_snooze_delete",
        summary="End the putting off",
        tags=["inbox"],
        responses={200: LabelledConversation},
        examples=[answered(HELD)],
    )
    def delete(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return self.done(unsnooze(conversation_id), "unsnoozed")


class LabelOfView(DeedView):
    permissions = {"PUT": "conversations:write", "DELETE": "conversations:write"}

    @extend_schema(
        operation_id="conversation_label_put",
        summary="Put a label on the conversation",
        tags=["inbox"],
        request=None,
        responses=LabelledConversation,
        examples=[
            answered(
                {**HELD, "labels": [{"id": "0192f0d0-7b1a-7c3e-9a55-00000000001a", "name": "Refund", "color": "red"}]}
            )
        ],
    )
    def put(self, request: Request, conversation_id: uuid.UUID, label_id: uuid.UUID) -> Response:
        return self.done(label_put(conversation_id, label_id), "labelled", {"label": str(label_id)})

    @extend_schema(
        operation_id="conversation_label_delete",
        summary="Take a label off the conversation",
        tags=["inbox"],
        responses={200: LabelledConversation},
        examples=[answered(HELD)],
    )
    def delete(self, request: Request, conversation_id: uuid.UUID, label_id: uuid.UUID) -> Response:
        return self.done(label_take(conversation_id, label_id), "unlabelled", {"label": str(label_id)})


class NotesView(TenantAPIView):
    reads = "conversation"
    permissions = {"GET": "messages:read", "POST": "conversations:write"}

    @extend_schema(
        operation_id="conversation_note_list",
        summary="Internal notes on the conversation",
        description="The oldest first; `search_query`: in their text.",
        tags=["inbox"],
        parameters=[WholeQuery],  # type: ignore[list-item]
        responses=NoteList,
        examples=[answered(listed(NOTE))],
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        query, talk = parse_query(request, WholeQuery), conversation_get(conversation_id)
        page = NOTES.answer(
            notes_in(talk.id), query, within=talk.id, shape=lambda rows: [_note(row) for row in notes_shown(rows)]
        )
        return Response(page)

    @extend_schema(
        operation_id="conversation_note_create",
        summary="Write an internal note",
        description="Never shown to the person. Colleagues whom it names by `@user-name` have it unread in their view "
        "`mentions`; the answer says whom.",
        tags=["inbox"],
        request=NoteBody,
        responses={201: NoteShape},
        examples=[asked({"text": NOTE["text"], "agent": "ana"}), answered(NOTE, 201)],
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, NoteBody)
        note = note_write(conversation_id, acting(self, body.agent), body.text)
        self.audit("conversation.annotated", f"conversation:{conversation_id}")
        return Response(_note(note), 201)


class LookingView(TenantAPIView):
    permissions = {"GET": "conversations:read", "POST": "conversations:read"}

    @extend_schema(
        operation_id="conversation_looking_get",
        description="Answers who has the conversation open at this moment, and who of them types.",
        summary="Who of the staff looks at the conversation or types in it",
        tags=["inbox"],
        responses=LookList,
        examples=[answered({"items": [{**HELD["assignee"], "typing": True}]})],  # type: ignore[dict-item]
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        conversation_get(conversation_id)
        return Response({"items": self._looks(conversation_id)})

    @extend_schema(
        operation_id="conversation_look",
        summary="Say that a member of staff looks at the conversation",
        description="Colleagues see it for twenty seconds: repeat it every ten. What named the member in notes here is read.",
        tags=["inbox"],
        request=Looking,
        responses=LookList,
        examples=[asked({"agent": "ben", "typing": True}), answered({"items": [{**HELD["assignee"], "typing": True}]})],  # type: ignore[dict-item]
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        body = parse_body(request, Looking)
        member = acting_required(self, body.agent)
        tenant_id = conversation_get(conversation_id).tenant_id
        if body.gone:
            look_end(tenant_id, member.id, conversation_id)
        else:
            look_say(tenant_id, member.id, conversation_id, typing=body.typing)
            mentions_seen(conversation_id, member)
        return Response({"items": self._looks(conversation_id)})

    def _looks(self, conversation_id: uuid.UUID) -> list[dict[str, Any]]:
        names = {row.user_id: row.user.get_username() for row in members()}
        looks = looks_at(self.principal.tenant_id, names, [conversation_id])[conversation_id]
        return [{"id": look.user_id, "name": names[look.user_id], "typing": look.typing} for look in looks]


def _note(row: Note) -> dict[str, Any]:
    author = {"id": row.author.id, "name": row.author.get_username()} if row.author else None
    named = [{"id": user.id, "name": user.get_username()} for user in row.mentioned]
    return {"id": row.id, "text": row.text, "author": author, "created_at": row.created_at, "mentioned": named}
