"""Tools and system prompts by REST (AI-7, API-4)."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from assistant.tools import arguments, offering, toolbox
from assistant.tools.arguments import BadArguments, BadSchema, arguments_filled, schema_check
from assistant.tools.calling import Outcome
from assistant.tools.mcp_servers import Offered, ServerError
from assistant.tools.models import AgreedCall, Tool
from tenants.models import AuditEntry
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
WANTED = {"name": "cancel_order", "title": "Cancel", "description": "Cancels", "url": "https://tools.example.com/x",
          "schema": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}}  # fmt: skip


@pytest.fixture
def client(api: Any, tenant: Any) -> Any:
    return api(tenant)


def code_of(answer: Any) -> tuple[int, str]:
    error = answer.json()["error"]
    detail = error["details"][0]["code"] if isinstance(error["details"], list) and error["details"] else ""
    return answer.status_code, detail or error["code"]


def test_a_tool_is_listed_changed_and_taken_away(client: Any, tenant: Any) -> None:
    made = client.data_of(client.post("/api/v2/tools", WANTED))
    assert made["secret"].startswith("whsec_") and made["changes"] is True
    address = f"/api/v2/tools/{made['id']}"
    shown = client.data_of(client.get(address))
    assert (
        shown["secret"] == f"••••{made['secret'][-4:]}"
        and made["secret"] not in client.get("/api/v2/tools").content.decode()
    )
    assert client.data_of(client.patch(address, {"enabled": False}))["enabled"] is False
    assert code_of(client.post("/api/v2/tools", WANTED)) == (409, "tool_exists")
    assert client.delete(address).status_code == 204 and code_of(client.get(address)) == (404, "tool_not_found")
    acts = AuditEntry.objects.unscoped().filter(tenant=tenant, action__startswith="tool.").order_by("id")
    assert [entry.action for entry in acts] == ["tool.created", "tool.updated", "tool.deleted"]


WRONG = {
    "a name of ours": ({"name": "hand_over"}, "invalid_name"),
    "a strange name": ({"name": "Cancel!"}, "invalid_name"),
    "an inner address": ({"url": "https://127.0.0.1/x"}, "url_not_public"),
    "no schema of an object": ({"schema": {"type": "string"}}, "invalid_schema"),
    "a short secret": ({"secret": "whsec_AAAA"}, "invalid_secret"),
}


@pytest.mark.parametrize(("change", "code"), WRONG.values(), ids=list(WRONG))
def test_what_may_not_be_on_the_list(client: Any, change: dict[str, Any], code: str) -> None:
    assert code_of(client.post("/api/v2/tools", WANTED | change)) == (400, code)


def test_a_secret_does_not_follow_to_a_new_address(client: Any) -> None:
    made = client.data_of(client.post("/api/v2/tools", WANTED))
    moved = client.patch(f"/api/v2/tools/{made['id']}", {"url": "https://other.example.com/x"})
    assert code_of(moved) == (400, "secret_missing")


SCHEMAS = {
    "slow": {"type": "object", "properties": {"a": {"pattern": "(a+)+$"}}},
    "fetched": {"type": "object", "properties": {"a": {"$ref": "https://x.example.com/s.json"}}},
    "deep": {
        "type": "object",
        "properties": {"a": {"x-person": "contact_id", "properties": {"b": {"x-person": "identity"}}}},
    },
    "unknown fact": {"type": "object", "properties": {"a": {"x-person": "email"}}},
    "large": {"type": "object", "description": "x" * 20_000},
    "none": {"type": "object", "properties": {"a": {"type": "no such type"}}},
    "another draft within": {"type": "object", "$defs": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
    "deeper than can be written down": {
        "type": "object",
        "not": functools.reduce(lambda part, _: {"not": part}, range(3000), {}),
    },
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_schemas_that_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(BadSchema):
        schema_check(schema)


def doubled(lines: int) -> dict[str, Any]:
    """Rules each of which asks for the next one twice."""
    rules = {f"r{at}": {"allOf": 2 * [{"$ref": f"#/$defs/r{at + 1}"}]} for at in range(lines)}
    return {"type": "object", "$ref": "#/$defs/r0", "$defs": {**rules, f"r{lines}": {}}}


def test_a_schema_that_would_take_hours_is_left_after_its_time(monkeypatch: Any) -> None:
    schema_check(doubled(40))
    assert arguments_filled(doubled(4), {"a": 1}, {}) == {"a": 1}
    monkeypatch.setattr(arguments, "MOST_S", 0.01)
    with pytest.raises(BadArguments, match="not_by_schema"):
        arguments_filled(doubled(40), {"a": 1}, {})


@pytest.mark.parametrize("first", [{"unevaluatedProperties": {"type": "integer"}}, {}])
def test_nor_does_the_rule_about_the_rest_take_hours(monkeypatch: Any, first: dict[str, Any]) -> None:
    """It follows each rule of the schema once more, by itself."""
    monkeypatch.setattr(arguments, "MOST_S", 0.05)
    both = {f"r{at}": {"dependentSchemas": {name: {"$ref": f"#/$defs/r{at + 1}"} for name in "ab"}} for at in range(40)}
    schema = {"type": "object", **first, "properties": {"a": {}}, "$ref": "#/$defs/r0", "$defs": {**both, "r40": {}}}
    schema_check(schema)
    with pytest.raises(BadArguments, match="not_by_schema"):
        arguments_filled(schema, {"a": 1, "b": 2}, {})


def test_a_tool_is_tried_once_for_no_person(client: Any, tenant: Any, monkeypatch: Any) -> None:
    called: list[Any] = []

    def answer(tool: Tool, arguments: Any, caller: Any, seconds: float) -> Outcome:
        called.append((tool.name, arguments, dict(caller.person)))
        return Outcome("ok", "done", 5)

    monkeypatch.setattr(toolbox, "http_called", answer)
    made = client.data_of(client.post("/api/v2/tools", WANTED))
    tried = client.post(f"/api/v2/tools/{made['id']}/try", {"arguments": {"order": "1"}})
    assert client.data_of(tried) == {"code": "ok", "text": "done", "took_ms": 5}
    assert code_of(client.post(f"/api/v2/tools/{made['id']}/try", {"arguments": {}})) == (400, "arguments_invalid")
    assert called == [("cancel_order", {"order": "1"}, {})]
    with tenant_scope(tenant.id):
        assert not AgreedCall.objects.exists()


def test_what_a_server_offers_and_whether_it_can_be_used(client: Any, monkeypatch: Any) -> None:
    found = [
        Offered("a", "", "A", {"type": "object"}, True),
        Offered("b", "", "B", {"type": "object", "pattern": "x"}, False),
    ]
    monkeypatch.setattr(offering, "offered_by", lambda url, token, seconds: found)
    answer = client.data_of(client.post("/api/v2/tools/offered", {"url": "https://tools.example.com/mcp"}))
    assert [(one["name"], bool(one["usable"])) for one in answer["items"]] == [("a", False), ("b", True)]

    def refuse(url: str, token: str, seconds: float) -> Any:
        raise ServerError("timeout")

    monkeypatch.setattr(offering, "offered_by", refuse)
    assert code_of(client.post("/api/v2/tools/offered", {"url": "https://tools.example.com/mcp"})) == (
        422,
        "mcp_server_unusable",
    )


def test_prompts_are_written_activated_and_rolled_back(client: Any) -> None:
    first = client.data_of(client.post("/api/v2/prompts", {"text": "Be brief."}))
    second = client.data_of(client.post("/api/v2/prompts", {"text": "Be kind.", "after": 1}))
    assert (first["version"], second["version"], second["active"]) == (1, 2, False)
    assert code_of(client.post("/api/v2/prompts", {"text": "Late.", "after": 1})) == (409, "prompt_changed")
    for wanted in (second, first):
        client.post(f"/api/v2/prompts/{wanted['id']}/activate")
        active = [one["id"] for one in client.data_of(client.get("/api/v2/prompts"))["items"] if one["active"]]
        assert active == [wanted["id"]]


def test_a_preview_shows_what_a_model_would_get(client: Any, tenant: Any) -> None:
    seen = client.data_of(
        client.post("/api/v2/prompts/preview", {"text": "Be a bishop.", "message": "Card 4111 1111 1111 1111"})
    )
    assert "Be a bishop." in seen["messages"][0]["text"]
    assert seen["messages"][-1] == {"role": "user", "text": "Card [CARD_NUMBER_1]"} and seen["tokens"] > 100


def test_another_tenants_are_not_there(client: Any, other_tenant: Any) -> None:
    with tenant_scope(other_tenant.id):
        theirs = Tool.objects.create(
            tenant=other_tenant, name="x", title="x", description="x", url="https://x", secret=""
        )
    assert client.data_of(client.get("/api/v2/tools"))["items"] == []
    assert client.delete(f"/api/v2/tools/{theirs.id}").status_code == 404


NAMED = {"type": "object", "properties": {"order": {"type": "string"}}}


@pytest.mark.parametrize("added", [{"contact_id": "another person's"}, {"confirmed": True}, {"__proto__": {}}])
def test_a_model_adds_no_argument_that_the_schema_does_not_name(added) -> None:
    with pytest.raises(BadArguments, match="not_by_schema"):
        arguments_filled(NAMED, {"order": "AC-1", **added}, {})


@pytest.mark.parametrize(
    "schema",
    [
        {**NAMED, "additionalProperties": {"type": "string"}},
        {**NAMED, "allOf": [{"properties": {"size": {"type": "string"}}}]},
        {"type": "object"},
    ],
)
def test_what_a_schema_lets_in_is_taken(schema) -> None:
    given = {"order": "AC-1", "size": "L"}
    assert arguments_filled(schema, given, {}) == given
