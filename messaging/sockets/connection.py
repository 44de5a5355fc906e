"""One socket from its opening to its end: frames in, frames out, and what is said of those that are wrong.

Owns the order of these. Must not know what any frame but `ping` and `bye` means: each protocol has its own consumer
(messaging/webchat/sockets/consumer.py, messaging/desk/consumer.py).
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping
from typing import Any, ClassVar

import structlog
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from pydantic import BaseModel

from messaging.live import open_sockets
from messaging.live.send_queue import SendQueue
from messaging.sockets.reader import PROTOCOL_ERROR, Busy, PingFrame, Reader, Refused, frame_of, kind_of
from tenants.access.limits import network, socket_ip
from tenants.errors import Forbidden, Invalid, ServiceError, TooMany, Unavailable
from tenants.storage.db import new_id

log = structlog.get_logger(__name__)

HELLO_WAIT_S = 5.0
MOST_UNNAMED = 200  # sockets of one address that have not said hello, in this process

BAD_TOKEN, NOT_ALLOWED, GONE, NO_HELLO = 4401, 4403, 4404, 4408
DONE, UNSUPPORTED, FAILED, TRY_LATER = 1000, 1003, 1011, 1013


class Connection(AsyncWebsocketConsumer):
    """Frames are handled one after the other, in the order they came: type ``x`` by ``on_x``."""

    permission: ClassVar[str]  # what a caller needs for anything to be shown; PUBLIC: it is the visitor's own
    protocol: ClassVar[str]
    frames: ClassVar[Mapping[str, type[BaseModel]]]  # what clients may say, by type
    echoed: ClassVar[tuple[str, ...]] = ("cid",)  # members of a frame that an error about it says again

    channel_layer_alias = None  # what is pushed comes through the hub
    admitted = greeted = False  # the socket was accepted; its hello was
    address: str  # of the caller
    reader: Reader
    queue: SendQueue

    async def allowed(self) -> bool:
        """Whether the handshake may be answered. Raises ServiceError: no."""
        raise NotImplementedError

    async def left(self) -> None:
        """The socket is gone, and its hello had been accepted."""

    # ------------------------------------------------------------------ coming and going

    async def connect(self) -> None:
        """Refused with HTTP 403 when it is not `allowed`, or when too many sockets of the caller's address have not said
        hello yet."""
        try:
            allowed = await self.allowed()
        except ServiceError:
            allowed = False
        self.address = network(socket_ip(self.scope))
        crowded = bool(self.address) and open_sockets.unnamed(self.address) >= MOST_UNNAMED
        if not allowed or crowded or self.protocol not in self.scope["subprotocols"]:
            await self.close()
            return
        await self.accept(self.protocol)
        open_sockets.waits(self)
        self.reader = Reader()
        self.queue = SendQueue(lambda text: self.send(text_data=text), lambda code: self.close(code))
        self.hello_timer = asyncio.get_running_loop().call_later(HELLO_WAIT_S, self.end, NO_HELLO)
        self.admitted = True
        open_sockets.socket_opened(self)

    def welcome(self) -> None:
        """It has said whose it is."""
        self.hello_timer.cancel()
        self.greeted = True
        open_sockets.named(self)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """However it ends, also when the server kills it in the middle of a frame: nothing is kept of it.

        In place of the base's loop, which makes a task for each frame and for each looks at the thread's connections.
        """
        self.scope, self.base_send, self.channel_layer = scope, send, None
        try:
            while True:
                event = await receive()
                await getattr(self, event["type"].replace(".", "_"))(event)
        except StopConsumer:
            pass
        finally:
            await self._gone()

    async def _gone(self) -> None:
        if not self.admitted:
            return
        open_sockets.socket_closed(self)
        open_sockets.named(self)
        self.hello_timer.cancel()
        self.queue.cancel()
        if self.greeted:
            await self.left()

    def end(self, code: int) -> None:
        """Close, once what was said before has been sent."""
        self.hello_timer.cancel()
        self.queue.end(code)

    def put(self, frame: dict[str, Any]) -> None:
        self.queue.put_frame(frame)

    def complain(self, error: ServiceError, of: Mapping[str, Any] | None = None, *, close: int = 0) -> None:
        """``of``: members of the frame that the client tells it by."""
        frame = {"t": "error", "code": error.code, "message": error.message, "fatal": bool(close), **(of or {})}
        if error.retry_after:
            frame["retry_after_s"] = round(error.retry_after, 1)
        self.put(frame)
        if close:
            self.end(close)

    def failed(self, error: Exception) -> None:
        """A fault of ours: the client reconnects and resumes. The log has where, not the exception's words: they may
        hold a message's."""
        log.error("socket_failed", error=type(error).__name__, where=traceback.format_tb(error.__traceback__)[-3:])
        self.end(FAILED)

    # ----------------------------------------------------------------------- frames in

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Limits → JSON → known type → valid → its handler. Whatever is wrong with a frame is said."""
        if self.queue.ended:
            return
        if text_data is None:
            self.end(UNSUPPORTED)
            return
        try:
            fields = self.reader.fields(text_data)
        except Refused as refused:
            self.complain(refused.error, close=refused.close)
            return
        of = {name: fields[name][:64] for name in self.echoed if isinstance(fields.get(name), str)}
        structlog.contextvars.bind_contextvars(correlation_id=str(new_id()))
        try:
            self.reader.count()
            await self._handle(fields)
        except TooMany as error:
            self.complain(error, of, close=0 if isinstance(error, Busy) else self.reader.too_fast())
        except Forbidden as error:  # what `rows` asks before all: its tenant is suspended
            self.complain(error, of, close=NOT_ALLOWED)
        except Unavailable as error:
            self.complain(error, close=TRY_LATER)  # without the cid: the client sends it again later
        except ServiceError as error:
            self.complain(error, of)
        except Exception as error:  # noqa: BLE001  told apart from what the client did wrong
            self.failed(error)

    async def _handle(self, fields: dict[str, Any]) -> None:
        kind = kind_of(self.frames, fields)
        if (kind == "hello") == self.greeted:
            error = Invalid("`hello` comes first, and once.", code="unexpected_hello" if self.greeted else "no_hello")
            self.complain(error, close=PROTOCOL_ERROR)
            return
        await getattr(self, f"on_{kind}")(frame_of(self.frames[kind], fields))

    async def on_ping(self, frame: PingFrame) -> None:
        self.put({"t": "pong", "n": frame.n})

    async def on_pong(self, frame: BaseModel) -> None:
        """Any frame keeps the connection alive."""

    async def on_bye(self, frame: BaseModel) -> None:
        self.end(DONE)
