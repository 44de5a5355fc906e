"""The Teams journey beyond what every channel does: edits, reactions, proactive replies, keys that are away."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Conversation
from messaging.models import InboundEvent
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"


def changed(word: str, message_id: str, **more: Any) -> dict[str, Any]:
    tenant = {"tenant": {"id": "11111111-2222-3333-4444-555555555555"}}
    kind = {"editMessage": "messageUpdate", "softDeleteMessage": "messageDelete"}[word]
    return {"type": kind, "id": message_id, "channelData": {**tenant, "eventType": word}, **more}


def test_everything_that_can_happen_to_a_message_is_in_the_history(tenant, connected, api) -> None:
    line = connected("teams")
    said = line.ask("What are your opning hours?")
    line.ask(message=changed("editMessage", said, text=HOURS))
    like = {"type": "messageReaction", "reactionsAdded": [{"type": "like"}], "replyToId": line.twin.sent[0]["id"]}
    line.ask(message=like)
    line.ask(message=changed("softDeleteMessage", said))
    question, answer, edited, deleted = line.history(api(tenant))
    assert (question["content"], bool(question["edited_at"]), bool(question["deleted_at"])) == (None, True, True)
    assert (answer["status"], [one["emoji"] for one in answer["reactions"]]) == ("read", ["👍"])
    assert [entry["change"]["kind"] for entry in (edited, deleted)] == ["edited", "deleted"]
    assert len(line.heard) == 1


def test_staff_reach_the_person_later_by_what_the_conversation_remembers(tenant, connected, api) -> None:
    line, client = connected("teams"), api(tenant)
    line.ask(HOURS)
    with tenant_scope(tenant.id):
        where = f"/api/v2/chat/conversations/{Conversation.objects.get().id}/messages"
    assert client.post(where, {"content": {"type": "text", "text": "Maria here."}}).status_code == 201
    line.settle()
    assert (line.heard[-1], line.twin.sent[-1]["person"]) == ("Maria here.", line.platform.person)
    assert line.deliveries() == ["read", "read"]


def test_an_activity_of_another_directory_is_not_answered(tenant, connected) -> None:
    line = connected("teams")
    line.twin.configure("teams", tenant_id="22222222-2222-3333-4444-555555555555")
    line.ask(HOURS)
    assert (line.inbound(), line.heard) == ([], [])


def test_keys_that_cannot_be_fetched_lose_nothing(tenant, connected) -> None:
    """The platform is told to come again, and then it is heard."""
    line = connected("teams", openid_url="http://127.0.0.1:9/v1/.well-known/openidconfiguration")
    line.say(HOURS)
    [webhook] = line.take_mail()
    line.mail.append(webhook)
    assert line.carry() == [503]
    with tenant_scope(tenant.id):
        assert not InboundEvent.objects.exists()
