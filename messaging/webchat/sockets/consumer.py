"""The web chat's socket, protocol ``desk-chat.v1``: what each frame of a visitor does.

Must not know the rules of the chat (messaging/webchat/rules.py), how a socket comes and goes
(messaging/sockets/connection.py), nor how the transcript is followed (place.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from contextlib import suppress
from typing import ClassVar, cast

from django.db import DatabaseError
from pydantic import BaseModel

from messaging.arrivals.entrance import Accepted
from messaging.live.frames import ack_frame
from messaging.live.staff import visitor_moved, visitor_typing
from messaging.sockets.connection import BAD_TOKEN, GONE, NOT_ALLOWED, Connection
from messaging.sockets.reader import TOO_FAST
from messaging.sockets.rows import Rows, in_thread
from messaging.sockets.tabs import Tab
from messaging.webchat import rules as webchat
from messaging.webchat.frames import (
    CLIENT_FRAMES,
    HelloFrame,
    PageFrame,
    RateFrame,
    ReadFrame,
    SendFrame,
    SyncFrame,
    TicketFrame,
    TypingFrame,
)
from messaging.webchat.pages import page_admit, page_cut, page_keep, page_left
from messaging.webchat.sockets.place import Place
from messaging.webchat.sockets.writer import writer
from messaging.webchat.uploads import ticket_issue
from tenants.access.limits import socket_ip
from tenants.access.permissions import PUBLIC
from tenants.errors import Forbidden, NotAuthenticated, NotFound, TooMany
from tenants.storage.db import on_mongo

PROTOCOL = "desk-chat.v1"
MOST_SOCKETS = 5  # of one visitor


class WebchatConsumer(Connection):
    """One widget's connection."""

    permission: ClassVar[str] = PUBLIC
    protocol: ClassVar[str] = PROTOCOL
    frames = CLIENT_FRAMES
    rows: Rows
    visitor: webchat.Visitor
    place: Place
    tab: Tab
    follower: asyncio.Task[None] | None = None
    page_since = ""  # when the page that the window shows was kept

    async def allowed(self) -> bool:
        """Refused when the page's origin may not embed the channel."""
        origin = dict(self.scope["headers"]).get(b"origin", b"").decode("latin-1")
        self.channel = await in_thread(webchat.channel_open, self.scope["url_route"]["kwargs"]["key"], origin)
        self.rows = Rows(self.channel.tenant_id)
        return True

    async def left(self) -> None:
        if self.follower:
            self.follower.cancel()
        conversation = self.place.conversation_id
        await self.tab.close()
        await self.place.close()
        with suppress(DatabaseError):  # then the page counts as the present one until the visit ends
            if self.page_since and await self.rows.ask(page_left, self.channel, self.visitor, self.page_since):
                self._moved(conversation)

    # ------------------------------------------------------------------ what clients want

    async def on_hello(self, frame: HelloFrame) -> None:
        try:
            self.visitor = await self.rows.ask(webchat.visitor_for, self.channel, frame.token)
        except NotAuthenticated as error:
            self.complain(error, close=BAD_TOKEN)
            return
        self.place = Place(self.channel, self.visitor, self.rows, self.queue, gone=lambda: self.end(GONE))
        whose = hashlib.sha256(self.visitor.key.encode()).hexdigest()[:32]
        self.tab = Tab(
            f"visitor.{self.channel.id}.{whose}", MOST_SOCKETS,
            too_many=self._too_many, elsewhere=self.place.behind.set,
        )  # fmt: skip
        self.welcome()
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

    async def on_typing(self, frame: TypingFrame) -> None:
        """For staff who have the conversation before them."""
        if self.place.conversation_id:
            visitor_typing(self.channel.tenant_id, self.place.conversation_id, on=frame.on)

    async def on_read(self, frame: ReadFrame) -> None:
        await self.rows.ask(webchat.read, self.channel, self.visitor, frame)

    async def on_page(self, frame: PageFrame) -> None:
        """Kept with the visit, which begins with the first message: before it nothing is."""
        await self.rows.ask(page_admit, self.channel, self.visitor)
        channel = await in_thread(webchat.channel_open, self.channel.key, None)  # the setting as it is by now
        page = page_cut(channel.adapter_config(), frame.url)
        self.page_since = await self.rows.ask(page_keep, self.channel, self.visitor, page)
        if self.page_since:
            self._moved(self.place.conversation_id)

    def _moved(self, conversation: uuid.UUID | None) -> None:
        if conversation:
            visitor_moved(self.channel.tenant_id, conversation)

    async def on_sync(self, frame: SyncFrame) -> None:
        await self.place.again(frame.after)

    async def on_refresh(self, frame: BaseModel) -> None:
        token = webchat.token_issue(self.channel, self.visitor)
        self.put({"t": "token", "token": token, "expires_in": webchat.TOKEN_LIFE_S})

    # --------------------------------------------------------------- beside the client

    async def _follow(self) -> None:
        try:
            await self.place.follow()
        except (Forbidden, NotFound) as error:  # switched off, or its tenant suspended
            self.complain(error, close=NOT_ALLOWED)
        except Exception as error:  # noqa: BLE001  a task of its own: the server would only log it
            self.failed(error)

    def _too_many(self) -> None:
        self.complain(TooMany("Too many windows are open.", code="too_many_sockets"), close=TOO_FAST)
