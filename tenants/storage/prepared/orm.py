"""The portable way: the same statements through Django's ORM, compiled each time.

Owns what runs on MongoDB, and elsewhere the statements whose shape cannot be kept. Must give the same rows, numbers
and errors as kept.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from tenants.scope import tenant_id_if_any
from tenants.storage.prepared.owner import check_owner, has_tenant, scoped

M = TypeVar("M", bound=Model)


def update(model: type[Model], where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
    """How many rows that match ``where`` were changed."""
    return scoped(model).filter(**where).update(**changes)


def update_where(model: type[M], where: Mapping[str, Any], changes: Mapping[str, Any]) -> M | None:
    """The row that matches ``where``, after ``changes``; None when there is none. Raises MultipleObjectsReturned."""
    if not update(model, where, changes):
        return None
    return scoped(model).get(**_afterwards(where, changes))


def _afterwards(where: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """How the row is found once it has changed: by its key, else by what ``where`` says of unchanged fields and by the
    new values of the others."""
    if "id" in where:
        return {"id": where["id"]}
    kept = {name: value for name, value in where.items() if name.partition("__")[0] not in changes}
    return kept | {
        name: value for name, value in changes.items() if name in where and not hasattr(value, "resolve_expression")
    }


def insert(rows: Sequence[Model]) -> None:
    """Write new rows of one model. Raises IntegrityError."""
    if rows:
        check_owner(rows, tenant_id_if_any())
        write(rows)


def write(rows: Sequence[Model]) -> None:
    """Rows of one model whose owners were checked."""
    manager: Any = type(rows[0])._default_manager
    # unscoped: rows that were gathered are of several tenants, and each was checked in its scope
    (manager.unscoped() if has_tenant(type(rows[0])) else manager.all()).bulk_create(rows)


def gathered(*models: type[Model]) -> AbstractContextManager[None]:
    """As in kept.py, but every row is written at once."""
    return nullcontext()


def insert_reading(row: Model, select: Select[Any], **values: Any) -> tuple[Any, ...] | None:
    """Write a new row, and give what ``select`` finds beside it: a query for values of at most one row, which must not look at
    the new one, for PostgreSQL does not see it there yet. No value may be a list. None where there is no such row, or nothing in it. Raises IntegrityError."""
    insert([row])
    return something(select.first(**values))


def something(found: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """A row in which is something."""
    return found if found and any(value is not None for value in found) else None


class Select(Generic[M]):
    """A query whose values are given when it runs. ``build`` gets the model's rows and the values by its names."""

    def __init__(self, model: type[M], build: Callable[..., QuerySet[M, Any]], *, all_tenants: bool = False):
        """``all_tenants``: not the rows in scope, but those of all; to be said why beside it, as of ``unscoped``."""
        self.model, self.build = model, build
        self.one_tenant = has_tenant(model) and not all_tenants

    def rows(self) -> QuerySet[Any]:
        """Those that it is about."""
        if self.one_tenant or not has_tenant(self.model):
            return scoped(self.model)
        manager: Any = self.model._default_manager
        return manager.unscoped()  # type: ignore[no-any-return] # unscoped: said beside the statement

    def run(self, *, most: int | None = None, **values: Any) -> list[Any]:
        """The rows, ``most`` of them at most. No value may be None; a list is one of values, not empty."""
        return list(self.build(self.rows(), **values)[:most])

    def first(self, **values: Any) -> Any:
        """The first row, or None."""
        return next(iter(self.run(most=1, **values)), None)


class Next:
    """A number for a new row: one more than the greatest ``name`` of the rows that ``build`` makes of the model's rows
    and of the values by its names; 1 where there are none. Rows written at the same time may get the same number."""

    def __init__(self, model: type[Model], name: str, build: Callable[..., QuerySet[Any, Any]]):
        self.model, self.name, self.build = model, name, build

    def behind(self, **values: Any) -> Any:
        """What stands in the row until it is written. No value may be None."""
        return 1 + next((row[self.name] for row in self._last(scoped(self.model), values)), 0)

    def of(self, last: QuerySet[Any, Any]) -> Any:
        """For an INSERT that looks itself."""
        return Coalesce(Subquery(last) + 1, Value(1))

    def _last(self, rows: QuerySet[Any], values: Mapping[str, Any]) -> QuerySet[Any, Any]:
        return self.build(rows, **values).order_by(f"-{self.name}").values(self.name)[:1]
