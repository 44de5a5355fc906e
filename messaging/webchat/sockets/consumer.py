"""The web chat's socket, protocol ``desk-chat.v1``: frames in, frames out.

Owns one connection from its opening to its end. Must not know the rules of the chat (messaging/webchat/rules.py),
what makes a frame valid (reader.py), nor how the transcript is followed (place.py).
"""

from __future__ import annotations

import asyncio
import traceback
from typing import Any, cast

import structlog
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from pydantic import BaseModel

from messaging.accept import Accepted
from messaging.live import open_sockets
from messaging.live.frames import ack_frame
from messaging.live.send_queue import SendQueue
from messaging.webchat import rules as webchat
from messaging.webchat.frames import HelloFrame, PingFrame, RateFrame, ReadFrame, SendFrame, SyncFrame, TicketFrame
from messaging.webchat.sockets.place import Place
from messaging.webchat.sockets.reader import PROTOCOL_ERROR, TOO_FAST, Reader, Refused, frame_of, kind_of
from messaging.webchat.sockets.rows import Rows, in_thread
from messaging.webchat.sockets.tabs import Tab
from messaging.webchat.sockets.turns import Busy
from messaging.webchat.sockets.writer import writer
from messaging.webchat.uploads import ticket_issue
from tenants.access.limits import network, socket_ip
from tenants.errors import Forbidden, Invalid, NotAuthenticated, NotFound, ServiceError, TooMany, Unavailable
from tenants.storage.db import new_id, on_mongo

log = structlog.get_logger(__name__)

PROTOCOL = "desk-chat.v1"
HELLO_WAIT_S = 5.0
MOST_UNNAMED = 200  # sockets of one address that have not said hello, in this process

BAD_TOKEN, NOT_ALLOWED, GONE, NO_HELLO = 4401, 4403, 4404, 4408
DONE, UNSUPPORTED, FAILED, TRY_LATER = 1000, 1003, 1011, 1013


class WebchatConsumer(AsyncWebsocketConsumer):
    """One widget's connection. Frames are handled one after the other, in the order they came."""

    channel_layer_alias = None  # what is pushed comes through the hub
    admitted = greeted = False  # the socket was accepted; its hello was
    address: str  # of the caller
    rows: Rows
    reader: Reader
    queue: SendQueue
    visitor: webchat.Visitor
    place: Place
    tab: Tab

    # ------------------------------------------------------------------ coming and going

    async def connect(self) -> None:
        """Refused with HTTP 403 when the page's origin may not embed the channel, or when too many sockets of the
        caller's address have not said hello yet."""
        origin = dict(self.scope["headers"]).get(b"origin", b"").decode("latin-1")
        key = self.scope["url_route"]["kwargs"]["key"]
        try:
            self.channel = await in_thread(webchat.channel_open, key, origin)
        except ServiceError:
            await self.close()
            return
        if PROTOCOL not in self.scope["subprotocols"]:
            await self.close()
            return
        self.address = network(socket_ip(self.scope))
        if self.address and open_sockets.unnamed(self.address) >= MOST_UNNAMED:
            await self.close()
            return
        await self.accept(PROTOCOL)
        open_sockets.waits(self)
        self.rows, self.reader = Rows(self.channel), Reader()
        self.queue = SendQueue(lambda text: self.send(text_data=text), lambda code: self.close(code))
        self.follower: asyncio.Task[None] | None = None
        self.hello_timer = asyncio.get_running_loop().call_later(HELLO_WAIT_S, self.end, NO_HELLO)
        self.admitted = True
        open_sockets.socket_opened(self)

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
        if self.follower:
            self.follower.cancel()
        if self.greeted:
            await self.tab.close()
            await self.place.close()

    def end(self, code: int) -> None:
        """Close, once what was said before has been sent."""
        self.hello_timer.cancel()
        self.queue.end(code)

    def put(self, frame: dict[str, Any]) -> None:
        self.queue.put_frame(frame)

    def complain(self, error: ServiceError, cid: Any = None, *, close: int = 0) -> None:
        frame = {"t": "error", "code": error.code, "message": error.message, "fatal": bool(close)}
        if isinstance(cid, str):
            frame["cid"] = cid[:64]
        if error.retry_after:
            frame["retry_after_s"] = round(error.retry_after, 1)
        self.put(frame)
        if close:
            self.end(close)

    def _failed(self, error: Exception) -> None:
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
        cid = fields.get("cid")
        structlog.contextvars.bind_contextvars(correlation_id=str(new_id()))
        try:
            self.reader.count()
            await self._handle(fields)
        except TooMany as error:
            self.complain(error, cid, close=0 if isinstance(error, Busy) else self.reader.too_fast())
        except Forbidden as error:  # what `rows` asks before all: its tenant is suspended
            self.complain(error, cid, close=NOT_ALLOWED)
        except Unavailable as error:
            self.complain(error, close=TRY_LATER)  # without the cid: the client sends it again later
        except ServiceError as error:
            self.complain(error, cid)
        except Exception as error:  # noqa: BLE001  told apart from what the client did wrong
            self._failed(error)

    async def _handle(self, fields: dict[str, Any]) -> None:
        kind = kind_of(fields)
        if (kind == "hello") == self.greeted:
            error = Invalid("`hello` comes first, and once.", code="unexpected_hello" if self.greeted else "no_hello")
            self.complain(error, close=PROTOCOL_ERROR)
            return
        await getattr(self, f"on_{kind}")(frame_of(kind, fields))

    # ------------------------------------------------------------------ what clients want

    async def on_hello(self, frame: HelloFrame) -> None:
        try:
            self.visitor = await self.rows.ask(webchat.visitor_for, self.channel, frame.token)
        except NotAuthenticated as error:
            self.complain(error, close=BAD_TOKEN)
            return
        self.hello_timer.cancel()
        self.place = Place(self.channel, self.visitor, self.rows, self.queue, gone=lambda: self.end(GONE))
        self.tab = Tab(self.channel.id, self.visitor.key, too_many=self._too_many, elsewhere=self.place.behind.set)
        self.greeted = True
        open_sockets.named(self)
        await self.tab.open()
        await self.place.open(frame.conversation, frame.after)
        self.follower = asyncio.get_running_loop().create_task(self._follow())

    async def on_send(self, frame: SendFrame) -> None:
        """Stored, then acknowledged; the first message, or one after an ended conversation, begins another."""
        if not self.place.conversation_id:
            await self.rows.ask(webchat.admit, self.channel, self.visitor, socket_ip(self.scope))
        accepted = await self._say(frame)
        elsewhere = accepted.conversation.id != self.place.conversation_id
        if elsewhere:
            await self.place.catch_up()  # how the present conversation ended is told before the next begins
        self.put(ack_frame(accepted.message, duplicate=accepted.duplicate))
        if elsewhere and not accepted.duplicate:
            await self.place.look()
            self.tab.began_elsewhere()

    async def _say(self, frame: SendFrame) -> Accepted:
        if on_mongo():  # which takes no rows of several people in one go: better at the same time
            return cast(Accepted, await self.rows.ask(webchat.say, self.channel, self.visitor, frame))
        return await writer.write(webchat.Words(self.channel, self.visitor, frame))

    async def on_rate(self, frame: RateFrame) -> None:
        self.put(await self.rows.ask(webchat.rate, self.channel, self.visitor, frame))

    async def on_ticket(self, frame: TicketFrame) -> None:
        """The right to upload one file by HTTP; a ``send`` of kind ``file`` then names it."""
        ticket = await self.rows.ask(ticket_issue, self.channel, self.visitor, frame)
        self.put({"t": "ticket", "cid": frame.cid, **ticket})

    async def on_typing(self, frame: BaseModel) -> None:
        """For staff; none of them has a socket that could show it."""

    async def on_read(self, frame: ReadFrame) -> None:
        await self.rows.ask(webchat.read, self.channel, self.visitor, frame)

    async def on_sync(self, frame: SyncFrame) -> None:
        await self.place.resume(frame.after)

    async def on_refresh(self, frame: BaseModel) -> None:
        token = webchat.token_issue(self.channel, self.visitor)
        self.put({"t": "token", "token": token, "expires_in": webchat.TOKEN_LIFE_S})

    async def on_ping(self, frame: PingFrame) -> None:
        self.put({"t": "pong", "n": frame.n})

    async def on_pong(self, frame: BaseModel) -> None:
        """Any frame keeps the connection alive."""

    async def on_bye(self, frame: BaseModel) -> None:
        self.end(DONE)

    # --------------------------------------------------------------- beside the client

    async def _follow(self) -> None:
        try:
            await self.place.follow()
        except (Forbidden, NotFound) as error:  # switched off, or its tenant suspended
            self.complain(error, close=NOT_ALLOWED)
        except Exception as error:  # noqa: BLE001  a task of its own: the server would only log it
            self._failed(error)

    def _too_many(self) -> None:
        self.complain(TooMany("Too many windows are open.", code="too_many_sockets"), close=TOO_FAST)
