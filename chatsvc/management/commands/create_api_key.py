"""Make an API key of a tenant, or replace one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from channels_app.words.moments import written
from chatsvc.management.making import MakingCommand, tenant_of
from tenants.access.api_keys import api_key_create, api_key_rotate, overlap_s
from tenants.access.permissions import ROLES
from tenants.errors import Conflict, NotFound
from tenants.models import ApiKey
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.trail.audit import audit


class Command(MakingCommand):
    help = "Make an API key of a tenant; its text is shown once. --rotate replaces the one of this name."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument(
            "--scope", action="append", dest="scopes", metavar="PERMISSION",
            help="what it may do, may be repeated; * is everything (default: what an integrator needs)",
        )  # fmt: skip
        parser.add_argument(
            "--rotate", action="store_true", help="replace the key of this name, which goes on for a while"
        )
        parser.add_argument(
            "--overlap-hours", type=float, default=24, metavar="N", help="how long it goes on (default: 24)"
        )

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant, name = tenant_of(options["tenant"]), options["name"]
        with tenant_scope(tenant.id):
            there = ApiKey.objects.filter(name=name, revoked_at=None).order_by("-id").first()
            if there and there.expires_at and there.expires_at <= now():
                there = None
            if options["rotate"]:
                if there is None:
                    raise NotFound(f"{tenant} has no valid key {name!r}.", code="key_not_found")
                key, plaintext = api_key_rotate(there, grace_s=overlap_s(options["overlap_hours"]))
            elif there:
                raise Conflict(f"{tenant} has a key {name!r}: --rotate replaces it.", code="key_exists")
            else:
                key, plaintext = api_key_create(
                    tenant=tenant, name=name, scopes=options["scopes"] or ROLES["integrator"]
                )
            audit("system", "apikey.rotated" if options["rotate"] else "apikey.created", key, {"prefix": key.prefix})
        ends = there.expires_at if options["rotate"] and there else None
        return {
            "api_key": plaintext,
            "prefix": key.prefix,
            "name": key.name,
            "tenant": tenant.slug,
            "scopes": key.scopes,
            "former_ends_at": written(ends) if ends else None,
        }

    def told(self, made: dict[str, Any]) -> str:
        former = f"\nThe former key ends at {made['former_ends_at']}." if made["former_ends_at"] else ""
        use = f"Next: send it as `Authorization: Bearer …`; what it opens: {settings.PUBLIC_URL}/api/docs."
        return f"{made['name']} of {made['tenant']}. The key, shown this once: {made['api_key']}{former}\n{use}"
