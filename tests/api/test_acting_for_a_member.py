"""An OAuth client that acts for a member of staff acts under that name, and under no other (TEN-3, TEN-6)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Conversation, Message
from tenants.access import auth
from tenants.access.grants.clients import client_create
from tenants.models import Membership, Tenant
from tests.conftest import Api
from tests.factories import ChannelFactory, MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)

CHAT = "/api/v2/chat"
SCOPES = ["conversations:read", "conversations:write", "messages:read", "messages:send"]


@pytest.fixture
def ana(tenant: Tenant) -> Membership:
    MembershipFactory(tenant=tenant, user__username="ben")
    return MembershipFactory(tenant=tenant, user__username="ana")


@pytest.fixture
def client(tenant: Tenant, ana: Membership) -> Any:
    """Of a program that Ana lets act for her."""
    program, _ = client_create(tenant, "Desk", SCOPES, ["https://desk.example.com/back"])
    holder = auth.Principal(
        tenant_id=tenant.id, subject="user:ana", kind="token", client_id=program.client_id, user_id=str(ana.user_id),
        permissions=frozenset(SCOPES),
    )  # fmt: skip
    return Api(auth.token_pair(holder)[0])


@pytest.fixture
def place(api: Any, tenant: Tenant) -> str:
    ChannelFactory(tenant=tenant, kind="web")
    body = {"user_id": "mira", "channel": "web", "content": {"type": "text", "text": "my violin"},
            "processing_hints": {"bypass_automation": True}}  # fmt: skip
    asks = api(tenant)
    return f"{CHAT}/conversations/{asks.data_of(asks.post(f'{CHAT}/message', body))['conversation_id']}"


def test_it_takes_a_conversation_and_answers_under_her_name(client: Any, scope: Any, place: str, ana: Any) -> None:
    taken = client.post(f"{place}/take-over", {})
    assert (taken.status_code, client.data_of(taken)["assignee"]["name"]) == (200, "ana")
    assert client.post(f"{place}/messages", {"content": {"type": "text", "text": "Hello"}}).status_code == 201
    assert Message.objects.get(role=Message.Role.AGENT).author_id == ana.user_id
    assert len(client.data_of(client.get(f"{CHAT}/inbox", {"view": "mine"}))["items"]) == 1


@pytest.mark.parametrize(("path", "body"), [
    ("take-over", {}), ("messages", {"content": {"type": "text", "text": "Hello"}}), ("notes", {"text": "He waits"}),
])  # fmt: skip
def test_it_acts_for_no_colleague(client: Any, scope: Any, place: str, path: str, body: dict[str, Any]) -> None:
    refused = client.post(f"{place}/{path}", {**body, "agent": "ben"})
    assert (refused.status_code, client.error_of(refused)["code"]) == (403, "agent_other")
    assert Conversation.objects.get().assignee_id is None


def test_it_gives_a_conversation_to_a_colleague(client: Any, place: str) -> None:
    given = client.data_of(client.post(f"{place}/assign", {"agent": "ben"}))
    assert given["assignee"]["name"] == "ben"
