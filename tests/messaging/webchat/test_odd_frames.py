"""What no widget of ours sends: it is told what is wrong, goes on, and no text that was taken is lost."""

from __future__ import annotations

import pytest
from channels.db import database_sync_to_async

from conversations.models import Message
from tests.messaging.odd_frames import outlived, unhurried  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

EXPECTED = {"validation_error", "malformed_json", "empty_message", "too_long", "conversation_not_found", "quote_unknown",
            "not_rated", "type_refused", "too_large", "media_not_found", "unknown_type"}  # fmt: skip
FRAMES = {
    "send": {"cid": "c-<n>", "kind": "text", "text": "hello <n>", "reply_to": 1, "quote": None, "lang": "en"},
    "action": {"cid": "c-<n>", "kind": "action", "text": "Yes", "action": {"id": "a", "value": "yes"}},
    "file": {"cid": "c-<n>", "kind": "file", "files": []},
    "rate": {"cid": "c-<n>", "conversation": "", "score": 5, "comment": "fine"},
    "ticket": {"cid": "c-<n>", "name": "a.png", "type": "image/png", "size": 10},
    "typing": {"on": True},
    "read": {"conversation": "", "seq": 1},
    "sync": {"after": 0},
    "ping": {"n": 1},
}


@pytest.mark.parametrize("kind", FRAMES)
async def test_odd_values_are_told_and_the_widget_goes_on(kind, ready, said, visitor):
    conversation = await said("my violin")
    socket, _ = await ready()
    frame = {name: str(conversation.id) if name == "conversation" else value for name, value in FRAMES[kind].items()}
    assert await outlived(socket, {"t": {"action": "send", "file": "send"}.get(kind, kind), **frame}) <= EXPECTED
    taken = {frame["cid"] for frame in socket.seen if frame["t"] == "ack" and frame.get("id")}
    assert (await socket.say("still here"))["cid"]
    stored = Message.objects.unscoped().exclude(client_message_id="")  # unscoped: the test's own look
    kept = await database_sync_to_async(lambda: set(stored.values_list("client_message_id", flat=True)))()
    assert taken <= kept
    assert taken or kind not in ("send", "action")
