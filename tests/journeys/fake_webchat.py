"""A web chat server inside the browser's network layer, for faults that a real one must never make.

Owns the protocol's server side as far as the widget sees it, and switches for gaps, closes, lost
acks and refusals. Must not open a socket: Playwright hands every request to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

from playwright.sync_api import BrowserContext, Route, WebSocketRoute

ORIGIN = "https://chat.test"
SHOP = "https://shop.test"
STATIC = Path(__file__).parents[2] / "static"
PIXEL = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 24"><rect width="40" height="24" fill="#88a"/></svg>'
CSP = (
    f"default-src 'none'; script-src {ORIGIN}; connect-src {ORIGIN} wss://chat.test; img-src {ORIGIN}; "
    f"media-src {ORIGIN}; style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
CORS = {"Access-Control-Allow-Origin": SHOP, "Access-Control-Allow-Headers": "*"}
Frame = dict[str, Any]


@dataclass
class FakeWebchat:
    """One visitor's conversation. Every recorded list holds what the widget sent, in order."""

    config: dict[str, Any] = field(default_factory=dict)
    log: list[Frame] = field(default_factory=list)
    received: list[Frame] = field(default_factory=list)
    posted: list[Frame] = field(default_factory=list)
    sessions: list[Frame] = field(default_factory=list)
    sockets: list[WebSocketRoute] = field(default_factory=list)
    conversation: str | None = None
    refuse_session: list[tuple[int, str]] = field(default_factory=list)
    refuse_sockets: bool = False
    lose_acks: int = 0
    locale: str = "en"
    ids: str = "m"  # message ids begin with it
    on_send: Callable[[FakeWebchat, Frame], None] = lambda server, frame: None
    ready: Frame = field(default_factory=dict)

    # ------------------------------------------------------------------ the network

    def serve(self, context: BrowserContext, *, csp: str = CSP, attributes: str = "") -> None:
        """Answers everything the pages of this browser context ask for."""
        tag = f'<script async src="{ORIGIN}/static/widget/widget.js" data-channel="web_demo" {attributes}></script>'
        page = (
            f'<!doctype html><html lang="{self.locale}"><head><meta charset="utf-8"><title>Cart</title>'
            f'<meta name="viewport" content="width=device-width"></head><body><main><h1>Shop</h1>'
            f'<button id="buy">Buy</button></main>{tag}</body></html>'
        )
        headers = {"Content-Security-Policy": csp} if csp else {}
        context.route("**/*", lambda route: route.abort())
        context.route(f"{SHOP}/**", lambda route: route.fulfill(body=page, content_type="text/html", headers=headers))
        context.route(
            f"{ORIGIN}/static/**", lambda route: route.fulfill(path=STATIC / urlparse(route.request.url).path[8:])
        )
        context.route(f"{ORIGIN}/files/**", lambda route: route.fulfill(body=PIXEL, content_type="image/svg+xml"))
        context.route(f"{ORIGIN}/api/v2/webchat/web_demo/session", self._session)
        context.route(f"{ORIGIN}/api/v2/webchat/web_demo/messages*", self._messages)
        context.route_web_socket("wss://chat.test/**", self._socket)

    def _answer(self, route: Route, data: Any, status: int = 200, error: Frame | None = None) -> None:
        body = {"status": "error" if error else "success", "data": data, "error": error, "meta": {}}
        route.fulfill(status=status, body=json.dumps(body), content_type="application/json", headers=CORS)

    def _session(self, route: Route) -> None:
        self.sessions.append(route.request.post_data_json)
        if self.refuse_session:
            status, code = self.refuse_session.pop(0)
            return self._answer(route, None, status, {"code": code, "message": code, "details": {}})
        return self._answer(
            route,
            {
                "visitor_token": f"vt_{len(self.sessions)}",
                "expires_in": 1800,
                "conversation": self.conversation,
                "socket_url": "wss://chat.test/ws/chat/web_demo/",
                "last_seq": self.last_seq,
                "config": {
                    "title": "Lumen & Oak",
                    "color": "#3f5a45",
                    "bot_name": "Luma",
                    "locale": "en",
                    **self.config,
                },
            },
        )

    def _messages(self, route: Route) -> None:
        if route.request.method == "POST":
            self.posted.append(route.request.post_data_json)
            posted = self.posted[-1]
            return self._answer(route, self._store(posted) if posted["t"] == "send" else {**posted, "t": "ack"})
        query = {name: int(values[-1]) for name, values in parse_qs(urlparse(route.request.url).query).items()}
        messages = [frame for frame in self.log if frame["t"] == "msg"]
        after = [frame for frame in messages if frame["seq"] > query.get("after", 0)]
        before = [frame for frame in after if frame["seq"] < query.get("before", 1 << 40)]
        page = before[-50:] if "before" in query else before[:50]
        return self._answer(route, {"messages": page, "last_seq": self.last_seq, "has_more": len(before) > len(page)})

    def _socket(self, socket: WebSocketRoute) -> None:
        if self.refuse_sockets:
            return socket.close(code=1013)
        self.sockets.append(socket)
        return socket.on_message(lambda data: self._frame(socket, json.loads(data)))

    # ------------------------------------------------------------------ the protocol

    @property
    def last_seq(self) -> int:
        return self.log[-1]["seq"] if self.log else 0

    def _frame(self, socket: WebSocketRoute, frame: Frame) -> None:
        self.received.append(frame)
        answers = {
            "hello": self._resume,
            "sync": self._resume,
            "send": self._sent,
            "rate": self._rated,
            "ping": self._pong,
        }
        answers.get(frame["t"], lambda *_: None)(socket, frame)

    def _resume(self, socket: WebSocketRoute, frame: Frame) -> None:
        self.conversation = self.conversation or "cv_1"
        replay = [other for other in self.log if other["seq"] > frame["after"]]
        for other in replay:
            socket.send(json.dumps(other))
        ready = {"t": "ready", "conversation": self.conversation, "last_seq": self.last_seq, "replay": len(replay)}
        socket.send(json.dumps({**ready, "complete": True, "agent": {"mode": "bot"}, **self.ready}))

    def _sent(self, socket: WebSocketRoute, frame: Frame) -> None:
        ack = self._store(frame)
        if self.lose_acks:
            self.lose_acks -= 1
            return
        socket.send(json.dumps(ack))
        if not ack["duplicate"]:
            self.on_send(self, frame)

    def _rated(self, socket: WebSocketRoute, frame: Frame) -> None:
        socket.send(json.dumps({"t": "ack", "cid": frame["cid"]}))

    def _pong(self, socket: WebSocketRoute, frame: Frame) -> None:
        socket.send(json.dumps({"t": "pong", "n": frame["n"]}))

    def _store(self, frame: Frame) -> Frame:
        known = next((other for other in self.log if other.get("cid") == frame["cid"]), None)
        content = frame.get("content") or {"type": "text", "text": frame["text"]}
        stored = known or self.record({"role": "visitor"}, content, cid=frame["cid"])
        return {"t": "ack", **{key: stored[key] for key in ("cid", "seq", "id", "ts")}, "duplicate": known is not None}

    # ------------------------------------------------------------------ what tests do

    def record(self, sender: Frame, content: Frame, **more: Any) -> Frame:
        """Puts a message into the log without telling anyone; returns its frame."""
        seq = self.last_seq + 1
        stamp = {"seq": seq, "id": f"{self.ids}_{seq}", "ts": more.pop("ts", "2026-11-21T09:30:00.000Z")}
        frame = {
            "t": "msg",
            **stamp,
            "from": sender,
            "kind": content["type"],
            "text": content.get("text"),
            "content": content,
        }
        self.log.append({**frame, **more})
        return self.log[-1]

    def push(self, frame: Frame) -> None:
        """Sends one frame on the newest socket."""
        self.sockets[-1].send(json.dumps(frame))

    def say(self, text: str, **content: Any) -> Frame:
        """The bot says something: stored and pushed."""
        frame = self.record(
            {"role": "bot", "name": "Luma"}, {"type": "text", "text": text, "format": "markdown", **content}
        )
        self.push(frame)
        return frame

    def of(self, kind: str) -> list[Frame]:
        """The frames of one type that came by socket."""
        return [frame for frame in self.received if frame["t"] == kind]
