"""Pages of long lists: walked by a cursor, one statement a page and of the same cost at any depth; or numbered, for the first
10,000 rows.

Owns what every list takes (`PageQuery`) and answers (`Page`), and what a cursor is: the place of the last row that was
given, signed for one list of one tenant in one order, so that no other place to start from can be asked for. Where rows
go by their id alone the cursor is the id, which says nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import attrgetter, or_
from typing import Any, ClassVar, Literal

from django.core import signing
from django.db.models import Model, Q, QuerySet
from pydantic import BaseModel, ConfigDict, Field

from tenants.api.moments import Moment
from tenants.errors import Invalid, Unprocessable
from tenants.scope import current_tenant_id
from tenants.storage.looking import Found, in_turn

WHOLE = 1_000  # rows of a list that is asked for whole
NUMBERED = 10_000  # rows that page numbers reach; a total counts one more at most


class PageQuery(BaseModel):
    """What every list takes. Which columns it sorts by and what it searches, each list says."""

    model_config = ConfigDict(extra="forbid")

    page: int | None = Field(
        None, ge=1, le=2**31 - 1,
        description="Number of a page, for the first 10,000 rows, and a count of all; beyond them 422 `page_too_deep`: go on "
        "with `cursor`",
    )  # fmt: skip
    page_size: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=500, description="`next_cursor` of the page before, in the same order")
    sort_by: str | None = Field(
        None,
        max_length=40,
        description="A column that this list has in order; for others 422 `sort_not_offered` names them",
    )
    sort_order: Literal["asc", "desc"] | None = Field(
        None, description="With `sort_by`: desc unless told. Without it the list's own order is turned round or stays"
    )
    search_query: str = Field("", max_length=200, description="Part of a word; case does not count")


class ListQuery(PageQuery):
    """What a list takes that has times."""

    RANGES: ClassVar = (("start_date", "end_date"),)

    start_date: Moment | None = Field(None, description="Rows from then on")
    end_date: Moment | None = Field(None, description="Rows until then")


class WholeQuery(ListQuery):
    """What a list takes of which a tenant has few, and which was given whole before it had pages."""

    page_size: int | None = Field(  # type: ignore[assignment]
        None, ge=1, le=100, description="Without it the whole list, up to 1,000 rows; beyond them go on with `cursor`"
    )


class NoQuery(BaseModel):
    """Of a short list that is always given whole: a caller that asks for its second page is told so, not given it again."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel):
    """What every list answers beside its ``items``."""

    next_cursor: str | None
    has_next: bool
    has_previous: bool
    page: int | None = Field(description="Null where the page was reached by a cursor")
    page_size: int
    total: int | None = Field(description="With `page`: how many rows there are; 10001 means more than 10,000")


def listed(*items: object) -> dict[str, Any]:
    """The only page of a list, as an example."""
    return {
        "items": list(items), "next_cursor": None, "has_next": False, "has_previous": False, "page": None, "page_size": 20,
        "total": None,
    }  # fmt: skip


@dataclass(frozen=True)
class Walk:
    """How a list is walked. ``by``: the column that comes before the id, also one of a row that it names, "" for none; ``latest``: the greatest first;
    ``name``: of the list, in its cursors. ``sorts``: what callers may sort by, each with its indexed column, "" for the id;
    ``searched``: the look-ups of which one must contain what is searched; or ``found`` gives those that are meant of rows, for a
    page of so many, ``latest`` first: some, and if these are not enough all; ``dated``: the column of the dates; ``few``:
    the rows are, of what the tenant has, and are sorted (tenants/storage/looking.py)."""

    name: str
    by: str = ""
    latest: bool = False
    sorts: Mapping[str, str] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    found: Callable[[QuerySet[Any], str, int, bool], Iterable[Found]] | None = None
    dated: str = ""
    few: bool = False

    def answer(
        self,
        rows: QuerySet[Any],
        query: PageQuery,
        *,
        shape: Callable[[Sequence[Any]], Iterable[Any]],
        within: uuid.UUID | None = None,
    ) -> dict[str, Any]:
        """The page of ``rows`` that ``query`` asks for, as `Page` says. Raises Invalid ``invalid_cursor`` and
        ``page_or_cursor``, Unprocessable ``page_too_deep`` and ``sort_not_offered``."""
        if query.page is not None and query.cursor:
            raise Invalid("Give either `page` or `cursor`.", code="page_or_cursor")
        page, size = query.page, query.page_size or WHOLE
        if page is not None and page * size > NUMBERED:
            raise Unprocessable(
                f"Page numbers reach the first {NUMBERED} rows: go on with the `next_cursor` of the last page, as `cursor`.",
                code="page_too_deep",
            )
        walk, rows = self.ordered(query.sort_by, query.sort_order), self._asked(rows, query)
        skipped = (page - 1) * size if page else 0
        search = query.search_query.strip()
        found = walk.page(
            rows, size=size, cursor=query.cursor, shape=shape, within=within, skipped=skipped, search=search
        )
        return {
            **found,
            "has_previous": skipped > 0 or bool(query.cursor),
            "page": page,
            "page_size": size,
            "total": self._total(rows, search) if page else None,
        }

    def _total(self, rows: QuerySet[Any], search: str) -> int:
        most = NUMBERED + 1
        for found, _ in self._found(rows, search, most):
            count: int = found.order_by()[:most].count()
            if count == most:
                break
        return count

    def _found(self, rows: QuerySet[Any], search: str, most: int) -> Iterable[Found]:
        if self.found and search:
            return self.found(rows, search, most, self.latest)
        return [Found(rows, few=self.few)]

    def ordered(self, by: str | None, order: str | None) -> Walk:
        """The walk in the order that is asked for. Raises Unprocessable ``sort_not_offered``."""
        if by is None:
            turned = order is not None and (order == "desc") != self.latest
            return replace(self, name=f"{self.name}, turned", latest=not self.latest) if turned else self
        if by not in self.sorts:
            offered = sorted(self.sorts)
            message = f"This list is sorted by: {', '.join(offered)}." if offered else "This list has its own order."
            raise Unprocessable(message, code="sort_not_offered", details={"sort_by": offered})
        wanted = replace(self, by=self.sorts[by], latest=order != "asc")
        same = (wanted.by, wanted.latest) == (self.by, self.latest)
        return self if same else replace(wanted, name=f"{self.name} by {by}, {order or 'desc'}")

    def _asked(self, rows: QuerySet[Any], query: PageQuery) -> QuerySet[Any]:
        """Those of the dates and words that are asked for."""
        for edge, told in (("gte", "start_date"), ("lte", "end_date")):
            at = getattr(query, told, None)
            if self.dated and at is not None:
                rows = rows.filter(**{f"{self.dated}__{edge}": at})
        words = query.search_query.strip()
        if self.searched and words:
            rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": words}) for name in self.searched)))
        return rows

    def page(
        self,
        rows: QuerySet[Any],
        *,
        size: int,
        cursor: str | uuid.UUID | None,
        shape: Callable[[Sequence[Any]], Iterable[Any]],
        within: uuid.UUID | None = None,
        skipped: int = 0,
        search: str = "",
    ) -> dict[str, Any]:
        """The ``size`` rows after ``cursor`` (None: the first ones) and ``skipped`` more, as ``shape`` shows them; of those
        that ``found`` gives for ``search``.
        ``within``: the row whose list it is; None: it is the tenant's. Raises Invalid ``invalid_cursor``."""
        owner = str(within or current_tenant_id())
        if cursor:
            rows = rows.filter(self._after(rows.model, cursor, owner))
        columns = [column for column in (self.by, "id") if column]
        for some, few in self._found(rows, search, skipped + size + 1):
            ordered = some.order_by(*in_turn(*columns, latest=self.latest, few=few))
            found = list(ordered[skipped : skipped + size + 1])
            if len(found) > size:
                break
        page, more = found[:size], len(found) > size
        return {
            "items": list(shape(page)),
            "next_cursor": self.cursor_at(page[-1], owner) if more else None,
            "has_next": more,
        }

    def _after(self, model: type[Model], cursor: str | uuid.UUID, owner: str) -> Q:
        beyond = "lt" if self.latest else "gt"
        try:
            if not self.by:
                return Q(**{f"id__{beyond}": uuid.UUID(str(cursor))})
            place, last_id, owned = signing.loads(str(cursor), salt=self.name)
            if owned != owner:
                raise ValueError("of another list")
            after = {f"id__{beyond}": uuid.UUID(last_id)}
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise Invalid("The cursor is not one of ours.", code="invalid_cursor") from error
        column: Any = None
        for step in self.by.split("__"):
            column = (column.related_model if column else model)._meta.get_field(step)
        place = column.to_python(place)
        # the first condition says nothing new: by it the index is entered where the page begins
        return Q(**{f"{self.by}__{beyond}e": place}) & (Q(**{f"{self.by}__{beyond}": place}) | Q(**after))

    def cursor_at(self, row: Any, owner: str) -> Any:
        """With which the page behind ``row`` begins."""
        if not self.by:
            return row.id
        place = attrgetter(self.by.replace("__", "."))(row)
        place = place.isoformat() if hasattr(place, "isoformat") else place
        return signing.dumps([place, str(row.id), owner], salt=self.name)
