"""A visitor sends files: by the paper clip, pasted and dropped, with progress, errors and another try."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from tests.journeys.fake_webchat import CORS, ORIGIN, FakeWebchat
from tests.journeys.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

FILE_ID = "0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"
DROP = """([element, kind]) => {
  const data = new DataTransfer();
  data.items.add(new File(["hello"], "notes.txt", { type: "text/plain" }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  element.dispatchEvent(event);
}"""


class Uploads:
    """The service's two addresses for files. ``refuse`` holds answers to give before it takes one."""

    def __init__(self, widget: WidgetPage) -> None:
        self.tickets: list[Any] = []
        self.bodies: list[bytes] = []
        self.refuse: list[tuple[int, str]] = []
        context = widget.page.context
        context.route(f"{ORIGIN}/api/v2/webchat/web_demo/files", self._ticket)
        context.route(f"{ORIGIN}/api/v2/webchat/web_demo/files/*", self._take)

    def _ticket(self, route: Route) -> None:
        self.tickets.append(route.request.post_data_json)
        self._answer(route, {"file": FILE_ID, "url": "/api/v2/webchat/web_demo/files/t1", "limit": 10})

    def _take(self, route: Route) -> None:
        if self.refuse:
            status, code = self.refuse.pop(0)
            return self._answer(route, None, status, {"code": code})
        self.bodies.append(route.request.post_data_buffer or b"")
        about = self.tickets[-1]
        url = f"{ORIGIN}/files/a.svg"
        stored = {"file": FILE_ID, "url": url, "name": about["name"], "type": about["type"], "size_bytes": 5}
        return self._answer(route, stored)

    def _answer(self, route: Route, data: Any, status: int = 200, error: Any = None) -> None:
        body = {"status": "error" if error else "success", "data": data, "error": error}
        route.fulfill(status=status, body=json.dumps(body), content_type="application/json", headers=CORS)


@pytest.fixture
def widget(server: FakeWebchat, visit: Visit) -> WidgetPage:
    widget = visit()
    widget.open()
    return widget


@pytest.fixture
def uploads(widget: WidgetPage) -> Uploads:
    return Uploads(widget)


def photo(name: str = "lamp.png") -> dict[str, Any]:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": out.getvalue()}


def test_a_chosen_photo_becomes_a_message(server: FakeWebchat, widget: WidgetPage, uploads: Uploads) -> None:
    with widget.page.expect_file_chooser() as chooser:
        widget.button("Attach a file").click()
    chooser.value.set_files(photo())
    expect(widget.message.locator("img[alt='lamp.png']")).to_be_visible()
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.upload).to_have_count(0)
    assert uploads.tickets == [{"name": "lamp.png", "type": "image/png", "size": len(photo()["buffer"])}]
    (frame,) = server.of("send")
    assert (frame["kind"], frame["files"]) == ("file", [FILE_ID])
    assert widget.troubles == []


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_file_that_is_pasted_or_dropped_is_sent(
    server: FakeWebchat, widget: WidgetPage, uploads: Uploads, kind: str
) -> None:
    widget.page.evaluate(DROP, [widget.input.element_handle(), kind])
    expect(widget.message.locator(".card-row")).to_contain_text("notes.txt")
    assert uploads.bodies == [b"hello"]


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (413, "too_large", "This file is too large."),
        (422, "type_refused", "This type of file cannot be sent."),
        (503, "unavailable", "Not sent"),
    ],
)
def test_a_refusal_says_why_and_can_be_put_away(
    server: FakeWebchat, widget: WidgetPage, uploads: Uploads, status: int, code: str, words: str
) -> None:
    uploads.refuse = [(status, code)]
    widget.file.set_input_files(photo())
    expect(widget.upload).to_contain_text(words)
    expect(widget.live).to_contain_text(words)
    widget.button("Remove lamp.png").click()
    expect(widget.upload).to_have_count(0)
    assert server.of("send") == []


def test_a_passing_fault_can_be_tried_again(server: FakeWebchat, widget: WidgetPage, uploads: Uploads) -> None:
    uploads.refuse = [(503, "unavailable")]
    widget.file.set_input_files(photo())
    widget.button("Try again").click()
    expect(widget.message.locator("img")).to_be_visible()
    assert len(server.of("send")) == 1


def test_two_files_are_two_messages(server: FakeWebchat, widget: WidgetPage, uploads: Uploads) -> None:
    widget.file.set_input_files([photo("one.png"), photo("two.png")])
    expect(widget.message).to_have_count(2)
    assert sorted(ticket["name"] for ticket in uploads.tickets) == ["one.png", "two.png"]


def test_a_file_that_arrives_later_is_shown_when_it_is_there(server: FakeWebchat, widget: WidgetPage) -> None:
    frame = server.say("A photo is on its way")
    picture = {"type": "image", "media": {"url": f"{ORIGIN}/files/a.svg", "type": "image/png", "name": "late.png"}}
    server.push({"t": "media", "of": frame["id"], "of_seq": frame["seq"], "state": "stored", "content": picture})
    expect(widget.message.locator("img[alt='late.png']")).to_be_visible()
