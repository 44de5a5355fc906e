"""Saving channels and handing out what their adapters need. Must not know messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F
from pydantic import ValidationError

from channels_app.http.client import HttpClient, authority
from channels_app.models import Channel, ChannelHealth
from channels_app.registry import KINDS, adapter_for
from channels_app.selectors import channels_forget
from tenants.errors import Invalid


def channel_save(channel: Channel, *, config: Mapping[str, Any] | None = None) -> Channel:
    """Validate and store a channel; ``config`` may mix open and secret fields, empty secrets are kept
    as they are. Raises Invalid with a detail per wrong field."""
    if channel.kind not in KINDS:
        raise Invalid(f"There is no kind of channel {channel.kind!r}.", code="unknown_channel_kind")
    adapter = adapter_for(channel.kind)
    for name, value in (config or {}).items():
        if name not in adapter.secret_keys:
            channel.config = {**channel.config, name: value}
        elif value:
            channel.secrets = {**channel.secrets, name: value}
    try:
        channel.adapter_config()
    except ValidationError as error:
        details = [
            {"field": ".".join(map(str, e["loc"])), "message": e["msg"], "code": e["type"]} for e in error.errors()
        ]
        raise Invalid(
            "The channel's configuration is not complete.", code="invalid_channel", details=details
        ) from error
    channel.save()
    channels_forget()
    return channel


def http_for(channel: Channel) -> HttpClient:
    """The HTTP client for one channel's calls: knows its secrets to hide them, and may reach the
    channel's own API base even inside the private network."""
    hosts = set(settings.ENV["OUTBOUND_ALLOW_HOSTS"])
    base = channel.config.get("api_base") or ""
    if urlsplit(base).scheme in ("http", "https"):
        hosts.add(authority(base))
    return HttpClient(
        secrets=frozenset(str(value) for value in channel.secrets.values() if value), allow_hosts=frozenset(hosts)
    )


def bad_signature_count(channel: Channel) -> None:
    """One more request that could not prove its origin."""
    if not ChannelHealth.objects.filter(channel=channel).update(bad_signatures=F("bad_signatures") + 1):
        ChannelHealth.objects.get_or_create(channel=channel, defaults={"bad_signatures": 1})


def webhook_url(channel: Channel) -> str:
    """The address to give the platform."""
    return f"{settings.PUBLIC_URL}/api/v2/webhooks/{channel.kind}/{channel.key}"
