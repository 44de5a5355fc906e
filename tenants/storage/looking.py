"""Looking for rows so that an index serves on each engine, and none is walked from end to end.

Owns what a beginning is to a database, and the order of rows that were looked for. Must not know any particular model.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

LAST = "\U0010ffff"  # behind every sign


class Found(NamedTuple):
    """Rows that were looked for. ``few``: they are sorted, even where an index has their order: a database would walk that one
    for them."""

    rows: QuerySet[Any]
    few: bool


def in_turn(*columns: str, latest: bool = True, few: bool = False) -> list[Any]:
    """The order of rows by these columns."""
    if few:
        apart = [Coalesce(column, column) for column in columns]
        return [one.desc() if latest else one.asc() for one in apart]
    return [F(column).desc() if latest else F(column).asc() for column in columns]


def begins(column: str, beginning: str) -> Q:
    """Rows whose column begins so. SQLite takes no index for LIKE, PostgreSQL one of ``varchar_pattern_ops``."""
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": beginning, f"{column}__lt": beginning + LAST})
    return Q(**{f"{column}__startswith": beginning})


def among(rows: QuerySet[Any], few: Q) -> QuerySet[Any]:
    """Of ``rows`` those that are ``few``, and have an index of their own. SQLite keeps no figures of its tables, and would read
    all rows of a tenant for them: there each of the few is found, and then looked at as one of ``rows``."""
    if connection.vendor != "sqlite":
        return rows.filter(few)
    # unscoped: `rows` are of those in scope
    found = rows.model._default_manager.unscoped().filter(few, Exists(rows.order_by().filter(id=OuterRef("id"))))
    found.query.select_related = rows.query.select_related
    return found.prefetch_related(*rows._prefetch_related_lookups)  # type: ignore[attr-defined]
