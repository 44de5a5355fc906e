"""A value of a body has the type that the API's document names: no text, number or truth stands for another (API-5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel

from tenants.strict import strict_of
from tests.api.document import document
from tests.api.test_nulls import types_of
from tests.api.test_tenant_matrix import filled
from tests.api.world import World


class Numbered(BaseModel):
    several: int
    share: float
    at: datetime


pytestmark = pytest.mark.django_db

APART = re.compile(r"/system/|{(?!\w*id})")  # operators have tests of their own; and what is named by a text
OTHERS: dict[str, list[Any]] = {
    "boolean": [0, 1, "no", "true", 1.0],
    "integer": ["3", True, "", 1.5],
    "number": ["3", True],
    "string": [3, True, 0],
}


def members() -> Iterator[tuple[str, str, str, str]]:
    """(method, path, member, its type) of every body that the API takes, where a member has one type or is null."""
    schema = document()
    for path, item in schema["paths"].items():
        for method, operation in ({} if APART.search(path) else item).items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            name = body["schema"].get("$ref", "").rpartition("/")[2] if body else ""
            of = schema["components"]["schemas"][name] if name else body["schema"] if body else {}
            for name, part in of.get("properties", {}).items():
                types = types_of(part, schema) - {"null"}
                if len(types) == 1 and types <= OTHERS.keys():
                    yield method, path, name, *types


MEMBERS = sorted(members())


def test_the_document_has_members_of_each_type() -> None:
    assert {kind for *_, kind in MEMBERS} == OTHERS.keys()
    assert len(MEMBERS) > 200


def test_a_value_of_another_type_is_refused_by_its_name(api: Any, tenant: Any, subtests: pytest.Subtests) -> None:
    client, world = api(tenant), World(tenant, "kingfisher")
    for method, path, name, kind in MEMBERS:
        address = filled(re.sub(r"{(\w+)}", r"<uuid:\1>", path).removeprefix("/"), world.ids)
        with subtests.test(method=method, path=path, name=name):
            taken = []
            for given in OTHERS[kind]:
                answer = getattr(client, method)(address, data={name: given})
                error = client.error_of(answer) if answer.status_code >= 400 else {}
                if name not in {detail["field"] for detail in error.get("details") or ()}:
                    taken.append((given, answer.status_code, error.get("code")))
            assert taken == []


def test_a_whole_number_may_have_a_point() -> None:
    """As in JSON Schema."""
    taken = strict_of(Numbered).validate_json('{"several": 3.0, "share": 1, "at": "2026-01-31T12:00:00Z"}')
    assert (taken.several, taken.share) == (3, 1.0)
