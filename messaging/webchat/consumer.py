"""The web chat's socket, protocol ``desk-chat.v1``: frames in, frames out, nothing missed, nothing twice.

Owns one connection's place in the transcript (``cursor``). Must not know the rules of the chat
(rules.py); a push is only a doorbell, the rows are what counts.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from pydantic import BaseModel, ValidationError

from channels_app.contract import BadPayload, read_json
from conversations.models import Conversation
from messaging.live import open_sockets
from messaging.live.frames import ack_frame
from messaging.live.hub import conversation_group, hub
from messaging.live.send_queue import SendQueue
from messaging.media.fetch import most_bytes
from messaging.webchat import rules as webchat
from messaging.webchat.frames import (
    CLIENT_FRAMES,
    MAX_TEXT,
    HelloFrame,
    PingFrame,
    RateFrame,
    ReadFrame,
    SendFrame,
    SyncFrame,
    TicketFrame,
    TypingFrame,
)
from messaging.webchat.lookout import lookout
from messaging.webchat.tabs import Tab
from messaging.webchat.uploads import ticket_issue
from tenants.access.auth import require_active
from tenants.access.limits import network, socket_ip
from tenants.errors import Forbidden, Invalid, NotAuthenticated, NotFound, ServiceError, TooMany, Unavailable
from tenants.scope import tenant_scope
from tenants.storage.db import new_id

log = structlog.get_logger(__name__)

PROTOCOL = "desk-chat.v1"
HELLO_WAIT_S = 5.0
LOOK_EVERY_S = 600.0  # by itself; what a conversation misses is noticed much sooner (lookout.py)
MOST_BYTES_IN = 32 * 1024
MOST_UNNAMED = 200  # sockets of one address that have not said hello, in this process
FRAMES_PER_S, FRAMES_BURST = 6.0, 60
STRIKES = 3
TRANSCRIPT = frozenset({"msg", "edit", "del", "state"})

PROTOCOL_ERROR, BAD_TOKEN, NOT_ALLOWED, GONE, NO_HELLO, TOO_FAST = 4400, 4401, 4403, 4404, 4408, 4429
UNSUPPORTED, TOO_BIG, FAILED, TRY_LATER = 1003, 1009, 1011, 1013


class WebchatConsumer(AsyncWebsocketConsumer):
    """One widget's connection. Frames are handled one after the other, in the order they came."""

    channel_layer_alias = None  # what is pushed comes through the hub
    admitted = greeted = False  # the socket was accepted; its hello was
    queue: SendQueue
    visitor: webchat.Visitor
    tab: Tab
    address: str  # of the caller

    # ------------------------------------------------------------------ coming and going

    async def connect(self) -> None:
        """Refused with HTTP 403 when the page's origin may not embed the channel, or when too many sockets of the
        caller's address have not said hello yet."""
        origin = dict(self.scope["headers"]).get(b"origin", b"").decode("latin-1")
        key = self.scope["url_route"]["kwargs"]["key"]
        try:
            self.channel = await _in_thread(webchat.channel_open, key, origin)
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
        self.conversation_id: uuid.UUID | None = None
        self.cursor = 0
        self.frames_left, self.counted_at = float(FRAMES_BURST), time.monotonic()
        self.bad_frames = self.strikes = 0
        self.catching_up = asyncio.Lock()  # held while the cursor follows the rows rather than the pushes
        self.behind = asyncio.Event()
        self.queue = SendQueue(lambda text: self.send(text_data=text), lambda code: self.close(code))
        self.follower: asyncio.Task[None] | None = None
        self.hello_timer = asyncio.get_running_loop().call_later(HELLO_WAIT_S, self.end, NO_HELLO)
        self.admitted = True
        open_sockets.socket_opened(self)

    async def __call__(self, *arguments: Any) -> None:
        """However it ends, also when the server kills it in the middle of a frame: nothing is kept of it."""
        try:
            await super().__call__(*arguments)
        finally:
            await self._gone()

    async def _gone(self) -> None:
        if not self.admitted:
            return
        open_sockets.socket_closed(self)
        open_sockets.named(self)
        hub.gaps.discard(self.behind.set)
        lookout.unwatch(self)
        self.hello_timer.cancel()
        self.queue.cancel()
        if self.follower:
            self.follower.cancel()
        if self.greeted:
            await self.tab.close()
        await self._listen_to(None)

    def end(self, code: int) -> None:
        """Close, once what was said before has been sent."""
        self.hello_timer.cancel()
        self.queue.end(code)

    def put(self, frame: dict[str, Any], *, passing: bool = False) -> None:
        self.queue.put(json.dumps(frame, ensure_ascii=False, separators=(",", ":")), passing=passing)

    def complain(self, error: ServiceError, cid: Any = None, *, close: int = 0) -> None:
        frame = {"t": "error", "code": error.code, "message": error.message, "fatal": bool(close)}
        if isinstance(cid, str):
            frame["cid"] = cid[:64]
        if error.retry_after:
            frame["retry_after_s"] = round(error.retry_after, 1)
        self.put(frame)
        if close:
            self.end(close)

    # ----------------------------------------------------------------------- frames in

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Limits → JSON → known type → valid → its handler. Whatever is wrong with a frame is said."""
        if self.queue.ended:
            return
        if text_data is None:
            self.end(UNSUPPORTED)
            return
        if len(text_data.encode("utf-8", "surrogatepass")) > MOST_BYTES_IN:
            self.complain(Invalid("The frame is too big.", code="too_big"), close=TOO_BIG)
            return
        try:
            frame = read_json(text_data)
        except BadPayload:
            frame = None
        if not isinstance(frame, dict):
            self._malformed()
            return
        cid = frame.get("cid")
        structlog.contextvars.bind_contextvars(correlation_id=str(new_id()))
        try:
            self._count_frame()
            await self._handle(frame)
        except TooMany as error:
            self.strikes += 1
            self.complain(error, cid, close=TOO_FAST if self.strikes >= STRIKES else 0)
        except Forbidden as error:  # what `_rows` asks before all: its tenant is suspended
            self.complain(error, cid, close=NOT_ALLOWED)
        except Unavailable as error:
            self.complain(error, close=TRY_LATER)  # without the cid: the client sends it again later
        except ServiceError as error:
            self.complain(error, cid)
        except Exception as error:  # noqa: BLE001  the client reconnects and resumes
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """A fault of ours. The log has where, not the exception's words: they may hold a message's."""
        log.error("socket_failed", error=type(error).__name__, where=traceback.format_tb(error.__traceback__)[-3:])
        self.end(FAILED)

    def _malformed(self) -> None:
        self.bad_frames += 1
        error = Invalid("The frame is not a JSON object.", code="malformed_json")
        self.complain(error, close=PROTOCOL_ERROR if self.bad_frames >= STRIKES else 0)

    def _count_frame(self) -> None:
        at = time.monotonic()
        self.frames_left = min(FRAMES_BURST, self.frames_left + (at - self.counted_at) * FRAMES_PER_S)
        self.counted_at = at
        if self.frames_left < 1:
            raise TooMany("Too many frames.", retry_after=(1 - self.frames_left) / FRAMES_PER_S)
        self.frames_left -= 1

    async def _handle(self, frame: dict[str, Any]) -> None:
        kind = frame.get("t")
        if not isinstance(kind, str) or kind not in CLIENT_FRAMES:
            raise Invalid("There is no such type of frame.", code="unknown_type")
        if (kind == "hello") == self.greeted:
            error = Invalid("`hello` comes first, and once.", code="unexpected_hello" if self.greeted else "no_hello")
            self.complain(error, close=PROTOCOL_ERROR)
            return
        try:
            parsed = CLIENT_FRAMES[kind].model_validate(frame)
        except ValidationError as error:
            fields = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}))
            raise Invalid(f"The frame is not valid: {fields[:200]}.") from None
        await getattr(self, f"on_{kind}")(parsed)

    # ------------------------------------------------------------------ what clients want

    async def on_hello(self, frame: HelloFrame) -> None:
        try:
            self.visitor = await self._rows(webchat.visitor_for, self.channel, frame.token)
        except NotAuthenticated as error:
            self.complain(error, close=BAD_TOKEN)
            return
        self.greeted = True
        open_sockets.named(self)
        self.hello_timer.cancel()
        self.tab = Tab(self.channel.id, self.visitor.key, too_many=self._too_many, elsewhere=self.behind.set)
        await self.tab.open()
        hub.gaps.add(self.behind.set)
        current = await self._rows(webchat.conversation_of, self.channel, self.visitor)
        if current and not current.is_open and frame.conversation != str(current.id):
            current = None  # the client does not know it, and it is over
        reset = bool(frame.conversation) and frame.conversation != str(current.id if current else None)
        await self._resume(current, frame.after, reset=reset)
        self.follower = asyncio.get_running_loop().create_task(self._follow())
        lookout.watch(self)

    async def on_send(self, frame: SendFrame) -> None:
        """Stored, then acknowledged; the first message, or one after an ended conversation, begins another."""
        if not self.conversation_id:
            await self._rows(webchat.admit, self.channel, self.visitor, socket_ip(self.scope))
        accepted = await self._rows(webchat.say, self.channel, self.visitor, frame)
        elsewhere = accepted.conversation.id != self.conversation_id
        if elsewhere:
            await self._catch_up()  # how the present conversation ended is told before the next begins
        self.put(ack_frame(accepted.message, duplicate=accepted.duplicate))
        if elsewhere and not accepted.duplicate:
            await self._look()
            self.tab.began_elsewhere()

    async def on_rate(self, frame: RateFrame) -> None:
        self.put(await self._rows(webchat.rate, self.channel, self.visitor, frame))

    async def on_ticket(self, frame: TicketFrame) -> None:
        """The right to upload one file by HTTP; a ``send`` of kind ``file`` then names it."""
        ticket = await self._rows(ticket_issue, self.channel, self.visitor, frame)
        self.put({"t": "ticket", "cid": frame.cid, **ticket})

    async def on_typing(self, frame: TypingFrame) -> None:
        """For staff; none of them has a socket that could show it."""

    async def on_read(self, frame: ReadFrame) -> None:
        await self._rows(webchat.read, self.channel, self.visitor, frame)

    async def on_sync(self, frame: SyncFrame) -> None:
        current = await self._rows(self._conversation)
        await self._resume(current, frame.after)

    async def on_refresh(self, frame: BaseModel) -> None:
        token = webchat.token_issue(self.channel, self.visitor)
        self.put({"t": "token", "token": token, "expires_in": webchat.TOKEN_LIFE_S})

    async def on_ping(self, frame: PingFrame) -> None:
        self.put({"t": "pong", "n": frame.n})

    async def on_pong(self, frame: BaseModel) -> None:
        """Any frame keeps the connection alive."""

    async def on_bye(self, frame: BaseModel) -> None:
        self.end(1000)

    # ------------------------------------------------------- following the transcript

    async def _resume(self, current: Conversation | None, after: int, *, reset: bool = False) -> None:
        """Listen first, then read what was missed: nothing falls between. Pushes that come meanwhile
        find the lock held and are read from the rows afterwards."""
        async with self.catching_up:
            await self._listen_to(current.id if current else None)
            end = await self._rows(webchat.last_seq, current.id) if current else 0
            reset = reset or after > end
            self.cursor = 0 if reset else after
            frames = await self._rows(webchat.frames_after, current.id, self.cursor) if current else []
            self.cursor = frames[-1]["seq"] if frames else self.cursor
            end, complete = max(end, self.cursor), self.cursor >= end
            self.cursor = end  # what the replay leaves out the client fetches over HTTP
            ready = await self._ready(end, len(frames), complete=complete)
            # After a reset the client forgets everything on `ready`: the replay has to follow it.
            for frame in [{**ready, "reset": True}, *frames] if reset else [*frames, ready]:
                await self.queue.room()
                self.put(frame)
        self.behind.set()

    async def _ready(self, end: int, replay: int, *, complete: bool = True) -> dict[str, Any]:
        return {
            "t": "ready",
            "session": f"ws_{new_id()}",
            "conversation": str(self.conversation_id) if self.conversation_id else None,
            "last_seq": end,
            "replay": replay,
            "complete": complete,
            "limits": {"text": MAX_TEXT, "frame": MOST_BYTES_IN, "file": most_bytes(), "rate": "20/60s"},
            "heartbeat": {"interval_s": 25, "timeout_s": 10},
            "resume_ttl_s": webchat.TOKEN_LIFE_S,
            **await self._rows(webchat.standing, self.conversation_id),
        }

    def _pushed(self, text: str, frame: dict[str, Any]) -> None:
        """The doorbell rang. In order and alone: pass it on; anything else is read from the rows."""
        if frame["t"] == "moved":  # the visitor has logged in: the conversation is the user's
            self.behind.set()
        elif frame["t"] not in TRANSCRIPT:
            self.queue.put(text, passing=True)
        elif frame["seq"] == self.cursor + 1 and not self.catching_up.locked():
            self.cursor += 1
            self.queue.put(text)
        elif frame["seq"] > self.cursor or self.catching_up.locked():
            self.behind.set()

    async def _follow(self) -> None:
        """Look at the rows when there is a hole, and now and then in case a push was lost."""
        try:
            while not self.queue.ended:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self.behind.wait()
                self.behind.clear()
                await self._look()
        except (Forbidden, NotFound) as error:  # switched off, or its tenant suspended
            self.complain(error, close=NOT_ALLOWED)
        except Exception as error:  # noqa: BLE001  the client reconnects and resumes
            self._failed(error)

    async def _look(self) -> None:
        """What is missing of this conversation, and whether the visitor talks in another by now."""
        await self._rows(webchat.channel_open, self.channel.key, None)
        if self.conversation_id and not await self._rows(
            webchat.owns, self.channel, self.visitor, self.conversation_id
        ):
            self.end(GONE)
            return
        await self._catch_up()
        current = await self._rows(webchat.conversation_of, self.channel, self.visitor)
        if current and current.is_open and current.id != self.conversation_id:
            async with self.catching_up:
                await self._listen_to(current.id)
                self.cursor = 0
            replay = await self._catch_up()
            async with self.catching_up:  # a change of hands that is pushed meanwhile is told after it
                self.put(await self._ready(self.cursor, replay))

    async def _catch_up(self) -> int:
        """Send what the rows have beyond the cursor. Returns how many frames that were."""
        sent = 0
        async with self.catching_up:
            while self.conversation_id and not self.queue.ended:
                frames = await self._rows(webchat.frames_after, self.conversation_id, self.cursor)
                for frame in frames:
                    await self.queue.room()
                    self.put(frame)
                    self.cursor = frame["seq"]
                sent += len(frames)
                if len(frames) < webchat.PAGE:
                    break
        return sent

    async def _listen_to(self, conversation_id: uuid.UUID | None) -> None:
        if conversation_id == self.conversation_id:
            return
        former, self.conversation_id = self.conversation_id, conversation_id
        if former:
            await hub.leave(conversation_group(former), self._pushed)
        if conversation_id:
            await hub.join(conversation_group(conversation_id), self._pushed)

    # ---------------------------------------------------------------------------- rows

    def _conversation(self) -> Conversation | None:
        return Conversation.objects.filter(id=self.conversation_id).first() if self.conversation_id else None

    async def _rows(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run one of the rules in a thread, in the channel's tenant's scope. Raises Forbidden ``tenant_suspended``."""

        def scoped() -> Any:
            require_active(self.channel.tenant_id)
            with tenant_scope(self.channel.tenant_id):
                return call(*arguments)

        return await _in_thread(scoped)

    def _too_many(self) -> None:
        self.complain(TooMany("Too many windows are open.", code="too_many_sockets"), close=TOO_FAST)


async def _in_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    # Not thread-sensitive: all sockets of a process would wait for one single thread.
    return await database_sync_to_async(call, thread_sensitive=False)(*arguments)
