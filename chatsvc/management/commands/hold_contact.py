"""Place a legal hold on a contact, which keeps them from being erased, or lift it."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsvc.management.arguments import tenant_named
from messaging.privacy.holds import hold_place, holds_lift
from tenants.errors import ServiceError
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Place a legal hold on a contact, or lift it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="of the tenant")
        parser.add_argument("contact", type=uuid.UUID, help="the contact's id")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--reason", help="of the case, such as its number; never about the person")
        what.add_argument("--lift", action="store_true", help="lift what is in force")

    def handle(self, *args: Any, **options: Any) -> None:
        with tenant_scope(tenant_named(options["slug"]).id):
            try:
                if options["lift"]:
                    self.stdout.write(f"Holds lifted: {holds_lift(options['contact'], 'system')}.")
                else:
                    hold_place(options["contact"], options["reason"], "system")
                    self.stdout.write("The contact is on legal hold.")
            except ServiceError as error:
                raise CommandError(error.message) from error
