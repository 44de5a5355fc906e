"""What we said is edited and deleted where the person reads it, through the twin (CONV-9, DEL-2, DEL-3)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.models import ChannelHealth
from conversations.models import Identity
from messaging.models import Delivery
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.journeys.connected import Connected

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("slack", "teams", "webhook")
MESSAGES = "/api/v2/chat/messages"
every_kind = pytest.mark.parametrize("kind", KINDS)


class Desk:
    """Staff of the tenant over REST, in the one conversation of the line."""

    def __init__(self, line: Connected, client: Any) -> None:
        self.line, self.client = line, client
        line.ask("What are your opening hours?")
        self.before = len(line.twin.sent)

    def say(self, words: str, *, settle: bool = True, **more: Any) -> str:
        [talk] = self.client.data_of(self.client.get("/api/v2/chat/conversations"))["items"]
        content = {"type": "text", "text": words, **more}
        answer = self.client.post(f"/api/v2/chat/conversations/{talk['id']}/messages", {"content": content})
        assert answer.status_code == 201, answer.content
        if settle:
            self.line.settle()
        return str(self.line.history(self.client)[-1]["id"])

    def edit(self, message: str, words: str, *, settle: bool = True, **more: Any) -> Any:
        answer = self.client.patch(f"{MESSAGES}/{message}", {"content": {"type": "text", "text": words, **more}})
        if settle:
            self.line.settle()
        return answer

    def delete(self, message: str, *, settle: bool = True) -> str:
        answer = self.client.delete(f"{MESSAGES}/{message}")
        assert answer.status_code == 200, answer.content
        gone = self.client.data_of(answer)["gone"]
        if settle:
            self.line.settle()
        return str(gone)

    @property
    def shown(self) -> list[str]:
        """What the person's app shows of what staff said."""
        entries = self.line.twin.sent[self.before :]
        show = self.line.platform.show
        return ["" if one.get("changed") == "deleted" else show(one["body"])["text"] for one in entries]

    def changes(self, message: str) -> list[tuple[str, str, str]]:
        told = self.client.data_of(self.client.get(f"{MESSAGES}/{message}/delivery"))["changes"]
        return [(one["kind"], one["status"], one["error_code"]) for one in told]


@pytest.fixture
def desk(tenant: Any, connected: Any, api: Any, kind: str) -> Desk:
    return Desk(connected(kind), api(tenant))


@every_kind
def test_an_edit_and_a_deletion_reach_the_person(desk: Desk) -> None:
    said = desk.say("We open at nine.")
    assert desk.edit(said, "We open at ten.").status_code == 200
    assert desk.shown == ["We open at ten."]
    assert desk.delete(said) == "on_its_way"
    assert desk.shown == [""]
    assert desk.changes(said) == [("edited", "sent", ""), ("deleted", "sent", "")]
    assert desk.delete(said) == "everywhere"
    entries = [(one["change"]["kind"], one["status"]) for one in desk.line.history(desk.client) if one["change"]]
    assert entries == [("edited", "sent"), ("deleted", "sent")]


@every_kind
def test_our_own_change_is_not_taken_for_the_persons(desk: Desk) -> None:
    """The platform tells the app of it, too."""
    said = desk.say("We open at nine.")
    desk.edit(said, "We open at ten.")
    desk.delete(said)
    assert len(desk.line.inbound()) == 1
    assert [one["change"]["kind"] for one in desk.line.history(desk.client) if one["change"]] == ["edited", "deleted"]


@every_kind
def test_an_edit_waits_for_its_message(desk: Desk) -> None:
    """Both wait in the lane when the platform is away; then each goes once, the message first."""
    desk.line.twin.faults.order("500")
    said = desk.say("We open at nine.")
    desk.edit(said, "We open at ten.")
    assert desk.shown == [], "the message waits for its next try, and its edit behind it"
    _due(desk)
    assert desk.shown == ["We open at ten."]
    assert [entry["body"] for entry in desk.line.twin.sent[desk.before :] if entry["repeat_of"]] == []
    assert desk.changes(said) == [("edited", "sent", "")]


@every_kind
def test_a_change_whose_answer_was_lost_is_made_again_and_has_one_effect(desk: Desk) -> None:
    said = desk.say("We open at nine.")
    for change in (lambda: desk.edit(said, "We open at ten."), lambda: desk.delete(said)):
        desk.line.twin.faults.order("timeout_after_accept")
        change()
        _due(desk)
    assert (desk.shown, desk.changes(said)) == ([""], [("edited", "sent", ""), ("deleted", "sent", "")])


@every_kind
def test_a_change_that_is_refused_says_why_and_is_tried_again_on_demand(desk: Desk) -> None:
    said = desk.say("We open at nine.")
    desk.line.twin.faults.order("500", times=None)
    desk.edit(said, "We open at ten.")
    with tenant_scope(desk.line.tenant.id):
        Delivery.objects.filter(action="edit").update(attempts=99)
    _due(desk)
    [(kind, status, code)] = desk.changes(said)
    assert (kind, status, bool(code)) == ("edited", "failed", True)
    assert desk.shown == ["We open at nine."]
    letters = desk.client.data_of(desk.client.get("/api/v2/dead-letters"))["items"]
    assert [one["action"] for one in letters] == ["edit"]
    desk.line.twin.faults.clear()
    assert desk.client.post(f"/api/v2/dead-letters/{letters[0]['id']}/replay").status_code == 202
    _due(desk)
    assert (desk.shown, desk.changes(said)) == (["We open at ten."], [("edited", "sent", "")])


@every_kind
def test_what_is_gone_already_is_deleted_and_not_edited(desk: Desk) -> None:
    said = desk.say("We open at nine.")
    [entry] = desk.line.twin.sent[desk.before :]
    desk.line.twin.journal.change(desk.line.platform.kind, entry["id"], None)
    desk.edit(said, "We open at ten.")
    desk.delete(said)
    [edited, deleted] = desk.changes(said)
    assert (edited[:2], bool(edited[2]), deleted) == (("edited", "failed"), True, ("deleted", "sent", ""))


@every_kind
def test_a_deletion_goes_out_after_a_stop_and_an_edit_does_not(desk: Desk) -> None:
    said = desk.say("We open at nine.")
    with tenant_scope(desk.line.tenant.id):
        Identity.objects.update(stopped_at=now())
    refused = desk.edit(said, "We open at ten.")
    assert (refused.status_code, desk.client.error_of(refused)["code"]) == (409, "contact_stopped")
    assert (desk.delete(said), desk.shown) == ("on_its_way", [""])


@pytest.mark.parametrize("kind", ["slack", "webhook"])
def test_all_parts_are_changed_and_those_left_over_are_taken_back(
    tenant: Any, connected: Any, api: Any, kind: str
) -> None:
    desk = Desk(connected(kind, longest_text=100), api(tenant))
    said = desk.say("nine words " * 12)
    assert len(desk.shown) == 2
    desk.edit(said, "ten words " * 12)
    assert ["ten" in words and "nine" not in words for words in desk.shown] == [True, True]
    longer = desk.edit(said, "many words " * 30)
    assert (longer.status_code, desk.client.error_of(longer)["code"]) == (422, "edit_too_long")
    desk.edit(said, "short")
    assert desk.shown == ["short", ""]
    desk.delete(said)
    assert desk.shown == ["", ""]


@pytest.mark.parametrize("kind", ["teams"])
def test_an_edited_answer_still_quotes(desk: Desk) -> None:
    [question] = [one for one in desk.line.history(desk.client) if one["role"] == "visitor"]
    said = desk.say("At nine.", quote={"message_id": question["id"]})
    before = desk.line.twin.sent[-1]["body"]
    desk.edit(said, "At ten.")
    after = desk.line.twin.sent[-1]["body"]
    assert after["entities"] == before["entities"] != []
    assert after["text"].endswith("At ten.")
    assert desk.line.history(desk.client)[-2]["content"]["quote"]["message_id"] == question["id"]


@pytest.mark.parametrize("kind", ["slack"])
def test_plain_words_stay_plain_and_buttons_that_go_are_gone(desk: Desk) -> None:
    said = desk.say("Which?", buttons=[{"type": "postback", "title": "Red", "payload": "r"}])
    assert desk.line.choices()
    desk.edit(said, "*Red* it is & <this>")
    body = desk.line.twin.sent[-1]["body"]
    [block] = body["blocks"]
    assert (block["type"], block["elements"][0]["elements"]) == (
        "rich_text",
        [{"type": "text", "text": "*Red* it is & <this>"}],
    )
    assert desk.line.choices() == {}
    desk.edit(said, "**now**", format="markdown")
    body = desk.line.twin.sent[-1]["body"]
    assert (body["text"], body.get("blocks")) == ("*now*", [])


def _due(desk: Desk) -> None:
    """The pause before the next try, and a hold of the channel, are over."""
    with tenant_scope(desk.line.tenant.id):
        Delivery.objects.filter(status="queued").update(due_at=now())
        ChannelHealth.objects.filter(channel=desk.line.channel).update(held_until=None, failures=0)
    desk.line.settle()
