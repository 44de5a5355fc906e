"""What null means in the body of every PATCH: it empties what may be empty, and is refused for the rest (API-5)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tenants.scope import tenant_scope
from tests.api.document import document
from tests.api.test_changes import ROWS, members_of

pytestmark = pytest.mark.django_db

EMPTY = {"string": "", "array": []}


def types_of(part: Any, schema: Any) -> set[str]:
    """The JSON types that a member may have."""
    name = part.get("$ref", "").rpartition("/")[2]
    part = schema["components"]["schemas"][name] if name else part
    told = part.get("type", ())
    several = (*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ()))
    return ({told} if isinstance(told, str) else {*told}) | {one for of in several for one in types_of(of, schema)}


def changes() -> list[Any]:
    schema = document()
    found = []
    for path, item in schema["paths"].items():
        item = {} if "/system/" in path else item  # operators have tests of their own
        body = item.get("patch", {}).get("requestBody", {}).get("content", {}).get("application/json")
        for name, part in members_of(body["schema"], schema).items() if body else ():
            found.append(pytest.param(path, name, types_of(part, schema), id=f"{path}-{name}"))
    return found


def test_every_patch_is_tried() -> None:
    schema = document()
    assert {path for path, item in schema["paths"].items() if "patch" in item and "/system/" not in path} <= ROWS.keys()
    assert len(changes()) > 80


@pytest.mark.parametrize(("path", "name", "types"), changes())
def test_null_empties_what_may_be_empty(
    path: str, name: str, types: set[str], tenant: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.integrators.endpoints.url_check", lambda url: None)
    with tenant_scope(tenant.id):
        row = ROWS[path](tenant)
    client, address = api(tenant), re.sub(r"\{\w+\}", str(row.id), path)
    answer = client.patch(address, {name: None})
    if "null" not in types:
        assert answer.status_code == 400, answer.content
        assert {detail["field"].partition(".")[0] for detail in client.error_of(answer)["details"]} == {name}
    else:
        assert answer.status_code == 200, answer.content
        assert client.data_of(answer)[name] in (None, "", [])
    if types & EMPTY.keys():
        empty = client.patch(address, {name: EMPTY[min(types & EMPTY.keys())]})
        assert (empty.status_code == 200) == (answer.status_code == 200), empty.content
