"""``/api/v2/safety``, ``/api/v2/reviews`` and what was hidden in a message: who may, and whose they are (MSG-3)."""

from __future__ import annotations

import pytest

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from conversations.models import Review
from messaging.accept import accept
from tenants.models import AuditEntry, Tenant
from tenants.storage.db import new_id
from tenants.tenant_settings import invalidate
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
RULES = {"mask": ["email"], "keep": ["email"], "review": ["email"]}


@pytest.fixture
def listed(scope: Tenant) -> list[Review]:
    """Three messages that a rule lists, the oldest first."""
    scope.settings = {"safety": RULES}
    scope.save()
    invalidate(scope.id)
    channel = ChannelFactory(tenant=scope, kind="web")
    for number in range(3):
        accept(channel, InboundMessage("", Sender("visitor", "v-1"), text(f"{number}: ann{number}@example.com")))
    return list(Review.objects.select_related("message").order_by("id"))


def test_the_rules_are_read_with_what_holds_by_itself(tenant, listed, api) -> None:
    client = api(tenant, "tenants:read")
    told = client.data_of(client.get("/api/v2/safety"))
    assert told == {
        "max_length": 4096, "max_links": 5, "card_numbers": True, "words": [], "alert": [], "hand_over": [],
        "replies": {"mask": [], "alert": [], "review": []}, **RULES,
    }  # fmt: skip
    assert api(tenant, "messages:read").get("/api/v2/safety").status_code == 403


def test_what_waits_is_listed_by_pages_the_latest_first(tenant, listed, api) -> None:
    client = api(tenant, "messages:read")
    first = client.data_of(client.get("/api/v2/reviews?open=true&page_size=2"))
    rest = client.data_of(client.get(f"/api/v2/reviews?open=true&page_size=2&cursor={first['next_cursor']}"))
    assert [row["text"] for row in first["items"] + rest["items"]] == [
        "2: •••@example.com",
        "1: •••@example.com",
        "0: •••@example.com",
    ]
    assert (rest["has_next"], first["items"][0]["flags"], first["items"][0]["role"]) == (False, ["email"], "visitor")
    assert api(tenant, "conversations:read").get("/api/v2/reviews").status_code == 403


def test_what_was_looked_at_leaves_the_list_once_and_is_audited(tenant, listed, api) -> None:
    client = api(tenant, "messages:read", "messages:write")
    where = f"/api/v2/reviews/{listed[0].id}/done"
    done = [client.data_of(client.post(where, {}))["reviewed_at"] for _ in range(2)]
    assert done[0] == done[1] is not None
    assert len(client.data_of(client.get("/api/v2/reviews?open=true"))["items"]) == 2
    assert [row["id"] for row in client.data_of(client.get("/api/v2/reviews?open=false"))["items"]] == [
        str(listed[0].id)
    ]
    assert AuditEntry.objects.filter(action="review.reviewed").count() == 1
    assert api(tenant, "messages:read").post(where, {}).status_code == 403


def test_what_was_hidden_is_shown_to_those_who_may_and_audited(tenant, listed, api) -> None:
    where = f"/api/v2/chat/messages/{listed[0].message_id}/hidden"
    client = api(tenant, "messages:reveal")
    assert client.data_of(client.get(where))["items"] == [{"kind": "email", "text": "ann0@example.com"}]
    assert AuditEntry.objects.filter(action="message.revealed").count() == 1
    assert api(tenant, "messages:read", "messages:write").get(where).status_code == 403


def test_a_transcript_says_that_something_is_kept_and_not_what(tenant, listed, api) -> None:
    client = api(tenant, "messages:read")
    conversation = listed[0].conversation_id
    answer = client.get(f"/api/v2/chat/conversations/{conversation}/messages")
    analysis = client.data_of(answer)["items"][0]["analysis"]
    assert (analysis["masked"], analysis["kept"], "sealed" in analysis) == (["email"], True, False)


def test_another_tenants_are_not_there(tenant, other_tenant, listed, api) -> None:
    stranger = api(other_tenant, "messages:read", "messages:write", "messages:reveal")
    assert stranger.data_of(stranger.get("/api/v2/reviews"))["items"] == []
    assert stranger.post(f"/api/v2/reviews/{listed[0].id}/done", {}).status_code == 404
    assert stranger.get(f"/api/v2/chat/messages/{listed[0].message_id}/hidden").status_code == 404
    assert Review.objects.filter(reviewed_at=None).count() == 3


def test_an_unknown_one_is_told_so(tenant, scope, api) -> None:
    client = api(tenant, "messages:write", "messages:reveal")
    done = client.post(f"/api/v2/reviews/{new_id()}/done", {})
    hidden = client.get(f"/api/v2/chat/messages/{new_id()}/hidden")
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in (done, hidden)] == [
        (404, "review_not_found"),
        (404, "message_not_found"),
    ]
