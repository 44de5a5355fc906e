"""The Teams journey beyond what every channel does: edits, reactions, messages without a question, keys that are away."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.twin.platforms.teams import PLATFORM
from conversations.models import Conversation
from messaging.models import Delivery, InboundEvent
from messaging.rules.control import conversation_end
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"
WHERE = "/api/v2/chat/conversations"
BY_DIRECTORY, BY_BOT = PLATFORM.person, f"29:{PLATFORM.person}"


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


# ------------------------------------------------------------------- where none is open (CH-6)


def begin(client: Any, user_id: str = BY_DIRECTORY, words: str = "Your badge is ready.") -> Any:
    content = {"type": "text", "text": words}
    return client.post(WHERE, {"channel": "teams", "user_id": user_id, "content": content})


def refusal(client: Any, user_id: str) -> tuple[int, str]:
    refused = begin(client, user_id)
    return refused.status_code, (client.error_of(refused) or {}).get("code", "")


def installation(line: Any, action: str) -> None:
    line.ask(message={"type": "installationUpdate", "action": action})


def asked_for(line: Any) -> list[str]:
    """What the platform was asked for, tokens aside: a conversation, or to post into which."""
    paths = [call.path.partition("/v3/")[2] for call in line.twin.requests if "/v3/" in call.path]
    return [path.removesuffix("/activities").removeprefix("conversations/") for path in paths]


def ended(line: Any) -> Conversation:
    """All that the person asked is answered, and nothing is open."""
    line.ask(HOURS)
    with tenant_scope(line.tenant.id):
        talk = Conversation.objects.get()
        conversation_end(talk.id)
    line.settle()
    line.twin.requests.clear()
    return talk


def talks(line: Any) -> list[Conversation]:
    with tenant_scope(line.tenant.id):
        return list(Conversation.objects.order_by("created_at"))


def test_who_wrote_before_is_written_to_where_they_wrote(tenant, connected, api) -> None:
    line, client = connected("teams"), api(tenant)
    before = ended(line)
    answer = begin(client)
    assert answer.status_code == 201, answer.content
    line.settle()
    assert (line.heard[-1], line.twin.sent[-1]["person"]) == ("Your badge is ready.", BY_DIRECTORY)
    assert set(asked_for(line)) == {f"a%3A{BY_DIRECTORY}"}, "no other conversation is asked for"
    old, new = talks(line)
    assert (old.is_open, new.is_open, new.thread, new.reference) == (False, True, before.thread, before.reference)
    assert client.data_of(answer)["conversation_id"] == str(new.id)


@pytest.mark.parametrize("user_id", [BY_DIRECTORY, BY_BOT], ids=["by the directory's id", "by the bot's id"])
def test_who_only_has_the_app_is_written_to_and_goes_on_there(tenant, connected, api, user_id) -> None:
    line, client = connected("teams"), api(tenant)
    installation(line, "add")
    assert (talks(line), line.heard) == ([], []), "the app alone begins nothing"
    assert begin(client, user_id).status_code == 201
    line.settle()
    assert asked_for(line)[:2] == ["conversations", f"a%3A{BY_DIRECTORY}"]
    assert [entry["person"] for entry in line.twin.sent] == [BY_DIRECTORY]
    line.ask(HOURS)
    [talk] = talks(line)
    assert (talk.thread, talk.reference["conversation"]) == (f"a:{BY_DIRECTORY}", f"a:{BY_DIRECTORY}")
    assert [entry["role"] for entry in line.history(client)] == ["bot", "visitor", "bot"]


@pytest.mark.parametrize("wrote", [False, True], ids=["never wrote", "wrote before"])
def test_who_has_removed_the_app_is_not_written_to_until_it_is_back(tenant, connected, api, wrote) -> None:
    line, client = connected("teams"), api(tenant)
    if wrote:
        ended(line)
    installation(line, "remove")
    before = len(line.twin.sent)
    assert [refusal(client, one) for one in (BY_DIRECTORY, BY_BOT)] == [(409, "contact_stopped")] * 2
    line.settle()
    assert (len(line.twin.sent), [talk for talk in talks(line) if talk.is_open]) == (before, [])
    installation(line, "add")
    assert begin(client).status_code == 201
    line.settle()
    assert (len(line.twin.sent), line.heard[-1]) == (before + 1, "Your badge is ready.")


def test_who_removed_the_app_unseen_is_told_by_the_platform(tenant, connected, api) -> None:
    """No notice came: the message is stored, and its state says why it did not arrive."""
    line, client = connected("teams"), api(tenant)
    line.twin.configure("teams", blocked=[BY_DIRECTORY])
    assert begin(client).status_code == 201
    line.settle()
    with tenant_scope(tenant.id):
        delivery = Delivery.objects.get()
    assert (delivery.status, delivery.error_code, line.twin.sent) == ("failed", "MessageWritesBlocked", [])
    assert [entry["status"] for entry in line.history(client)] == ["failed"]
    calls = len(line.twin.requests)
    assert refusal(client, BY_DIRECTORY) == (409, "contact_stopped"), "what it has told once is remembered"
    line.settle()
    assert len(line.twin.requests) == calls
    line.twin.configure("teams", blocked=[])
    line.ask(HOURS)
    assert line.heard[-1].startswith("Our shops are open"), "who writes again is answered"


# ----------------------------------------------------------------------------- what is refused


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
