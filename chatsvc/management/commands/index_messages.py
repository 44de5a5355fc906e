"""Make the search's index of messages and people complete: see docs/databases.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from conversations.models import Contact, Message
from conversations.search.backfill import words_check
from conversations.search.forget import index_renew
from conversations.search.people_backfill import people_check


class Command(BaseCommand):
    help = (
        "Index every message and every contact that has no words yet, or others than its text or name."
        " Safe beside the service, and to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--forget", action="store_true", help="wipe from the index the bare words of messages that are gone, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # unscoped: an operator's command, for all tenants
        total = Message.objects.unscoped().count()
        with tqdm(total=total, desc="Messages", leave=False, disable=None) as shown:
            count = words_check(lambda: True, shown.update)
        self.stdout.write(f"{total} messages looked at, {count} indexed.")
        # unscoped: as above
        people = Contact.objects.unscoped().count()
        with tqdm(total=people, desc="Contacts", leave=False, disable=None) as shown:
            count = people_check(lambda: True, shown.update)
        self.stdout.write(f"{people} contacts looked at, {count} indexed.")
        if options["forget"]:
            index_renew()
            self.stdout.write("The index holds no words of what is gone.")
