"""A column of folded words, as each engine can look for one of them; and one that follows another column.

Owns how words are kept: on SQL as one text, between blanks; on MongoDB as a list, of which each is in the index. And that
no statement of ours changes a column without the words that follow it. Must not know how words are folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import models

from tenants.scope import tenant_id_if_any
from tenants.storage.db import on_mongo

OWNED = 12  # characters of a tenant's id before each word: random ones, and what is found is compared with the whole id


class Folded(models.TextField):
    """Written as the text that channels_app/words/folding.py makes; not read but by a search."""

    if on_mongo():

        def get_prep_value(self, value: Any) -> Any:
            return value.split() if isinstance(value, str) else value


class Following(Folded):
    """The words of the column ``of`` in the same row, folded ``by`` that function. The model's manager is of
    `FollowedRows`, and its ``save`` names what `followed` does."""

    def __init__(self, *args: Any, of: str = "", by: Callable[[str], str] = str, **options: Any):
        super().__init__(*args, **{"null": True, "blank": True, "editable": False, **options})
        self.of, self.by = of, by  # no matter of migrations

    def words_of(self, value: Any) -> str:
        """Raises TypeError for what only the database knows."""
        if hasattr(value, "resolve_expression"):
            raise TypeError(f"`{self.of}` has words that follow it, in `{self.name}`: give a value.")
        return self.by(value or "")

    def pre_save(self, row: models.Model, add: bool) -> Any:
        if self.of:
            setattr(row, self.attname, self.words_of(getattr(row, self.of)))
        return super().pre_save(row, add)


@cache
def _following(model: type[models.Model]) -> Sequence[Following]:
    return [field for field in model._meta.concrete_fields if isinstance(field, Following)]


def followed(model: type[models.Model], names: Iterable[str]) -> list[str]:
    """The columns of ``names``, and of the words that follow them."""
    given = list(names)
    return [*given, *(field.name for field in _following(model) if field.of in given and field.name not in given)]


def with_words(model: type[models.Model], changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an UPDATE changes, and the words of it. Raises TypeError where a value is an expression."""
    following = _following(model)
    if not following:
        return changes
    new = {field.name: field.words_of(changes[field.of]) for field in following if field.of in changes}
    return {**changes, **new} if new else changes


class FollowedRows(models.QuerySet[Any]):
    """Rows of a model some of whose columns are followed by their words."""

    def update(self, **changes: Any) -> int:
        return super().update(**with_words(self.model, changes))

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], *args: Any, **options: Any) -> int:
        names = list(fields)
        if len(followed(self.model, names)) > len(names):
            raise TypeError("What words follow is changed row by row.")
        return super().bulk_update(objs, names, *args, **options)


# ------------------------------------------------------------------------------- looking


def lexemes(words: str, tenant: str) -> str:
    """PostgreSQL's expression for the words of a column, each behind the end of its tenant's id; an index is of exactly this."""
    owner = f"right({tenant}::text, {OWNED})"
    return f"array_to_tsvector(string_to_array({owner} || replace(btrim({words}), ' ', ' ' || {owner}), ' '))"


@Folded.register_lookup
class Begins(models.Lookup):  # type: ignore[type-arg]
    """Rows with a word that begins so: one folded word, or a part of it. Within the scope of a tenant PostgreSQL asks the
    index of `lexemes`, MongoDB that of the list; SQLite looks through the column."""

    lookup_name = "begins"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        return "%s", [value]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, given = self.process_lhs(compiler, connection)
        return f"{column} LIKE %s", [*given, f"% {self.rhs}%"]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        tenant = tenant_id_if_any()
        if tenant is None:
            return self.as_sql(compiler, connection)
        column, given = self.process_lhs(compiler, connection)
        owner = column.rpartition(".")[0] + '."tenant_id"'
        sought = f"'{str(tenant)[-OWNED:]}{self.rhs}':*"
        return f"({column} <> '' AND {lexemes(column, owner)} @@ %s::tsquery)", [*given, sought]

    def as_mql_path(self, compiler: Any, connection: Any) -> Any:
        column = self.lhs.as_mql(compiler, connection)
        return {column: {"$regex": f"^{self.rhs}"}}


@Folded.register_lookup
class BeginsSeen(Begins):
    """The same, where rows are read in an order of their own until there are enough: nothing is asked of an index."""

    lookup_name = "begins_seen"
    as_postgresql = Begins.as_sql
