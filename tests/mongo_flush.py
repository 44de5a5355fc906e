"""Pytest plugin of tests/run_mongo.sh: between two tests only rows go that the test wrote, not what the migrations left.

Django's own flush writes all permissions and content types anew after every test, and empties fifty collections:
seconds, where this takes milliseconds.
"""

from __future__ import annotations

from django.db import connection
from django.test import TransactionTestCase
from pymongo import monitoring

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
WRITES = {"insert", "update", "findAndModify"}

written: set[str] = set()  # collections, by any thread of this process


class Writes(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in WRITES:
            written.add(event.command[event.command_name])

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def delete_rows(self: TransactionTestCase) -> None:
    for name in written - KEPT:
        connection.database[name].delete_many({})
    written.clear()


monitoring.register(Writes())
TransactionTestCase._fixture_teardown = delete_rows
