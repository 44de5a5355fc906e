"""Pages of long lists, walked by a cursor: one statement a page, of the same cost at any depth.

Owns what a cursor is: the place of the last row that was given, signed for one list of one tenant, so that no other place
to start from can be asked for. Where rows go by their id alone the cursor is the id, which says nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import Model, Q, QuerySet

from tenants.errors import Invalid
from tenants.scope import current_tenant_id


@dataclass(frozen=True)
class Walk:
    """How a list is walked. ``by``: the column that comes before the id, "" for none; ``latest``: the greatest first;
    ``name``: of the list, in its cursors."""

    name: str
    by: str = ""
    latest: bool = False

    def page(
        self,
        rows: QuerySet[Any],
        *,
        size: int,
        cursor: str | uuid.UUID | None,
        shape: Callable[[Sequence[Any]], Iterable[Any]],
        within: uuid.UUID | None = None,
    ) -> dict[str, Any]:
        """The ``size`` rows after ``cursor`` (None: the first ones) as ``shape`` shows them. ``within``: the row whose
        list it is; None: it is the tenant's. Raises Invalid ``invalid_cursor``."""
        owner = str(within or current_tenant_id())
        if cursor:
            rows = rows.filter(self._after(rows.model, cursor, owner))
        sign = "-" if self.latest else ""
        found = list(rows.order_by(*(f"{sign}{column}" for column in (self.by, "id") if column))[: size + 1])
        page, more = found[:size], len(found) > size
        return {
            "items": list(shape(page)),
            "next_cursor": self._cursor(page[-1], owner) if more else None,
            "has_next": more,
        }

    def _after(self, model: type[Model], cursor: str | uuid.UUID, owner: str) -> Q:
        beyond = "lt" if self.latest else "gt"
        if not self.by:
            return Q(**{f"id__{beyond}": cursor})
        try:
            place, last_id, owned = signing.loads(str(cursor), salt=self.name)
            if owned != owner:
                raise ValueError("of another list")
            after = {f"id__{beyond}": uuid.UUID(last_id)}
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise Invalid("The cursor is not one of ours.", code="invalid_cursor") from error
        column: Any = model._meta.get_field(self.by)
        place = column.to_python(place)
        return Q(**{f"{self.by}__{beyond}": place}) | Q(**{self.by: place}, **after)

    def _cursor(self, row: Any, owner: str) -> Any:
        if not self.by:
            return row.id
        place = getattr(row, self.by)
        place = place.isoformat() if hasattr(place, "isoformat") else place
        return signing.dumps([place, str(row.id), owner], salt=self.name)
