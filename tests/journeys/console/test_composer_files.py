"""Files in the reply box (ADM-2, MSG-8)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.journeys.console.conftest import Open, replies
from tests.journeys.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("asked")]
PICTURE = """async (box) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 4 });
  canvas.getContext("2d").fillRect(0, 0, 4, 4);
  const blob = await new Promise((done) => canvas.toBlob(done));
  const data = new DataTransfer();
  data.items.add(new File([blob], "lamp.png", { type: "image/png" }));
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def test_a_pasted_picture_goes_with_the_words(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("Like this one?")
    mira.reply.evaluate(PICTURE)
    file = mira.page.locator(".composer-file")
    expect(file).to_contain_text("lamp.png")
    expect(file.locator("img")).to_be_visible()
    mira.reply.press("Control+Enter")
    expect(mira.pending).to_contain_text("lamp.png")
    mira.later()
    expect(mira.texts.last).to_contain_text("Like this one?")
    expect(mira.pending).to_have_count(0)
    sent = service.log[-1]
    assert (sent.content_type, sent.text) == ("image", "Like this one?")


def test_a_reply_waits_for_a_file_that_is_on_its_way_up(service: Service, desk: Open) -> None:
    mira = desk()
    on_its_way: list[Route] = []
    mira.page.route("**/upload/", lambda route: on_its_way.append(route))
    with mira.page.expect_request("**/upload/"):
        mira.reply.evaluate(PICTURE)
    mira.write("Like this one?")
    expect(mira.warning).to_contain_text("The reply goes with it.")
    expect(mira.pending).to_have_count(0)
    on_its_way.pop().continue_()
    expect(mira.pending).to_contain_text("lamp.png")
    expect(mira.warning).to_be_hidden()
    mira.later()
    expect(mira.texts.last).to_contain_text("Like this one?")
    assert (service.log[-1].content_type, len(replies(service))) == ("image", 1)


def test_a_quotation_mark_in_a_files_name_stays_one(service: Service, desk: Open) -> None:
    mira = desk()
    named = {"name": 'the "big" tent.txt', "mimeType": "text/plain", "buffer": b"hello"}
    mira.page.locator("[data-file]").set_input_files([named])
    file = mira.page.locator(".composer-file")
    expect(file).to_contain_text(re.compile(r"5\sbytes"))  # the service has it, and says what it is called
    expect(file).to_contain_text('the "big" tent.txt')


def test_the_size_of_a_file_stands_in_one_line_beside_a_long_name(service: Service, desk: Open) -> None:
    mira = desk()
    named = {"name": f"{'n' * 180}.txt", "mimeType": "text/plain", "buffer": b"hello"}
    mira.page.locator("[data-file]").set_input_files([named])
    expect(mira.page.locator(".composer-file")).to_contain_text("5")
    mira.write("")
    mira.later()
    size = mira.page.locator(".chat-file small")
    expect(size).to_have_count(1)
    box = size.bounding_box()
    assert box and box["height"] < box["width"]


def test_a_file_that_is_refused_says_why_and_holds_the_reply(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.locator("[data-file]").set_input_files(
        {"name": "virus.exe", "mimeType": "", "buffer": b"MZ\x90\x00" * 99}
    )
    expect(mira.page.locator(".composer-file.refused")).to_contain_text("Files of this type are not accepted.")
    mira.write("Here it is")
    expect(mira.warning).to_contain_text("Take away the file")
    mira.press("Take away virus.exe")
    mira.reply.press("Control+Enter")
    mira.later()
    expect(mira.texts.last).to_have_text("Here it is")
