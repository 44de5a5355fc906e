"""The two ways in which statements are kept, what is read by name, and what a row says.

That each statement is the ORM's own, text and parameters, is compared everywhere: tests/same_statements.py.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from tenants.storage import db
from tenants.storage.prepared import kept, orm

SQL = pytest.mark.skipif(db.on_mongo(), reason="nothing is kept there: the portable way is the only one")
AT = datetime.datetime(2026, 5, 4, 3, 2, 1, 123000, tzinfo=datetime.UTC)
WAYS = [pytest.param(orm, id="orm"), *([] if db.on_mongo() else [pytest.param(kept, id="kept")])]
BOTH = pytest.mark.parametrize("way", WAYS)


def facts(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


BY_NAME: dict[str, Callable[..., Any]] = {
    "rows": lambda rows, name: rows.filter(name=name).order_by("email"),
    "named": lambda rows, name: rows.filter(name=name).order_by("-email").values_list("id", "profile", named=True),
    "plain": lambda rows, name: rows.filter(name=name).order_by("email").values_list("created_at", "profile"),
    "flat": lambda rows, name: rows.filter(name=name).order_by("email").values_list("email", flat=True),
    "constants": lambda rows, name: rows.filter(name=name, email__in=("a", "c"), language="").order_by("email"),
}
