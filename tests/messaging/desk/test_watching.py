"""The conversation that a window has before it: its transcript, colleagues, and what becomes of our messages."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError

from channels_app.content.types import text
from conversations.contacts.changes import contact_change
from messaging.agents.notes import note_write
from messaging.agents.scheduled import schedule, scheduled_cancel
from messaging.desk.desks import desks
from messaging.live import transcript
from messaging.live.staff import staff_alert
from messaging.rules.agent_replies import agent_reply
from messaging.webchat import rules as webchat
from tenants.models import AuditEntry
from tenants.storage.db import now
from tenants.trail import reads
from tests.messaging.webchat.clients import SHOP, Socket

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_was_missed_and_what_is_said_come_in_order(ana, window, says, rows):
    conversation = await says("mira", "one")
    await says("mira", "two")
    socket = await window(ana)
    watching = await socket.watch(conversation, after=1)
    assert (watching["last_seq"], watching["complete"], watching["looking"]) == (2, True, [])
    await says("mira", "three")
    await rows(agent_reply, conversation.id, ana, text("Hello"))
    await socket.up_to(4)
    said = [frame for frame in socket.seen if frame["t"] == "msg"]
    assert [(frame["seq"], frame["text"]) for frame in said] == [(2, "two"), (3, "three"), (4, "Hello")]
    assert {frame["conversation"] for frame in said} == {str(conversation.id)}


async def test_a_client_that_is_ahead_begins_anew(ana, window, says):
    conversation = await says("mira", "one")
    socket = await window(ana)
    assert (await socket.watch(conversation, after=7))["reset"] is True
    assert (await socket.until("msg"))[-1]["seq"] == 1


async def test_a_watched_conversation_tells_its_row_whatever_the_list(ana, window, says):
    conversation = await says("mira", "one")
    listed, bare = await window(ana, "closed"), await window(ana)
    for socket in (listed, bare):
        await socket.watch(conversation)
        await socket.settled()
    await says("mira", "two")
    for socket in (listed, bare):
        assert (await socket.until("conv"))[-1]["preview"] == "two"


async def test_planned_replies_and_what_is_known_of_the_person_are_told(ana, window, says, rows):
    conversation = await says("mira", "one")
    socket = await window(ana)
    await socket.watch(conversation)
    soon = now() + timedelta(hours=1)
    row = await rows(schedule, conversation.id, ana, text("Later"), soon)
    assert (await socket.until("planned"))[-1]["conversation"] == str(conversation.id)
    await rows(scheduled_cancel, row.id)
    await socket.until("planned")
    await rows(contact_change, conversation.contact_id, {"name": "Mira Braun"})
    assert (await socket.until("person"))[-1]["conversation"] == str(conversation.id)
    assert (await socket.until("conv"))[-1]["name"] == "Mira Braun"


async def test_what_becomes_of_our_message_is_told(ana, window, says, rows):
    conversation = await says("mira", "one")
    socket = await window(ana)
    await socket.watch(conversation)
    message = await rows(agent_reply, conversation.id, ana, text("Hello"))
    status = (await socket.until("status"))[-1]
    assert (status["of"], status["of_seq"], status["status"]) == (str(message.id), 2, "sent")


async def test_colleagues_see_who_looks_and_who_types(ana, member, window, says, wants_a_human):
    conversation = await wants_a_human(await says("mira", "one"))
    ben = await sync_to_async(member)("ben")
    first, second = await window(ana), await window(ben)
    for socket in (first, second):
        await socket.watch(conversation)
    assert await looking(first, ben) == [{"id": str(ben.id), "name": "ben", "full_name": "Ben Stone", "typing": False}]
    assert await looking(second, ana) == [{"id": str(ana.id), "name": "ana", "full_name": "Ana Stone", "typing": False}]

    await second.send_json_to({"t": "typing", "conversation": str(conversation.id), "on": True})
    typing = (await first.until("typing"))[-1]
    assert (typing["from"], typing["on"]) == ({"role": "agent", "id": str(ben.id), "name": "Ben Stone"}, True)
    assert await looking(first, ben) == [{"id": str(ben.id), "name": "ben", "full_name": "Ben Stone", "typing": True}]
    assert "typing" not in await second.settled()

    await second.send_json_to({"t": "unwatch", "conversation": str(conversation.id)})
    assert await looking(first) == []


async def looking(socket, *users):
    """What a window shows of who else looks, once these do: what was told last of it, whichever frame told it."""
    while True:
        last = next(frame for frame in reversed(socket.seen) if frame["t"] in ("looking", "watching"))
        members = last.get("members", last.get("looking"))
        if [one["id"] for one in members] == [str(user.id) for user in users]:
            return members
        await socket.next()


async def test_watching_tells_who_looks_when_it_is_told(ana, member, window, says, monkeypatch):
    """Not who looked when it was asked for: a colleague who comes meanwhile has been told of before it."""
    conversation, ben = await says("mira", "one"), await sync_to_async(member)("ben")
    socket, last_seq = await window(ana), transcript.last_seq

    def meanwhile(id):
        desks.windows.colleagues.look({"conversation": str(id), "user": {"id": str(ben.id), "name": "ben"}, "on": True})
        return last_seq(id)

    monkeypatch.setattr(transcript, "last_seq", meanwhile)
    assert [one["name"] for one in (await socket.watch(conversation))["looking"]] == ["ben"]


async def test_staff_see_that_the_person_types(tenant, channel, ana, window, says):
    channel.config = {"allowed_origins": [SHOP]}
    await channel.asave()
    visitor = webchat.Visitor("mira", session_key="s1")
    widget = Socket(channel)
    assert (await widget.connect())[0]
    conversation = await says("mira", "one")
    token = await sync_to_async(webchat.token_issue)(channel, visitor)
    await widget.ask("ready", t="hello", token=token, conversation=str(conversation.id), after=1)
    socket = await window(ana)
    await socket.watch(conversation)
    await widget.send_json_to({"t": "typing", "on": True})
    typing = (await socket.until("typing"))[-1]
    assert (typing["from"]["role"], typing["conversation"]) == ("visitor", str(conversation.id))
    await widget.disconnect()


async def test_read_moves_the_staffs_mark(ana, window, says, wants_a_human, rows):
    conversation = await wants_a_human(await says("mira", "one"))
    socket = await window(ana, "waiting")
    await socket.send_json_to({"t": "read", "conversation": str(conversation.id), "seq": 1})
    assert (await socket.until("conv"))[-1]["unread"] == 0
    await conversation.arefresh_from_db()
    assert conversation.agent_read_seq == 1


async def test_who_only_reads_moves_no_mark(member, window, says):
    conversation = await says("mira", "one")
    socket = await window(await sync_to_async(member)("ben", ["conversations:read", "messages:read"]))
    error = await socket.ask("error", t="read", conversation=str(conversation.id), seq=1)
    assert (error["code"], error["fatal"]) == ("not_permitted", False)


async def test_a_note_is_told_to_those_who_look(ana, window, says, rows):
    conversation = await says("mira", "one")
    socket, other = await window(ana), await window(ana, "all")
    await socket.watch(conversation)
    note = await rows(note_write, conversation.id, ana, "Wants a new bow")
    assert (await socket.until("note"))[-1] == {"t": "note", "conversation": str(conversation.id), "id": str(note.id)}
    assert "note" not in await other.settled()


async def test_an_alert_calls_those_it_is_for(tenant, ana, member, window):
    ben = await sync_to_async(member)("ben")
    called, spared = await window(ana), await window(ben)
    staff_alert(tenant.id, "waiting", "Mira waits", url="/admin/inbox/", users=[ana.id])
    alert = (await called.until("alert"))[-1]
    assert (alert["kind"], alert["title"], alert["tenant"], "to" in alert) == (
        "waiting",
        "Mira waits",
        str(tenant.id),
        False,
    )
    assert "alert" not in await spared.settled()


async def test_presence_is_told_to_colleagues_and_holds_for_all_windows(ana, member, window):
    ben = await sync_to_async(member)("ben")
    watcher = await window(ana)
    first, second = await window(ben), await window(ben, "waiting")
    await first.send_json_to({"t": "presence", "state": "away"})
    frames = await watcher.until("presence")
    while frames[-1]["user"]["name"] != "ben" or frames[-1]["state"] != "away":
        frames += await watcher.until("presence")
    await second.settled()
    assert (await second.view("waiting"))["present"] == [
        {"id": str(ana.id), "name": "ana", "state": "online"}, {"id": str(ben.id), "name": "ben", "state": "away"},
    ]  # fmt: skip


async def test_no_more_than_five_are_watched(ana, window, says):
    socket = await window(ana)
    for number in range(5):
        await socket.watch(await says(f"visitor{number}", "Hello"))
    more = await says("mira", "Hello")
    assert (await socket.ask("error", t="watch", conversation=str(more.id)))["code"] == "too_many_watched"


async def test_who_opens_a_conversation_stands_in_the_audit_trail(ana, window, opened, says, rows, tenant, make_key):
    """Once an hour, whatever windows; a look that is refused has no entry; a key stands for itself, whomever it names."""
    first, second = await says("mira", "one"), await says("otto", "two")
    for _ in range(2):
        socket = await window(ana)
        for conversation in (first, first, second):
            await socket.watch(conversation)
    _, key = await sync_to_async(make_key)(tenant, "conversations:read", "messages:read")
    named = await opened(key=key)
    await named.hello(agent="ana")
    await named.view("all")
    await named.watch(first)
    _, blind = await sync_to_async(make_key)(tenant, "conversations:read")
    refused = await opened(key=blind)
    await refused.hello()
    await refused.send_json_to({"t": "watch", "conversation": str(first.id)})
    assert (await refused.until("error"))[-1]["code"] == "not_permitted"
    looks = await rows(_looks)
    prefix = key.split("_")[1]
    assert looks == [
        ("user:ana", "conversation.read", f"conversation:{first.id}"),
        ("user:ana", "conversation.read", f"conversation:{second.id}"),
        (f"key:{prefix}", "conversation.listed", ""),
        (f"key:{prefix}", "conversation.read", f"conversation:{first.id}"),
    ]


async def test_what_cannot_be_noted_is_not_shown(ana, window, says, monkeypatch):
    def broken(*_):
        raise DatabaseError

    conversation = await says("mira", "one")
    socket = await window(ana)
    monkeypatch.setattr(reads, "audit", broken)
    await socket.send_json_to({"t": "watch", "conversation": str(conversation.id)})
    while (got := await socket.receive_output(20))["type"] == "websocket.send":
        assert json.loads(got["text"])["t"] not in ("msg", "watching")
    assert got["type"] == "websocket.close", "a fault of ours: the client comes back"


def _looks():
    found = AuditEntry.objects.filter(action__regex=r"\.(read|listed)$").order_by("id")
    return [(entry.actor, entry.action, entry.target) for entry in found]
