"""The ASGI server, daphne, and how it ends: no client is cut off in the middle of a sentence.

Owns the order of the end. Must not know what sockets say to each other.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from django.core.management.base import CommandError

from chatsvc.processes import garbage
from chatsvc.web.serving.refusals import answer_for_twisted

log = structlog.get_logger(__name__)

LEAVE_S = 10.0  # how long open requests and sockets may take to end
PING_S, PONG_S = 20, 15  # a peer that vanished without a word is dropped after 38 s at most
UNREAD_S = 30.0  # how long a chunk of an answer may stand unread
CLOSE_S = 5  # how long a socket may take to answer our close
MOST_UNREAD = 100  # frames of one socket that wait for their handler
MOST_FRAME = 64 * 1024  # bytes in; the protocols of the sockets allow less and say so themselves
SEND_BUFFER = 64 * 1024  # bytes the kernel keeps for one socket (Linux doubles it); left alone it grows to 4 MB
TOO_FAST = 4429
BACKLOG = 1024  # connections the kernel keeps for us while all come back at once


def check_free(host: str, port: int) -> None:
    """Raises CommandError when the address cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error}. Choose another with --port.") from error


def serve_until_stopped(host: str, port: int) -> None:
    """Returns after SIGTERM or SIGINT, whose handlers daphne installs: it stops listening, tells every
    socket to come back elsewhere (``bye``, 1012), and lets requests end, at most LEAVE_S seconds."""
    import daphne.server  # noqa: F401  first of all that is Twisted's: it installs the reactor of asyncio
    from daphne.endpoints import build_endpoint_description_strings

    _allow_many_files()
    listening = build_endpoint_description_strings(host=host, port=port)
    server = server_at([f"{one}:backlog={BACKLOG}" for one in listening])

    from twisted.internet import defer, reactor  # the one that daphne has chosen by now

    # daphne's own trigger cancels what is left. Triggers of a phase run side by side, so it is put behind ours.
    kill, server.kill_all_applications = server.kill_all_applications, lambda: None

    def leave() -> Any:
        ending = asyncio.ensure_future(_leave(server))
        return defer.Deferred.fromFuture(ending).addBoth(lambda _: kill())

    reactor.addSystemEventTrigger("before", "shutdown", leave)  # type: ignore[arg-type]
    garbage.stand()
    server.run()


def server_at(endpoints: Sequence[str], **options: Any) -> Any:
    """daphne with our application and our manners, not yet running. ``endpoints``: Twisted's descriptions;
    ``options``: of daphne's ``Server``."""
    from daphne.server import Server  # isort: skip  first: it installs the reactor of asyncio
    from autobahn.websocket.types import ConnectionDeny
    from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

    from chatsvc.asgi import application

    class Protocol(WebSocketProtocol):  # type: ignore[misc]
        """A socket whose sender waits while its reader does not read: daphne itself would keep everything."""

        closeHandshakeTimeout = CLOSE_S

        def onConnect(self, request: Any) -> Any:
            self.flowing = asyncio.Event()
            self.flowing.set()
            return super().onConnect(request)

        def onOpen(self) -> None:
            self.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self.transport.unregisterProducer()  # that of the HTTP request which became this socket
            self.transport.registerProducer(self, True)
            super().onOpen()

        def pauseProducing(self) -> None:
            self.flowing.clear()

        def resumeProducing(self) -> None:
            self.flowing.set()

        stopProducing = resumeProducing  # it is gone: nothing has to wait any longer

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if self.application_queue.qsize() < MOST_UNREAD:
                super().onMessage(payload, isBinary)
            else:
                self.serverClose(TOO_FAST)

        def serverClose(self, code: int | None = None) -> None:
            """daphne lets its library check the code by the rules for browsers, which raises for 1003, 1009,
            1011, 1012 and 1013: a server may send them (RFC 6455, 7.4)."""
            self.sendCloseFrame(code=code or 1000, isReply=False)

        def handle_reply(self, message: Any) -> None:
            """Adds ASGI's refusal with a status of its own, which daphne does not know."""
            if message["type"] != "websocket.http.response.start":
                super().handle_reply(message)
                return
            status = message["status"]
            self.handshake_deferred.errback(ConnectionDeny(code=status, reason=HTTPStatus(status).phrase))
            del self.handshake_deferred
            self.server.protocol_disconnected(self)

    class Sender(Server):  # type: ignore[misc]
        def create_application(self, protocol: Any, scope: Any) -> Any:
            return super().create_application(protocol, {**scope, "extensions": {"websocket.http.response": {}}})

        async def handle_reply(self, protocol: Any, message: Any) -> None:
            if message["type"] == "http.response.body":
                await _file_written(protocol, message, partial(super().handle_reply, protocol, message))
                return
            await super().handle_reply(protocol, message)
            if message["type"] == "websocket.send":
                await protocol.flowing.wait()

    WebSocketFactory.protocol = Protocol
    answer_for_twisted()
    _leave_forms_to_the_view()
    return Sender(
        application=application, endpoints=endpoints, verbosity=0, server_name="chatsvc", ping_interval=PING_S,
        ping_timeout=PONG_S, websocket_max_message_size=MOST_FRAME, websocket_max_frame_size=MOST_FRAME, **options,
    )  # fmt: skip


class Flow:
    """Whether a request's reader takes what is written: Twisted calls these."""

    def __init__(self) -> None:
        self.flowing = asyncio.Event()
        self.flowing.set()

    def pauseProducing(self) -> None:
        self.flowing.clear()

    def resumeProducing(self) -> None:
        self.flowing.set()

    stopProducing = resumeProducing  # it is gone: nothing has to wait any longer


async def _file_written(protocol: Any, message: Any, write: Callable[[], Awaitable[None]]) -> None:
    """An answer in chunks goes out as fast as it is read: daphne itself would keep all of it in memory. A reader
    who takes nothing for UNREAD_S is not waited for."""
    flow = getattr(protocol, "flow", None)
    more = message.get("more_body", False)
    if more and flow is None and protocol.channel is not None:
        flow = protocol.flow = Flow()
        protocol.registerProducer(flow, True)
    if not more and flow is not None and protocol.channel is not None:
        protocol.unregisterProducer()
    await write()
    if more and flow is not None:
        try:
            await asyncio.wait_for(flow.flowing.wait(), UNREAD_S)
        except TimeoutError:
            protocol.transport.abortConnection()


def _leave_forms_to_the_view() -> None:
    """Twisted reads every form for itself, whole in memory, and cuts the connection without a word at one that is none."""
    from daphne.http_protocol import WebRequest
    from twisted.web.http import Request

    def received(request: Any, command: bytes, path: bytes, version: bytes) -> None:
        request._parsePOSTFormSubmission = False
        Request.requestReceived(request, command, path, version)

    WebRequest.requestReceived = received


def _allow_many_files() -> None:
    """A socket is a file, and 1024, the usual soft limit, is soon too few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS names a hard limit that it does not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _leave(server: Any) -> None:
    from messaging.live.open_sockets import all_say_bye

    for listener in server.listeners:
        listener.addCallback(lambda port: port.stopListening())
    told = all_say_bye()
    end = time.monotonic() + LEAVE_S
    while _busy(server) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    log.info("sockets_sent_away", sockets=told, cut_off=_busy(server))


def _busy(server: Any) -> int:
    """Requests that are being answered and sockets that are still open."""
    running = [details.get("application_instance") for details in server.connections.values()]
    return sum(1 for application in running if application and not application.done())
