"""The tenant scope: whose data this thread or task may touch. Fails closed.

Owns the context variable and the manager that reads it. Must not query anything itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)

_tenant: ContextVar[uuid.UUID | frozenset[uuid.UUID] | None] = ContextVar("tenant", default=None)


class NoTenantScope(RuntimeError):
    """A tenant-owned model was queried outside a tenant scope: a bug, never an answer."""


@contextmanager
def tenant_scope(tenant_id: uuid.UUID) -> Iterator[None]:
    """Everything inside sees the rows of this tenant and no others."""
    token = _tenant.set(tenant_id)
    try:
        yield
    finally:
        _tenant.reset(token)


@contextmanager
def tenants_scope(tenant_ids: Iterable[uuid.UUID]) -> Iterator[None]:
    """Everything inside reads the rows of these tenants and no others: for one statement in place of one for each. The
    caller keeps the rows of each apart; there is no current tenant, so nothing that needs one runs."""
    token = _tenant.set(frozenset(tenant_ids))
    try:
        yield
    finally:
        _tenant.reset(token)


def current_tenant_id() -> uuid.UUID:
    """The tenant in scope. Raises NoTenantScope outside of one, and in the scope of several."""
    tenant_id = _tenant.get()
    if not isinstance(tenant_id, uuid.UUID):
        raise NoTenantScope("no tenant in scope: open one with tenant_scope(), or use unscoped() and say why")
    return tenant_id


def tenant_id_if_any() -> uuid.UUID | None:
    """The tenant in scope, or None; for logs and measures, never to decide whose rows are seen."""
    tenant_id = _tenant.get()
    return tenant_id if isinstance(tenant_id, uuid.UUID) else None


class ScopedManager(models.Manager[M], Generic[M]):
    """``objects`` of a tenant's model: filtered by the scope, an error without one."""

    use_in_migrations = False

    def get_queryset(self) -> models.QuerySet[M]:
        scope = _tenant.get()
        if isinstance(scope, frozenset):
            return super().get_queryset().filter(tenant_id__in=scope)
        return super().get_queryset().filter(tenant_id=current_tenant_id())

    def unscoped(self) -> models.QuerySet[M]:
        """Rows of all tenants. Every caller says why; a test lists them."""
        return super().get_queryset()
