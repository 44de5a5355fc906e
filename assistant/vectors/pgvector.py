"""PostgreSQL's extension pgvector as the store: a table beside ours, in the same database and its transactions.

From pgvector 0.8 on it has an HNSW index, which goes on until enough of the tenant's are found (iterative scan); before,
all of a tenant's vectors are compared, since an index that stops early would hide a small tenant behind large ones.
Owns the table: it is made by the first that needs it (https://github.com/pgvector/pgvector).
"""

# ruff: noqa: S608  names of ours stand in the statements, and no values

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import DatabaseError, connection

from assistant.vectors import texts
from assistant.vectors.port import ANY, Only, Point, StoreAway
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic

TABLE = "assistant_vectorpoint"
MAKE = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, kind text NOT NULL,
    model text NOT NULL, conversation_id uuid, numbers vector({texts.WIDTH}) NOT NULL)""",
    f"CREATE INDEX IF NOT EXISTS vectorpoint_of_tenant ON {TABLE} (tenant_id, model, kind)",
)
NEAREST = f"CREATE INDEX IF NOT EXISTS vectorpoint_nearest ON {TABLE} USING hnsw (numbers vector_cosine_ops)"
ITERATIVE = (0, 8)  # the version with an iterative scan
#: how the index is searched: among how many candidates, and until when: vectors of all tenants looked at
SEARCHED = """SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = 200;
    SET LOCAL hnsw.max_scan_tuples = 200000"""
_PUT = f"""INSERT INTO {TABLE} (id, tenant_id, kind, model, conversation_id, numbers) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET numbers = excluded.numbers, conversation_id = excluded.conversation_id
    WHERE {TABLE}.tenant_id = excluded.tenant_id"""
_OURS = "tenant_id = %s AND model = %s AND kind = %s"

_version: dict[str, tuple[int, ...]] = {}  # of the extension, by the database in which all is made


class PgVector:
    def __init__(self, model: str):
        self.model = model

    def upsert(self, kind: str, points: Sequence[Point]) -> None:
        owner = (current_tenant_id(), kind, self.model)
        rows = [(point.id, *owner, point.conversation_id, _written(point.numbers)) for point in points]
        self._make()
        with atomic(), connection.cursor() as cursor:
            cursor.executemany(_PUT, rows)

    def search(self, kind: str, numbers: Any, k: int, only: Only = ANY) -> list[tuple[uuid.UUID, float]]:
        wanted, held = [_written(numbers), *self._owner(kind)], _OURS
        if only.conversations is not None:
            held += " AND conversation_id = ANY(%s)"
            wanted.append(list(only.conversations))
        if only.but is not None:
            held += " AND conversation_id IS DISTINCT FROM %s"
            wanted.append(only.but)
        self._make()
        with atomic(), connection.cursor() as cursor:
            if _version[_database()] >= ITERATIVE:
                cursor.execute(SEARCHED)
            cursor.execute(
                f"SELECT id, 1 - (numbers <=> %s::vector) FROM {TABLE} WHERE {held} ORDER BY numbers <=> %s::vector LIMIT %s",
                [*wanted, wanted[0], k],
            )
            return [(row_id, float(score)) for row_id, score in cursor.fetchall()]

    def numbers(self, kind: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
        import numpy as np

        found = self._all(f"SELECT id, numbers::text FROM {TABLE} WHERE {_OURS} AND id = ANY(%s)", kind, list(ids))
        return {row_id: np.array(told.strip("[]").split(","), np.float32) for row_id, told in found}

    def delete(self, kind: str, ids: Collection[uuid.UUID]) -> None:
        self._make()
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE} WHERE {_OURS} AND id = ANY(%s)", [*self._owner(kind), list(ids)])

    def delete_all(self) -> None:
        self._make()
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE} WHERE tenant_id = %s", [current_tenant_id()])

    def count(self, kind: str) -> int:
        [[found]] = self._all(f"SELECT count(*) FROM {TABLE} WHERE {_OURS}", kind)
        return int(found)

    def _all(self, statement: str, kind: str, *further: Any) -> list[Any]:
        self._make()
        with connection.cursor() as cursor:
            cursor.execute(statement, [*self._owner(kind), *further])
            return list(cursor.fetchall())

    def _owner(self, kind: str) -> list[Any]:
        return [current_tenant_id(), self.model, kind]

    def _make(self) -> None:
        """Again is harmless; two at once are told apart by a lock."""
        if _database() in _version:
            return
        try:
            with atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [TABLE])
                for statement in MAKE:
                    cursor.execute(statement)
                cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
                version = tuple(int(part) for part in cursor.fetchone()[0].split("."))
                if version >= ITERATIVE:
                    cursor.execute(NEAREST)
        except DatabaseError as error:  # no such extension here, or no right to make it
            raise StoreAway(f"pgvector_{getattr(error.__cause__, 'sqlstate', None) or 'missing'}") from None
        _version[_database()] = version


def _database() -> str:
    return str(connection.settings_dict["NAME"])


def _written(numbers: Any) -> str:
    return "[" + ",".join(f"{one:.7g}" for one in numbers.tolist()) + "]"
