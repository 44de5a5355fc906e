"""Qdrant as the store: one collection per encoder, and in it the tenant as a keyword of every point.

Speaks its REST interface. Every search and deletion names the tenant and the kind; what it finds is looked up in our rows
too (rows.py). Owns the collection.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from assistant.vectors import texts
from assistant.vectors.outside import asked
from assistant.vectors.port import ANY, Only, Point, StoreAway
from tenants.scope import current_tenant_id

OURS = "chatsvc_"  # how the names of our collections begin
GONE = (404,)  # a collection that is not there keeps nothing
TOGETHER = 200  # points of one request, some 2 MB
MADE: set[tuple[str, str]] = set()  # address and collection that this process has seen to


class Qdrant:
    def __init__(self, url: str, api_key: str, model: str):
        self.model, self._url = model, url.rstrip("/")
        self._key = api_key
        self._collection = OURS + "".join(letter if letter.isalnum() else "_" for letter in model)

    def upsert(self, kind: str, points: Sequence[Point]) -> None:
        self._make()
        for first in range(0, len(points), TOGETHER):
            told = [
                {"id": str(point.id), "vector": point.numbers.tolist(), "payload": self._payload(kind, point)}
                for point in points[first : first + TOGETHER]
            ]
            self._call("PUT", "/points?wait=true", {"points": told})

    def search(self, kind: str, numbers: Any, k: int, only: Only = ANY) -> list[tuple[uuid.UUID, float]]:
        self._make()
        filter = self._filter(kind)
        if only.conversations is not None:
            if not only.conversations:
                return []
            any_of = {"any": [str(one) for one in only.conversations]}
            filter["must"].append({"key": "conversation", "match": any_of})
        if only.but is not None:
            filter["must_not"] = [{"key": "conversation", "match": {"value": str(only.but)}}]
        wanted = {"query": {"nearest": numbers.tolist()}, "limit": k, "filter": filter, "with_payload": False}
        found = self._call("POST", "/points/query", wanted)
        try:
            return [(uuid.UUID(point["id"]), float(point["score"])) for point in found["points"]]
        except (KeyError, TypeError, ValueError):
            raise StoreAway("answer_broken") from None

    def numbers(self, kind: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
        import numpy as np

        self._make()
        filter = self._filter(kind)
        filter["must"].append({"has_id": [str(one) for one in ids]})
        wanted = {"filter": filter, "limit": max(1, len(ids)), "with_vector": True, "with_payload": False}
        found = self._call("POST", "/points/scroll", wanted)
        try:
            return {uuid.UUID(one["id"]): np.array(one["vector"], np.float32) for one in found["points"]}
        except (KeyError, TypeError, ValueError):
            raise StoreAway("answer_broken") from None

    def delete(self, kind: str, ids: Collection[uuid.UUID]) -> None:
        filter = self._filter(kind)
        filter["must"].append({"has_id": [str(one) for one in ids]})
        self._call("POST", "/points/delete?wait=true", {"filter": filter}, known=GONE)

    def delete_all(self) -> None:
        """Those of former encoders, too: the server tells which collections there are."""
        told = self._asked("GET", "/collections")
        try:
            names = [one["name"] for one in told.get("collections", ()) if one["name"].startswith(OURS)]
        except (KeyError, TypeError, AttributeError):
            raise StoreAway("answer_broken") from None
        for name in names:
            body = {"filter": {"must": [self._tenant()]}}
            self._asked("POST", f"/collections/{name}/points/delete?wait=true", body, known=GONE)

    def count(self, kind: str) -> int:
        self._make()
        return int(self._call("POST", "/points/count", {"filter": self._filter(kind), "exact": True})["count"])

    def _payload(self, kind: str, point: Point) -> dict[str, str]:
        """Ids and no words."""
        told = {"tenant": str(current_tenant_id()), "kind": kind}
        return told | ({"conversation": str(point.conversation_id)} if point.conversation_id else {})

    def _filter(self, kind: str) -> dict[str, Any]:
        return {"must": [self._tenant(), {"key": "kind", "match": {"value": kind}}]}

    def _tenant(self) -> dict[str, Any]:
        return {"key": "tenant", "match": {"value": str(current_tenant_id())}}

    def _make(self) -> None:
        """The collection and its keywords, where they are not there; again is harmless."""
        if (self._url, self._collection) in MADE:
            return
        if not self._call("GET", "/exists").get("exists"):
            vectors = {"size": texts.WIDTH, "distance": "Cosine", "on_disk": True}
            self._call("PUT", "", {"vectors": vectors}, known=(409,))
        for name in ("tenant", "kind", "conversation"):
            schema = {"type": "keyword", **({"is_tenant": True} if name == "tenant" else {})}
            self._call("PUT", "/index?wait=true", {"field_name": name, "field_schema": schema})
        MADE.add((self._url, self._collection))

    def _call(self, method: str, path: str, body: Any = None, known: Collection[int] = ()) -> dict[str, Any]:
        try:
            return self._asked(method, f"/collections/{self._collection}{path}", body, known)
        except StoreAway:
            MADE.discard((self._url, self._collection))  # it may have been dropped: looked at again
            raise

    def _asked(self, method: str, path: str, body: Any = None, known: Collection[int] = ()) -> dict[str, Any]:
        headers = {"api-key": self._key} if self._key else {}
        answer = asked(method, self._url + path, headers=headers, secret=self._key, body=body, known=known)
        result = answer.get("result")
        return result if isinstance(result, dict) else {}
