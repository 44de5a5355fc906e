"""Finding channels, with a memory: every message asks for its channel."""

from __future__ import annotations

import uuid
from functools import partial

from django.conf import settings

from channels_app.models import Channel
from tenants.removal import being_removed
from tenants.storage.memo import Memo

_channels: Memo[Channel] = Memo("channels", ttl=settings.ENV["CONFIG_CACHE_TTL"])


def channel_for_key(key: str, kind: str = "") -> Channel | None:
    """The enabled channel with this public key. It names its tenant, so no scope is needed. None for one whose tenant
    is being removed."""
    channel = _channels.get(key, partial(_load, key=key))
    if channel is None or not channel.enabled or kind not in ("", channel.kind):
        return None
    return None if being_removed(channel.tenant_id) else channel


def channel_for_id(channel_id: uuid.UUID) -> Channel | None:
    """The channel of a row that is already known to belong to the tenant."""
    return _channels.get(channel_id, partial(_load, id=channel_id))


def channel_for_kind(tenant_id: uuid.UUID, kind: str) -> Channel | None:
    """The tenant's oldest enabled channel of a kind: where a REST message goes that names only the kind."""
    return _channels.get((tenant_id, kind), partial(_load, tenant_id=tenant_id, kind=kind, enabled=True))


def channel_chosen(tenant_id: uuid.UUID, kind: str, channel_id: uuid.UUID | None = None) -> Channel | None:
    """The tenant's enabled channel of ``kind`` with this id; without an id the oldest of that kind."""
    if channel_id is None:
        return channel_for_kind(tenant_id, kind)
    channel = channel_for_id(channel_id)
    named = channel is not None and channel.enabled and (channel.tenant_id, channel.kind) == (tenant_id, kind)
    return channel if named else None


def channel_forget(channel: Channel, *former_keys: str) -> None:
    """Call after any change to a channel; ``former_keys``: public keys it had before."""
    _channels.forget(channel.id, channel.key, *former_keys, (channel.tenant_id, channel.kind))


def _load(**where: object) -> Channel | None:
    # unscoped: the key in the address is what tells the tenant, callers open the scope from the row
    return Channel.objects.unscoped().select_related("tenant").filter(**where).order_by("created_at").first()
