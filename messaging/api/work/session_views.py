"""``/api/v2/sessions``: visits, and the devices they were made with (CONV-5)."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.words.moments import Moment
from conversations.contacts.changes import contact_get
from conversations.models import Session
from conversations.selectors import channel_brief
from conversations.shapes import ChannelBrief
from messaging.housekeeping.visits import visit_end, visit_extend, visit_get
from tenants.api.pages import ListQuery, NoQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query

TAGS = ["sessions"]
SESSIONS = Walk(
    "sessions", by="created_at", latest=True, sorts={"created_at": "created_at"}, searched=("key",), dated="created_at"
)
SESSION = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000b5", "session_id": "tab-1", "contact_id": "0192f0d0-7b1a-7c3e-9a55-00000000000d",
    "channel": {"id": "0192f0d0-7b1a-7c3e-9a55-00000000000c", "kind": "web", "name": "Website"}, "device": {"kind": "web"},
    "open": True, "created_at": "2026-01-31T11:00:00.000Z", "last_seen_at": "2026-01-31T12:00:00.000Z",
    "expires_at": "2026-01-31T13:00:00.000Z", "ended_at": None,
}  # fmt: skip
PAGE = ("page", "page_at", "page_left")  # of the web chat (messaging/webchat/pages.py): no part of the device
DEVICES = 200  # sessions that are looked at for them


class SessionShape(BaseModel):
    id: uuid.UUID
    session_id: str = Field(description="The client's own name for it")
    contact_id: uuid.UUID
    channel: ChannelBrief
    device: dict[str, Any]
    open: bool
    created_at: Moment
    last_seen_at: Moment
    expires_at: Moment = Field(description="Each sign of life puts it off")
    ended_at: Moment | None


class SessionDetail(SessionShape):
    """One session."""


class SessionPage(Page):
    items: list[SessionShape]


class SessionQuery(ListQuery):
    contact_id: uuid.UUID | None = None
    channel_id: uuid.UUID | None = None
    open: bool | None = Field(None, description="Those that go on, or those that have ended")


class Extension(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: int = Field(3600, ge=60, le=30 * 86_400, description="From now on; it is never shortened")


class DeviceShape(BaseModel):
    device: dict[str, Any]
    channel: ChannelBrief
    sessions: int
    first_seen_at: Moment
    last_seen_at: Moment


class DeviceList(BaseModel):
    items: list[DeviceShape] = Field(max_length=DEVICES)


def session_shape(row: Session) -> dict[str, Any]:
    names = ("id", "contact_id", "device", "created_at", "last_seen_at", "expires_at", "ended_at")
    return {
        **{name: getattr(row, name) for name in names},
        "session_id": row.key,
        "channel": channel_brief(row.channel),
        "open": row.ended_at is None,
    }


class SessionsView(TenantAPIView):
    reads = "session"
    permissions = {"GET": "sessions:read"}

    @extend_schema(
        operation_id="session_list",
        summary="List sessions",
        description="The newest first; `start_date` and `end_date` are of their beginning, `search_query` of their name.",
        tags=TAGS,
        parameters=[SessionQuery],  # type: ignore[list-item]
        responses=SessionPage,
        examples=[answered(listed(SESSION))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, SessionQuery)
        given = {name: value for name in ("contact_id", "channel_id") if (value := getattr(query, name))}
        rows = Session.objects.filter(**given).select_related("channel")
        rows = rows if query.open is None else rows.filter(ended_at__isnull=query.open)
        return Response(SESSIONS.answer(rows, query, shape=lambda page: map(session_shape, page)))


class SessionView(TenantAPIView):
    reads = "session"
    permissions = {"GET": "sessions:read"}

    @extend_schema(
        operation_id="session_get",
        description="When it began, when it ends and with which device.",
        summary="One session",
        tags=TAGS,
        responses=SessionDetail,
        examples=[answered(SESSION)],
    )
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        return Response(session_shape(visit_get(session_id)))


class SessionExtendView(TenantAPIView):
    permissions = {"POST": "sessions:write"}

    @extend_schema(
        operation_id="session_extend",
        summary="Let a session go on",
        description="409 `session_ended`: the next sign of life begins a new one.",
        tags=TAGS,
        request=Extension,
        responses=SessionDetail,
        examples=[asked({"seconds": 3600}), answered(SESSION)],
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        session = visit_extend(session_id, parse_body(request, Extension).seconds)
        self.audit("session.extended", session)
        return Response(session_shape(session))


class SessionEndView(TenantAPIView):
    permissions = {"POST": "sessions:write"}

    @extend_schema(
        operation_id="session_end",
        summary="End a session",
        description="With its event. One that has ended stays as it ended.",
        tags=TAGS,
        request=None,
        responses=SessionDetail,
        examples=[answered({**SESSION, "open": False, "ended_at": "2026-01-31T12:00:00.000Z"})],
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        session, ended = visit_end(session_id, "requested")
        if ended:
            self.audit("session.ended", session)
        return Response(session_shape(session))


class ContactDevicesView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "sessions:read"}

    @extend_schema(
        operation_id="contact_device_list",
        summary="What a person's sessions were made with",
        description="Of the last 200 sessions, the device that was seen last first.",
        tags=["contacts"],
        responses=DeviceList,
        examples=[
            answered(
                {
                    "items": [
                        {"device": {"kind": "web"}, "channel": SESSION["channel"], "sessions": 3,
                         "first_seen_at": "2026-01-02T09:00:00.000Z", "last_seen_at": "2026-01-31T12:00:00.000Z"}
                    ]
                }
            )
        ],
    )  # fmt: skip
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        parse_query(request, NoQuery)
        rows = Session.objects.filter(contact_id=contact_get(contact_id).id).select_related("channel")
        found: dict[tuple[str, uuid.UUID], dict[str, Any]] = {}
        for row in rows.order_by("-last_seen_at", "-id")[:DEVICES]:
            device = {name: value for name, value in row.device.items() if name not in PAGE}
            place = (repr(sorted(device.items())), row.channel_id)
            known = found.setdefault(
                place,
                {"device": device, "channel": channel_brief(row.channel), "sessions": 0,
                 "first_seen_at": row.created_at, "last_seen_at": row.last_seen_at},
            )  # fmt: skip
            known["sessions"] += 1
            known["first_seen_at"] = min(known["first_seen_at"], row.created_at)
        return Response({"items": list(found.values())})
