"""What is stored of what was said."""

from __future__ import annotations

from django.db import connection

from conversations.models import Event


def flagged() -> list[tuple[list[str], list[str], str]]:
    """Of the events that tell of flags: flags, which of them were hidden, and whose words they were."""
    told = Event.objects.filter(type="chat.message.flagged").order_by("id").values_list("payload", flat=True)
    return [(one["flags"], one["masked"], one["role"]) for one in told]


def everything_stored() -> str:
    """Every value of every row of every table."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += cursor.fetchall()
    return repr(rows)
