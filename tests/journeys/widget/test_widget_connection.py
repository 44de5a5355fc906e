"""The widget when its connection or its session goes: dead sockets, refusals, services that are away (WEB-2)."""

from __future__ import annotations

import pytest
from django.core import signing
from playwright.sync_api import expect

from conversations.models import Identity
from messaging.rules.control import conversation_end
from messaging.webchat.proofs import identity_signature
from tests.journeys.line import Frame, Line
from tests.journeys.service import Service
from tests.journeys.widget.lines import NO_JITTER, SECRET, Visit, connected, known, wait_for

pytestmark = pytest.mark.browser


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
