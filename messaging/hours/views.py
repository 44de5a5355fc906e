"""``/api/v2/hours`` and ``/api/v2/channels/{id}/hours``: when people answer, and whether they do now.

Must not change them: they are a setting of the tenant.
"""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.hours import hours_on, hours_told
from channels_app.words.moments import Moment
from messaging.health.report import channel_named
from tenants.api.views import TenantAPIView, answered
from tenants.hours import Holiday, Span, Weekday
from tenants.storage.db import now

OPEN = [{"start": "09:00:00", "end": "17:30:00"}]
EXAMPLE = {
    "time_zone": "Europe/Berlin",
    "days": {"mon": OPEN, "tue": OPEN, "wed": OPEN, "thu": OPEN, "fri": OPEN},
    "holidays": [{"date": "2026-12-25", "name": "Christmas", "yearly": True, "open": []}],
    "open": False,
    "opens_at": "2026-03-09T08:00:00.000Z",
    "closes_at": None,
    "expected_reply_minutes": 10,
}


class Hours(BaseModel):
    """When people answer. Without ``days`` always, but for the holidays."""

    time_zone: str
    days: dict[Weekday, tuple[Span, ...]] = Field(description="Local times; an `end` of 00:00 is the end of the day")
    holidays: tuple[Holiday, ...] = Field(description="Days with times of their own; closed without any")
    open: bool
    opens_at: Moment | None = Field(description="The next opening, while it is closed; null: none is known")
    closes_at: Moment | None = Field(description="Until when it is open; null: always, or it is closed")
    expected_reply_minutes: int | None = Field(description="How soon people usually answer, as the tenant tells")


class HoursView(TenantAPIView):
    permissions = {"GET": "channels:read"}

    @extend_schema(
        operation_id="hours_get",
        summary="When people answer",
        description="The tenant's hours, and whether people answer now.",
        tags=["channels"],
        responses=Hours,
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        return Response(_shown(self.principal.tenant_id, None))


class ChannelHoursView(TenantAPIView):
    permissions = {"GET": "channels:read"}

    @extend_schema(
        operation_id="channel_hours_get",
        summary="When people answer on a channel",
        description="Its own hours where it has some, else the tenant's.",
        tags=["channels"],
        responses=Hours,
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request, channel_id: uuid.UUID) -> Response:
        return Response(_shown(self.principal.tenant_id, channel_named(channel_id).id))


def _shown(tenant_id: uuid.UUID, channel_id: uuid.UUID | None) -> dict[str, Any]:
    return {**hours_on(tenant_id, channel_id).model_dump(mode="json"), **hours_told(tenant_id, channel_id, now())}
