"""Numbers of new rows, which the INSERT itself looks up.

Owns which model has such a number, and how the look becomes part of the shape of an INSERT. Must not run SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Model, QuerySet

from tenants.scope import current_tenant_id
from tenants.storage.prepared import orm
from tenants.storage.prepared.owner import has_tenant, scoped
from tenants.storage.prepared.shapes import Given, NotKept, fields_bind

_numbered: dict[type[Model], str] = {}  # the field


class Next(orm.Next):
    """As in orm.py, but the INSERT looks. A model has one such number."""

    def __init__(self, model: type[Model], name: str, build: Callable[..., QuerySet[Any, Any]]):
        super().__init__(model, name, build)
        assert _numbered.setdefault(model, name) == name

    def behind(self, **values: Any) -> Behind:
        assert None not in values.values()
        return Behind(self, values)

    def given(self, rows: QuerySet[Any], names: Sequence[str], at: Iterator[int]) -> Any:
        """The look among ``rows`` with places for values, numbered as `number_of` lists them."""
        last = self._last(rows, {name: Given(next(at)) for name in names})
        fields_bind(last.query)
        return self.of(last)


class Behind:
    """Stands in a row for the number that it is going to have."""

    def __init__(self, number: Next, values: Mapping[str, Any]):
        self.number, self.values = number, values

    def resolve_expression(self, *given: Any, **options: Any) -> Any:
        """For the ORM, which writes what cannot be kept."""
        last = self.number._last(scoped(self.number.model), self.values)
        return self.number.of(last).resolve_expression(*given, **options)


def number_of(rows: Sequence[Model], values: list[Any]) -> tuple[Next, Sequence[str]] | None:
    """Whether rows of one model are numbered by their INSERT: the number and the names of what its look is given, which
    is added to ``values``. Raises NotKept when it is so of some."""
    name = _numbered.get(type(rows[0]))
    behind = [found for row in rows if type(found := getattr(row, name)) is Behind] if name else []
    if not behind:
        return None
    number, names = behind[0].number, tuple(behind[0].values)
    if len(behind) < len(rows) or any((one.number, tuple(one.values)) != (number, names) for one in behind):
        raise NotKept(name)
    for one in behind:
        values += [current_tenant_id()] if has_tenant(number.model) else []
        values += one.values.values()
    return number, names
