"""``/api/v2/channels``, written to: connected, changed, disconnected (API-2, CH-9).

They stand here because what follows does (messaging/health/watch.py); what is read: channels_app/api/channel_views.py. Must not
show a secret.
"""

from __future__ import annotations

import ipaddress
import uuid
from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.api import channel_views as read
from channels_app.models import Channel
from channels_app.services import channel_change, channel_save
from messaging.api.chat import Kind
from messaging.health.watch import channel_saved
from messaging.housekeeping.disconnect import channel_disconnect
from tenants.api.parse import Changes
from tenants.api.views import answered, asked, parse_body
from tenants.names import Seen
from tenants.storage.batches import for_seconds

AT_ONCE_S = 2.0  # of the request, for what waits on a channel that is disconnected; housekeeping does the rest
CONFIG = {"account_sid": "AC0123456789abcdef0123456789abcdef", "from_number": "+15550100002", "auth_token": "…"}


def _network(given: str) -> str:
    try:
        ipaddress.ip_network(given, strict=False)
    except ValueError:
        raise PydanticCustomError("network_invalid", "This is no network") from None
    return given


Networks = Annotated[
    list[Annotated[str, Field(max_length=50), AfterValidator(_network)]],
    Field(max_length=100, description="Networks that may call the webhook; empty: all"),
]
Name = Annotated[str, Field(min_length=1, max_length=100), Seen]
Rate = Annotated[float, Field(gt=0, le=10_000, description="Sends a second; null: the platform's own limit")]
Config = Annotated[
    dict[str, Any],
    Field(
        max_length=100,
        description="Settings of the kind, those that are secret among them (`GET /channels/kinds`): they are never shown again. "
        "What is not named stays",
    ),
]


class ChannelBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Kind
    name: Name
    enabled: bool = True
    config: Config = {}
    rate_per_second: Rate | None = None
    ip_allow_list: Networks = []


class ChannelChange(Changes):
    name: Name = ""
    enabled: bool = True
    config: Config = {}
    rate_per_second: Rate | None = None
    ip_allow_list: Networks = []


class ChannelsView(read.ChannelsView):
    permissions = {**read.ChannelsView.permissions, "POST": "channels:write"}

    @extend_schema(
        operation_id="channel_create",
        summary="Connect a channel",
        description="The answer names the webhook's address, to be entered at the platform. 400 `invalid_channel` says what of "
        "`config` does not hold. The platform is asked in the background whether it takes the credentials: `/health` tells.",
        tags=["channels"],
        request=ChannelBody,
        responses={201: read.ChannelDetail},
        examples=[asked({"kind": "sms", "name": "Support number", "config": CONFIG}), answered(read.EXAMPLE, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, ChannelBody)
        facts = body.model_dump(exclude={"config"})
        channel = channel_save(Channel(tenant_id=self.principal.tenant_id, **facts), config=body.config)
        channel_saved(channel)
        self.audit("channel.created", channel, {"kind": channel.kind, "fields": sorted(body.config)})
        return Response(read.channel_shape(channel), 201)


class ChannelView(read.ChannelView):
    permissions = {**read.ChannelView.permissions, "PATCH": "channels:write", "DELETE": "channels:write"}

    @extend_schema(
        operation_id="channel_change",
        summary="Change a channel",
        description="What is held is tried with the new settings at once. 400 `secrets_required`: where its API's address changes, "
        "its secrets are given anew, so that none goes to another server.",
        tags=["channels"],
        request=ChannelChange,
        responses=read.ChannelDetail,
        examples=[asked({"enabled": False}), answered({**read.EXAMPLE, "enabled": False, "state": "disabled"})],
    )
    def patch(self, request: Request, channel_id: uuid.UUID) -> Response:
        changes = parse_body(request, ChannelChange).given()
        channel = read.channel_get(channel_id)
        config = changes.pop("config", {})
        channel = channel_change(channel, changes, config)
        channel_saved(channel)
        self.audit("channel.updated", channel, {"fields": sorted([*changes, *config])})
        return Response(read.channel_shape(read.channel_get(channel_id)))

    @extend_schema(
        operation_id="channel_delete",
        summary="Disconnect a channel for good",
        description="Its address and its secrets end, what waits to be sent fails, open conversations end; what was said stays. "
        "To stop it for a while: `PATCH` with `enabled` false.",
        tags=["channels"],
        responses={200: read.ChannelDetail},
        examples=[answered({**read.EXAMPLE, "enabled": False, "state": "disconnected"})],
    )
    def delete(self, request: Request, channel_id: uuid.UUID) -> Response:
        channel = read.channel_get(channel_id)
        if channel.disconnected_at is None:
            channel_disconnect(channel, for_seconds(AT_ONCE_S))
            self.audit("channel.disconnected", channel)
        return Response(read.channel_shape(read.channel_get(channel_id)))
