"""The provider twin: a local fake of the platforms' HTTP APIs that can be told to misbehave.

Owns the server, its control API and the journey of one call. Must not hold a platform's words (see
platforms/) and must not face the internet: it has no authentication of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from channels_app.twin import acting, callbacks, control, shop
from channels_app.twin.calls import Answer, Call, Cut, Refused, json_answer
from channels_app.twin.faults import CALLING_BACK, REFUSALS, SENDING, Fault
from channels_app.twin.llm import routes as models
from channels_app.twin.platform import Handler, Platform
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.world import World

MAX_BODY = 128 * 1024 * 1024


class Twin(World):
    """One running twin. A context manager: leaving it stops the server."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        log: str | Path | None = None,
        seed: int = 0,
        pauses: Sequence[float] = callbacks.PAUSES,
    ) -> None:
        super().__init__(log, seed, pauses)
        for kind, platform in PLATFORMS.items():
            self.settings[kind] = dict(platform.settings)
            self.media.update(platform.media)
        self._server = _Server((host, port), _handler_of(self))
        self.url = f"http://{host}:{self._server.server_address[1]}"

    # ---- what a test does

    def handshake(self, platform: str = "whatsapp") -> bool:
        return acting.handshake(self, platform)

    def say(self, words: Mapping[str, Any], platform: str = "whatsapp") -> str:
        return acting.say(self, words, platform)

    # ---- life

    def start(self) -> Twin:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        self.stopping.set()
        self._server.server_close()
        self.callbacks.stop()

    def __enter__(self) -> Twin:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    # ---- the journey of one call

    def answer(self, call: Call) -> Answer | None:
        """None drops the connection without an answer."""
        if call.path == "/" or call.path.startswith("/_twin/"):
            return control.answer(self, call)
        self.requests.append(call)
        for platform in PLATFORMS.values():
            for route in platform.routes:
                if (parts := route.match(call)) is not None:
                    call.parts = parts
                    return self._answer_as(platform, route.handler, call)
        for route in (*models.ROUTES, *shop.ROUTES):
            if (parts := route.match(call)) is not None:
                call.parts = parts
                return self._handled(route.handler, call)
        return json_answer({"error": {"message": "the twin knows no such address", "code": "unknown_address"}}, 404)

    def _answer_as(self, platform: Platform, handler: Any, call: Call) -> Answer | None:
        fault = self._fault_for(platform, call)
        call.fault = fault.name if fault else ""
        if fault and fault.name in REFUSALS:
            return platform.refuse(fault.name)
        answer = self._handled(handler, call)
        if fault:
            self.stopping.wait(fault.seconds)
        return None if fault and fault.name == "timeout_after_accept" else answer

    def _handled(self, handler: Handler, call: Call) -> Answer:
        try:
            return handler(self, call)
        except Refused as refused:
            return refused.answer
        except (AttributeError, TypeError, KeyError, ValueError):
            return json_answer({"error": {"message": "the body has an unexpected shape", "code": 100}}, 400)

    def _fault_for(self, platform: Platform, call: Call) -> Fault | None:
        """The header chooses for this call only; ordered faults hit sends."""
        wanted = call.headers.get("x-twin-fault", "")
        if wanted in SENDING:
            return Fault(wanted)
        if wanted in CALLING_BACK:
            self.faults.order(wanted)
        return self.faults.strike(SENDING) if platform.is_send(call) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def _handler_of(twin: Twin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """The page shows the traffic; nothing goes to the terminal."""

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            length = headers.get("content-length", "0")
            size = int(length) if length.isdigit() else 0
            if size > MAX_BODY:
                self.send_error(413)
                return
            call = Call(self.command, self.path, headers, self.rfile.read(size), time.time())
            answer = twin.answer(call)
            if answer is None:
                self.close_connection = True
                return
            call.status = answer.status
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-type": answer.content_type}.items():
                self.send_header(name, value)
            if answer.chunks is not None:
                self._stream(answer.chunks)
                return
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def _stream(self, chunks: Iterable[bytes]) -> None:
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            try:
                for chunk in chunks:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n")
            except Cut:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve

    return Handler


def start(port: int = 0, **options: Any) -> Twin:
    """A twin that serves in the background. Options: host, log (JSONL file), seed, pauses."""
    return Twin(port=port, **options).start()


def run(
    host: str = "127.0.0.1",
    port: int = 8900,
    log: str | Path | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Serve until interrupted. ``settings``: platform → what ``configure`` changes (webhook_url, …)."""
    twin = Twin(host, port, log=log)
    for platform, own in (settings or {}).items():
        twin.configure(platform, **own)
    try:
        twin.serve()
    except KeyboardInterrupt:
        pass
    finally:
        twin.close()
