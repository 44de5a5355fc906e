"""Whose rows a statement may touch: those of the tenant in scope, and of no other.

Owns that rule for both ways to run a statement. Must not run any.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.models import Model, QuerySet

from tenants.scope import NoTenantScope, ScopedManager


class OtherTenant(RuntimeError):
    """A row of one tenant was to be written in the scope of another: a bug, never an answer."""


@cache
def has_tenant(model: type[Model]) -> bool:
    """Whether the rows of ``model`` belong to tenants."""
    return isinstance(model._default_manager, ScopedManager)


def scoped(model: type[Model]) -> QuerySet[Any]:
    """The rows in scope. Raises NoTenantScope."""
    return model._default_manager.all()


def check_owner(rows: Sequence[Model], tenant_id: uuid.UUID | None) -> None:
    """Raises NoTenantScope, or OtherTenant when one of ``rows``, of one model, is not the tenant's in scope."""
    if not has_tenant(type(rows[0])):
        return
    if tenant_id is None:
        raise NoTenantScope("no tenant in scope: rows of a tenant are written inside tenant_scope()")
    for row in rows:
        if row.tenant_id is not tenant_id and row.tenant_id != tenant_id:  # type: ignore[attr-defined]
            raise OtherTenant(f"a row of {type(row).__name__} belongs to another tenant than the one in scope")
