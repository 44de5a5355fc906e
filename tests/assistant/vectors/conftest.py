"""Vectors that are read off the words, so that no test loads an encoder; a Qdrant and a Pinecone that are asked over
their own wires."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from django.db import connection

from assistant.vectors import embedded, lanes, pgvector, qdrant, texts


def of_words(given: list[str]) -> Any:
    """Texts are alike as far as they share words."""
    rows = np.zeros((len(given), texts.WIDTH), np.float32)
    for row, text in zip(rows, given, strict=True):
        for word in text.lower().replace(".", " ").split():
            row += np.random.default_rng(zlib.crc32(word.encode())).standard_normal(texts.WIDTH, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


class _Fake(ThreadingHTTPServer):
    """What it holds, and what it was asked: (method, path, body)."""

    def __init__(self, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.asked: list[tuple[str, str, Any]] = []
        self.broken = 0  # status of every answer, if it is one

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class FakeQdrant(_Fake):
    """Collections with their points."""

    def __init__(self) -> None:
        super().__init__(_QdrantHandler)
        self.collections: dict[str, dict[str, Any]] = {}


class FakePinecone(_Fake):
    """Namespaces with their vectors; a namespace of which nothing is left is unknown."""

    def __init__(self) -> None:
        super().__init__(_PineconeHandler)
        self.namespaces: dict[str, dict[str, Any]] = {}


def _fits(point: dict[str, Any], filter: dict[str, Any]) -> bool:
    def one(condition: dict[str, Any]) -> bool:
        if "has_id" in condition:
            return point["id"] in condition["has_id"]
        held, match = point["payload"].get(condition["key"]), condition["match"]
        return held in match["any"] if "any" in match else held == match["value"]

    return all(map(one, filter.get("must", []))) and not any(map(one, filter.get("must_not", [])))


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def _answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
        self.server.asked.append((self.command, self.path.partition("?")[0], body))
        status, told = self._told(body)
        self.send_response(self.server.broken or status)
        raw = json.dumps(told).encode()
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _told(self, body: Any) -> tuple[int, Any]:
        raise NotImplementedError

    do_GET = do_PUT = do_POST = _answer

    def log_message(self, *_: Any) -> None:
        pass


class _PineconeHandler(_Handler):
    def _told(self, body: Any) -> tuple[int, Any]:
        held, path, query = self.server.namespaces, *self.path.partition("?")[::2]
        asked = parse_qs(query)
        if self.headers["Api-Key"] != "k-1" or not self.headers["X-Pinecone-Api-Version"]:
            return 401, {"error": {"code": "UNAUTHENTICATED"}}
        if path == "/describe_index_stats":
            counts = {name: {"vectorCount": len(points)} for name, points in held.items()}
            return 200, {"namespaces": counts, "dimension": texts.WIDTH, "totalVectorCount": 0}
        name = body["namespace"] if body else asked["namespace"][0]
        points = held.setdefault(name, {}) if path == "/vectors/upsert" else held.get(name)
        if path == "/vectors/upsert":
            points.update({point["id"]: point for point in body["vectors"]})
            return 200, {"upsertedCount": len(body["vectors"])}
        if path == "/query":
            wanted, fitting = (
                np.array(body["vector"]),
                [one for one in (points or {}).values() if _fits_filter(one, body.get("filter", {}).get("$and", []))],
            )
            scored = [{"id": one["id"], "score": float(np.dot(one["values"], wanted))} for one in fitting]
            return 200, {"matches": sorted(scored, key=lambda one: -one["score"])[: body["topK"]], "namespace": name}
        if points is None:
            return 404, {"code": 5, "message": "Namespace not found"}
        if path == "/vectors/fetch":
            return 200, {"vectors": {one: points[one] for one in asked["ids"] if one in points}}
        for one in list(points) if body.get("deleteAll") else body["ids"]:
            points.pop(one, None)
        if not points:
            del held[name]
        return 200, {}


def _fits_filter(point: dict[str, Any], held: list[Any]) -> bool:
    said = point["metadata"].get("conversation")
    ways = {"$in": lambda of: said in of, "$ne": lambda of: said != of}
    return all(ways[how](of) for one in held for how, of in one["conversation"].items())


class _QdrantHandler(_Handler):
    def _told(self, body: Any) -> tuple[int, Any]:
        _, _, name, *rest = [*self.path.partition("?")[0].split("/"), ""]
        status, result = self._done(name, "/".join(rest).strip("/"), body)
        return status, {"result": result, "status": "ok", "time": 0.001}

    def _done(self, name: str, what: str, body: Any) -> tuple[int, Any]:
        held = self.server.collections
        if not name:
            return 200, {"collections": [{"name": one} for one in held]}
        if what == "exists":
            return 200, {"exists": name in held}
        if not what:
            held[name] = {}
            return 200, {}
        if name not in held:
            return 404, {}
        points = held[name]
        if what == "points":
            points.update({point["id"]: point for point in body["points"]})
            return 200, {"status": "completed"}
        if what == "index":
            return 200, {}
        fitting = [point for point in points.values() if _fits(point, body["filter"])]
        if what == "points/delete":
            for point in fitting:
                del points[point["id"]]
            return 200, {"status": "completed"}
        if what == "points/count":
            return 200, {"count": len(fitting)}
        if what == "points/scroll":
            return 200, {"points": fitting[: body["limit"]]}
        wanted = np.array(body["query"]["nearest"])
        scored = [{"id": point["id"], "score": float(np.dot(point["vector"], wanted))} for point in fitting]
        return 200, {"points": sorted(scored, key=lambda one: -one["score"])[: body["limit"]]}


@pytest.fixture(autouse=True)
def read_off_words(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """And everything is looked at anew each time, and is old enough to be looked at."""
    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": True}
    monkeypatch.setattr(texts, "encoded", of_words)
    monkeypatch.setattr(embedded, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(lanes, "COMMITTED", lanes.COMMITTED * 0)
    embedded.forget_all()
    yield
    embedded.forget_all()


def _served(fake: Any) -> Iterator[Any]:
    threading.Thread(target=fake.serve_forever, args=[0.01], daemon=True).start()
    yield fake
    fake.shutdown()
    fake.server_close()


@pytest.fixture
def server() -> Iterator[FakeQdrant]:
    yield from _served(FakeQdrant())


@pytest.fixture
def pinecone() -> Iterator[FakePinecone]:
    yield from _served(FakePinecone())


def pgvector_missing() -> str:
    """Why this database has no pgvector; "" if it has."""
    if connection.vendor != "postgresql":
        return "pgvector is PostgreSQL's: make test-pgvector"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
        [[found]] = cursor.fetchall()
    return "" if found else "this PostgreSQL has no pgvector: make test-pgvector"


@pytest.fixture(params=["embedded", "qdrant", "pinecone", "pgvector"])
def vector_store(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    """Each store in turn."""
    told: dict[str, str] = {"VECTOR_STORE": request.param}
    if request.param == "qdrant":
        qdrant.MADE.clear()
        told |= {"QDRANT_URL": request.getfixturevalue("server").url, "QDRANT_API_KEY": "k-1"}
    elif request.param == "pinecone":
        told |= {"PINECONE_URL": request.getfixturevalue("pinecone").url, "PINECONE_API_KEY": "k-1"}
    elif request.param == "pgvector" and (why := pgvector_missing()):
        pytest.skip(why)
    settings.ENV = {**settings.ENV, **told}
    yield str(request.param)
    if request.param == "pgvector":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {pgvector.TABLE}")
        pgvector._version.clear()
