"""Connect a channel of a tenant."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from channels_app.adapters.web import script_tag
from channels_app.models import Channel
from channels_app.registry import KINDS, adapter_for
from channels_app.services import channel_save, webhook_url
from chatsvc.management.making import MakingCommand, tenant_of
from messaging.health.watch import channel_saved
from tenants.errors import Conflict, Invalid
from tenants.scope import tenant_scope
from tenants.trail.audit import audit


class Command(MakingCommand):
    help = "Connect a channel of a tenant. One of this kind and name with the same settings is left as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--kind", required=True, choices=sorted(KINDS))
        parser.add_argument("--name", default="", help="what staff call it (default: the kind)")
        parser.add_argument(
            "--config", default="{}", metavar="JSON",
            help="its settings and secrets as docs/channels/<kind>.md names them; - reads them from stdin, where no other "
            "user of the machine sees them",
        )  # fmt: skip

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant, kind = tenant_of(options["tenant"]), options["kind"]
        name, config = options["name"] or adapter_for(kind).label, _read(options["config"])
        with tenant_scope(tenant.id):
            channel = Channel.objects.filter(kind=kind, name=name, disconnected_at=None).order_by("id").first()
            created = channel is None
            if channel is None:
                channel = channel_save(Channel(tenant=tenant, kind=kind, name=name), config=config)
                channel_saved(channel)
                audit("system", "channel.created", channel, {"kind": kind})
            elif any({**channel.config, **channel.secrets}.get(key) != value for key, value in config.items()):
                message = f"{tenant} has a channel {name!r} of this kind with other settings: change it in the console."
                raise Conflict(message, code="channel_exists")
        return {
            "channel_id": str(channel.id),
            "key": channel.key,
            "kind": kind,
            "name": channel.name,
            "tenant": tenant.slug,
            "webhook_url": webhook_url(channel) or None,
            "script_tag": script_tag(settings.PUBLIC_URL, channel.key) if kind == "web" else None,
            "created": created,
        }

    def told(self, made: dict[str, Any]) -> str:
        lines = [
            f"{made['name']} of {made['tenant']} {'is made' if made['created'] else 'is there'}: key {made['key']}"
        ]
        if made["webhook_url"]:
            lines.append(f"Enter this webhook address at the platform: {made['webhook_url']}")
        if made["script_tag"]:
            lines.append(f"Put this into your pages: {made['script_tag']}")
        return "\n".join(lines)


def _read(given: str) -> Mapping[str, Any]:
    """Raises Invalid ``invalid_json``."""
    try:
        read = json.loads(sys.stdin.read() if given == "-" else given)
    except ValueError as error:
        raise Invalid(f"--config is no JSON: {error}.", code="invalid_json") from error
    if not isinstance(read, dict):
        raise Invalid("--config has to be a JSON object.", code="invalid_json")
    return read
