"""A visitor and the bot (WEB-1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from conversations.models import Message
from messaging.live import typing as live_typing
from tests.journeys.line import Line
from tests.journeys.rich import echo
from tests.journeys.service import Service, said
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]
PRE_CHAT = [
    {"name": "name", "label": "Your name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
]


def test_a_message_goes_out_and_the_answer_comes_back_once(service: Service, line: Line, visit: Visit) -> None:
    service.answer = echo
    widget = visit()
    widget.open()
    widget.write("Where is my parcel?")
    expect(widget.texts).to_have_text(["Where is my parcel?", "You said Where is my parcel?"])
    expect(widget.texts.locator("strong")).to_have_text("Where is my parcel?")
    expect(widget.marks).to_have_text(["Delivered"])
    expect(widget.live.locator("p")).to_have_text(["Luma: You said Where is my parcel?"])
    assert line.of("send")[0]["kind"] == "text"


def test_the_first_words_say_the_language_that_is_shown(service: Service, line: Line, visit: Visit) -> None:
    """ "Hey" and "Mensch" tell none, and were answered in the tenant's first; what comes later follows what was spoken (AI-11)."""
    service.answer = echo
    widget = visit(locale="de-AT")
    widget.open()
    widget.write("hey")
    expect(widget.texts).to_have_count(2)
    widget.write("ok")
    expect(widget.texts).to_have_count(4)
    assert [frame.get("lang") for frame in line.of("send")] == ["de-AT", None]


def test_enter_sends_and_shift_enter_makes_a_line(visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.input.press_sequentially("one")
    widget.input.press("Shift+Enter")
    widget.input.press_sequentially("two")
    widget.input.press("Enter")
    expect(widget.texts).to_have_text(["one\ntwo"], use_inner_text=True)
    expect(widget.input).to_be_focused()


def test_starters_then_quick_replies_are_sent_as_actions(service: Service, line: Line, visit: Visit) -> None:
    service.configure(starters=[{"title": "Track", "payload": "track"}])
    asks = said("Which?", quick_replies=[{"title": "The last", "payload": "last"}])
    service.answer = {"Track": asks, "The last": said("Done")}.__getitem__
    widget = visit()
    widget.open()
    widget.chip.click()
    expect(widget.chip).to_have_text(["The last"])
    widget.chip.press("Enter")
    expect(widget.chip).to_have_count(0)
    expect(widget.input).to_be_focused()
    expect(widget.texts).to_have_count(4)
    track, last = line.of("send")
    assert (track["kind"], track["action"], track["text"]) == ("action", {"id": "track", "value": "track"}, "Track")
    assert (last["action"]["value"], last["reply_to"]) == ("last", 2)


def test_a_starter_without_a_payload_says_its_title(service: Service, line: Line, visit: Visit) -> None:
    service.configure(starters=[{"title": "Opening hours"}])
    service.answer = {"Opening hours": said("From nine.")}.__getitem__
    widget = visit()
    widget.open()
    widget.chip.click()
    expect(widget.texts).to_have_text(["Opening hours", "From nine."])
    assert line.of("send")[0]["action"]["value"] == "Opening hours"


def test_the_bot_is_seen_to_type_until_it_answers(
    service: Service, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_typing, "NOTICE_S", 0.0)
    monkeypatch.setattr(live_typing, "AGAIN_S", 0.1)  # the first may come before the socket follows the conversation
    service.answer = echo
    service.may_answer.clear()
    widget = visit()
    widget.open()
    widget.write("Tell me")
    expect(widget.typing).to_be_visible()
    service.may_answer.set()
    expect(widget.texts).to_have_text(["Tell me", "You said Tell me"])
    expect(widget.typing).to_be_hidden()
    expect(widget.live.locator("p")).to_have_text(["Luma is typing", "Luma: You said Tell me"])


def test_the_answer_is_seen_to_grow_and_is_replaced_by_the_message(
    service: Service, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_typing, "AGAIN_S", 0.1)  # the first may come before the socket follows the conversation
    service.answer, service.pieces = echo, ("You **sa", "id** <b>something</b>")
    service.may_answer.clear()
    widget = visit()
    widget.open()
    widget.write("Tell me")
    expect(widget.texts).to_have_text(["Tell me", "You said <b>something</b>"])
    expect(widget.texts.nth(1).locator("strong")).to_have_text("said")
    expect(widget.typing).to_be_hidden()
    widget.write("And more")  # the answer on its way does not know of it: the draft goes, the next turn's comes
    expect(widget.texts).to_have_text(["Tell me", "And more"])
    service.may_answer.set()
    expect(widget.texts).to_have_text(["Tell me", "And more", "You said And more"])
    expect(widget.live.locator("p").last).to_have_text("Luma: You said And more")
    assert [message.text for message in service.log] == ["Tell me", "And more", "You said **And more**"]


def test_visitor_typing_is_told_at_most_every_three_seconds(line: Line, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.write("first")
    expect(widget.marks).to_have_text(["Sent"])
    line.received.clear()
    widget.input.press_sequentially("many letters")
    widget.page.clock.fast_forward(3100)
    widget.input.press_sequentially("more")
    widget.input.fill("")
    expect(widget.send).to_have_attribute("aria-disabled", "true")
    widget.write("end")
    expect(widget.texts).to_have_count(2)
    assert [frame["on"] for frame in line.of("typing")] == [True, True, False, True, False]


def test_nothing_is_claimed_without_a_network(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    widget.page.context.set_offline(True)
    expect(widget.notice).to_contain_text("No connection")
    expect(widget.status).to_be_hidden()


def test_pre_chat_form_comes_first_and_once(service: Service, line: Line, visit: Visit) -> None:
    service.configure(pre_chat=PRE_CHAT)
    widget = visit()
    widget.open()
    expect(widget.page.get_by_label("Your name")).to_be_focused()
    widget.page.get_by_label("Your name").fill("Ada")
    widget.prechat_start.click()
    assert len(line.sessions) == 1
    widget.page.get_by_label("E-mail").fill("ada@shop.test")
    widget.prechat_start.click()
    expect(widget.input).to_be_focused()
    assert line.sessions[1]["profile"] == {"name": "Ada", "email": "ada@shop.test"}
    widget.page.reload()
    widget.open()
    expect(widget.prechat).to_have_count(0)


def test_transcript_is_a_text_file_of_everything(service: Service, visit: Visit) -> None:
    token = service.visitor()
    service.bot(*(f"line {number}" for number in range(1, 121)))
    Message.objects.update(created_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    widget = visit(token=token, timezone_id="UTC")
    widget.open()
    widget.menu.click()
    with widget.page.expect_download() as download:
        widget.download.click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["Hello", *(str(number) for number in range(1, 121))]
    assert re.fullmatch(r"\[11/21/2026, 9:30:00.AM\] Luma: line 1", lines[1])
