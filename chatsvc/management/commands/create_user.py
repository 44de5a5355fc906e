"""Make an account for the console, and make it a member of a tenant."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from chatsvc.management.making import MakingCommand, tenant_of
from tenants.access.members import account_create, member_add
from tenants.errors import Conflict, Invalid
from tenants.models import User
from tenants.scope import tenant_scope
from tenants.storage.db import atomic
from tenants.trail.audit import audit


class Command(MakingCommand):
    help = (
        "Make an account that signs in to the console, with a password that is shown once, and a member of a tenant of "
        "it. An account that is there keeps its password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument("--tenant", default="", metavar="SLUG", help="the tenant whose member they are")
        parser.add_argument("--role", default="agent", help="their role there (default: agent)")
        parser.add_argument("--superuser", action="store_true", help="sees and may do everything, in every tenant")

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        if not options["tenant"] and not options["superuser"]:
            raise Invalid("Say --tenant, or --superuser: an account without either sees nothing.", code="no_tenant")
        tenant = tenant_of(options["tenant"]) if options["tenant"] else None
        with atomic():
            user, password = self._account(options)
            member, added = member_add(tenant, user, options["role"]) if tenant else (None, False)
            if tenant and member and added:
                with tenant_scope(tenant.id):
                    audit("system", "membership.created", member, {"role": member.role.name})
        return {
            "user_id": str(user.id),
            "username": user.username,
            "password": password,
            "tenant": tenant.slug if tenant else None,
            "role": member.role.name if member else None,
            "created": password is not None,
            "member_added": added,
        }

    def _account(self, options: dict[str, Any]) -> tuple[User, str | None]:
        there = User.objects.filter(username=options["username"]).first()
        if there is None:
            return account_create(username=options["username"], email=options["email"], superuser=options["superuser"])
        if options["superuser"] and not there.is_superuser:
            raise Conflict(f"{there} is there, and is no superuser: make it one in the console.", code="user_exists")
        return there, None

    def told(self, made: dict[str, Any]) -> str:
        place = f", {made['role']} of {made['tenant']}" if made["tenant"] else ""
        if made["created"]:
            signs_in = f"Next: sign in at {settings.PUBLIC_URL}/admin/."
            return f"{made['username']}{place}. The password, shown this once: {made['password']}\n{signs_in}"
        return f"{made['username']} is there{place}; the password stays."
