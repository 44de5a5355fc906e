"""``POST /api/v2/chat/messages/import``: transcripts of another system, with a report of each message (API-6)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Annotated, Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.content.given import SaidContent
from channels_app.content.ids import PersonId
from channels_app.words.moments import Moment
from messaging.api.chat import Kind, channel_required
from messaging.talks.imports import Outcome, Said, id_taken, transcript_import
from tenants.api.parse import problems
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.errors import Invalid, ServiceError, Unprocessable
from tenants.storage.db import now
from tenants.strict import strict_of

MOST = 500
Name = Annotated[str, Field(min_length=1, max_length=200)]


class ImportItem(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Name = Field(description="Yours, within its conversation; the same again is stored once")
    conversation: Name = Field(description="What you call the conversation")
    channel: Kind
    channel_id: uuid.UUID | None = None
    user_id: PersonId
    name: str = Field("", max_length=200, description="Of the person, where they are new")
    role: Literal["visitor", "bot", "agent"]
    content: SaidContent
    sent_at: Moment


class Described:
    """An object that is described as an ImportItem and read later: each for itself."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        return handler(ImportItem.__pydantic_core_schema__)


class ImportBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[Annotated[dict[str, Any], Described]] = Field(
        min_length=1, max_length=MOST, description="One that is wrong harms no other"
    )


class ImportReport(BaseModel):
    """What became of the item at ``index``."""

    index: int
    id: str | None
    status: Literal["stored", "repeated", "refused"]
    message_id: uuid.UUID | None
    conversation_id: uuid.UUID | None
    error: dict[str, Any] | None = Field(description="`code`, `message` and `details` of one that was refused")


class ImportDone(BaseModel):
    stored: int
    repeated: int
    refused: int
    items: list[ImportReport]


ITEM = {
    "id": "m-1", "conversation": "ticket-77", "channel": "web", "user_id": "user123", "role": "visitor",
    "content": {"type": "text", "text": "Where is my order?"}, "sent_at": "2025-11-03T10:00:00.000Z",
}  # fmt: skip
REPORT = {
    "index": 0, "id": "m-1", "status": "stored", "message_id": "0192f0d0-7b1a-5c3e-9a55-00000000000e",
    "conversation_id": "0192f0d0-7b1a-5c3e-9a55-000000000001", "error": None,
}  # fmt: skip

Place = tuple[uuid.UUID, str, str]


class ImportView(TenantAPIView):
    permissions = {"POST": "messages:write"}

    @extend_schema(
        operation_id="message_import",
        summary="Bring in transcripts of another system",
        description="As conversations that have ended; no event, delivery or answer comes of them. Up to 500 at once, those of a "
        "conversation in the order of their times. Each is reported for itself: `stored`, `repeated`, or `refused` with its "
        "error. What is sent again is stored once.",
        tags=["chat"],
        request=ImportBody,
        responses=ImportDone,
        examples=[asked({"items": [ITEM]}), answered({"stored": 1, "repeated": 0, "refused": 0, "items": [REPORT]})],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, ImportBody)
        reports: dict[int, dict[str, Any]] = {}
        groups: dict[Place, list[tuple[int, ImportItem]]] = defaultdict(list)
        channels: dict[uuid.UUID, Any] = {}
        for index, given in enumerate(body.items):
            try:
                item, channel = self._item(given)
            except ServiceError as error:
                reports[index] = _refused(index, given.get("id"), error)
                continue
            channels[channel.id] = channel
            groups[channel.id, item.user_id, item.conversation].append((index, item))
        for (channel_id, user_id, reference), several in groups.items():
            reports |= _imported(channels[channel_id], user_id, reference, several)
        done = [reports[index] for index in sorted(reports)]
        counts = {status: sum(one["status"] == status for one in done) for status in ("stored", "repeated", "refused")}
        self.audit("message.imported", "message:several", counts)
        return Response({**counts, "items": done})

    def _item(self, given: dict[str, Any]) -> tuple[ImportItem, Any]:
        """Raises Invalid, Unprocessable ``channel_not_configured`` and ``sent_in_future``."""
        try:
            item = strict_of(ImportItem).validate_json(to_json(given))
        except ValidationError as error:
            raise Invalid(details=problems(error, given)) from None
        if item.sent_at > now():
            raise Unprocessable("It was not said yet.", code="sent_in_future")
        return item, channel_required(self.principal.tenant_id, item.channel, item.channel_id)


def _imported(
    channel: Any, user_id: str, reference: str, several: list[tuple[int, ImportItem]]
) -> dict[int, dict[str, Any]]:
    first = {item.id: item for _, item in reversed(several)}
    said = [Said(item.id, item.role, item.content, item.sent_at) for item in first.values()]
    name = next((item.name for _, item in several if item.name), "")
    key, outcomes = transcript_import(channel, user_id, name, reference, said)
    by_id = {outcome.id: outcome for outcome in outcomes}
    return {index: _report(index, key, by_id[item.id], item, first[item.id]) for index, item in several}


def _report(index: int, key: uuid.UUID, outcome: Outcome, item: ImportItem, first: ImportItem) -> dict[str, Any]:
    """``first``: the first one of its id in this request, whose outcome this is."""
    again = item is not first
    if outcome.error:
        return _refused(index, outcome.id, outcome.error)
    if again and (item.role, item.content) != (first.role, first.content):
        return _refused(index, outcome.id, id_taken())
    status = "repeated" if outcome.repeated or again else "stored"
    return {
        "index": index, "id": outcome.id, "status": status, "message_id": outcome.message_id, "conversation_id": key,
        "error": None,
    }  # fmt: skip


def _refused(index: int, id: Any, error: ServiceError) -> dict[str, Any]:
    told = {"code": error.code, "message": error.message, "details": error.details}
    name = id if isinstance(id, str) else None
    return {"index": index, "id": name, "status": "refused", "message_id": None, "conversation_id": None, "error": told}
