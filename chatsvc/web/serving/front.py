"""The web process' way in: one event loop reads bodies and writes answers, so that a peer that sends or reads
slowly holds no thread; a WSGI application runs in a few threads, once the whole request is there.

Owns how long a body may take and how long an answer may stand unread. Must not know what is asked.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from django.db import close_old_connections

from chatsvc.web.serving.refusals import BodyTooSlow, MalformedRequest, refusal
from tenants.errors import ServiceError

Receive = Callable[[], Any]
Send = Callable[[Mapping[str, Any]], Any]
Headers = list[tuple[str, str]]

IDLE_S = 10.0  # without a byte of the body
GRACE_S, LEAST_PER_S = 10.0, 1024  # from then on so many bytes a second on average
UNREAD_S = 30.0  # one chunk of an answer
IN_MEMORY = 256 * 1024  # bytes of a body; more of it stands in a file


class Slow(Exception):
    """The body did not come in time."""


class Gone(Exception):
    """The caller left before the body was complete."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Headers
    body: bytes | Iterator[bytes]  # an iterator: a file, read as fast as it is taken


class Front:
    """An ASGI application round a WSGI one. ``most``: bytes of the longest body that is read; ``begin`` is called first
    in each of the threads."""

    def __init__(self, application: Any, *, threads: int, most: int, begin: Callable[[], None] | None = None):
        self._application, self._most = application, most
        self._threads = ThreadPoolExecutor(threads, "web", initializer=begin)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        with SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                length = await self._read(scope, receive, body)
            except Slow:
                await _write(send, _refused(BodyTooSlow()))
                return
            except Gone:
                # Or it is there, and its chunks are none: granian tells both alike, and answers 500 if we do not.
                await _write(send, _refused(MalformedRequest()))
                return
            environ = environ_of(scope, body, length)
            await self._stream(send, await self._in_thread(self._answer, environ))

    async def _read(self, scope: Mapping[str, Any], receive: Receive, body: IO[bytes]) -> int:
        """The body into ``body``; its length. Of what is too long only that is told, and the views refuse it.
        Raises Slow and Gone."""
        declared = _declared(scope)
        if declared > self._most:
            return declared
        loop, length, more = asyncio.get_running_loop(), 0, True
        began = loop.time()
        while more and length <= self._most:
            try:
                async with asyncio.timeout(IDLE_S):  # `wait_for` would make a task of each
                    message = await receive()
            except TimeoutError:
                raise Slow from None
            if message["type"] == "http.disconnect":
                raise Gone
            chunk, more = message.get("body", b""), message.get("more_body", False)
            length += len(chunk)
            body.write(chunk)
            took_s = loop.time() - began
            if more and took_s > GRACE_S and length < took_s * LEAST_PER_S:
                raise Slow
        body.seek(0)
        return length

    def _answer(self, environ: dict[str, Any]) -> Answer:
        """Everything that needs a thread, but for files."""
        started: list[Any] = []
        response = self._application(environ, lambda status, headers, *rest: started.extend((status, headers)))
        status, headers = int(started[0][:3]), started[1]
        if getattr(response, "streaming", False):
            close_old_connections()  # its end comes in another thread: this one gives its connection back now
            return Answer(status, headers, _closing(response))
        try:
            return Answer(status, headers, b"".join(response))
        finally:
            getattr(response, "close", lambda: None)()

    async def _stream(self, send: Send, answer: Answer) -> None:
        if isinstance(answer.body, bytes):
            await _write(send, answer)
            return
        chunks = answer.body
        try:
            await _start(send, answer)
            while chunk := await self._in_thread(next, chunks, b""):
                await _taken(send({"type": "http.response.body", "body": chunk, "more_body": True}))
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # the caller does not read: the connection ends with the request
        finally:
            await self._in_thread(chunks.close)  # type: ignore[attr-defined]

    async def _in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def environ_of(scope: Mapping[str, Any], body: IO[bytes], length: int) -> dict[str, Any]:
    """PEP 3333's environment of an ASGI scope."""
    path = unquote_to_bytes(scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    server, client = scope.get("server") or ("unknown", 0), scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in _headers(scope):
        key = {"content-type": "CONTENT_TYPE"}.get(name, f"HTTP_{name.upper().replace('-', '_')}")
        between = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{between}{value}" if key in environ else value
    environ.pop("HTTP_CONTENT_LENGTH", None)
    return {**environ, "CONTENT_LENGTH": str(length)}


def _headers(scope: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Without those that could be taken for another: ``X_Forwarded_For``."""
    for name, value in scope["headers"]:
        if b"_" not in name:
            yield name.decode("latin-1").lower(), value.decode("latin-1")


def _declared(scope: Mapping[str, Any]) -> int:
    told = dict(_headers(scope)).get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else 0


def _closing(response: Any) -> Iterator[bytes]:
    with closing(response):
        yield from response


def _refused(shown: ServiceError) -> Answer:
    return Answer(shown.status, *refusal(shown))


async def _start(send: Send, answer: Answer) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _write(send: Send, answer: Answer) -> None:
    await _start(send, answer)
    await send({"type": "http.response.body", "body": answer.body})


async def _taken(sending: Any) -> None:
    """Raises TimeoutError when a chunk stands unread for UNREAD_S."""
    async with asyncio.timeout(UNREAD_S):
        await sending
