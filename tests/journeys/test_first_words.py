"""We write first: to a person who has not written, on each kind of channel whose platform allows it (CH-6)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.models import MessageTemplate
from channels_app.registry import KINDS, adapter_for
from channels_app.twin.platforms import PLATFORMS
from conversations.models import Conversation, Event, Identity, Message
from messaging.models import Delivery
from messaging.rules.control import conversation_end
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory

WHERE = "/api/v2/chat/conversations"
STARTING = sorted(kind for kind in KINDS if adapter_for(kind).starts_conversations)
SAID = {"type": "text", "text": "Your parcel is ready."}
#: where the platform lets us say something first only by a template that it has approved
TEMPLATE = {"type": "template", "template": {"name": "ready", "language": "en_US", "variables": {"1": "parcel"}}}


def person_of(kind: str) -> str:
    asked = PLATFORMS[kind].person
    return {"teams": "3f2b1c00-0000-4000-8000-000000000001", "slack": "U0DEMO001"}.get(kind, asked)


def first_of(kind: str) -> dict[str, Any]:
    return TEMPLATE if adapter_for(kind).capabilities.window_s else SAID


def approved(channel: Any) -> None:
    external = {"id": "1", "status": "approved", "reason": "", "unsupported": ""}
    variant = {"content": {"type": "text", "text": "Your {{1}} is ready."}, "defaults": {}, "external": external}
    with tenant_scope(channel.tenant_id):
        MessageTemplate.objects.create(
            tenant_id=channel.tenant_id, channel=channel, name="ready", variants={"en_US": variant}
        )


def begin(client: Any, kind: str, **more: Any) -> Any:
    body = {"channel": kind, "user_id": person_of(kind), "content": first_of(kind), **more}
    return client.post(WHERE, body)


@pytest.fixture(params=STARTING)
def line(request, connected):
    line = connected(request.param)
    approved(line.channel)
    return line


def test_what_the_person_answers_goes_on_in_the_conversation_that_we_began(tenant, line, api) -> None:
    client, kind = api(tenant), line.channel.kind
    answer = begin(client, kind, name="Ana")
    assert answer.status_code == 201, answer.content
    line.settle()
    assert "ready" in line.heard[0]
    person = person_of(kind)
    line.ask("What are your opening hours?", **{"from": person})
    with tenant_scope(tenant.id):
        conversation = Conversation.objects.get()
        assert str(conversation.id) == client.data_of(answer)["conversation_id"]
        roles = list(Message.objects.order_by("seq").values_list("role", flat=True))
        assert roles[:3] == ["bot", "visitor", "bot"]
        assert conversation.contact.name
        started = Event.objects.filter(type="chat.conversation.started")
        assert (started.count(), Identity.objects.values("contact").distinct().count()) == (1, 1)
        assert AuditEntry.objects.filter(action="conversation.written_to").count() == 1


def test_the_same_id_is_one_message(tenant, line, api) -> None:
    client, kind = api(tenant), line.channel.kind
    told = [client.data_of(begin(client, kind, message_id="order-7"))["id"] for _ in range(2)]
    line.settle()
    assert (told[0], len(line.heard)) == (told[1], 1)
    other = begin(client, kind, message_id="order-7", content={**first_of(kind), "language": "de"})
    assert (other.status_code, client.error_of(other)["code"]) == (409, "message_id_conflict")


def test_the_same_id_once_more_after_the_end_begins_no_other_conversation(tenant, line, api) -> None:
    client, kind = api(tenant), line.channel.kind
    first = client.data_of(begin(client, kind, message_id="order-7"))
    with tenant_scope(tenant.id):
        conversation_end(Conversation.objects.get().id)
    assert client.data_of(begin(client, kind, message_id="order-7"))["id"] == first["id"]
    with tenant_scope(tenant.id):
        assert (Conversation.objects.count(), Event.objects.filter(type="chat.conversation.started").count()) == (1, 1)


def test_an_agent_who_writes_first_answers_what_comes_back(tenant, line, api) -> None:
    client, kind = api(tenant), line.channel.kind
    assert begin(client, kind, by="agent").status_code == 201
    line.settle()
    line.ask("What are your opening hours?", **{"from": person_of(kind)})
    with tenant_scope(tenant.id):
        conversation = Conversation.objects.get()
        assert (conversation.control_owner, conversation.held_by) == ("human", "staff")
        assert not Message.objects.filter(role="bot").exists()
    refused = begin(client, kind)
    assert (refused.status_code, client.error_of(refused)["code"]) == (409, "with_human")


def test_an_open_conversation_is_gone_on_with(tenant, line, api) -> None:
    client, kind = api(tenant), line.channel.kind
    line.ask("What are your opening hours?", **{"from": person_of(kind)})
    assert begin(client, kind).status_code == 201
    line.settle()
    with tenant_scope(tenant.id):
        assert Conversation.objects.count() == 1
        assert Delivery.objects.exclude(status__in=("sent", "delivered", "read")).count() == 0


def test_a_person_who_stopped_is_left_alone(tenant, line, api) -> None:
    client, kind = api(tenant), line.channel.kind
    begin(client, kind)
    with tenant_scope(tenant.id):
        Identity.objects.update(stopped_at="2026-01-01T00:00:00Z")
    refused = begin(client, kind)
    assert (refused.status_code, client.error_of(refused)["code"]) == (409, "contact_stopped")


@pytest.mark.parametrize("kind", [kind for kind in STARTING if adapter_for(kind).capabilities.window_s])
def test_where_a_window_counts_only_a_template_goes(tenant, connected, api, kind) -> None:
    line, client = connected(kind), api(tenant)
    approved(line.channel)
    refused = begin(client, kind, content=SAID)
    assert (refused.status_code, client.error_of(refused)["code"]) == (409, "window_closed")
    assert [one["name"] for one in client.error_of(refused)["details"]["templates"]] == ["ready"]
    with tenant_scope(tenant.id):
        assert not Conversation.objects.exists()


@pytest.mark.parametrize("kind", [kind for kind in sorted(KINDS) if kind not in STARTING])
def test_elsewhere_the_person_writes_first(tenant, api, kind) -> None:
    ChannelFactory(tenant=tenant, kind=kind)
    client = api(tenant)
    refused = client.post(WHERE, {"channel": kind, "user_id": "+15550100001", "content": SAID})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "person_writes_first")


@pytest.mark.parametrize("kind", ["sms", "whatsapp", "slack", "teams", "messenger"])
def test_an_address_that_cannot_be_is_told(tenant, connected, api, kind) -> None:
    connected(kind)
    client = api(tenant)
    refused = client.post(WHERE, {"channel": kind, "user_id": "not-an-address", "content": SAID})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "recipient_invalid")
    with tenant_scope(tenant.id):
        assert not Identity.objects.exists()


def test_a_place_is_no_person(tenant, connected, api) -> None:
    connected("slack")
    client = api(tenant)
    refused = client.post(WHERE, {"channel": "slack", "user_id": "C0GENERAL", "content": SAID})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "recipient_invalid")


def test_it_takes_the_permission(tenant, api) -> None:
    assert api(tenant, "messages:send").post(WHERE, {}).status_code == 403
