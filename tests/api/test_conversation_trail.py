"""Who did what with a conversation: acts and what happened by itself in one order, page by page (CONV-8, TEN-6)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, Review
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.agents.inbox.trail import TRIGGERS
from messaging.models import Delivery
from messaging.reports.revise import message_change
from tenants.access.permissions import ROLES
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.trail.audit import audit
from tests.admin.conftest import staff_of  # noqa: F401
from tests.factories import ChannelFactory, ConversationFactory, LabelFactory, MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)

CHAT = "/api/v2/chat"


@pytest.fixture
def client(api: Any, tenant: Tenant) -> Any:
    return api(tenant)


@pytest.fixture
def place(client: Any, tenant: Tenant) -> str:
    """The address of a conversation in which a human was asked for."""
    ChannelFactory(tenant=tenant, kind="web")
    for name in ("ana", "ben"):
        MembershipFactory(tenant=tenant, user__username=name, user__first_name=name.title(), user__last_name="Ito")
    body = {"user_id": "mira", "channel": "web", "content": {"type": "text", "text": "my violin"},
            "processing_hints": {"bypass_automation": True}}  # fmt: skip
    return f"{CHAT}/conversations/{client.data_of(client.post(f'{CHAT}/message', body))['conversation_id']}"


def worked_on(client: Any, place: str, tenant: Tenant) -> None:
    """By an API key: assigned, labelled, put off, answered, closed."""
    label = LabelFactory(tenant=tenant, name="Refund")
    assert client.post(f"{place}/assign", {"agent": "ben"}).status_code == 200
    assert client.put(f"{place}/labels/{label.id}", {}).status_code == 200
    assert client.post(f"{place}/notes", {"text": "look here", "agent": "ana"}).status_code == 201
    said = {"content": {"type": "text", "text": "a secret word"}, "agent": "ben"}
    assert client.post(f"{place}/messages", said).status_code == 201
    assert client.post(f"{place}/end", {}).status_code == 200


def walked(client: Any, place: str, size: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor, more = None, True
    while more:
        page = client.data_of(
            client.get(f"{place}/trail", {"page_size": size, **({"cursor": cursor} if cursor else {})})
        )
        items, cursor, more = items + page["items"], page["next_cursor"], page["has_next"]
    return items


def test_it_tells_who_did_what_the_latest_first(client, place, tenant) -> None:
    worked_on(client, place, tenant)
    trail = walked(client, place, 200)
    done = [one["what"] for one in reversed(trail) if one["kind"] == "act"]
    assert done == [
        "conversation.assigned", "conversation.labelled", "conversation.annotated", "conversation.replied",
        "conversation.end",
    ]  # fmt: skip
    happened = [one["what"] for one in reversed(trail) if one["kind"] == "event"]
    assert (happened[0], happened[-1]) == ("chat.conversation.started", "chat.conversation.ended")
    assert trail == sorted(trail, key=lambda one: one["at"], reverse=True)
    assert {one["actor"].partition(":")[0] for one in trail if one["kind"] == "act"} == {"key"}
    assert "secret word" not in str(trail) and "look here" not in str(trail)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_meet_each_once(client, place, tenant, size) -> None:
    worked_on(client, place, tenant)
    assert walked(client, place, size) == walked(client, place, 200)


def test_its_statements_do_not_grow(client, place, tenant) -> None:
    worked_on(client, place, tenant)
    client.get(f"{place}/trail")
    with CaptureQueriesContext(connection) as before:
        client.get(f"{place}/trail")
    worked = Conversation.objects.unscoped().get()  # unscoped: the test's own look
    with tenant_scope(tenant.id):
        for _ in range(30):
            audit("system", "conversation.assigned", worked, {"assignee": "ana"})
            events_append(
                conversation_advance({"id": worked.id}, events=1),
                [NewEvent("chat.conversation.updated", {"trigger": "late"})],
            )
    with CaptureQueriesContext(connection) as after:
        assert len(client.data_of(client.get(f"{place}/trail"))["items"]) == 50
    told = [one["sql"] for one in after if "audit" in one["sql"] or "_event" in one["sql"]]
    assert len(after) <= len(before)
    assert len(told) == 2


def test_a_cursor_of_another_conversation_is_refused(client, place, tenant) -> None:
    worked_on(client, place, tenant)
    cursor = client.data_of(client.get(f"{place}/trail", {"page_size": 1}))["next_cursor"]
    other = ConversationFactory(tenant=tenant)
    for address, given in ((f"{CHAT}/conversations/{other.id}", cursor), (place, "x")):
        refused = client.get(f"{address}/trail", {"cursor": given})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_cursor")


def test_what_was_done_with_the_person_needs_contacts_read(api, client, place, tenant) -> None:
    worked = Conversation.objects.unscoped().get()  # unscoped: the test's own look
    with tenant_scope(tenant.id):
        audit("user:ana", "contact.updated", worked.contact, {"fields": ["name"]}, "10.0.0.1")
    seen = {}
    for name, held in (("all", "*"), ("some", "conversations:read")):
        other = api(tenant, held)
        seen[name] = [one for one in other.data_of(other.get(f"{place}/trail"))["items"] if one["kind"] == "act"]
    assert [(one["what"], one["actor_name"], one["ip"]) for one in seen["all"]] == [
        ("contact.updated", "Ana Ito", "10.0.0.1")
    ]
    assert seen["some"] == []


def test_another_tenants_is_not_there(api, client, place, tenant, other_tenant) -> None:
    assert api(other_tenant).get(f"{place}/trail").status_code == 404
    assert api(tenant, "contacts:read").get(f"{place}/trail").status_code == 403


def test_the_page_says_it_in_words(client, place, tenant, staff_of) -> None:  # noqa: F811
    worked_on(client, place, tenant)
    worked = Conversation.objects.unscoped().get()  # unscoped: the test's own look
    with tenant_scope(tenant.id):
        audit("user:ana", "conversation.assigned", worked, {"assignee": "ben"})
        audit("user:ana", "contact.updated", worked.contact, {"fields": ["name"]})
        for trigger in TRIGGERS:
            told = NewEvent("chat.conversation.updated", {"trigger": trigger, "satisfaction": 4})
            events_append(conversation_advance({"id": worked.id}, events=1), [told])
    at = reverse("admin:conversations_conversation_trail", args=[worked.pk])
    page = staff_of(tenant, ROLES["agent"]).get(at)
    words = [(line.who, line.words) for line in page.context["lines"]]
    for line in (
        ("Ana Ito", "gave it to Ben Ito"), ("Ana Ito", "changed the person: name"), ("An API key", "closed it"),
        ("An API key", "put the label “Refund” on it"), ("", "The person rated it 4 of 5"), ("", "The conversation began"),
    ):  # fmt: skip
        assert line in words
    assert not [words for _, words in words if "chat." in words or "{" in words]
    assert "Earlier" not in page.content.decode()


def test_its_page_is_of_ones_own_tenant(client, place, tenant, other_tenant, staff_of) -> None:  # noqa: F811
    worked = Conversation.objects.unscoped().get()  # unscoped: the test's own look
    at = reverse("admin:conversations_conversation_trail", args=[worked.pk])
    assert staff_of(other_tenant).get(at).status_code == 404
    assert staff_of(tenant, ("contacts:read",)).get(at).status_code == 404
    assert AuditEntry.objects.unscoped().exists() is False  # unscoped: to look leaves no entry of a change


def test_a_take_over_stands_there_once(client, place, tenant) -> None:
    assert client.post(f"{place}/take-over", {"agent": "ben"}).status_code == 200
    assert [one["what"] for one in walked(client, place, 200)].count("conversation.take-over") == 1
    assert [one["facts"] for one in walked(client, place, 200) if one["facts"].get("trigger") == "agent"] == []


@pytest.fixture
def parts(client: Any, place: str, tenant: Tenant) -> dict[str, Any]:
    """Addresses of what hangs on the conversation: our message on its way, which has failed, and a review of the person's."""
    said = {"content": {"type": "text", "text": "a secret word"}, "agent": "ben"}
    assert client.post(f"{place}/messages", said).status_code == 201
    with tenant_scope(tenant.id):
        worked = Conversation.objects.get()
        ours, theirs = (worked.messages.get(role=role) for role in ("agent", "visitor"))
        review = Review.objects.create(tenant=tenant, conversation=worked, message=theirs, flags=["alert"])
        letter = ours.delivery
        Delivery.objects.update(status="failed", dead_at=now())
    return {"ours": f"{CHAT}/messages/{ours.id}", "theirs": f"{CHAT}/messages/{theirs.id}",
            "review": f"/api/v2/reviews/{review.id}", "letter": f"/api/v2/dead-letters/{letter.id}"}  # fmt: skip


def test_acts_on_its_parts_stand_there_with_who_did_them(client, place, tenant, parts) -> None:
    changed = {"content": {"type": "text", "text": "another secret word"}}
    for method, address, body in (
        ("patch", parts["ours"], changed), ("post", f"{parts['letter']}/replay", {}),
        ("post", f"{parts['review']}/done", {}), ("get", f"{parts['theirs']}/hidden", {}), ("delete", parts["ours"], {}),
    ):  # fmt: skip
        answer = (
            getattr(client, method)(address, body) if body or method == "post" else getattr(client, method)(address)
        )
        assert answer.status_code in (200, 202), (address, answer.content)
    trail = walked(client, place, 200)
    acts = {one["what"]: one for one in trail if one["kind"] == "act"}
    assert [one["what"] for one in reversed(trail) if one["kind"] == "act"][1:] == [
        "message.edited", "delivery.retried", "review.reviewed", "message.revealed", "message.deleted",
    ]  # fmt: skip
    assert acts["message.edited"]["facts"] == {"message": parts["ours"].rpartition("/")[2]}
    assert acts["delivery.retried"]["actor"].startswith("key:")
    assert [one["what"] for one in trail if one["what"].startswith("chat.message.")] == [], "told once"


def test_an_edit_says_that_the_person_made_it(client, place, tenant, staff_of) -> None:  # noqa: F811
    with tenant_scope(tenant.id):
        worked = Conversation.objects.get()
        message = worked.messages.get(role="visitor")
        message_change(worked, message, "edited", "chat.message.updated", preview="x", edited_at=now())
    page = staff_of(tenant, ROLES["agent"]).get(reverse("admin:conversations_conversation_trail", args=[worked.pk]))
    assert ("", "The person changed a message") in [(line.who, line.words) for line in page.context["lines"]]
    assert str(worked.pk) not in re.sub(r"(href|action|src)=\S+", "", page.content.decode()), "no id among the words"
