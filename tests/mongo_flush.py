"""Pytest plugin of tests/run_mongo.sh: between two tests only rows go, not what the migrations left.

Django's own flush writes all permissions and content types anew after every test: seconds, where this takes
milliseconds.
"""

from __future__ import annotations

from django.db import connection
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def delete_rows(self: TransactionTestCase) -> None:
    for name in set(connection.database.list_collection_names()) - KEPT:
        connection.database[name].delete_many({})


TransactionTestCase._fixture_teardown = delete_rows
