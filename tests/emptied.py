"""Between two tests that commit, only rows go that a test wrote, not what the migrations left.

Django's own flush writes all permissions and content types anew after every such test, which took a tenth of the suite's
CPU time. MongoDB has a way of its own (tests/mongo_flush.py).
"""

from __future__ import annotations

from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def delete_rows(self: TransactionTestCase) -> None:
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)
    if connection.vendor == "postgresql":
        _delete_where_rows_are(tables)
    else:
        operations = connection.ops
        operations.execute_sql_flush(operations.sql_flush(no_style(), tables, reset_sequences=False))


def _delete_where_rows_are(tables: list[str]) -> None:
    """PostgreSQL's TRUNCATE makes new files for every table and index, empty or not.

    Foreign keys are looked at when all is committed, so any order will do. Like TRUNCATE it waits for a transaction that
    a thread of the test has not ended.
    """
    names = [connection.ops.quote_name(table) for table in tables]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE")
        cursor.execute(
            " UNION ALL ".join(f"SELECT {at} WHERE EXISTS (SELECT FROM {name})" for at, name in enumerate(names))
        )
        for (at,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {names[at]}")
