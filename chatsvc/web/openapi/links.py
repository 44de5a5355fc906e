"""Where an answer leads to: the OpenAPI document's ``links`` (API-4).

Owns that the ``id`` in an answer of a collection is what the addresses of its rows want, which clients and tests follow.
Must not know any single operation: an address tells it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"


def linked(result: Schema, **options: Any) -> Schema:
    """drf-spectacular's post-processing hook; it comes when answers have their envelope."""
    paths, schemas = result["paths"], result["components"]["schemas"]
    claims = Counter(_row_of(path, paths) for path in paths)
    for path, method, operation in _operations(paths):
        row = _row_of(path, paths)
        for status in ("200", "201"):
            response = operation["responses"].get(status)
            if row and response and (pointer := _id_in(response, schemas, made=method == "post")):
                response["links"] = _links(path, row, pointer, paths, alone=claims[row] == 1)
    return result


def _operations(paths: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in paths.items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def _row_of(path: str, paths: Schema) -> str:
    """The name of a row's place below the collection ``path``: ``contact_id``; "" where it is none."""
    below = (one.removeprefix(f"{path}/") for one in paths if one.startswith(f"{path}/{{"))
    return next((one[1:-1] for one in below if one.endswith("_id}") and "/" not in one), "")


def _id_in(response: Schema, schemas: Schema, *, made: bool) -> str:
    """Where the id of the row that was made stands in the answer, or of a list's first."""
    data = _named(response.get("content", {}).get(JSON, {}).get("schema", {}), schemas).get("data", {})
    if made:
        return "/data/id" if "id" in _named(data, schemas) else ""
    items = _named(data, schemas).get("items", {})
    return "/data/items/0/id" if "id" in _named(items.get("items", {}), schemas) else ""


def _named(schema: Schema, schemas: Schema) -> Schema:
    """The properties of an object, also where it is a component."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    properties: Schema = schemas.get(name, schema).get("properties", {})
    return properties


def _links(path: str, row: str, pointer: str, paths: Schema, *, alone: bool) -> Schema:
    """To each operation that wants the row, and nothing that the request to ``path`` did not say. ``alone``: rows of no
    other collection stand at a place of that name, so that it is the row wherever it stands."""
    told = {name: f"$request.path.{name}" for name in _places(path)}
    told[row] = f"$response.body#{pointer}"
    return {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": {name: told[name] for name in sorted(_places(other))},
        }
        for other, _, operation in _operations(paths)
        if (alone or other.startswith(f"{path}/{{{row}}}")) and row in _places(other) and _places(other) <= told.keys()
    }


def _places(path: str) -> set[str]:
    return {part[1:-1] for part in path.split("/") if part.startswith("{")}
