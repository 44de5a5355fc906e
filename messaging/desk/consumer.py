"""The agents' socket, protocol ``desk-agent.v1``: what each frame of a window of staff does (docs/agent-socket.md).

Must not know how a socket comes and goes (messaging/sockets/connection.py), nor what a list holds (desk.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from typing import ClassVar

from messaging.agents.presence import look_end, look_say, presence_say
from messaging.desk.desk import Seat, Told
from messaging.desk.desks import desks
from messaging.desk.frames import (
    CLIENT_FRAMES,
    HelloFrame,
    PresenceFrame,
    ReadFrame,
    TypingFrame,
    UnwatchFrame,
    ViewFrame,
    WatchFrame,
)
from messaging.desk.people import (
    READ,
    WORDS,
    WRITE,
    Person,
    Proof,
    own_page,
    people,
    proof_shown,
    tenants_told,
)
from messaging.desk.reading import mark_now, tenant_of
from messaging.desk.rows import Row
from messaging.desk.watched import Watched
from messaging.live.attending import staff_read, staff_typing
from messaging.live.staff import bell
from messaging.sockets.connection import BAD_TOKEN, NOT_ALLOWED, TRY_LATER, Connection
from messaging.sockets.reader import FRAMES_BURST, FRAMES_PER_S, MOST_BYTES, TOO_FAST
from messaging.sockets.rows import Rows, in_thread
from messaging.sockets.tabs import Tab
from tenants.access.limits import socket_ip
from tenants.errors import (
    Conflict,
    Invalid,
    NotAuthenticated,
    NotFound,
    ServiceError,
    TooMany,
    Unavailable,
    Unprocessable,
)
from tenants.models import User
from tenants.storage.db import new_id
from tenants.trail.reads import read_noted

PROTOCOL = "desk-agent.v1"
MOST_WINDOWS, MOST_OF_KEY = 10, 50  # of one member of staff; of one key that names none
MOST_WATCHED = 5
MOST_UNREAD = 1_000  # that `viewed` names


class AgentConsumer(Connection):
    """One window's connection."""

    permission: ClassVar[str] = READ
    protocol: ClassVar[str] = PROTOCOL
    frames = CLIENT_FRAMES
    echoed: ClassVar[tuple[str, ...]] = ("conversation",)
    proof = Proof()
    person: Person
    tenant_id: uuid.UUID | None = None  # whose list is shown
    seat: Seat | None = None
    state = "online"
    tab: Tab

    # ------------------------------------------------------------------ coming and going

    async def allowed(self) -> bool:
        """The console's cookie is taken from the service's own pages alone. Raises NotAuthenticated for a scheme that is
        none of ours."""
        self.watched: dict[uuid.UUID, Watched] = {}
        headers = {name.decode("latin-1").title(): value.decode("latin-1") for name, value in self.scope["headers"]}
        self.proof = proof_shown(headers)
        return not self.proof.session or own_page(headers)

    async def left(self) -> None:
        for id in list(self.watched):
            await self._unwatch(id)
        self._leave_list()
        await self.tab.close()
        await desks.leave(self)

    def put_text(self, text: str, *, passing: bool = False) -> None:
        self.queue.put(text, passing=passing)

    # ------------------------------------------------------------------ what clients want

    async def on_hello(self, frame: HelloFrame) -> None:
        if frame.token:
            self.proof = Proof(credential=frame.token, agent=frame.agent)
        elif self.proof.credential:
            self.proof = Proof(credential=self.proof.credential, agent=frame.agent)
        found = (await in_thread(people, [self.proof]))[self.proof]
        if not isinstance(found, Person):
            self._refuse(found)
            return
        self.person = found
        whose, most = (f"agent.{found.user_id}", MOST_WINDOWS) if found.user_id else (f"key.{found.key}", MOST_OF_KEY)
        self.tab = Tab(_group(whose), most, too_many=self._too_many)
        self.welcome()
        await self.tab.open()
        await desks.enter(self)
        self.put({
            "t": "ready", "session": f"ws_{new_id()}", "user": found.shape,
            "tenants": await in_thread(tenants_told, found),
            "heartbeat": {"interval_s": 25, "timeout_s": 10},
            "limits": {"frame": MOST_BYTES, "burst": FRAMES_BURST, "per_s": FRAMES_PER_S, "watched": MOST_WATCHED},
        })  # fmt: skip
        self.say(looks=False, presence=True)

    async def on_view(self, frame: ViewFrame) -> None:
        """Changes come from the moment on in which the list is known; what was missed is told first."""
        if frame.filter.search:
            raise Invalid("A search is no list that changes: ask for it by HTTP.", code="not_live")
        self._leave_list()
        if frame.view is None:
            self.put({"t": "viewed", "view": None})
            return
        tenant_id = frame.tenant or self._only_tenant()
        if not await in_thread(self.person.may, tenant_id, READ):
            raise NotFound("There is no such tenant.", code="tenant_not_found")
        await self._looks(tenant_id)
        desk, words = await desks.desk(tenant_id), await in_thread(self.person.may, tenant_id, WORDS)
        seat = Seat(
            self.person.user_id, frame.view, frame.filter, words=words, watched=self.watched.keys(), put=self.put_text
        )
        desk.seats.add(seat)
        self.seat, self.tenant_id = seat, tenant_id
        self.say(looks=False, presence=True)
        mark, missed = mark_now(), await desks.since(desk, frame.after) if frame.after else []
        for id, row in missed or ():
            await self.queue.room()
            self.put_text(_changed(tenant_id, id, row, seat, mark))
        listed = list(desk.listed(seat))
        self.put({
            "t": "viewed", "tenant": str(tenant_id), "view": frame.view,
            "filter": frame.filter.model_dump(mode="json", exclude_none=True),
            "counts": seat.counted(desk.counts(seat.me)),
            "unread": {str(row.id): row.unread for row in listed if row.unread} if len(listed) <= MOST_UNREAD else {},
            "failed": [str(row.id) for row in listed if row.failed][:MOST_UNREAD],
            "present": desks.windows.colleagues.there(str(tenant_id)),
            "mark": mark, **({"reset": True} if missed is None else {}),
        })  # fmt: skip

    async def on_watch(self, frame: WatchFrame) -> None:
        id = frame.conversation
        if id not in self.watched and len(self.watched) >= MOST_WATCHED:
            raise Conflict(f"At most {MOST_WATCHED} conversations are watched.", code="too_many_watched")
        tenant_id = await self._tenant_of(id, READ, WORDS)
        await self._looks(tenant_id, id)
        if id in self.watched:
            await self.watched.pop(id).close()
        watched = Watched(tenant_id, id, self.queue)
        self.watched[id] = watched
        await desks.watch(watched)
        self.say(looks=True, presence=False)
        await watched.open(frame.after, lambda: desks.windows.colleagues.looking(str(id), but=self.person.user_id))
        watched.begin(self.failed)

    async def on_unwatch(self, frame: UnwatchFrame) -> None:
        await self._unwatch(frame.conversation)

    async def on_read(self, frame: ReadFrame) -> None:
        tenant_id = await self._tenant_of(frame.conversation, READ, WRITE)
        await Rows(tenant_id).ask(staff_read, frame.conversation, frame.seq)

    async def on_typing(self, frame: TypingFrame) -> None:
        tenant_id = await self._tenant_of(frame.conversation, READ, WRITE)
        await Rows(tenant_id).ask(_typing, frame.conversation, self.person.user_id, frame.on)

    async def on_presence(self, frame: PresenceFrame) -> None:
        """Of the user, not of this window: the others say it, too, from now on."""
        for window in desks.windows:
            if window.person.user_id == self.person.user_id:
                window.state = frame.state
        self.state = frame.state
        self.say(looks=False, presence=True)

    # --------------------------------------------------------------- beside the client

    def say(self, *, looks: bool, presence: bool) -> None:
        """Tell colleagues, in all processes, and who asks in other ways, that the user is there and looks at these."""
        user = self.person.shape
        if user is None:
            return
        if presence:
            for tenant_id in {*self.person.tenants, *([self.tenant_id] if self.tenant_id else [])}:
                bell.tell(tenant_id, {"t": "presence", "user": user, "state": self.state})
                desks.keep(presence_say, tenant_id, self.person.user_id, self.state)
        for one in self.watched.values() if looks else ():
            self._look(one, on=True)

    def _look(self, watched: Watched, *, on: bool) -> None:
        if user := self.person.shape:
            named = {**user, "full_name": self.person.full_name}
            look = {"t": "look", "conversation": str(watched.id), "user": named, "on": on}
            bell.tell(watched.tenant_id, look)
            desks.keep(look_say if on else look_end, watched.tenant_id, self.person.user_id, watched.id)

    def seen_as(self, person: Person | ServiceError) -> None:
        """What the user may see was looked up anew."""
        if not isinstance(person, Person):
            self._refuse(person)
        else:  # also of who stays the same: a list may have been opened while its role was taken away
            self.person = person
            self._see_less()

    def _see_less(self) -> None:
        """Lists and conversations that the user has lost the right to see."""
        if self.seat and self.tenant_id:
            held = self.person.held(self.tenant_id)
            self.seat.words = WORDS in held
            if READ not in held:
                tenant = str(self.tenant_id)
                self._leave_list()
                self.put({"t": "viewed", "view": None, "tenant": tenant, "code": "tenant_not_found"})
        for id, one in list(self.watched.items()):
            if WORDS not in self.person.held(one.tenant_id):
                self.put({"t": "unwatched", "conversation": str(id), "code": "conversation_not_found"})
                self.ending = asyncio.get_running_loop().create_task(self._unwatch(id))

    def _refuse(self, error: ServiceError) -> None:
        closes = {NotAuthenticated: BAD_TOKEN, Unavailable: TRY_LATER}  # a hub that is away tells of no proof
        self.complain(error, close=closes.get(type(error), NOT_ALLOWED))

    def _too_many(self) -> None:
        self.complain(TooMany("Too many windows are open.", code="too_many_sockets"), close=TOO_FAST)

    def _only_tenant(self) -> uuid.UUID:
        if len(self.person.tenants) != 1:
            raise Invalid("Say whose list it is: `tenant`.", code="tenant_required")
        return next(iter(self.person.tenants))

    async def _tenant_of(self, conversation_id: uuid.UUID, *needed: str) -> uuid.UUID:
        """Whose a conversation is. Raises NotFound for one that the user may not see, Unprocessable ``not_permitted``."""
        watched = self.watched.get(conversation_id)
        tenant_id = watched.tenant_id if watched else await in_thread(tenant_of, conversation_id)
        if tenant_id is None or not await in_thread(self.person.may, tenant_id, READ):
            raise NotFound("There is no such conversation.", code="conversation_not_found")
        for permission in needed:
            if not await in_thread(self.person.may, tenant_id, permission):
                raise Unprocessable(f"This needs `{permission}`.", code="not_permitted")
        return tenant_id

    async def _looks(self, tenant_id: uuid.UUID, conversation_id: uuid.UUID | str = "") -> None:
        """Who opens a conversation, or a list of them, is noted before anything of it is shown (TEN-6)."""
        ip = socket_ip(self.scope)
        await Rows(tenant_id).ask(read_noted, self.person.actor, "conversation", conversation_id, ip)

    async def _unwatch(self, id: uuid.UUID) -> None:
        if watched := self.watched.pop(id, None):
            self._look(watched, on=False)
            desks.unwatch(id)
            await watched.close()

    def _leave_list(self) -> None:
        if self.seat and self.tenant_id and (desk := desks.desks.get(self.tenant_id)):
            desk.seats.discard(self.seat)
        self.seat = self.tenant_id = None


def _changed(tenant_id: uuid.UUID, id: uuid.UUID, row: Row | None, seat: Seat, mark: str) -> str:
    """What a window that comes back is told of a conversation."""
    told = Told(tenant_id, id, row, mark)
    return told.conv(words=seat.words) if row and seat.shows(row) else told.gone


def _group(whose: str) -> str:
    return f"windows.{hashlib.sha256(whose.encode()).hexdigest()[:32]}"


def _typing(conversation_id: uuid.UUID, user_id: uuid.UUID | None, on: bool) -> None:
    agent = User.objects.filter(id=user_id).first() if user_id else None
    staff_typing(conversation_id, agent, on=on)
