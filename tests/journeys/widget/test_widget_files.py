"""A visitor sends files: by the paper clip, pasted and dropped, with progress, errors and another try."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from conversations.models import Attachment, Message
from messaging.live.hub import conversation_group, hub
from messaging.live.push import push_media
from messaging.webchat.sockets.place import Place
from tests.chaos.servers import wait_until
from tests.journeys.line import Line
from tests.journeys.service import Service
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

DROP = """([element, kind]) => {
  const data = new DataTransfer();
  data.items.add(new File(["hello"], "notes.txt", { type: "text/plain" }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  element.dispatchEvent(event);
}"""


@pytest.fixture
def widget(line: Line, visit: Visit, settings: Any, tmp_path: Path) -> WidgetPage:
    settings.MEDIA_ROOT, settings.PUBLIC_URL = tmp_path, line.service
    widget = visit()
    widget.open()
    return widget


def photo(name: str = "lamp.png") -> dict[str, Any]:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": out.getvalue()}


def test_a_chosen_photo_becomes_a_message(service: Service, line: Line, widget: WidgetPage) -> None:
    with widget.page.expect_file_chooser() as chooser:
        widget.button("Attach a file").click()
    chooser.value.set_files(photo())
    expect(widget.message.locator("img[alt='lamp.png']")).to_be_visible()
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.upload).to_have_count(0)
    assert line.tickets == [{"name": "lamp.png", "type": "image/png", "size": len(photo()["buffer"])}]
    (frame,) = line.of("send")
    (stored,) = Attachment.objects.all()
    assert (frame["kind"], frame["files"]) == ("file", [str(stored.id)])
    assert (stored.message, stored.mime, stored.width) == (service.log[0], "image/png", 4)
    assert widget.troubles == []


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_file_that_is_pasted_or_dropped_is_sent(service: Service, widget: WidgetPage, kind: str) -> None:
    widget.page.evaluate(DROP, [widget.input.element_handle(), kind])
    expect(widget.message.locator(".card-row")).to_contain_text("notes.txt")
    assert Attachment.objects.get().file.read() == b"hello"


def test_a_file_that_is_too_large_is_refused(service: Service, widget: WidgetPage, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "MEDIA_MAX_BYTES": 10}
    refused(service, widget, photo(), "This file is too large.")


def test_a_proxys_refusal_of_a_large_file_says_so(service: Service, widget: WidgetPage) -> None:
    page = "<h1>413 Request Entity Too Large</h1>"
    widget.page.route("**/files/*", lambda route: route.fulfill(status=413, content_type="text/html", body=page))
    refused(service, widget, photo(), "This file is too large.")


def test_an_empty_file_is_said_to_be_empty(service: Service, widget: WidgetPage) -> None:
    empty = {"name": "lamp.png", "mimeType": "image/png", "buffer": b""}
    refused(service, widget, empty, "This file is empty.")


def test_a_type_that_is_not_kept_is_refused(service: Service, widget: WidgetPage) -> None:
    program = {"name": "lamp.png", "mimeType": "image/png", "buffer": b"MZ" + bytes(200)}
    refused(service, widget, program, "This type of file cannot be sent.")


def test_a_service_that_is_away_is_told(service: Service, line: Line, widget: WidgetPage) -> None:
    line.fail["/files/"] = [(503, "unavailable")]
    refused(service, widget, photo(), "Not sent")


def refused(service: Service, widget: WidgetPage, file: Any, words: str) -> None:
    """It says why, also to a screen reader, and can be put away; no message comes of it."""
    widget.file.set_input_files(file)
    expect(widget.upload).to_contain_text(words)
    expect(widget.live).to_contain_text(words)
    widget.button("Remove lamp.png").click()
    expect(widget.upload).to_have_count(0)
    assert not Message.objects.exists()


def test_a_passing_fault_can_be_tried_again(service: Service, line: Line, widget: WidgetPage) -> None:
    line.fail["/files/"] = [(503, "unavailable")]
    widget.file.set_input_files(photo())
    widget.button("Try again").click()
    expect(widget.message.locator("img")).to_be_visible()
    expect(widget.marks).to_have_text(["Sent"])
    assert len(service.log) == 1


def test_two_files_are_two_messages(service: Service, widget: WidgetPage) -> None:
    widget.file.set_input_files([photo("one.png"), photo("two.png")])
    expect(widget.message).to_have_count(2)
    assert sorted(Attachment.objects.values_list("name", flat=True)) == ["one.png", "two.png"]


@pytest.mark.parametrize("joined", [True, False])
def test_a_file_that_arrives_later_is_shown_when_it_is_there(
    service: Service, line: Line, widget: WidgetPage, monkeypatch: pytest.MonkeyPatch, joined: bool
) -> None:
    """Also one that is there before the socket has joined the conversation that its first words began."""
    may_join, join = threading.Event(), Place.look

    async def look(place: Place) -> None:
        await asyncio.to_thread(may_join.wait, 20)
        await join(place)

    monkeypatch.setattr(Place, "look", look)
    widget.write("A photo is on its way")
    expect(widget.marks).to_have_text(["Sent"])
    (message,) = service.log
    group = conversation_group(message.conversation_id)
    if joined:
        may_join.set()
        wait_until(lambda: group in hub.groups, 20, "the socket joins")
    assert (group in hub.groups) == joined
    picture = {"url": f"{line.service}/files/a.svg", "type": "image/png", "name": "late.png"}
    message.content = {"type": "image", "media": picture}
    message.save()
    file = {
        "message": message,
        "channel": service.channel,
        "tenant": service.tenant,
        "url": picture["url"],
        "state": "stored",
    }
    push_media(message, Attachment.objects.create(**file))
    may_join.set()
    expect(widget.message.locator("img[alt='late.png']")).to_be_visible()
    expect(widget.message).to_have_count(1)
