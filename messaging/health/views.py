"""``/api/v2/channels/{id}/health``: how a channel fares, and the question to its platform."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.http.waiting import asking
from messaging.health.report import ChannelReport, channel_named, channel_report
from messaging.health.watch import channel_check
from tenants.api.views import TenantAPIView, answered

CHANNEL = "0192f0d0-7b1a-7c3e-9a55-00000000000c"
REFUSED = "The platform refused the channel's credentials: correct them, held messages then go out. (190)"
REPORT = {
    "id": CHANNEL,
    "kind": "whatsapp",
    "name": "WhatsApp",
    "webhook_url": "https://chat.example.com/api/v2/webhooks/whatsapp/Zx81q",
    "state": "credential_refused",
    "reason": REFUSED,
    "since": "2026-03-02T09:12:00.000Z",
    "checked_at": "2026-03-02T09:15:00.000Z",
    "last_inbound_at": "2026-03-02T09:11:00.000Z",
    "held_until": "2026-03-02T09:25:00.000Z",
    "waiting": 3,
    "dead_letters": 0,
    "problems": [{"what": REFUSED, "remedy": "Enter valid credentials on the channel's page."}],
    "incidents": [
        {
            "id": "0192f0d0-7b1a-7c3e-9a55-00000000001c",
            "state": "credential_refused",
            "reason": REFUSED,
            "began_at": "2026-03-02T09:12:00.000Z",
            "closed_at": None,
        }
    ],
}
EXAMPLE = [answered(REPORT)]


class ChannelHealthView(TenantAPIView):
    permissions = {"GET": "channels:read", "POST": "channels:write"}

    @extend_schema(
        operation_id="channel_health_get",
        summary="How a channel fares",
        description="`unchecked`, `healthy`, `degraded`, `credential_refused`, `silent` or `disabled`, what waits on it, and what "
        "to do about each problem.",
        tags=["channels"],
        responses=ChannelReport,
        examples=EXAMPLE,
    )
    def get(self, request: Request, channel_id: uuid.UUID) -> Response:
        return Response(channel_report(channel_named(channel_id)))

    @extend_schema(
        operation_id="channel_health_check",
        summary="Ask the platform now",
        description="When it is content with the credentials, held messages go out at once. The platform has three "
        "seconds to answer; one question per tenant at a time, else 429 `busy`.",
        tags=["channels"],
        request=None,
        responses=ChannelReport,
        examples=EXAMPLE,
    )
    def post(self, request: Request, channel_id: uuid.UUID) -> Response:
        channel = channel_named(channel_id)
        with asking():
            asked = channel_check(channel)
        self.audit("channel.checked", channel)
        return Response(channel_report(channel, asked))
