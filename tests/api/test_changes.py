"""PATCH and PUT change what they are given and nothing else, also for generated clients (API-4)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from channels_app.templates.store import TemplateBody, template_create
from conversations.models import Contact
from messaging.agents.models import CannedReply
from messaging.integrators.endpoints import endpoint_create
from tenants.models import Team
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory, ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db

#: the variants of a template are replaced as a whole: each of them is one value
VARIANTS = {"en": {"content": {"type": "text", "text": "Hi {{name}}", "format": "plain"}, "defaults": {"name": "x"}}}

ROWS = {
    "/api/v2/chat/conversations/{conversation_id}": lambda tenant: ConversationFactory(tenant=tenant, subject="Refund"),
    "/api/v2/channels/{channel_id}": lambda tenant: ChannelFactory(
        tenant=tenant, kind="web", config={"allowed_origins": ["https://x.example"]}, rate_per_second=5, enabled=False,
        ip_allow_list=["203.0.113.0/24"],
    ),
    "/api/v2/chat/messages/{message_id}": lambda tenant: MessageFactory(
        tenant=tenant, role="agent", direction="outbound", content={"type": "text", "text": "Hi", "format": "plain"}
    ),
    "/api/v2/contacts/{contact_id}": lambda tenant: Contact.objects.create(
        tenant=tenant, name="Mira", email="m@example.com", phone="+4915112345678", language="de", profile={"a": 1},
        preferences={"b": "c"},
    ),
    "/api/v2/contacts/{contact_id}/preferences": lambda tenant: Contact.objects.create(tenant=tenant, preferences={"b": "c"}),
    "/api/v2/webhook-endpoints/{endpoint_id}": lambda tenant: endpoint_create(
        tenant.id, url="https://hooks.example.com/x", event_types=["chat.message.*"], description="keep me",
        enabled=False,
    )[0],
    "/api/v2/templates/{template_id}": lambda tenant: template_create(name="hello", variants=TemplateBody.model_validate({"name": "hello", "variants": VARIANTS}).variants),
    "/api/v2/canned-replies/{canned_id}": lambda tenant: CannedReply.objects.create(
        tenant=tenant, shortcut="hi", title="Hi", content={"type": "text", "text": "Hello", "format": "plain"}, language="en",
    ),
    "/api/v2/teams/{team_id}": lambda tenant: Team.objects.create(
        tenant=tenant, name="Returns", languages=["de"], skills=["refunds"]
    ),
}  # fmt: skip


def document() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


def bodies(schema: Any) -> dict[str, Any]:
    """Path → the schema of what is sent to change it."""
    return {
        path: operation["requestBody"]["content"]["application/json"]["schema"]
        for path, item in schema["paths"].items()
        for method, operation in item.items()
        if method in ("put", "patch") and "requestBody" in operation  # a label is put by its address alone
    }


def members_of(part: Any, schema: Any) -> dict[str, Any]:
    """What a body consists of."""
    name = part["$ref"].rpartition("/")[2]
    return schema["components"]["schemas"][name]["properties"]


def defaults_in(part: Any, schema: Any, seen: frozenset[str] = frozenset()) -> list[str]:
    """The places of a schema that have a default."""
    found, name = [], part.get("$ref", "").rpartition("/")[2]
    followed = {} if name in seen else schema["components"]["schemas"].get(name, {})
    for member, value in {**part.get("properties", {}), **followed.get("properties", {})}.items():
        found += [f"{name}.{member}"] * ("default" in value) + defaults_in(value, schema, seen | {name})
    several = (*part.get("anyOf", ()), *part.get("patternProperties", {}).values())
    inner = [one for one in (*several, part.get("items"), part.get("additionalProperties")) if isinstance(one, dict)]
    return found + [place for one in inner for place in defaults_in(one, schema, seen)]


def test_nothing_that_changes_a_row_publishes_a_default() -> None:
    schema = document()
    found = {path: defaults_in(body, schema) for path, body in bodies(schema).items()}
    assert found.keys() >= ROWS.keys() and not any(found.values())


def test_every_row_that_can_be_read_and_changed_is_tried_here() -> None:
    schema = document()
    assert {path for path in bodies(schema) if "get" in schema["paths"][path]} == ROWS.keys()


@pytest.mark.parametrize("path", ROWS)
def test_what_is_not_named_stays(path: str, tenant: Any, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.integrators.endpoints.url_check", lambda url: None)
    with tenant_scope(tenant.id):
        row = ROWS[path](tenant)
    client, address = api(tenant), re.sub(r"\{\w+\}", str(row.id), path)
    before = client.data_of(client.get(address))
    schema = document()
    for member in members_of(bodies(schema)[path], schema):
        answer = client.patch(address, {member: before[member]})
        assert answer.status_code == 200, answer.content
        after = client.data_of(answer)
        assert {**after, "updated_at": None} == {**before, "updated_at": None}
