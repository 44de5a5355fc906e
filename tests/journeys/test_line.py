"""The line that the browser tests lay between page and service adds no error of its own, and hides none of the page's."""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from playwright.sync_api import Browser

from tests.journeys.line import SHOP, Line
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
GOODBYE = bytes((0x88, 2)) + (1000).to_bytes(2, "big")


@contextmanager
def lingering() -> Iterator[tuple[str, Event]]:
    """A server that begins to close at once and keeps the connection until the end: its address, and when it has."""
    door, said, over = socket.create_server(("127.0.0.1", 0)), Event(), Event()
    door.settimeout(30)

    def serve() -> None:
        line, _ = door.accept()
        with line:
            asked = dict(row.split(b": ", 1) for row in line.recv(65536).split(b"\r\n")[1:] if b": " in row)
            accept = base64.b64encode(hashlib.sha1(asked[b"Sec-WebSocket-Key"] + GUID).digest())  # noqa: S324  RFC 6455
            head = b"HTTP/1.1 101 .\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            line.sendall(head + accept + b"\r\n\r\n" + GOODBYE)
            line.recv(65536)  # the browser's own goodbye: now it is in the middle of closing
            said.set()
            over.wait(30)

    worker = Thread(target=serve)
    worker.start()
    with door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}", said
        over.set()
        worker.join()


def test_what_is_underway_when_the_service_closes_is_lost_silently(browser: Browser) -> None:
    with lingering() as (address, closing):
        line = Line(address, "web_line")
        context = browser.new_context()
        line.lay(context)
        page = WidgetPage(context.new_page())
        page.page.route(f"{SHOP}/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.page.goto(f"{SHOP}/")
        page.page.evaluate(
            "address => void (globalThis.socket = new WebSocket(address))", address.replace("http", "ws")
        )
        page.page.wait_for_function("() => socket.readyState === 1")
        assert closing.wait(10)
        page.page.evaluate("() => socket.send(JSON.stringify({ t: 'bye' }))")
        while not line.received:
            page.page.wait_for_timeout(20)
        page.page.wait_for_timeout(100)
        assert page.troubles == []
        told = "() => { try { socket.close(); socket.send('{}') } catch (error) { return error.message } }"
        assert page.page.evaluate(told) == "WebSocket is already in CLOSING or CLOSED state."
        context.close()
