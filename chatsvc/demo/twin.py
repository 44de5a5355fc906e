"""The platforms of the demo's channels, played within `manage.py serve`, so that every channel works on a first look.

Must not run beside real tenants' channels: they never point at it.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings

from channels_app.http.client import authority
from channels_app.models import Channel
from channels_app.services import webhook_url
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from chatsvc import demo
from tenants.models import Tenant
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

HOST = "127.0.0.1"  # it has no authentication
Settings = dict[str, dict[str, Any]]  # platform → what is configured


def twin_start() -> Twin | None:
    """The twin on TWIN_URL's port, serving; None where it is not wanted, not needed, or another process has the port."""
    wanted = settings.ENV["DEMO_TWIN"]
    if wanted == "off" or (wanted == "auto" and settings.ENVIRONMENT != "development"):
        return None
    tenant, port = demo.demo_tenant(), int(demo.TWIN_URL.rpartition(":")[2])
    played = connected(tenant, port) if tenant else {}
    if not played:
        return None
    try:
        twin = Twin(HOST, port)
    except OSError as error:
        log.warning("twin_not_started", port=port, error=str(error))
        return None
    for platform, own in played.items():
        twin.configure(platform, **own)
    return twin.start()


def connected(tenant: Tenant, port: int) -> Settings:
    """The platforms as the tenant's channels expect them: the oldest enabled one of each kind that points at
    this port."""
    found: Settings = {}
    with tenant_scope(tenant.id):
        for channel in Channel.objects.filter(enabled=True, kind__in=list(PLATFORMS)).order_by("-created_at"):
            if authority(channel.config.get("api_base", "")).endswith(f":{port}"):
                own = PLATFORMS[channel.kind].settings_for({**channel.config, **channel.secrets})
                found[channel.kind] = {**own, "webhook_url": webhook_url(channel)}
    return dict(sorted(found.items()))
