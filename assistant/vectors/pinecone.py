"""Pinecone as the store: an index of the operator's, and in it a namespace for each tenant, kind and encoder.

Speaks the data plane of the index's own host (https://docs.pinecone.io/reference/api, version 2026-07). What it has taken
is found a little later, and what is deleted may be found a little longer: our rows decide (rows.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlencode

from assistant.models import Vector
from assistant.vectors.outside import asked
from assistant.vectors.port import ANY, Only, Point, StoreAway
from tenants.scope import current_tenant_id

VERSION = "2026-07"
TOGETHER = 100  # vectors of one request: a body may have 2 MB, and ids stand in an address
GONE = (404,)  # a namespace of which nothing is left is none


class Pinecone:
    def __init__(self, url: str, api_key: str, model: str):
        self.model, self._url, self._key = model, url.rstrip("/"), api_key

    def upsert(self, kind: str, points: Sequence[Point]) -> None:
        for some in _parts(points):
            told = [
                {"id": str(point.id), "values": point.numbers.tolist(), "metadata": _metadata(point)} for point in some
            ]
            self._call("POST", "/vectors/upsert", {"vectors": told, "namespace": self._namespace(kind)})

    def search(self, kind: str, numbers: Any, k: int, only: Only = ANY) -> list[tuple[uuid.UUID, float]]:
        if only.conversations is not None and not only.conversations:
            return []
        wanted = {"vector": numbers.tolist(), "topK": k, "namespace": self._namespace(kind), "includeValues": False}
        found = self._call("POST", "/query", wanted | _filter(only))
        try:
            return [(uuid.UUID(one["id"]), float(one["score"])) for one in found["matches"]]
        except (KeyError, TypeError, ValueError):
            raise StoreAway("answer_broken") from None

    def numbers(self, kind: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
        import numpy as np

        kept: dict[uuid.UUID, Any] = {}
        for some in _parts(list(ids)):
            asked_for = [("ids", str(one)) for one in some] + [("namespace", self._namespace(kind))]
            found = self._call("GET", f"/vectors/fetch?{urlencode(asked_for)}", known=GONE).get("vectors") or {}
            try:
                kept |= {uuid.UUID(one): np.array(told["values"], np.float32) for one, told in found.items()}
            except (AttributeError, KeyError, TypeError, ValueError):
                raise StoreAway("answer_broken") from None
        return kept

    def delete(self, kind: str, ids: Collection[uuid.UUID]) -> None:
        for some in _parts(list(ids)):
            body = {"ids": [str(one) for one in some], "namespace": self._namespace(kind)}
            self._call("POST", "/vectors/delete", body, known=GONE)

    def delete_all(self) -> None:
        """Those of former encoders, too: the index tells which there are."""
        ours = {self._namespace(kind) for kind in Vector.Kind}
        for name in ours | {name for name in self._namespaces() if name.startswith(f"{current_tenant_id()}.")}:
            self._call("POST", "/vectors/delete", {"deleteAll": True, "namespace": name}, known=GONE)

    def count(self, kind: str) -> int:
        told = self._namespaces().get(self._namespace(kind)) or {}
        return int(told.get("vectorCount") or 0)

    def _namespace(self, kind: str) -> str:
        return f"{current_tenant_id()}.{kind}.{self.model}"

    def _namespaces(self) -> dict[str, Any]:
        found = self._call("POST", "/describe_index_stats", {}).get("namespaces")
        return found if isinstance(found, dict) else {}

    def _call(self, method: str, path: str, body: Any = None, known: Collection[int] = ()) -> dict[str, Any]:
        headers = {"Api-Key": self._key, "X-Pinecone-Api-Version": VERSION}
        return asked(method, self._url + path, headers=headers, secret=self._key, body=body, known=known)


def _metadata(point: Point) -> dict[str, str]:
    """An id and no words."""
    return {"conversation": str(point.conversation_id)} if point.conversation_id else {}


def _filter(only: Only) -> dict[str, Any]:
    held: list[dict[str, Any]] = []
    if only.conversations is not None:
        held.append({"conversation": {"$in": [str(one) for one in only.conversations]}})
    if only.but is not None:
        held.append({"conversation": {"$ne": str(only.but)}})
    return {"filter": {"$and": held}} if held else {}


def _parts(all_of: Sequence[Any]) -> list[Sequence[Any]]:
    return [all_of[first : first + TOGETHER] for first in range(0, len(all_of), TOGETHER)]
