"""PATCH and PUT change what they are given and nothing else, also for generated clients (API-4)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from assistant.evaluations.models import EvaluationCase
from assistant.knowledge.sites.models import Site
from assistant.models import Intent, KnowledgeEntry, LanguageModel, Provider
from assistant.products.models import ProductSource
from assistant.tools.listing import tool_create
from channels_app.content.types import text
from channels_app.templates.store import TemplateBody, template_create
from conversations.models import Contact
from messaging.agents.models import CannedReply, Label
from messaging.integrators.endpoints import endpoint_create
from messaging.threads.people import Who
from messaging.threads.rows import Wanted, thread_create
from messaging.threads.said import Said, message_post
from tenants.access.grants.clients import client_create
from tenants.models import Team, TrustedIssuer
from tenants.scope import tenant_scope
from tests.api.document import document
from tests.factories import ChannelFactory, ConversationFactory, MembershipFactory, MessageFactory, RoleFactory

pytestmark = pytest.mark.django_db

#: the variants of a template are replaced as a whole: each of them is one value
VARIANTS = {"en": {"content": {"type": "text", "text": "Hi {{name}}", "format": "plain"}, "defaults": {"name": "x"}}}

HOUSE = Who("system", "staff")


def thread_of(tenant: Any) -> Any:
    return thread_create("l-1", Wanted("Reading", [{"user_id": "g", "role": None}], {"a": 1}), HOUSE).thread


def thread_message_of(tenant: Any) -> Any:
    return message_post(thread_of(tenant).id, Said(text("Hi"), {"b": 2}), HOUSE)


ROWS = {
    "/api/v1/threads/{thread_id}": thread_of,
    "/api/v1/threads/{thread_id}/messages/{message_id}": thread_message_of,
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
    "/api/v2/oauth-clients/{row_id}": lambda tenant: client_create(tenant, "Shop", ["messages:send"], ["https://x.example/"])[0],
    "/api/v2/token-issuers/{issuer_id}": lambda tenant: TrustedIssuer.objects.create(
        tenant=tenant, issuer="https://id.example.com/", audience="chat", place="x", jwks_url="https://id.example.com/jwks",
        permissions=["messages:send"], keys={"a": {"kty": "EC"}},
    ),
    "/api/v2/webhook-endpoints/{endpoint_id}": lambda tenant: endpoint_create(
        tenant.id, url="https://hooks.example.com/x", event_types=["chat.message.*"], description="keep me",
        enabled=False,
    )[0],
    "/api/v2/templates/{template_id}": lambda tenant: template_create(name="hello", variants=TemplateBody.model_validate({"name": "hello", "variants": VARIANTS}).variants),
    "/api/v2/product-source": lambda tenant: ProductSource.objects.create(
        tenant=tenant, url="https://shop.example.com/adaptor", token="token-of-the-shop", enabled=False
    ),
    "/api/v2/tools/{tool_id}": lambda tenant: tool_create(
        name="order_status", title="Where is it", description="Where an order is", schema={"type": "object"},
        url="https://tools.example.com/x", enabled=False, timeout_s=9,
    ),
    "/api/v2/canned-replies/{canned_id}": lambda tenant: CannedReply.objects.create(
        tenant=tenant, shortcut="hi", title="Hi", content={"type": "text", "text": "Hello", "format": "plain"}, language="en",
    ),
    "/api/v2/knowledge/{article_id}": lambda tenant: KnowledgeEntry.objects.create(
        tenant=tenant, title="Returns", answer="60 days.", questions=["how long"], tags=["a"], language="en",
        source_url="https://shop.example/returns",
    ),
    "/api/v2/intents/{intent_id}": lambda tenant: Intent.objects.create(
        tenant=tenant, name="size", title="Size", description="keep me", examples=["what size"], responses=["{size}"],
        slots=[{"name": "size", "prompt": "How tall?", "choices": ["S", "L"]}], handover=True, confirm=True, enabled=False,
        translations={"de": {"title": "Größe", "slots": {"size": {"prompt": "Wie groß?"}}}},
    ),
    "/api/v2/providers/{provider_id}": lambda tenant: Provider.objects.create(
        tenant=tenant, name="own", kind="openai", requests_per_minute=5, supports_tools=False,
    ),
    "/api/v2/models/{model_id}": lambda tenant: LanguageModel.objects.create(
        tenant=tenant, name="gpt-x", capabilities=["json"], defaults={"temperature": 0.5}, intents=["returns"], rank=3,
        input_usd=1.5, provider=Provider.objects.create(tenant=tenant, name="own", kind="openai"),
    ),
    "/api/v2/evaluation-cases/{case_id}": lambda tenant: EvaluationCase.objects.create(
        tenant=tenant, name="second", question="How long?", language="de", intent="returns", facts=["30"], source="Returns"
    ),
    "/api/v2/teams/{team_id}": lambda tenant: Team.objects.create(
        tenant=tenant, name="Returns", languages=["de"], skills=["refunds"]
    ),
    "/api/v2/labels/{label_id}": lambda tenant: Label.objects.create(tenant=tenant, name="Refund", color="red"),
    "/api/v2/members/{user_id}/desk": lambda tenant: MembershipFactory(
        tenant=tenant, desk={"capacity": 3, "languages": ["de"], "skills": ["refunds"]}
    ).user,
    "/api/v2/knowledge-sites/{site_id}": lambda tenant: Site.objects.create(
        tenant=tenant, url="https://shop.example.com/sitemap.xml", language="de"
    ),
    "/api/v2/tenant": lambda tenant: tenant,
    "/api/v2/roles/{role_id}": lambda tenant: RoleFactory(tenant=tenant, name="reader", permissions=["audit:read"]),
    "/api/v2/members/{user_id}": lambda tenant: MembershipFactory(
        tenant=tenant, picture="https://pics.example.com/ben.png", role__name="boss"
    ).user,
}  # fmt: skip


def bodies(schema: Any) -> dict[str, Any]:
    """Path → the schema of what is sent to change it."""
    return {
        path: operation["requestBody"]["content"]["application/json"]["schema"]
        for path, item in schema["paths"].items()
        for method, operation in item.items()
        if "/system/" not in path  # operators have tests of their own
        and method in ("put", "patch")
        and "requestBody" in operation  # a label is put by its address alone
        and (
            method == "patch" or not operation["requestBody"].get("required")
        )  # and what demands all its facts is replaced
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
    ids = {"thread_id": getattr(row, "conversation_id", row.id)}
    client, address = api(tenant), re.sub(r"\{(\w+)\}", lambda name: str(ids.get(name[1], row.id)), path)
    before = client.data_of(client.get(address))
    schema = document()
    change = client.patch if "patch" in schema["paths"][path] else client.put
    for member in members_of(bodies(schema)[path], schema):
        answer = change(address, {member: before[member]})
        assert answer.status_code == 200, answer.content
        after = client.data_of(answer)
        assert {**after, "updated_at": None} == {**before, "updated_at": None}
