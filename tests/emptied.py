"""Between two tests that commit, only rows go that a test wrote, not what the migrations left.

Django's own flush writes all permissions and content types anew after every such test, which took a tenth of the suite's
CPU time. MongoDB has a way of its own (tests/mongo_flush.py).
"""

from __future__ import annotations

from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def delete_rows(self: TransactionTestCase) -> None:
    operations = connection.ops
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    operations.execute_sql_flush(operations.sql_flush(no_style(), sorted(tables), reset_sequences=False))
