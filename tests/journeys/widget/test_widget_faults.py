"""The widget when things go wrong: gaps, repeats, lost acks and reloads. The service is the
real one; what goes wrong is on the line to it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from channels_app.content.types import text
from channels_app.contract import Revision
from conversations.models import Identity, Message
from messaging.reports.revise import revision_take
from messaging.rules.control import conversation_end
from messaging.rules.opening import write_again
from messaging.webchat import rules as webchat
from tenants.access import buckets
from tests.journeys.line import Line
from tests.journeys.service import Service, said
from tests.journeys.widget.lines import NO_JITTER, Visit, connected, wait_for
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser


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
