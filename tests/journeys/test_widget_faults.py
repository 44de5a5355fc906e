"""The widget when things go wrong: gaps, repeats, lost acks, dead sockets, refusals and reloads."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.fake_webchat import FakeWebchat, Frame
from tests.journeys.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

BOT = {"role": "bot", "name": "Luma"}
NO_JITTER = "Math.random = () => 0.5"


def connected(visit: Visit, **options: object) -> WidgetPage:
    widget = visit(script=NO_JITTER, **options)
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    widget.write("first")
    expect(widget.marks).to_have_text(["Sent"])
    return widget


def wait_for(widget: WidgetPage, true: Callable[[], object]) -> None:
    """Let the browser go on, by real time, until it is so; at most ten seconds."""
    for _ in range(200):
        if true():
            return
        widget.page.wait_for_timeout(50)
    raise AssertionError("it has not come to that")


def known(server: FakeWebchat, count: int) -> None:
    """A conversation of so many messages that took place before this visit."""
    server.conversation = "cv_1"
    for number in range(1, count + 1):
        server.record(BOT, {"type": "text", "text": f"old {number}"})


# --------------------------------------------------------------------------- order


def test_a_frame_that_comes_early_waits_for_its_turn(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    second, third = (server.record(BOT, {"type": "text", "text": text}) for text in ("second", "third"))
    server.push(third)
    server.push(second)
    server.push(third)
    expect(widget.texts).to_have_text(["first", "second", "third"])
    assert server.of("sync") == []


def test_a_gap_is_asked_for_after_two_seconds(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server.record(BOT, {"type": "text", "text": "lost"})
    server.say("third")
    widget.page.clock.run_for(1500)
    expect(widget.texts).to_have_text(["first"])
    assert server.of("sync") == []
    widget.page.clock.run_for(600)
    expect(widget.texts).to_have_text(["first", "lost", "third"])
    assert server.of("sync") == [{"t": "sync", "after": 1}]


def test_a_hole_that_nobody_can_fill_does_not_block_for_ever(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server.record(BOT, {"type": "text", "text": "not for visitors"})
    server.say("third")
    server.log.pop(1)
    widget.page.clock.run_for(2100)
    expect(widget.texts).to_have_text(["first"])
    widget.page.clock.run_for(2100)
    expect(widget.texts).to_have_text(["first", "third"])


def test_edits_and_deletions_change_what_is_shown(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    one, two = server.say("one"), server.say("two")
    server.push({"t": "edit", "seq": 4, "of": one["id"], "content": {"type": "text", "text": "ONE"}})
    server.push({"t": "del", "seq": 5, "of": two["id"]})
    expect(widget.texts).to_have_text(["first", "ONE", "This message was deleted"])


# --------------------------------------------------------------------------- nothing lost, nothing doubled


def test_a_lost_ack_leads_to_a_resend_with_the_same_id(server: FakeWebchat, visit: Visit) -> None:
    server.lose_acks = 1
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("once")
    expect(widget.marks).to_have_text(["Sending…"])
    widget.page.clock.run_for(15_100)
    expect(widget.marks).to_have_text(["Sent"])
    first, again = server.of("send")
    assert first == again
    assert len(server.log) == 1


def test_socket_dies_between_storing_and_ack(server: FakeWebchat, visit: Visit) -> None:
    server.lose_acks = 1
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("once")
    expect(widget.marks).to_have_text(["Sending…"])
    server.sockets[-1].close(code=1012)
    widget.page.clock.run_for(1000)
    expect(widget.texts).to_have_text(["once"])
    expect(widget.marks).to_have_text(["Sent"])
    assert len({frame["cid"] for frame in server.of("send")}) == 1
    assert len(server.log) == 1


def test_messages_written_offline_survive_a_reload_and_keep_their_order(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server.refuse_sockets = True
    server.sockets[-1].close(code=1012)
    expect(widget.status).to_have_text("Connecting…")
    widget.write("second")
    widget.write("third")
    expect(widget.marks).to_have_text(["Sending…", "Sending…"])
    server.refuse_sockets = False
    widget.page.reload()
    widget.open()
    expect(widget.texts).to_have_text(["first", "second", "third"])
    expect(widget.marks).to_have_text(["Sent"])
    assert [frame["text"] for frame in server.log] == ["first", "second", "third"]


def test_a_throttled_message_waits_and_a_refused_one_can_be_tried_again(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server.lose_acks, store = 2, server._store
    server._store = lambda frame: {"duplicate": False}
    widget.write("slow")
    expect(widget.marks).to_have_text(["Sending…"])
    cid = server.of("send")[-1]["cid"]
    server.push({"t": "error", "code": "rate_limited", "cid": cid, "retry_after_s": 8, "fatal": False})
    widget.page.clock.run_for(7000)
    assert len(server.of("send")) == 2
    widget.page.clock.run_for(1500)
    expect(widget.marks).to_have_text(["Sending…"])
    assert server.of("send")[-1]["cid"] == cid
    server.push({"t": "error", "code": "cid_conflict", "cid": cid, "fatal": False})
    expect(widget.marks).to_contain_text(["Not sent"])
    server._store = store
    widget.retry.click()
    expect(widget.marks).to_have_text(["Sent"])
    assert server.of("send")[-1]["cid"] != cid
    expect(widget.texts).to_have_text(["first", "slow"])


def test_two_tabs_see_one_conversation(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    other = WidgetPage(widget.page.context.new_page())
    other.page.goto(widget.page.url)
    other.open()
    expect(other.texts).to_have_text(["first"])
    stored = server.record({"role": "visitor"}, {"type": "text", "text": "from elsewhere"}, cid="c-9")
    for socket in server.sockets:
        socket.send(json.dumps(stored))
    expect(widget.texts).to_have_text(["first", "from elsewhere"])
    expect(other.texts).to_have_text(["first", "from elsewhere"])


# --------------------------------------------------------------------------- connection


def test_without_sockets_it_talks_over_http(server: FakeWebchat, visit: Visit) -> None:
    server.refuse_sockets = True
    widget = visit(script=NO_JITTER)
    widget.open()
    expect(widget.status).to_have_text("Connecting…")
    widget.write("by post")
    for _ in range(3):
        widget.page.clock.run_for(2100)
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.status).to_have_text("Replies at once")
    server.record(BOT, {"type": "text", "text": "by poll"})
    widget.page.clock.run_for(16_000)
    expect(widget.texts).to_have_text(["by post", "by poll"])
    widget.page.clock.run_for(1100)
    assert server.posted[0]["text"] == "by post"
    server.refuse_sockets = False
    widget.page.clock.run_for(31_000)
    wait_for(widget, lambda: server.of("hello"))
    widget.write("by socket")
    expect(widget.texts).to_have_text(["by post", "by poll", "by socket"])
    expect(widget.marks).to_have_text(["Sent"])
    assert [frame["text"] for frame in server.of("send")] == ["by socket"]
    assert server.posted[1:] == [{"t": "read", "seq": 2}]


def test_a_silent_line_is_given_up_and_resumed(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server._pong = lambda socket, frame: None
    server.record(BOT, {"type": "text", "text": "missed"})
    widget.page.clock.run_for(25_100)
    assert len(server.of("ping")) == 1
    widget.page.clock.run_for(10_100)
    widget.page.clock.run_for(1000)
    expect(widget.texts).to_have_text(["first", "missed"])
    assert [frame["after"] for frame in server.of("hello")] == [0, 1]


BYE = {"t": "bye", "reason": "restart", "reconnect": True, "after_s": 20}
BUSY = {"t": "error", "code": "unavailable", "message": "Busy", "retry_after_s": 20, "fatal": True}


@pytest.mark.parametrize(("said", "code"), [(BYE, 1012), (BUSY, 1013)], ids=["bye", "overload"])
def test_a_server_is_left_alone_as_long_as_it_says(server: FakeWebchat, visit: Visit, said: Frame, code: int) -> None:
    widget = connected(visit)
    server.push(said)
    server.sockets[-1].close(code=code)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(19_000)
    assert len(server.sockets) == 1
    widget.page.clock.run_for(3000)
    expect(widget.status).to_have_text("Replies at once")
    assert len(server.sockets) == 2


@pytest.mark.parametrize(
    ("code", "notice", "buttons"),
    [
        (4403, "The chat is not available right now.", []),
        (4409, "This chat goes on in another tab.", ["Use it here"]),
        (4426, "A new version of this chat is ready.", ["Reload page"]),
    ],
)
def test_codes_that_stop_the_widget_say_why(
    server: FakeWebchat, visit: Visit, code: int, notice: str, buttons: list[str]
) -> None:
    widget = connected(visit)
    server.sockets[-1].close(code=code)
    expect(widget.notice.locator("span")).to_have_text(notice)
    expect(widget.notice.get_by_role("button")).to_have_text(buttons)
    widget.page.clock.run_for(120_000)
    assert len(server.sockets) == 1


@pytest.mark.parametrize(
    ("code", "seconds", "sessions"),
    [(1001, 2, 1), (1011, 2, 1), (4401, 2, 2), (4404, 2, 2), (4408, 2, 1), (4429, 62, 1), (4503, 2, 1)],
)
def test_codes_after_which_it_comes_back(
    server: FakeWebchat, visit: Visit, code: int, seconds: int, sessions: int
) -> None:
    widget = connected(visit)
    server.sockets[-1].close(code=code)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(seconds * 1000 - 1500)
    widget.page.clock.run_for(1500)
    expect(widget.status).to_have_text("Replies at once")
    expect(widget.texts).to_have_text(["first"])
    assert len(server.sockets) == 2
    assert len(server.sessions) == sessions
    assert server.of("hello")[-1]["token"] == f"vt_{sessions}"


def test_protocol_errors_stop_it_the_second_time(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server.sockets[-1].close(code=4400)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(2000)
    expect(widget.status).to_have_text("Replies at once")
    server.sockets[-1].close(code=4400)
    expect(widget.notice).to_contain_text("The chat is not available")
    widget.notice.get_by_role("button", name="Try again").click()
    expect(widget.status).to_have_text("Replies at once")
    expect(widget.notice).to_be_empty()


def test_a_conversation_that_is_gone_is_dropped(server: FakeWebchat, visit: Visit) -> None:
    known(server, 3)
    widget = visit(script=NO_JITTER)
    widget.open()
    expect(widget.texts).to_have_count(3)
    server.log.clear()
    server.ready = {"reset": True}
    server.sockets[-1].close(code=1012)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(2000)
    expect(widget.texts).to_have_count(0)


def test_what_is_said_after_the_end_begins_a_new_conversation_below(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server.say("bye")
    server.push({"t": "state", "seq": 3, "id": "s_3", "ts": "2026-11-21T09:31:00.000Z", "state": "closed"})
    expect(widget.texts).to_have_text(["first", "bye", "This conversation has ended. Write again any time."])
    server.log.clear()
    server.on_send = lambda server, frame: server.say("hello again")
    server.ids = "n"
    widget.write("one more")
    expect(widget.texts.nth(3)).to_have_text("one more")
    expect(widget.texts.nth(4)).to_have_text("hello again")
    expect(widget.marks).to_have_text(["Delivered"])
    widget.page.clock.run_for(1100)
    assert server.of("read")[-1]["seq"] == 2


# --------------------------------------------------------------------------- session


def test_a_refused_token_is_dropped_once(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    server.refuse_session = [(401, "token_invalid")]
    widget.page.reload()
    widget.launcher.wait_for()
    assert [session["visitor_token"] for session in server.sessions] == [None, "vt_1", None]


def test_a_page_that_may_not_embed_it_sees_nothing(server: FakeWebchat, visit: Visit) -> None:
    server.refuse_session = [(403, "origin_not_allowed")]
    widget = visit()
    assert widget.page.evaluate("DeskChat.open().catch((error) => error.message)") == "origin_not_allowed (403)"
    expect(widget.launcher).to_have_count(0)


def test_a_service_that_is_down_is_asked_again(server: FakeWebchat, visit: Visit) -> None:
    server.refuse_session = [(503, "unavailable")]
    widget = visit(script=NO_JITTER)
    expect(widget.launcher).to_have_count(0)
    widget.page.clock.run_for(1000)
    widget.launcher.wait_for()


def test_identify_then_logout_changes_person_and_transcript(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    widget.page.evaluate("DeskChat.identify({user_id: 'u-1', ts: 1, sig: 'x', name: 'Mira'})")
    expect(widget.texts).to_have_text(["first"])
    assert server.sessions[-1]["identity"]["user_id"] == "u-1"
    assert server.sessions[-1]["visitor_token"] == "vt_1"
    server.log.clear()
    server.conversation = None
    widget.page.evaluate("DeskChat.logout()")
    expect(widget.texts).to_have_count(0)
    assert (server.sessions[-1]["identity"], server.sessions[-1]["visitor_token"]) == (None, None)


# --------------------------------------------------------------------------- history and reading


def test_history_comes_back_and_scrolling_up_brings_more(server: FakeWebchat, visit: Visit) -> None:
    known(server, 120)
    widget = visit()
    widget.open()
    expect(widget.texts).to_have_count(50)
    expect(widget.texts.last).to_be_in_viewport()
    widget.log.hover()
    widget.page.mouse.wheel(0, -20_000)
    expect(widget.texts).to_have_count(100)
    expect(widget.texts.first).to_have_text("old 21")
    expect(widget.page.locator(".bubble", has_text="old 71")).to_be_in_viewport()
    assert server.of("hello")[0]["after"] == 120


def test_what_came_while_closed_is_counted_and_read_when_seen(server: FakeWebchat, visit: Visit) -> None:
    known(server, 2)
    widget = visit()
    expect(widget.badge).to_have_text("2")
    expect(widget.launcher).to_have_accessible_name("Open chat, 2 unread")
    server.say("three")
    expect(widget.badge).to_have_text("3")
    widget.open()
    expect(widget.badge).to_be_hidden()
    widget.page.clock.run_for(1100)
    expect(widget.launcher).to_have_accessible_name("Close chat")
    assert server.of("read") == [{"t": "read", "seq": 3}]
    widget.page.reload()
    expect(widget.launcher).to_have_accessible_name("Open chat")


def test_who_reads_old_messages_is_told_of_new_ones(server: FakeWebchat, visit: Visit) -> None:
    known(server, 40)
    widget = visit()
    widget.open()
    expect(widget.texts).to_have_count(40)
    widget.log.hover()
    widget.page.mouse.wheel(0, -400)
    expect(widget.texts.last).not_to_be_in_viewport()
    server.say("news")
    expect(widget.button("New messages")).to_be_visible()
    expect(widget.texts.last).not_to_be_in_viewport()
    widget.button("New messages").click()
    expect(widget.texts.last).to_be_in_viewport()
    expect(widget.button("New messages")).to_be_hidden()


def test_a_frame_of_a_future_version_is_ignored(server: FakeWebchat, visit: Visit) -> None:
    widget = connected(visit)
    unknown: list[Frame] = [
        {"t": "hologram", "seq": 2},
        {"t": "sparkle"},
        {"t": "msg", "seq": 3, "id": "m", "from": BOT, "text": "plain"},
    ]
    for frame in unknown:
        server.push(frame)
    expect(widget.texts).to_have_text(["first", "plain"])
    assert widget.troubles == []
