"""Between two tests that commit, only rows go that a test wrote, not what the migrations left.

Django's own flush writes all permissions and content types anew after every such test, which took a tenth of the suite's
CPU time. MongoDB has a way of its own (tests/mongo_flush.py).
"""

from __future__ import annotations

from functools import cache

from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def delete_rows(self: TransactionTestCase) -> None:
    """A test writes to a few of a hundred tables. SQLite takes as long to delete nothing as to delete rows, and PostgreSQL's
    TRUNCATE makes new files for every table and index: one question tells which have any.

    Foreign keys are looked at when all is committed, so any order will do. Like TRUNCATE it waits for a transaction that
    a thread of the test has not ended.
    """
    names = _names()
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE")
        cursor.execute(
            " UNION ALL ".join(f"SELECT {at} WHERE EXISTS (SELECT 1 FROM {name})" for at, name in enumerate(names))
        )
        for (at,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {names[at]}")


@cache
def _names() -> list[str]:
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    return [connection.ops.quote_name(table) for table in sorted(tables)]
