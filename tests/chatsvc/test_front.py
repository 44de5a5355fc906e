"""A peer that sends or reads slowly holds no thread of the web process, and is let go."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from chatsvc.web.serving import front as fronts
from chatsvc.web.serving.front import Front

SCOPE: dict[str, Any] = {
    "type": "http", "method": "POST", "path": "/é", "raw_path": b"/%C3%A9%ff", "query_string": b"x=%ff", "http_version": "1.1",
    "scheme": "http", "server": ("127.0.0.1", 80), "client": ("203.0.113.7", 5000), "headers": [],
}  # fmt: skip


class Streaming:
    """As Django answers a file."""

    streaming, closed = True, False

    def __init__(self, *chunks: bytes):
        self.chunks = chunks

    def __iter__(self) -> Any:
        return iter(self.chunks)

    def close(self) -> None:
        self.closed = True


class Peer:
    """The other side: what it sends, in pieces; after them it says nothing more."""

    def __init__(self, *pieces: bytes, ends: bool = True, reads: bool = True, leaves: bool = False):
        last = len(pieces) - 1
        self.messages = [
            {"type": "http.request", "body": piece, "more_body": not (ends and index == last)}
            for index, piece in enumerate(pieces)
        ]
        self.messages += [{"type": "http.disconnect"}] * leaves
        self.reads, self.got = reads, []

    async def receive(self) -> Any:
        return self.messages.pop(0) if self.messages else await asyncio.Event().wait()

    async def send(self, message: Any) -> None:
        self.got.append(message)
        stuck = message.get("body") and not self.reads
        await (asyncio.Event().wait() if stuck else asyncio.sleep(0))

    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.got)


def echo(environ: Any, start: Any) -> Any:
    start("200 OK", [("X-Length", environ["CONTENT_LENGTH"])])
    return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]


def asked(application: Any, *peers: Peer, most: int = 1000, **scope: Any) -> None:
    """All peers call at once, with one thread to serve them."""
    front = Front(application, threads=1, most=most)

    async def all_at_once() -> None:
        await asyncio.wait_for(
            asyncio.gather(*(front({**SCOPE, **scope}, peer.receive, peer.send) for peer in peers)), 10
        )

    asyncio.run(all_at_once())


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(fronts, "IDLE_S", 0.2)
    monkeypatch.setattr(fronts, "UNREAD_S", 0.2)


def test_the_whole_body_is_there_before_a_thread_is_taken():
    peer = Peer(b"a", b"b" * 400_000, b"c")
    asked(echo, peer, most=1_000_000)
    assert (peer.got[0]["status"], peer.body()) == (200, b"a" + b"b" * 400_000 + b"c")


def test_a_caller_who_stops_sending_holds_no_thread_and_is_told(soon):
    stuck, quick = [Peer(b"{", ends=False) for _ in range(20)], Peer(b"{}")
    asked(echo, *stuck, quick)
    assert quick.body() == b"{}"
    assert {(peer.got[0]["status"], json.loads(peer.body())["error"]["code"]) for peer in stuck} == {
        (408, "body_too_slow")
    }
    [told] = [json.loads(peer.body()) for peer in stuck[:1]]
    assert (
        told["error"]["request_id"]
        == told["meta"]["request_id"]
        == dict(stuck[0].got[0]["headers"])[b"x-request-id"].decode()
    )


def test_who_drips_is_told_too(monkeypatch):
    monkeypatch.setattr(fronts, "GRACE_S", -1.0)
    monkeypatch.setattr(fronts, "LEAST_PER_S", 1e12)
    peer = Peer(b"a", b"b")
    asked(echo, peer)
    assert peer.got[0]["status"] == 408


def test_who_leaves_or_sends_chunks_that_are_none_is_no_fault_of_ours():
    """The server tells both alike; one that is told nothing says 500 to a caller who is still there."""
    called: list[Any] = []
    peer = Peer(b"{", ends=False, leaves=True)
    asked(lambda environ, start: called.append(environ), peer)
    assert (peer.got[0]["status"], json.loads(peer.body())["error"]["code"]) == (400, "malformed_request")
    assert called == []


def test_a_caller_who_does_not_read_a_file_holds_no_thread_and_is_let_go(soon):
    files = []

    def file(environ: Any, start: Any) -> Any:
        start("200 OK", [])
        files.append(Streaming(b"x", b"y"))
        return files[-1]

    stuck, quick = [Peer(b"", reads=False) for _ in range(20)], Peer(b"")
    asked(file, *stuck, quick)
    assert quick.body() == b"xy"
    assert {peer.body() for peer in stuck} == {b"x"}
    assert [one.closed for one in files] == [True] * 21


def test_what_is_too_long_is_not_read_and_the_views_learn_how_long_it_is():
    declared, chunked = Peer(b"x"), Peer(b"x" * 6, b"x" * 6, b"x" * 6)
    asked(echo, declared, most=10, headers=[(b"content-length", b"900000000")])
    asked(echo, chunked, most=10)
    assert dict(declared.got[0]["headers"])[b"x-length"] == b"900000000"
    assert dict(chunked.got[0]["headers"])[b"x-length"] == b"12"
    assert (len(declared.messages), len(chunked.messages)) == (1, 1)


def test_the_environment_is_that_of_wsgi():
    seen = {}

    def look(environ: Any, start: Any) -> Any:
        seen.update(environ, thread=threading.current_thread().name)
        return echo(environ, start)

    headers = [
        (b"content-type", b"a/b"), (b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2"), (b"cookie", b"a=1"),
        (b"cookie", b"b=2"), (b"x_forwarded_for", b"6.6.6.6"), (b"content-length", b"2"),
    ]  # fmt: skip
    asked(look, Peer(b"{}"), headers=headers)
    assert (seen["PATH_INFO"], seen["QUERY_STRING"]) == (b"/\xc3\xa9\xff".decode("latin-1"), "x=%ff")
    assert (seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"], "HTTP_CONTENT_LENGTH" in seen) == ("a/b", "2", False)
    assert (seen["HTTP_X_FORWARDED_FOR"], seen["HTTP_COOKIE"]) == ("1.1.1.1,2.2.2.2", "a=1; b=2")
    assert (seen["REMOTE_ADDR"], seen["thread"]) == ("203.0.113.7", "web_0")
