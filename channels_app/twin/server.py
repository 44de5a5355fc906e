"""The provider twin: a local fake of the platforms' HTTP APIs that can be told to misbehave.

Owns the server, its control API and the journey of one call. Must not hold a platform's words (see
platforms/) and must not face the internet: it has no authentication of its own.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from channels_app.twin import callbacks, control
from channels_app.twin.faults import CALLING_BACK, REFUSALS, SENDING, Fault, Faults
from channels_app.twin.journal import Entry, Journal
from channels_app.twin.platform import Answer, Call, Platform, Refused, Webhook, json_answer
from channels_app.twin.platforms import PLATFORMS

MAX_BODY = 128 * 1024 * 1024


class Twin:
    """One running twin. ``url`` is its address, ``requests`` the platform calls it got (the last
    10,000), ``sent`` what people received, ``repeats`` the sends whose reference came before,
    ``callbacks.log`` the webhooks it posted. A context manager: leaving it stops the server."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        log: str | Path | None = None,
        seed: int = 0,
        pauses: Sequence[float] = callbacks.PAUSES,
    ) -> None:
        self.journal = Journal(log)
        self.faults = Faults(seed)
        self.callbacks = callbacks.Callbacks(pauses)
        self.requests: deque[Call] = deque(maxlen=10_000)
        self.settings: dict[str, dict[str, Any]] = {kind: dict(one.settings) for kind, one in PLATFORMS.items()}
        self.media: dict[str, tuple[str, bytes]] = {k: v for one in PLATFORMS.values() for k, v in one.media.items()}
        self._stopping = threading.Event()
        self._server = _Server((host, port), _handler_of(self))
        self.url = f"http://{host}:{self._server.server_address[1]}"

    @property
    def sent(self) -> list[Entry]:
        return self.journal.sent()

    @property
    def repeats(self) -> list[Entry]:
        return self.journal.repeats()

    # ---- what a test or the control API does

    def configure(self, platform: str = "whatsapp", **settings: Any) -> None:
        """Change settings of a platform. Raises ValueError for names it does not know."""
        own = self.settings.get(platform)
        if own is None or (unknown := set(settings) - set(own)):
            raise ValueError(
                f"unknown platform {platform!r}" if own is None else f"unknown settings: {sorted(unknown)}"
            )
        own.update(settings)

    def handshake(self, platform: str = "whatsapp") -> bool:
        """Check the webhook address as the platform does when it is saved."""
        check = PLATFORMS[platform].handshake
        if check is None:
            return False
        webhook, expected = check(self.settings[platform])
        status, body = self.callbacks.post(webhook)
        return status == 200 and body == expected

    def say(self, words: Mapping[str, Any], platform: str = "whatsapp") -> str:
        """Act as a person: ``{"from", "text" | "message"}``. Returns the platform's message id; raises
        ValueError for words that say nothing."""
        message_id, webhooks = PLATFORMS[platform].say(self, words)
        self.call_back(platform, webhooks)
        return message_id

    def call_back(self, platform: str, webhooks: Sequence[Webhook]) -> None:
        """Post ``webhooks`` in the background, as the ordered faults bend it."""
        if not webhooks or not self.settings[platform]["webhook_url"]:
            return
        bent, delay = list(webhooks), 0.0
        if self.faults.strike(("duplicate_webhook",)):
            bent = [webhook for webhook in bent for _ in range(2)]
        if len(bent) > 1 and self.faults.strike(("reorder_webhooks",)):
            bent.reverse()
        if late := self.faults.strike(("delay",)):
            delay = late.seconds
        self.callbacks.carry(bent, delay)

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until every webhook was taken or given up; False when it takes longer (seconds)."""
        return self.callbacks.wait_idle(timeout)

    # ---- life

    def start(self) -> Twin:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        self._stopping.set()
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
        return json_answer({"error": {"message": "the twin knows no such address", "code": "unknown_address"}}, 404)

    def _answer_as(self, platform: Platform, handler: Any, call: Call) -> Answer | None:
        fault = self._fault_for(platform, call)
        call.fault = fault.name if fault else ""
        if fault and fault.name in REFUSALS:
            return platform.refuse(fault.name)
        try:
            answer = handler(self, call)
        except Refused as refused:
            answer = refused.answer
        except (AttributeError, TypeError, KeyError, ValueError):
            answer = json_answer({"error": {"message": "the body has an unexpected shape", "code": 100}}, 400)
        if fault:
            self._stopping.wait(fault.seconds)
        return None if fault and fault.name == "timeout_after_accept" else answer

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
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

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
