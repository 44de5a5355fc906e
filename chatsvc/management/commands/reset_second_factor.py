"""Reset the second step of an account whose device is lost: the operator's way, for any account."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from chatsvc.management.making import MakingCommand
from tenants.access.logins import tell_tenants
from tenants.errors import NotFound
from tenants.models import User
from tenants.people.second import of, second_reset


class Command(MakingCommand):
    help = (
        "Take an account's devices and codes on paper away and sign it out everywhere: it signs in by its password alone until a "
        "second step is set up again. Make sure that it is the person who asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise NotFound(f"There is no user {options['username']!r}.", code="unknown_user")
        devices = [row.name for row in of(user)]
        if not options["dry_run"]:
            second_reset(user)
            tell_tenants("system", user, "second_factor.reset")
        return {"username": user.username, "devices": devices, "reset": not options["dry_run"]}

    def told(self, made: dict[str, Any]) -> str:
        did = "were taken away" if made["reset"] else "would be taken away"
        return f"{made['username']}: {len(made['devices'])} devices {did}."
