"""What no client of ours sends: a window is told what is wrong, and goes on."""

from __future__ import annotations

import pytest

from tests.messaging.odd_frames import outlived, unhurried  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

EXPECTED = {"validation_error", "malformed_json", "tenant_not_found", "not_live", "conversation_not_found"}
FRAMES = {
        "view": {"view": "waiting", "tenant": "", "after": "1", "filter": {
        "channel": "web", "channel_id": None, "label": None, "team": None, "priority": "high", "failed": True, "search": "x",
    }},
    "watch": {"conversation": "", "after": 0},
    "unwatch": {"conversation": ""},
    "read": {"conversation": "", "seq": 1},
    "typing": {"conversation": "", "on": True},
    "presence": {"state": "online"},
    "ping": {"n": 1},
}  # fmt: skip


@pytest.mark.parametrize("kind", FRAMES)
async def test_odd_values_are_told_and_the_window_goes_on(kind, ana, window, says, tenant):
    conversation = await says("mira", "my violin")
    socket = await window(ana, "all")
    ids = {"conversation": str(conversation.id), "tenant": str(tenant.id)}
    frame = {name: ids.get(name, value) for name, value in FRAMES[kind].items()}
    assert await outlived(socket, {"t": kind, **frame}) <= EXPECTED
    assert (await socket.watch(conversation))["conversation"] == str(conversation.id)
