"""The bases of commands that tell an operator or a script something: `--json`, and errors with stable codes.

Must not know what is made or told.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chatsvc.management.arguments import tenant_named
from chatsvc.management.refusal import Refused
from tenants.console.plain_words import plain_words
from tenants.errors import NotFound, ServiceError
from tenants.models import Tenant


class TellingCommand(BaseCommand):
    """With ``--json`` what it is refused for stands on stdout, too. A report that ends in a CommandError is no refusal."""

    def create_parser(self, *names: Any, **options: Any) -> CommandParser:
        parser = super().create_parser(*names, **options)
        parser.called_from_command_line = False  # its complaints are chatsvc/management/line.py's to tell
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return self._executed(*args, **options)
        except Refused as error:
            if options.get("json"):
                self.stdout.write(error.to_json())
            raise

    def _executed(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ServiceError as error:
            named = [f"{one['field']}: {plain_words(one)}" for one in _faults(error)]
            told = "\n  ".join([f"{error.message} ({error.code})", *named])
            raise Refused(told, error.code, said=error.message, details=error.details) from error


def _faults(error: ServiceError) -> list[dict[str, Any]]:
    """The fields that are wrong, where its details are such."""
    given = error.details if isinstance(error.details, list) else []
    return [one for one in given if isinstance(one, dict) and "field" in one]


class MakingCommand(TellingCommand):
    """``make`` does it and returns what to tell, as JSON members; ``told`` puts that into words."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print the result, or the error, as JSON and nothing else on stdout"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = self.make(options)
        self.stdout.write(json.dumps(made) if options["json"] else self.told(made))

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Raises a ServiceError where it cannot be done."""
        raise NotImplementedError

    def told(self, made: dict[str, Any]) -> str:
        raise NotImplementedError


def tenant_of(slug: str) -> Tenant:
    """The tenant of this slug. Raises NotFound ``unknown_tenant``, or what a tenant that is not active is refused with."""
    try:
        return tenant_named(slug)
    except Refused as error:
        if isinstance(error.__cause__, ServiceError):
            raise error.__cause__ from None
        raise NotFound(str(error), code="unknown_tenant") from None
