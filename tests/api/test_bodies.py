"""A body that has to be sent is told as required, and one that is told as optional may be left out (API-4)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tenants.scope import tenant_scope
from tests.api.document import document
from tests.api.test_changes import ROWS
from tests.api.test_tenant_matrix import place
from tests.api.world import World
from tests.cases import by_noun, undone

pytestmark = pytest.mark.django_db


#: whether a person has to be named by the body depends on whose credential it is; accounts of operators have tests of their own
DEPENDS = ("/webchat/", "/looking", "/system/")


def operations() -> list[tuple[str, str, bool]]:
    return [
        (path, method, operation["requestBody"].get("required", False))
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if "requestBody" in operation and not any(part in path for part in DEPENDS)
    ]


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids[place(path.lstrip("/"), found[1])], path)


@pytest.mark.parametrize("cases", by_noun(operations()))
def test_no_body_is_refused_just_where_one_is_required(
    cases: Any, tenant: Any, api: Any, settings: Any, subtests: pytest.Subtests
) -> None:
    settings.ENV = {**settings.ENV, "ENABLE_RATE_LIMITING": False}
    world, client = World(tenant, "kingfisher"), api(tenant)
    for path, method, required in cases:
        with undone(subtests, method=method, path=path):
            with tenant_scope(tenant.id):
                row = ROWS[path](tenant) if path in ROWS else None
            own = {"thread_id": getattr(row, "conversation_id", None)} | (
                {path[path.rfind("{") + 1 : -1]: row.id} if row else {}
            )
            ids = world.ids | {name: str(value) for name, value in own.items() if value}
            answer = client.generic(method.upper(), filled(path, ids), "", content_type="")
            refused = answer.status_code in (400, 415, 422)
            assert refused == required, (answer.status_code, answer.content[:300] if not answer.streaming else "")


def test_files_are_bodies_that_are_required() -> None:
    bodies = [
        operation["requestBody"]
        for item in document()["paths"].values()
        for operation in item.values()
        if "requestBody" in operation and "application/json" not in operation["requestBody"]["content"]
    ]
    assert len(bodies) == 2
    assert all(body.get("required") for body in bodies)


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/api/v1/threads", {"learner_id": "l-1", "participants": ["ana", {"id": 1}]},
         {"participants.1.id", "participants.1.user_id"}),
        ("/api/v1/threads", {"learner_id": "l-1", "participants": [7]}, {"participants.0"}),
        ("/api/v1/threads/{id}/messages", {"content": {"type": "file", "media": {"url": "https://a.example"}}},
         {"content.media.type"}),
        ("/api/v1/threads/{id}/messages", {"content": ""}, {"content"}),
        ("/api/v1/threads/{id}/messages", {}, {"content"}),
    ],
)  # fmt: skip
def test_an_error_names_the_field_as_it_was_sent(
    path: str, body: dict[str, Any], fields: set[str], tenant: Any, api: Any
) -> None:
    """Also where several shapes are taken: their labels are the service's own."""
    client = api(tenant)
    thread = client.data_of(client.post("/api/v1/threads", {"learner_id": "l-2"}))
    answer = client.post(path.format(id=thread["id"]), body)
    assert answer.status_code == 400
    assert {problem["field"] for problem in client.error_of(answer)["details"]} == fields
    assert thread["created_at"] == thread["updated_at"]
