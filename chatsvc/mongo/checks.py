"""System check: the MongoDB server can do transactions. Runs with `migrate`; registered by chatsvc/apps.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection


@register(Tags.database)
def transactions(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A standalone server has none, and a message half stored is worse than none: it is refused (decision 0018)."""
    if not databases:
        return []
    hello = connection.database.client.admin.command("hello")  # type: ignore[attr-defined]
    if "setName" in hello or hello.get("msg") == "isdbgrid":
        return []
    return [
        Error(
            "This MongoDB server is standalone and has no transactions.",
            hint="Start it with --replSet rs0 and run rs.initiate() once; one member is enough.",
            id="chatsvc.E001",
        )
    ]
