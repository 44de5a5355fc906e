"""Make a tenant with the default roles."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from chatsvc.management.making import MakingCommand
from tenants.access.members import roles_give, tenant_create
from tenants.errors import Conflict
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.trail.audit import audit


class Command(MakingCommand):
    help = "Make a tenant with the default roles. Where there is one of this slug, the roles it lacks are added."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="its short name for addresses and commands: letters, digits, - and _")
        parser.add_argument("--name", default="", help="what people call it (default: the slug)")

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        slug, name = options["slug"], options["name"]
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant and name and tenant.name != name:
            raise Conflict(f"There is a tenant {slug!r}, called {tenant.name!r}.", code="tenant_exists")
        created = tenant is None
        if tenant is None:
            tenant = tenant_create(slug=slug, name=name or slug)
            with tenant_scope(tenant.id):
                audit("system", "tenant.created", tenant)
        else:
            roles_give(tenant)
        return {"tenant_id": str(tenant.id), "slug": tenant.slug, "name": tenant.name, "created": created}

    def told(self, made: dict[str, Any]) -> str:
        if not made["created"]:
            return f"{made['name']} ({made['slug']}) is there: {made['tenant_id']}."
        return (
            f"{made['name']} ({made['slug']}) is made: {made['tenant_id']}.\n"
            f"Next: `manage.py create_user NAME --tenant {made['slug']} --role admin`, `create_channel`, `create_api_key`."
        )
