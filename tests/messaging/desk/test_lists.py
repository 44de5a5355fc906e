"""The list that a window shows: what comes into it, what leaves it, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels_app.content.types import text
from conversations.models import Event
from messaging.agents.labels import label_put
from messaging.agents.notes import mentions_seen, note_write
from messaging.agents.snooze import snooze
from messaging.desk import desks as desks_module
from messaging.desk import reading
from messaging.desk.desks import desks
from messaging.live.attending import staff_read
from messaging.privacy import erase
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, take_over
from tenants.storage.db import now
from tests.factories import ChannelFactory, LabelFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("remembered")]

thread = database_sync_to_async


async def test_who_asks_for_a_human_is_seen_to_wait_and_leaves_the_bot(ana, window, says, wants_a_human):
    waiting, bot = await window(ana, "waiting"), await window(ana, "bot")
    conversation = await says("mira", "my violin")
    assert (await bot.until("conv"))[-1]["preview"] == "my violin"
    await wants_a_human(conversation)
    row = (await waiting.until("conv"))[-1]
    assert (row["conversation"], row["held_by"], row["name"]) == (str(conversation.id), "queue", "Mira")
    assert (row["unread"], row["channel"]["kind"], row["assignee"], row["is_open"]) == (1, "web", None, True)
    gone = (await bot.until("gone"))[-1]
    assert (gone["conversation"], gone["tenant"]) == (str(conversation.id), str(conversation.tenant_id))
    assert "conv" not in await waiting.settled()


async def test_mine_are_my_colleagues_colleagues(ana, member, window, says, wants_a_human, rows):
    ben = await sync_to_async(member)("ben")
    conversation = await wants_a_human(await says("mira", "my violin"))
    mine, theirs, waiting = await window(ana, "mine"), await window(ben, "colleagues"), await window(ben, "waiting")
    await rows(take_over, conversation.id, ana)
    for socket in (mine, theirs):
        row = (await socket.until("conv"))[-1]
        assert row["assignee"] == {"id": str(ana.id), "name": "ana", "full_name": "Ana Stone"}
    assert (await waiting.until("gone"))[-1]["conversation"] == str(conversation.id)
    await rows(conversation_end, conversation.id)
    assert (await mine.until("gone"))[-1]["conversation"] == str(conversation.id)


async def test_no_other_tenant_hears_anything(other_tenant, ana, member, window, says):
    stranger = await window(await sync_to_async(member)("zoe", of=other_tenant), "all")
    own = await window(ana, "all")
    await says("mira", "my violin")
    await own.until("conv")
    assert await stranger.settled() == ["presence", "pong"] or await stranger.settled() == ["pong"]
    assert not {frame["t"] for frame in stranger.seen} & {"conv", "gone", "counts"}


async def test_counts_come_with_the_list_and_when_they_change(ana, window, says, wants_a_human):
    await wants_a_human(await says("mira", "my violin"))
    socket = await window(ana)
    numbers = {"waiting": 1, "mine": 0, "colleagues": 0, "bot": 0, "snoozed": 0, "mentions": 0}
    assert (await socket.view("waiting"))["counts"] == numbers
    await says("omar", "Hello")
    counts = (await socket.until("counts"))[-1]
    assert {name: counts[name] for name in numbers} == {**numbers, "bot": 1}


@pytest.mark.parametrize(
    ("wanted", "heard"),
    [({"channel": "web"}, True), ({"channel": "sms"}, False), ({"priority": "normal"}, True),
     ({"priority": "urgent"}, False), ({"failed": True}, False)],
    ids=["its kind", "another kind", "its priority", "another priority", "failed"],
)  # fmt: skip
async def test_a_filter_lets_pass_what_fits(ana, window, says, wanted, heard):
    socket = await window(ana, "all", filter=wanted)
    other = await window(ana, "all")
    await says("mira", "my violin")
    await other.until("conv")
    assert ("conv" in await socket.settled()) is heard


@pytest.mark.parametrize("before", [True, False], ids=["before the window came", "while it looks"])
async def test_what_was_put_off_is_back_at_its_time(ana, window, says, wants_a_human, rows, before):
    conversation = await wants_a_human(await says("mira", "my violin"))
    soon = timedelta(seconds=0.5)
    if before:
        await rows(snooze, conversation.id, now() + soon)
    waiting, snoozed = await window(ana, "waiting"), await window(ana, "snoozed")
    if not before:
        await rows(snooze, conversation.id, now() + soon)
        assert (await waiting.until("gone"))[-1]["conversation"] == str(conversation.id)
    row = (await waiting.until("conv"))[-1]
    assert (row["conversation"], row["snoozed_until"]) == (str(conversation.id), None)
    assert (await snoozed.until("gone"))[-1]["conversation"] == str(conversation.id)
    told = Event.objects.unscoped().filter(conversation=conversation.id, type="chat.conversation.updated")
    assert await thread(lambda: [event.payload["trigger"] for event in told.order_by("seq")][-2:])() == [
        "snooze",
        "wake",
    ]


async def test_what_is_put_off_once_more_is_not_back_at_the_first_time(ana, window, says, wants_a_human, rows):
    conversation = await wants_a_human(await says("mira", "my violin"))
    other = await wants_a_human(await says("omar", "my cello"))
    await rows(snooze, conversation.id, now() + timedelta(seconds=0.3))
    await rows(snooze, other.id, now() + timedelta(seconds=0.6))
    waiting = await window(ana, "waiting")
    await rows(snooze, conversation.id, now() + timedelta(days=200))
    row = (await waiting.until("conv"))[-1]
    assert row["conversation"] == str(other.id)
    assert not {frame.get("conversation") for frame in waiting.seen} & {str(conversation.id)}


async def test_a_label_brings_a_conversation_into_the_list_of_its_label(tenant, ana, window, says, rows):
    label = await thread(LabelFactory)(tenant=tenant, name="VIP", color="red")
    conversation = await says("mira", "my violin")
    socket = await window(ana, "bot", filter={"label": str(label.id)})
    await rows(label_put, conversation.id, label.id)
    row = (await socket.until("conv"))[-1]
    assert row["labels"] == [{"id": str(label.id), "name": "VIP", "color": "red"}]


async def test_a_mention_brings_it_to_the_colleague(ana, member, window, says, rows):
    ben = await sync_to_async(member)("ben")
    conversation = await says("mira", "my violin")
    socket = await window(ben, "mentions")
    await rows(note_write, conversation.id, ana, "@ben please")
    assert (await socket.until("conv"))[-1]["conversation"] == str(conversation.id)
    await rows(mentions_seen, conversation.id, ben)
    assert (await socket.until("gone"))[-1]["conversation"] == str(conversation.id)


async def test_what_a_colleague_has_read_is_unread_no_more(ana, member, window, says, wants_a_human, rows):
    conversation = await wants_a_human(await says("mira", "my violin"))
    socket = await window(ana)
    assert (await socket.view("waiting"))["unread"] == {str(conversation.id): 1}
    await rows(staff_read, conversation.id, 1)
    assert (await socket.until("conv"))[-1]["unread"] == 0


async def test_a_search_is_no_list_that_changes(ana, window):
    socket = await window(ana)
    assert (await socket.ask("error", t="view", view="all", filter={"search": "violin"}))["code"] == "not_live"


async def test_ringing_costs_no_statement(ana, window, says, rows):
    """As many as without a window."""
    conversation = await says("mira", "my violin")

    def replied():
        with CaptureQueriesContext(connection) as seen:
            agent_reply(conversation.id, ana, text("Hello"))
        return len(seen)

    def warmed():
        agent_reply(conversation.id, ana, text("Good day"))

    await rows(warmed)
    alone = await rows(replied)
    socket = await window(ana, "all")
    assert await rows(replied) == alone
    await socket.until("conv")


# ------------------------------------------------------------------------- coming back


async def test_what_changed_while_a_window_was_away_comes_before_viewed(ana, window, says, wants_a_human, rows):
    stays, goes = await wants_a_human(await says("mira", "one")), await wants_a_human(await says("omar", "two"))
    untouched = await wants_a_human(await says("lea", "three"))
    socket = await window(ana)
    mark = (await socket.view("waiting"))["mark"]
    await socket.disconnect()
    await says("mira", "one more")
    await rows(conversation_end, goes.id)
    new = await wants_a_human(await says("nina", "four"))

    again = await window(ana)
    viewed = await again.view("waiting", after=mark)
    told = {(frame["t"], frame["conversation"]) for frame in again.seen if frame["t"] in ("conv", "gone")}
    assert {("conv", str(stays.id)), ("gone", str(goes.id)), ("conv", str(new.id))} <= told
    assert told - {("conv", str(untouched.id))} == {
        ("conv", str(stays.id)),
        ("gone", str(goes.id)),
        ("conv", str(new.id)),
    }
    assert viewed["unread"] == {str(stays.id): 2, str(untouched.id): 1, str(new.id): 1}
    assert "reset" not in viewed


@pytest.mark.parametrize("mark", ["1000", "nonsense", "99999999999999"], ids=["too old", "no mark", "from the future"])
async def test_a_mark_from_which_nothing_can_be_told_is_reset(ana, window, says, mark):
    await says("mira", "one")
    socket = await window(ana)
    assert (await socket.view("all", after=mark))["reset"] is True
    assert not [frame for frame in socket.seen if frame["t"] == "conv"]


async def test_more_than_can_be_told_is_reset(ana, window, says, monkeypatch):
    monkeypatch.setattr(desks_module, "MOST_CHANGED", 1)
    socket = await window(ana)
    mark = (await socket.view("all"))["mark"]
    for who in ("mira", "omar"):
        await says(who, "Hello")
    assert (await socket.view("all", after=mark))["reset"] is True


async def test_a_push_that_was_lost_is_made_up_for_by_the_round(ana, window, says, monkeypatch):
    socket = await window(ana, "all")
    await socket.settled()
    monkeypatch.setattr(desks, "_heard", lambda text, frame: None)
    from messaging.live.staff import bell

    monkeypatch.setattr(bell, "_push", lambda: None)
    bell._waits = None
    conversation = await says("mira", "my violin")
    await desks.round()
    assert (await socket.until("conv"))[-1]["conversation"] == str(conversation.id)


async def test_of_a_tenant_with_too_many_open_ones_no_count_is_told(ana, window, says, monkeypatch):
    for who in ("mira", "omar"):
        await says(who, "Hello")
    monkeypatch.setattr(reading, "MOST_OPEN", 1)
    socket = await window(ana)
    assert (await socket.view("bot"))["counts"]["bot"] is None
    conversation = await says("lea", "Hello")
    assert (await socket.until("conv"))[-1]["conversation"] == str(conversation.id)


async def test_two_channels_are_told_apart(tenant, ana, window, says):
    other = await thread(ChannelFactory)(tenant=tenant, key="ch_02HABC", name="Help")
    socket = await window(ana, "all", filter={"channel_id": str(other.id)})
    await says("mira", "Hello")
    conversation = await says("omar", "Hello", on=other)
    assert (await socket.until("conv"))[-1]["conversation"] == str(conversation.id)
    assert [frame["conversation"] for frame in socket.seen if frame["t"] == "conv"] == [str(conversation.id)]


async def test_who_is_erased_leaves_the_lists(ana, window, says, wants_a_human, rows, monkeypatch):
    monkeypatch.setattr(erase, "PAUSE", timedelta(0))
    conversation = await wants_a_human(await says("mira", "my violin"))
    waiting, everything = await window(ana, "waiting"), await window(ana, "all")
    begun = await rows(erase.erasure_start, conversation.contact_id, "system")
    await rows(erase.erasure_go_on, begun.id, lambda: True)  # the ids lead nowhere, and it is over
    assert (await waiting.until("gone"))[-1]["conversation"] == str(conversation.id)
    await everything.until("conv")
    assert await rows(erase.erasure_go_on, begun.id, lambda: True)
    assert (await everything.until("gone"))[-1]["conversation"] == str(conversation.id)
