"""The ASGI server, daphne, and how it ends: nobody is cut off in the middle of a sentence.

Owns the order of the end. Must not know what sockets say to each other.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

log = structlog.get_logger(__name__)

LEAVE_S = 10.0  # how long open requests and sockets may take to end


def serve_until_stopped(host: str, port: int) -> None:
    """Returns after SIGTERM or SIGINT, whose handlers daphne installs: it stops listening, tells every
    socket to come back elsewhere (``bye``, 1012), and lets requests end, at most LEAVE_S seconds."""
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server
    from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
    from twisted.internet import defer, reactor

    from chatsvc.asgi import application

    class Protocol(WebSocketProtocol):  # type: ignore[misc]
        def serverClose(self, code: int | None = None) -> None:
            """daphne lets its library check the code by the rules for browsers, which raises for 1003, 1009,
            1011, 1012 and 1013: a server may send them (RFC 6455, 7.4)."""
            self.sendCloseFrame(code=code or 1000, isReply=False)

    WebSocketFactory.protocol = Protocol
    endpoints = build_endpoint_description_strings(host=host, port=port)
    server = Server(application=application, endpoints=endpoints, verbosity=0, server_name="chatsvc")
    # daphne's own trigger cancels what is left. Triggers of a phase run side by side, so it is put behind ours.
    kill, server.kill_all_applications = server.kill_all_applications, lambda: None

    def leave() -> Any:
        ending = asyncio.ensure_future(_leave(server))
        return defer.Deferred.fromFuture(ending).addBoth(lambda _: kill())

    reactor.addSystemEventTrigger("before", "shutdown", leave)  # type: ignore[arg-type]
    server.run()


async def _leave(server: Any) -> None:
    from messaging.open_sockets import all_say_bye

    for listener in server.listeners:
        listener.addCallback(lambda port: port.stopListening())
    told = all_say_bye()
    end = time.monotonic() + LEAVE_S
    while _busy(server) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    log.info("left", sockets=told, cut_off=_busy(server))


def _busy(server: Any) -> int:
    """Requests that are being answered and sockets that are still open."""
    running = [details.get("application_instance") for details in server.connections.values()]
    return sum(1 for application in running if application and not application.done())
