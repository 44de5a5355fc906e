"""The line between a browser and the service: it carries everything, tells what went over it, and breaks on demand.

Owns the faults. Must not answer in the service's place; what it puts on the line by itself is damage.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route, WebSocketRoute

SHOP = "http://shop.localhost"
PIXEL = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 24"><rect width="40" height="24" fill="#88a"/></svg>'
Frame = dict[str, Any]
#: A browser knows at once that the other side has begun to close, so that a page that looks at readyState sends nothing
#: any more. With the line between them the page learns of it later: what is underway is lost, as on a real line, and is
#: no error of the page's. What a page sends on a socket that it knows to be closed is told as ever.
LATE = """
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (data) { if (this.readyState < WebSocket.CLOSING) send.call(this, data) };
"""


@dataclass
class Line:
    """Of one browser context. ``received``: the widget's frames by socket; ``posted`` and ``sessions``: by HTTP."""

    service: str  # its address
    channel: str
    received: list[Frame] = field(default_factory=list)
    posted: list[Frame] = field(default_factory=list)
    sessions: list[Frame] = field(default_factory=list)
    tickets: list[Frame] = field(default_factory=list)
    sockets: list[WebSocketRoute] = field(default_factory=list)
    blocked: bool = False  # no socket can be had
    types: str = "; require-trusted-types-for 'script'; trusted-types 'none'"  # of the page's policy
    fail: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # by path: answers instead of the service's
    told: list[Frame] = field(default_factory=list)  # the service's frames, whether they arrive or not
    drop: Counter[str] = field(default_factory=Counter)  # how many of the service's frames of a type get lost
    lose: set[int] = field(default_factory=set)  # entries of the transcript that get lost once, by seq
    hold: set[int] = field(default_factory=set)  # and those that wait for let_go()
    rewrite: Callable[[Frame], Frame] = lambda frame: frame  # what becomes of the widget's frames
    rewrite_down: Callable[[Frame], Frame] = lambda frame: frame  # and of the service's
    _held: list[Frame] = field(default_factory=list)
    _far: list[WebSocketRoute] = field(default_factory=list)

    @property
    def policy(self) -> str:
        here, socket = self.service, self.service.replace("http", "ws")
        return (
            f"default-src 'none'; script-src {here}; connect-src {here} {socket}; img-src {here}; media-src {here}; "
            f"style-src 'none'{self.types}"
        )

    def lay(self, context: BrowserContext, *, attributes: str = "", locale: str = "en") -> None:
        """Let the context's pages reach the service, and nothing else but the shop's own."""
        tag = f'<script async src="{self.service}/static/widget/widget.js" data-channel="{self.channel}" {attributes}>'
        page = (
            f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8"><title>Cart</title>'
            f'<meta name="viewport" content="width=device-width"></head><body><header>Top</header><main><h1>Shop</h1>'
            f'<button id="buy">Buy</button></main>{tag}</script></body></html>'
        )
        headers = {"Content-Security-Policy": self.policy}
        context.route("**/*", lambda route: route.abort())
        context.route(f"{SHOP}/**", lambda route: route.fulfill(body=page, content_type="text/html", headers=headers))
        context.route(f"{self.service}/**", self._carry)
        context.route(f"{self.service}/files/**", lambda route: route.fulfill(body=PIXEL, content_type="image/svg+xml"))
        context.add_init_script(LATE)  # before the next line: it is of the sockets of the far half
        context.route_web_socket(lambda address: address.startswith(self.service.replace("http", "ws")), self._connect)

    # ------------------------------------------------------------------ what goes over it

    def of(self, kind: str) -> list[Frame]:
        """The widget's frames of one type that came by socket."""
        return [frame for frame in self.received if frame["t"] == kind]

    def _carry(self, route: Route) -> None:
        path = urlsplit(route.request.url).path.removeprefix(f"/api/v2/webchat/{self.channel}")
        record = {"/session": self.sessions, "/messages": self.posted, "/files": self.tickets}.get(path)
        if record is not None and route.request.method == "POST":
            record.append(route.request.post_data_json)
        name = re.sub(r"-[0-9a-f]{10}(?=\.)", "", path)  # of the widget's own files
        failures = self.fail.get("/files/" if path.startswith("/files/") else name)
        if failures and route.request.method != "OPTIONS":
            return self._refuse(route, *failures.pop(0))
        return route.continue_()

    def _refuse(self, route: Route, status: int, code: str) -> None:
        error = {"code": code, "message": code, "details": {}}
        body = {"status": "error", "data": None, "error": error, "meta": {}}
        headers = {"Access-Control-Allow-Origin": SHOP, "Access-Control-Expose-Headers": "retry-after"}
        route.fulfill(status=status, body=json.dumps(body), content_type="application/json", headers=headers)

    def _connect(self, near: WebSocketRoute) -> None:
        if self.blocked:
            return near.close(code=1013)
        far = near.connect_to_server()
        self.sockets.append(near)
        self._far.append(far)
        near.on_message(lambda data: self._up(far, data))
        return far.on_message(lambda data: self._down(near, data))

    def _up(self, far: WebSocketRoute, data: str | bytes) -> None:
        frame = json.loads(data)
        self.received.append(frame)
        far.send(json.dumps(self.rewrite(frame)))

    def _down(self, near: WebSocketRoute, data: str | bytes) -> None:
        frame = json.loads(data)
        self.told.append(frame)
        if self.drop[frame["t"]] > 0:
            self.drop[frame["t"]] -= 1
        elif frame.get("seq") in self.lose:
            self.lose.remove(frame["seq"])
        elif frame.get("seq") in self.hold:
            self._held.append(frame)
        else:
            near.send(json.dumps(self.rewrite_down(frame)))

    # ------------------------------------------------------------------ damage

    def put(self, *frames: Frame) -> None:
        """What no service of this version says, on the newest socket."""
        for frame in frames:
            self.sockets[-1].send(json.dumps(frame))

    def let_go(self) -> None:
        """What was held arrives at last."""
        self.put(*self._held)
        self._held.clear()
        self.hold.clear()

    def cut(self, code: int) -> None:
        """The newest socket ends, for both sides."""
        self.sockets[-1].close(code=code)
        self._far[-1].close(code=1000)
