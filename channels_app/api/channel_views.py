"""``/api/v2/channels``: the channels of a tenant, and the kinds that there are, with what each can do.

Owns how they are shown. Must not show a secret, nor change anything: messaging/api/channel_views.py does.
"""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.adapters.config import FEATURES, FORMAT_RULES
from channels_app.content.types import Capabilities
from channels_app.health import state_of
from channels_app.models import Channel
from channels_app.registry import KINDS, adapter_for
from channels_app.services import webhook_url
from tenants.api.pages import ListQuery, NoQuery, Page, Walk, listed
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import NotFound

OLDEST_FIRST = Walk("channels", sorts={"created_at": ""}, searched=("name",), dated="created_at")
ABOUT = "`edits` and `reactions`: people's come in; `receipts`: how far we hear of what we sent."


class ChannelQuery(ListQuery):
    kind: str = Field("", max_length=20)
    page_size: int = Field(50, ge=1, le=100)


class ConnectedChannel(BaseModel):
    """A connected account. ``capabilities`` are those of its kind, as far as its owner wants them."""

    id: uuid.UUID
    kind: str
    name: str
    key: str = Field(description="Public; part of its addresses")
    enabled: bool
    state: str = Field(description="As `/health` tells more of")
    webhook_url: str
    config: dict[str, Any] = Field(description="Its settings, without the secret ones")
    secrets: list[str] = Field(description="Names of the secret settings that it has; what they are is never shown")
    rate_per_second: float | None = Field(description="Null: the platform's own limit")
    ip_allow_list: list[str]
    features: dict[str, bool]
    format_rules: dict[str, Any]
    capabilities: Capabilities


class ChannelDetail(ConnectedChannel):
    pass


class ChannelPage(Page):
    items: list[ConnectedChannel]


class KindShape(BaseModel):
    """What can be connected. ``config_schema``: its settings; those in ``secrets`` are never shown again."""

    kind: str
    label: str
    capabilities: Capabilities
    starts_conversations: bool = Field(description="We may write to a person first")
    replay_window_s: int = Field(
        description="Seconds after which a webhook's proof counts no more; 0: by repeats alone"
    )
    secrets: list[str]
    config_schema: dict[str, Any]


class KindList(BaseModel):
    items: list[KindShape]


def shown(caps: Capabilities) -> dict[str, Any]:
    """``caps`` as JSON, the same every time."""
    told = caps.model_dump()
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in told.items()}


def channel_get(channel_id: uuid.UUID) -> Channel:
    """With its health. Raises NotFound, for another tenant's as for none at all."""
    channel: Channel | None = Channel.objects.select_related("health").filter(id=channel_id).first()
    if channel is None:
        raise NotFound("There is no such channel.", code="channel_not_found")
    return channel


def channel_shape(channel: Channel) -> dict[str, Any]:
    fields = channel.adapter.config_class.model_fields
    rules = {name: channel.config.get(name, fields[name].default) for name in fields if name in FEATURES + FORMAT_RULES}
    return {
        "id": channel.id,
        "kind": channel.kind,
        "name": channel.name,
        "key": channel.key,
        "enabled": channel.enabled,
        "state": state_of(channel, getattr(channel, "health", None)),
        "webhook_url": webhook_url(channel),
        "config": channel.config,
        "secrets": sorted(name for name, value in channel.secrets.items() if value),
        "rate_per_second": channel.rate_per_second,
        "ip_allow_list": channel.ip_allow_list,
        "features": {name: rules[name] for name in FEATURES if name in rules},
        "format_rules": {name: rules[name] for name in FORMAT_RULES if name in rules},
        "capabilities": shown(channel.capabilities),
    }


def channel_page(query: ChannelQuery) -> dict[str, Any]:
    """Oldest first: a message that names only a kind goes to the first of it that is switched on."""
    rows = Channel.objects.filter(disconnected_at=None).select_related("health")
    rows = rows.filter(kind=query.kind) if query.kind else rows
    return OLDEST_FIRST.answer(rows, query, shape=lambda page: map(channel_shape, page))


def kind_shape(kind: str) -> dict[str, Any]:
    adapter = adapter_for(kind)
    return {
        "kind": kind,
        "label": adapter.label,
        "capabilities": shown(adapter.capabilities),
        "starts_conversations": adapter.starts_conversations,
        "replay_window_s": adapter.replay_window_s,
        "secrets": sorted(adapter.secret_keys),
        "config_schema": adapter.config_class.model_json_schema(),
    }


EXAMPLE: dict[str, Any] = {
    "id": "0192f0d0-7b1a-7c3e-9a55-00000000000c",
    "kind": "sms",
    "name": "Support number",
    "key": "Zx81q",
    "enabled": True,
    "state": "healthy",
    "webhook_url": "https://chat.example.com/api/v2/webhooks/sms/Zx81q",
    "config": {"account_sid": "AC0123456789abcdef0123456789abcdef", "from_number": "+15550100002", "longest_text": 480},
    "secrets": ["auth_token"],
    "rate_per_second": None,
    "ip_allow_list": [],
    "features": {
        "bot_answers": True,
        "show_typing": True,
        "show_read": True,
        "rich_replies": True,
        "send_files": False,
    },
    "format_rules": {"plain_text": False, "longest_text": 480},
    "capabilities": shown(
        Capabilities(max_text=480, max_segments=10, receipts=frozenset({"sent", "delivered", "failed"}))
    ),
}
KIND = {
    "kind": "sms",
    "label": "SMS (Twilio)",
    "capabilities": EXAMPLE["capabilities"],
    "starts_conversations": True,
    "replay_window_s": 0,
    "secrets": ["api_key_secret", "auth_token"],
    "config_schema": {"type": "object", "properties": {"from_number": {"type": "string"}}},
}


class ChannelsView(TenantAPIView):
    permissions = {"GET": "channels:read"}

    @extend_schema(
        operation_id="channel_list",
        summary="List channels",
        description=f"Oldest first, which of several of a kind is the one that a message goes to when it names none. {ABOUT}",
        tags=["channels"],
        parameters=[ChannelQuery],  # type: ignore[list-item]
        responses=ChannelPage,
        examples=[answered(listed(EXAMPLE))],
    )
    def get(self, request: Request) -> Response:
        return Response(channel_page(parse_query(request, ChannelQuery)))


class ChannelView(TenantAPIView):
    permissions = {"GET": "channels:read"}

    @extend_schema(
        operation_id="channel_get",
        summary="One channel",
        description=ABOUT,
        tags=["channels"],
        responses=ChannelDetail,
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request, channel_id: uuid.UUID) -> Response:
        return Response(channel_shape(channel_get(channel_id)))


class KindsView(TenantAPIView):
    permissions = {"GET": "channels:read"}

    @extend_schema(
        operation_id="channel_kind_list",
        summary="What kinds of channel there are",
        description=f"With their limits and settings, as the registry has them. {ABOUT}",
        tags=["channels"],
        responses=KindList,
        examples=[answered({"items": [KIND]})],
    )
    def get(self, request: Request) -> Response:
        parse_query(request, NoQuery)
        return Response({"items": [kind_shape(kind) for kind in sorted(KINDS)]})
