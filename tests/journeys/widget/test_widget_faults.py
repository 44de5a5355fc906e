"""The widget when things go wrong: gaps, repeats, lost acks, dead sockets, refusals and reloads. The service is the
real one; what goes wrong is on the line to it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import signing
from playwright.sync_api import expect

from channels_app.content.types import text
from channels_app.contract import Revision
from conversations.models import Identity, Message
from messaging.reports.revise import revision_take
from messaging.rules.control import conversation_end
from messaging.rules.opening import write_again
from messaging.webchat import rules as webchat
from messaging.webchat.proofs import identity_signature
from tenants.access import buckets
from tests.journeys.line import Frame, Line
from tests.journeys.service import Service, said
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

NO_JITTER = "Math.random = () => 0.5"
SECRET = "widget-identity-secret-0001-" * 2


def connected(visit: Visit, **options: Any) -> WidgetPage:
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


def known(service: Service, count: int) -> str:
    """A conversation of so many messages that took place before this visit; the visitor's token."""
    token = service.visitor("old 1")
    service.bot(*(f"old {number}" for number in range(2, count + 1)))
    return token


# --------------------------------------------------------------------------- order


def test_a_frame_that_comes_twice_is_shown_once(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    service.bot("second")
    expect(widget.texts).to_have_text(["first", "second"])
    (again,) = [frame for frame in line.told if frame.get("seq") == 2]
    line.put(again)
    service.bot("third")
    expect(widget.texts).to_have_text(["first", "second", "third"])
    assert line.of("sync") == []


def test_a_frame_that_comes_early_waits_for_its_turn(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.hold.add(2)
    service.bot("second", "third")
    wait_for(widget, lambda: [frame for frame in line.told if frame.get("seq") == 3])
    expect(widget.texts).to_have_text(["first"])
    line.let_go()
    expect(widget.texts).to_have_text(["first", "second", "third"])
    assert line.of("sync") == []


def test_a_gap_is_asked_for_after_two_seconds(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.lose.add(2)
    service.bot("lost", "third")
    wait_for(widget, lambda: [frame for frame in line.told if frame.get("seq") == 3])
    widget.page.clock.run_for(1500)
    expect(widget.texts).to_have_text(["first"])
    assert line.of("sync") == []
    widget.page.clock.run_for(600)
    expect(widget.texts).to_have_text(["first", "lost", "third"])
    assert line.of("sync") == [{"t": "sync", "after": 1}]


def test_a_hole_that_cannot_be_filled_does_not_block_for_ever(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.lose.add(2)
    lost, _ = service.bot("lost", "third")
    wait_for(widget, lambda: [frame for frame in line.told if frame.get("seq") == 3])
    Message.objects.filter(id=lost.id).delete()  # gone also from the rows, as no code of ours does it
    widget.page.clock.run_for(2100)
    expect(widget.texts).to_have_text(["first"])
    widget.page.clock.run_for(2100)
    expect(widget.texts).to_have_text(["first", "third"])


def test_edits_and_deletions_change_what_is_shown(service: Service, visit: Visit) -> None:
    widget = connected(visit)
    widget.write("second")
    expect(widget.texts).to_have_text(["first", "second"])
    expect(widget.marks).to_have_text(["Sent"])
    sender = webchat.sender_for(webchat.Visitor(Identity.objects.get().value))
    for message in service.log:
        Message.objects.filter(id=message.id).update(platform_message_id=message.text)
    revision_take(service.channel, Revision("e1", "first", sender, content=said("FIRST")))
    revision_take(service.channel, Revision("e2", "second", sender))
    expect(widget.texts).to_have_text(["FIRST", "This message was deleted"])


# --------------------------------------------------------------------------- nothing lost, nothing doubled


def test_a_lost_ack_leads_to_a_resend_with_the_same_id(service: Service, line: Line, visit: Visit) -> None:
    line.drop.update(ack=1, msg=9)  # a socket that is catching up may be told of the message twice
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("once")
    expect(widget.marks).to_have_text(["Sending…"])
    wait_for(widget, lambda: line.drop["ack"] == 0)
    widget.page.clock.run_for(15_100)
    expect(widget.marks).to_have_text(["Sent"])
    first, again = line.of("send")
    assert first == again
    assert len(service.log) == 1


def test_socket_dies_between_storing_and_ack(service: Service, line: Line, visit: Visit) -> None:
    line.drop["ack"] += 1
    line.drop["msg"] += 1
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("once")
    expect(widget.marks).to_have_text(["Sending…"])
    wait_for(widget, lambda: line.drop.total() == 0)
    line.cut(1012)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(1000)
    expect(widget.texts).to_have_text(["once"])
    expect(widget.marks).to_have_text(["Sent"])
    assert len({frame["cid"] for frame in line.of("send")}) == 1
    assert len(service.log) == 1


def test_messages_written_offline_survive_a_reload_and_keep_their_order(
    service: Service, line: Line, visit: Visit
) -> None:
    widget = connected(visit)
    line.blocked = True
    line.cut(1012)
    expect(widget.status).to_have_text("Connecting…")
    widget.write("second")
    widget.write("third")
    expect(widget.marks).to_have_text(["Sending…", "Sending…"])
    line.blocked = False
    widget.page.reload()
    widget.open()
    expect(widget.texts).to_have_text(["first", "second", "third"])
    expect(widget.marks).to_have_text(["Sent"])
    assert [message.text for message in service.log] == ["first", "second", "third"]


@pytest.mark.parametrize("seen_closed", [True, False], ids=["the end was seen", "the end came between two looks"])
def test_without_a_socket_staff_who_write_again_after_the_end_are_seen(
    service: Service, line: Line, visit: Visit, seen_closed: bool
) -> None:
    line.blocked = True
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("first")
    for _ in range(3):
        widget.page.clock.run_for(2100)
    expect(widget.marks).to_have_text(["Sent"])
    ended = service.conversation
    conversation_end(ended.id)
    if seen_closed:
        widget.page.clock.run_for(16_000)
        expect(widget.log).to_contain_text("This conversation has ended")
    write_again(ended.id, None, text("One thing more"))
    widget.page.clock.run_for(16_000)
    over = ["This conversation has ended. Write again any time."] if seen_closed else []
    expect(widget.texts).to_have_text(["first", *over, "One thing more"])
    widget.write("thanks")
    widget.page.clock.run_for(2100)
    expect(widget.marks.last).to_have_text("Sent")
    assert [message.text for message in service.log] == ["One thing more", "thanks"]


def test_without_a_socket_words_after_an_end_that_was_not_seen_are_answered(
    service: Service, line: Line, visit: Visit
) -> None:
    line.blocked = True
    widget = visit(script=NO_JITTER)
    widget.open()
    for words in ("first", "second"):
        widget.write(words)
        for _ in range(3):
            widget.page.clock.run_for(2100)
    expect(widget.marks).to_have_text(["Sent"])
    ended = service.conversation
    conversation_end(ended.id)
    widget.write("third")
    wait_for(widget, lambda: service.conversation.id != ended.id)
    service.bot("by poll")
    widget.page.clock.run_for(16_000)
    expect(widget.texts).to_have_text(["first", "second", "third", "by poll"])


def test_a_throttled_message_waits_and_goes_out(
    service: Service, line: Line, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service takes twenty messages a minute: the next one waits three seconds, however long the twenty took."""
    monkeypatch.setattr(buckets, "time", SimpleNamespace(monotonic=lambda: 0.0))
    widget = connected(visit)
    for number in range(20):
        widget.write(f"word {number}")
    wait_for(widget, lambda: [frame for frame in line.told if frame.get("code") == "rate_limited"])
    expect(widget.marks).to_have_text(["Sending…"])
    cid = line.of("send")[-1]["cid"]
    buckets.forget_local()  # time has passed at the service
    widget.page.clock.run_for(3100)
    expect(widget.marks).to_have_text(["Sent"])
    assert line.of("send")[-1]["cid"] == cid
    assert service.log[-1].text == "word 19"


def test_a_spent_id_fails_and_goes_out_under_a_new_one(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.rewrite = lambda frame: {**frame, "cid": spent} if frame["t"] == "send" else frame
    spent = line.of("send")[0]["cid"]
    line.rewrite_down = lambda frame: {**frame, "cid": line.of("send")[-1]["cid"]} if "cid" in frame else frame
    widget.write("slow")
    expect(widget.marks).to_contain_text(["Not sent"])
    line.rewrite = line.rewrite_down = lambda frame: frame
    widget.retry.click()
    expect(widget.marks).to_have_text(["Sent"])
    one, other = line.of("send")[1:]
    assert one["cid"] != other["cid"]
    assert [message.text for message in service.log] == ["first", "slow"]


def test_two_tabs_see_one_conversation(visit: Visit) -> None:
    widget = connected(visit)
    other = WidgetPage(widget.page.context.new_page())
    other.page.goto(widget.page.url)
    other.open()
    expect(other.texts).to_have_text(["first"])
    other.write("from elsewhere")
    expect(widget.texts).to_have_text(["first", "from elsewhere"])
    expect(other.texts).to_have_text(["first", "from elsewhere"])


# --------------------------------------------------------------------------- connection


def test_without_sockets_it_talks_over_http(service: Service, line: Line, visit: Visit) -> None:
    line.blocked = True
    widget = visit(script=NO_JITTER)
    widget.open()
    expect(widget.status).to_have_text("Connecting…")
    widget.write("by post")
    for _ in range(3):
        widget.page.clock.run_for(2100)
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.status).to_have_text("Replies at once")
    service.bot("by poll")
    widget.page.clock.run_for(16_000)
    expect(widget.texts).to_have_text(["by post", "by poll"])
    widget.page.clock.run_for(1100)
    wait_for(widget, lambda: len(line.posted) == 2)
    assert line.posted[0]["text"] == "by post"
    assert line.posted[1] == {"t": "read", "conversation": str(service.conversation.id), "seq": 2}
    line.blocked = False
    widget.page.clock.run_for(31_000)
    wait_for(widget, lambda: line.of("hello"))
    widget.write("by socket")
    expect(widget.texts).to_have_text(["by post", "by poll", "by socket"])
    expect(widget.marks).to_have_text(["Sent"])
    assert [frame["text"] for frame in line.of("send")] == ["by socket"]


def test_a_silent_line_is_given_up_and_resumed(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.drop.update(pong=9, msg=9)
    service.bot("missed")
    widget.page.clock.run_for(25_100)
    wait_for(widget, lambda: {"pong", "msg"} <= {frame["t"] for frame in line.told if frame.get("seq") != 1})
    line.drop.clear()
    widget.page.clock.run_for(10_100)
    widget.page.clock.run_for(1000)
    expect(widget.texts).to_have_text(["first", "missed"])
    assert [frame["after"] for frame in line.of("hello")] == [0, 1]


BYE = {"t": "bye", "reason": "restart", "reconnect": True, "after_s": 20}
BUSY = {"t": "error", "code": "unavailable", "message": "Busy", "retry_after_s": 20, "fatal": True}


@pytest.mark.parametrize(("words", "code"), [(BYE, 1012), (BUSY, 1013)], ids=["bye", "overload"])
def test_a_server_is_left_alone_as_long_as_it_says(line: Line, visit: Visit, words: Frame, code: int) -> None:
    widget = connected(visit)
    line.put(words)
    line.cut(code)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(19_000)
    assert len(line.sockets) == 1
    widget.page.clock.run_for(3000)
    expect(widget.status).to_have_text("Replies at once")
    assert len(line.sockets) == 2


def test_a_channel_that_is_switched_off_says_so_and_is_left_alone(line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.cut(4403)
    expect(widget.notice.locator("span")).to_have_text("The chat is not available right now.")
    expect(widget.notice.get_by_role("button")).to_have_count(0)
    widget.page.clock.run_for(120_000)
    assert len(line.sockets) == 1


@pytest.mark.parametrize(
    ("code", "seconds", "sessions"),
    [(1001, 2, 1), (1011, 2, 1), (4401, 2, 2), (4404, 2, 2), (4408, 2, 1), (4429, 62, 1), (4503, 2, 1)],
)
def test_codes_after_which_it_comes_back(line: Line, visit: Visit, code: int, seconds: int, sessions: int) -> None:
    widget = connected(visit)
    line.cut(code)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(seconds * 1000 - 1500)
    widget.page.clock.run_for(1500)
    expect(widget.status).to_have_text("Replies at once")
    expect(widget.texts).to_have_text(["first"])
    assert len(line.sockets) == 2
    assert len(line.sessions) == sessions


def test_protocol_errors_stop_it_the_second_time(line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.cut(4400)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(2000)
    expect(widget.status).to_have_text("Replies at once")
    line.cut(4400)
    expect(widget.notice).to_contain_text("The chat is not available")
    widget.notice.get_by_role("button", name="Try again").click()
    expect(widget.status).to_have_text("Replies at once")
    expect(widget.notice).to_be_empty()


def test_a_conversation_that_is_gone_is_dropped(service: Service, line: Line, visit: Visit) -> None:
    widget = visit(script=NO_JITTER, token=known(service, 3))
    widget.open()
    expect(widget.texts).to_have_count(3)
    expect(widget.status).to_have_text("Replies at once")
    service.conversation.delete()
    line.cut(1012)
    expect(widget.status).to_have_text("Connecting…")
    widget.page.clock.run_for(2000)
    expect(widget.texts).to_have_count(0)


def test_what_is_said_after_the_end_begins_a_new_conversation_below(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    service.bot("bye")
    expect(widget.texts).to_have_count(2)
    conversation_end(service.conversation.id)
    expect(widget.texts).to_have_text(["first", "bye", "This conversation has ended. Write again any time."])
    widget.write("one more")
    expect(widget.texts.nth(3)).to_have_text("one more")
    expect(widget.marks).to_have_text(["Sent"])
    service.bot("hello again")
    expect(widget.texts.nth(4)).to_have_text("hello again")
    expect(widget.marks).to_have_text(["Delivered"])
    widget.page.clock.run_for(1100)
    wait_for(widget, lambda: line.of("read")[-1:] and line.of("read")[-1]["seq"] == 2)
    assert line.of("read")[-1]["conversation"] == str(service.conversation.id)


# --------------------------------------------------------------------------- session


def test_a_refused_token_is_dropped_once(line: Line, visit: Visit) -> None:
    forged = signing.dumps({"c": "another"}, salt="other")
    widget = visit(token=forged)
    widget.launcher.wait_for()
    assert [session["visitor_token"] for session in line.sessions] == [forged, None]


def test_a_page_that_may_not_embed_it_sees_nothing(service: Service, visit: Visit) -> None:
    """The browser keeps the refusal from the page, which cannot tell it from a service that is down: it asks."""
    service.configure(allowed_origins=["https://another.example.com"])
    widget = visit()
    wait_for(widget, lambda: "blocked by CORS policy" in "".join(widget.troubles))
    with widget.page.expect_console_message(
        lambda message: message.text == "DeskChat: no answer. Is this origin allowed?"
    ):
        widget.page.reload()
    expect(widget.launcher).to_have_count(0)


def test_a_channel_that_there_is_not_shows_nothing(line: Line, visit: Visit) -> None:
    line.channel = "web_gone"
    widget = visit()
    wait_for(widget, lambda: "blocked by CORS policy" in "".join(widget.troubles))
    expect(widget.launcher).to_have_count(0)


def test_a_service_that_is_down_is_asked_again(line: Line, visit: Visit) -> None:
    line.fail["/session"] = [(503, "unavailable")]
    widget = visit(script=NO_JITTER)
    wait_for(widget, lambda: line.sessions)
    expect(widget.launcher).to_have_count(0)
    widget.page.clock.run_for(1000)
    widget.launcher.wait_for()


def test_identify_then_logout_changes_person_and_transcript(service: Service, line: Line, visit: Visit) -> None:
    service.channel.secrets = {"identity_secret": SECRET}
    service.configure()
    widget = connected(visit)
    at = widget.page.evaluate("Math.floor(Date.now() / 1000)")
    proof = {"user_id": "u-1", "ts": at, "sig": identity_signature(SECRET, service.channel.key, "u-1", at)}
    widget.page.evaluate("(proof) => DeskChat.identify(proof)", proof)
    expect(widget.texts).to_have_text(["first"])
    assert Identity.objects.filter(scheme="user", value="u-1").exists()
    widget.page.evaluate("DeskChat.logout()")
    expect(widget.texts).to_have_count(0)
    assert line.sessions[-1] == {"visitor_token": None}


# --------------------------------------------------------------------------- limits


CROWDED = "Too many people write from your network right now. Please try again in a moment."


def test_one_new_visitor_too_many_is_told_and_may_try_again(
    service: Service, line: Line, visit: Visit, settings: Any
) -> None:
    settings.ENV = {**settings.ENV, "WEBCHAT_VISITORS_PER_ADDRESS": 1}
    connected(visit)
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("me too")
    expect(widget.notice.locator("span")).to_have_text(CROWDED)
    expect(widget.marks).to_have_text(["Sending…"])
    settings.ENV = {**settings.ENV, "WEBCHAT_VISITORS_PER_ADDRESS": 0}
    widget.notice.get_by_role("button", name="Try again").click()
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.notice).to_be_empty()
    assert len({frame["cid"] for frame in line.of("send")[1:]}) == 1


def test_the_form_tells_it_as_well(service: Service, visit: Visit, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "WEBCHAT_VISITORS_PER_ADDRESS": 1}
    service.visitor()
    connected(visit)
    service.configure(pre_chat=[{"name": "name", "label": "Your name"}])
    widget = visit()
    widget.open()
    widget.page.get_by_label("Your name").fill("Ada")
    widget.prechat_start.click()
    expect(widget.prechat.get_by_role("alert")).to_have_text(CROWDED)


def test_the_launcher_is_there_also_for_an_address_over_all_limits(line: Line, visit: Visit) -> None:
    line.fail["/session"] = [(429, "rate_limited")] * 2
    widget = visit(script=NO_JITTER)
    widget.launcher.wait_for()
    widget.open()
    expect(widget.notice.locator("span")).to_have_text(CROWDED)
    widget.write("kept until then")
    expect(widget.marks).to_have_text(["Sending…"])
    widget.notice.get_by_role("button", name="Try again").click()
    widget.page.clock.run_for(3000)
    expect(widget.panel).to_be_visible()
    expect(widget.panel.get_by_role("heading")).to_have_text("Lumen & Oak")
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.page.locator("desk-chat")).to_have_count(1)


# --------------------------------------------------------------------------- history and reading


def test_history_comes_back_and_scrolling_up_brings_more(service: Service, line: Line, visit: Visit) -> None:
    widget = visit(token=known(service, 120))
    widget.open()
    expect(widget.texts).to_have_count(50)
    expect(widget.texts.last).to_be_in_viewport()
    widget.log.hover()
    widget.page.mouse.wheel(0, -20_000)
    expect(widget.texts).to_have_count(100)
    expect(widget.texts.first).to_have_text("old 21")
    expect(widget.page.locator(".bubble", has_text="old 71")).to_be_in_viewport()
    assert line.of("hello")[0]["after"] == 120


def test_several_entries_at_once_leave_the_end_in_view(service: Service, visit: Visit) -> None:
    """The scroll to one entry is told by the browser when the next stands below it already."""
    widget = visit(token=known(service, 30))
    widget.open()
    expect(widget.texts.last).to_be_in_viewport()
    came = """(log) => {
        const entry = log.querySelector(".list-inner").lastElementChild.cloneNode(true);
        entry.style.height = "200px";
        log.querySelector(".list-inner").append(entry);
        log.dispatchEvent(new Event("scroll"));
    }"""
    below = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight"
    widget.log.evaluate(came)
    wait_for(widget, lambda: widget.log.evaluate(below) < 2)
    widget.log.hover()
    widget.page.mouse.wheel(0, -300)
    wait_for(widget, lambda: widget.log.evaluate(below) > 200)
    widget.log.evaluate(came)  # who reads further up stays there
    widget.page.wait_for_timeout(200)
    assert widget.log.evaluate(below) > 400


def test_what_came_while_closed_is_counted_and_read_when_seen(service: Service, line: Line, visit: Visit) -> None:
    widget = visit(token=known(service, 3))
    expect(widget.badge).to_have_text("2")
    expect(widget.launcher).to_have_accessible_name("Open chat, 2 unread")
    wait_for(widget, lambda: line.of("hello"))
    service.bot("three")
    expect(widget.badge).to_have_text("3")
    widget.open()
    expect(widget.badge).to_be_hidden()
    widget.page.clock.run_for(1100)
    expect(widget.launcher).to_have_accessible_name("Close chat")
    wait_for(widget, lambda: service.conversation.visitor_read_seq == 4)
    assert line.of("read") == [{"t": "read", "conversation": str(service.conversation.id), "seq": 4}]
    widget.close.click()
    widget.page.reload()
    expect(widget.launcher).to_have_accessible_name("Open chat")


def test_what_was_read_of_an_ended_conversation_says_nothing_of_the_next(
    service: Service, line: Line, visit: Visit
) -> None:
    widget = visit(token=known(service, 5))
    widget.open()
    wait_for(widget, lambda: line.of("read"))
    widget.close.click()
    conversation_end(service.conversation.id)
    line.received.clear()
    widget.page.reload()
    widget.open()
    widget.write("once more")
    expect(widget.marks).to_have_text(["Sent"])
    widget.close.click()
    service.bot("gladly")
    expect(widget.badge).to_have_text("1")
    assert line.of("read") == []


def test_who_reads_old_messages_is_told_of_new_ones(service: Service, visit: Visit) -> None:
    widget = visit(token=known(service, 40))
    widget.open()
    expect(widget.texts).to_have_count(40)
    widget.log.hover()
    widget.page.mouse.wheel(0, -400)
    expect(widget.texts.last).not_to_be_in_viewport()
    service.bot("news")
    expect(widget.button("New messages")).to_be_visible()
    expect(widget.texts.last).not_to_be_in_viewport()
    widget.button("New messages").click()
    expect(widget.texts.last).to_be_in_viewport()
    expect(widget.button("New messages")).to_be_hidden()


def test_a_frame_of_a_future_version_is_ignored(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.put({"t": "sparkle"}, {"t": "hologram", "seq": 2})
    line.rewrite_down = lambda frame: {**frame, "seq": 3} if frame.get("text") == "plain" else frame
    service.bot("plain")
    expect(widget.texts).to_have_text(["first", "plain"])
    assert widget.troubles == []
