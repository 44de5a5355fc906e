"""No body, and no value at any place of one, ends an operation in an error of ours: every write of the URL conf (API-1, OPS-9)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.test_tenant_matrix import filled
from tests.api.world import World, bodies
from tests.cases import by_noun, undone
from tests.tenants.access.test_permissions import CLOSED

pytestmark = pytest.mark.django_db
BODIES = bodies()
WRITES = [case for case in CLOSED if case.values[3] in ("POST", "PUT", "PATCH") and "<str" not in case.values[0]]
WHOLE = [
    "[" * 10_000 + "]" * 10_000,
    '{"a":' * 10_000 + "1" + "}" * 10_000,
    '{"text": "\\ud800"}',
    "NaN",
    "null",
    '"text"',
    "[1]",
    "{" + ",".join(f'"a{place}": 1' for place in range(2000)) + "}",
    "\ufeff{}",
    "1" * 5000,
]
HOSTILE = [
    "x\0y",
    "\ud800",
    "x" * 70_000,
    "1" * 400,
    "",
    " ",
    "\u202e\u200b",
    10**30,
    -1,
    1e308,
    True,
    None,
    [],
    {},
    [[]],
    [{}],
    {"": {}},
]
ALLOWED = {"not_available", "issuer_away"}  # what others have to answer for


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    settings.ENV = {**settings.ENV, "ENABLE_RATE_LIMITING": False}


def mutated(body: Any, at: Any = ()) -> Iterator[Any]:
    """The body with a hostile value in one place, at each place."""
    for key, value in body.items() if isinstance(body, dict) else enumerate(body[:1]):
        for hostile in HOSTILE:
            changed = copy.deepcopy(body)
            changed[key] = hostile
            yield changed
        if isinstance(value, (dict, list)):
            for inner in mutated(value):
                changed = copy.deepcopy(body)
                changed[key] = inner
                yield changed


def outcome(answer: Any) -> str:
    found = re.search(rb'"code": ?"(\w+)"', answer.content) if answer.status_code >= 500 else None
    return found[1].decode() if found else f"{answer.status_code}"


def example_of(method: str, address: str) -> Any:
    return BODIES.get((method, "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", address)), {})


def test_there_are_values_to_put_another_at_the_place_of() -> None:
    """The baseline in docs/api has no examples; from it, no value of any body was ever changed."""
    assert sum(1 for case in WRITES for _ in mutated(example_of(case.values[3], case.values[0]))) > 5000


@pytest.mark.parametrize("cases", by_noun(WRITES))
def test_an_operation_takes_whatever_comes(tenant: Any, api: Any, subtests: pytest.Subtests, cases: Any) -> None:
    world, client = World(tenant, "kingfisher"), api(tenant)
    for address, _, _, method in cases:
        with undone(subtests, method=method, address=address):
            sent = WHOLE + [json.dumps(one) for one in mutated(example_of(method, address))]
            failed = []
            for body in sent:
                answer = client.generic(method, filled(address, world.ids), body, content_type="application/json")
                if answer.status_code >= 500 and outcome(answer) not in ALLOWED:
                    failed.append((body[:120], outcome(answer)))
            assert failed == []
