"""Make an access token of a member of staff or an operator: what scripts on the host reach the REST API with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from channels_app.words.moments import written
from chatsvc.management.making import MakingCommand, tenant_of
from tenants.access.auth import issue_access_token
from tenants.access.grants.clients import held_by
from tenants.access.grants.families import LONGEST_ACCESS_S
from tenants.access.permissions import PERMISSIONS
from tenants.access.tokens import token_read
from tenants.errors import Forbidden, Invalid, NotFound
from tenants.models import User
from tenants.scope import tenant_scope
from tenants.trail.audit import audit


class Command(MakingCommand):
    help = (
        "Make an access token that acts for an account in a tenant, with what the account may do there; an operator's (a "
        "superuser's) opens /api/v2/system too. It is shown once, and ends when it expires or the account may no longer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--scope", action="append", dest="scopes", metavar="PERMISSION",
            help="what it may do, may be repeated (default: all that the account may)",
        )  # fmt: skip
        parser.add_argument("--ttl", type=int, default=900, metavar="SECONDS", help="how long it lives (default: 900)")

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant, ttl = tenant_of(options["tenant"]), options["ttl"]
        if not 1 <= ttl <= LONGEST_ACCESS_S:
            raise _wrong("ttl", f"Between 1 and {LONGEST_ACCESS_S} seconds.")
        if unknown := sorted(set(options["scopes"] or ()) - PERMISSIONS.keys()):
            raise _wrong("scope", f"There is no permission {', '.join(unknown)[:200]}.")
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise NotFound("There is no such account.", code="unknown_user")
        held = held_by(tenant.id, user.pk)
        if held is None:
            raise Forbidden(
                f"{user} has no access to {tenant}, or first has to set up the second step.", code="no_access"
            )
        granted = frozenset(options["scopes"] or held)
        if missing := sorted(granted - held):
            raise Forbidden(f"{user} may not do that in {tenant}: {', '.join(missing)}.", code="more_than_held")
        token = issue_access_token(
            tenant, f"user:{user.get_username()}", permissions=granted, ttl=ttl, user_id=str(user.pk)
        )
        with tenant_scope(tenant.id):
            audit("system", "token.issued", f"user:{user.pk}", {"ttl": ttl})
        return {
            "access_token": token,
            "username": user.get_username(),
            "tenant": tenant.slug,
            "permissions": sorted(granted),
            "expires_at": written(datetime.fromtimestamp(token_read(token, "access")["exp"], UTC)),
        }

    def told(self, made: dict[str, Any]) -> str:
        use = f"Next: send it as `Authorization: Bearer …`; what it opens: {settings.PUBLIC_URL}/api/docs."
        ends = f"until {made['expires_at']}"
        return (
            f"{made['username']} in {made['tenant']}, {ends}. The token, shown this once: {made['access_token']}\n{use}"
        )


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(details=[{"field": field, "message": message}])
