"""A server of the Model Context Protocol, over real sockets by the official SDK, that is not what one would wish (AI-8)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from assistant.tools import mcp_servers

ENDLESS = {"type": "object", "properties": {"word": {"type": "string", "pattern": "^(a+)+$"}}}
LOOPED = {"type": "object", "$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)} | {"40": {}},
          "$ref": "#/$defs/0"}  # fmt: skip
TOOL = {"name": "look", "inputSchema": {"type": "object"}}


class Server(ThreadingHTTPServer):
    """``says``: method → its result, or a function that makes the HTTP answer; ``asked``: methods in their order."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says: dict[str, Any] = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
            "tools/list": {"tools": [TOOL]},
            "tools/call": {"content": [{"type": "text", "text": "Sunny."}]},
        }  # fmt: skip
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/mcp"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        self.asked = asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked["method"])
        said = self.server.says.get(asked["method"])
        if callable(said):
            said(self)
        elif said is None:
            self.answer(202, b"")
        else:
            self.answer(200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": said}).encode())

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code: int) -> None:
        body = {"jsonrpc": "2.0", "id": self.asked["id"], "error": {"code": code, "message": "Unknown tool: look"}}
        self.answer(200, json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        """The test has no use for lines."""


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    allowed = [running.url.removeprefix("http://").removesuffix("/mcp")]
    with override_settings(ENV={**settings.ENV, "OUTBOUND_ALLOW_HOSTS": allowed}):
        yield running
    running.shutdown()
    running.server_close()


def called(server: Server, seconds: float = 5) -> mcp_servers.Outcome:
    return mcp_servers.called(server.url, "t0ken", "look", {}, seconds)


@pytest.mark.parametrize("schema", [ENDLESS, LOOPED, {"type": 5}, {"$ref": "https://a.example/x"}], ids=str)
def test_what_a_server_promises_of_its_answers_is_not_followed(server: Server, schema: Any) -> None:
    """An expression that never ends held the worker, and no deadline ends that."""
    server.says["tools/list"] = {"tools": [{**TOOL, "outputSchema": schema}]}
    server.says["tools/call"] = {"content": [], "structuredContent": {"word": "a" * 40 + "!"}}
    began = time.thread_time()
    outcome = called(server)
    assert (outcome.code, "aaaa" in outcome.text) == ("ok", True) and time.thread_time() - began < 2


def test_a_call_asks_for_the_call_alone(server: Server) -> None:
    """A list that fails behind it made nothing of what was done."""
    server.says["tools/list"] = lambda handler: handler.answer(500, b"")
    assert (called(server).code, called(server).text) == ("ok", "Sunny.")
    assert "tools/list" not in server.asked


@pytest.mark.parametrize(
    ("said", "unsure"),
    [
        (lambda handler: handler.answer(401, b""), True),
        (lambda handler: handler.answer(302, b""), True),
        (lambda handler: handler.answer(200, b"<html>", "text/html"), True),
        (lambda handler: handler.answer(200, b"{", "application/json"), True),
        (lambda handler: handler.answer(200, b"\xff\xfe", "application/json"), True),
        (lambda handler: handler.connection.close(), True),
        (lambda handler: time.sleep(3), True),
    ],
)
def test_a_server_that_breaks_is_told_in_time(server: Server, said: Any, unsure: bool) -> None:
    server.says["tools/call"] = said
    began = time.monotonic()
    outcome = called(server, 1.5)
    assert outcome.code != "ok" and outcome.unsure is unsure and time.monotonic() - began < 4


def test_a_server_that_says_so_has_failed(server: Server) -> None:
    server.says["tools/call"] = {"content": [{"type": "text", "text": "No such order."}], "isError": True}
    outcome = called(server)
    assert (outcome.code, outcome.text, outcome.unsure) == ("tool_failed", "No such order.", False)


@pytest.mark.parametrize(
    ("code", "told", "unsure"),
    [(-32602, "call_refused", False), (-32601, "call_refused", False), (-32603, "server_unusable", True)],
)
def test_a_tool_that_a_server_calls_otherwise_by_now_has_done_nothing(
    server: Server, code: int, told: str, unsure: bool
) -> None:
    """The person was told that it is not known, and a colleague was asked."""
    server.says["tools/call"] = lambda handler: handler.refuse(code)
    outcome = called(server)
    assert (outcome.code, outcome.unsure) == (told, unsure)


def test_a_key_that_is_refused_calls_nothing(server: Server) -> None:
    server.says["initialize"] = lambda handler: handler.answer(401, b"")
    outcome = called(server)
    assert outcome.code != "ok" and not outcome.unsure and server.asked == ["initialize"]
