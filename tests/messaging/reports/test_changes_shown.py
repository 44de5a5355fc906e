"""How edits, deletions and reactions are shown: to widgets, in the history, to staff."""

from __future__ import annotations

import pytest

from conversations import selectors
from conversations.models import Conversation
from conversations.shapes import MessageQuery
from messaging.admin.inbox.transcript import newest
from messaging.live.transcript import frames_after
from messaging.receipts.applying import item_apply as apply
from tests.messaging.reports.changes import (
    at,
    deletion,
    edit,
    message,
    reaction,
    stored,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_widgets_see_the_change_at_once_and_after_a_reconnect(scope, whatsapp, frames) -> None:
    apply(whatsapp, message())
    apply(whatsapp, edit("hello"))
    live = frames[-1]
    assert (live["t"], live["seq"], live["of"], live["text"]) == ("edit", 2, str(stored().id), "hello")
    assert frames_after(stored().conversation_id, 1) == [live]

    apply(whatsapp, deletion(2))
    assert (frames[-1]["t"], frames[-1]["seq"], frames[-1]["of"]) == ("del", 3, str(stored().id))
    replay = frames_after(stored().conversation_id, 0)
    assert [(frame["t"], frame["seq"]) for frame in replay] == [("del", 1), ("del", 2), ("del", 3)]


def test_a_persons_metadata_cannot_pose_as_a_change(scope, whatsapp) -> None:
    apply(whatsapp, message(metadata={"change": "deleted"}))
    assert [frame["t"] for frame in frames_after(stored().conversation_id, 0)] == ["msg"]


def test_history_shows_edits_reactions_and_deletions(scope, whatsapp) -> None:
    for item in (message(), edit("hello"), reaction("👍"), message("gone", "m2"), deletion(target="m2")):
        apply(whatsapp, item)
    items = selectors.message_page(stored().conversation_id, MessageQuery())["items"]
    first, told, second, told_of_second = items
    assert (first["content"]["text"], first["edited_at"], first["deleted_at"]) == ("hello", at(1), None)
    assert [one["emoji"] for one in first["reactions"]] == ["👍"]
    assert (second["content"], second["deleted_at"]) == (None, at(1))
    assert told["change"] == {"kind": "edited", "of": first["id"]}
    assert told_of_second["change"] == {"kind": "deleted", "of": second["id"]}


def test_the_history_endpoint_can_tell_of_a_deleted_message(scope, whatsapp, api, tenant) -> None:
    apply(whatsapp, message())
    apply(whatsapp, deletion())
    response = api(tenant).get(f"/api/v2/chat/conversations/{stored().conversation_id}/messages")
    assert response.status_code == 200
    assert response.json()["data"]["items"][0]["content"] is None


def test_staff_see_the_message_not_the_entry_about_it(scope, whatsapp) -> None:
    for item in (message(), edit("hello"), reaction("👍")):
        apply(whatsapp, item)
    shown = newest(Conversation.objects.get()).entries
    assert [(entry.text, entry.edited_at, entry.emojis) for entry in shown] == [("hello", at(1), "👍")]
