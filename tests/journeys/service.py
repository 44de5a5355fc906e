"""The real service in the test's process: daphne as `serve` runs it, on the test's database.

Owns its start, and short words for what bot, staff and workers do behind it. Must not put anything in the place of
the service's own code but the engine's answer and the broker.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import connections

from assistant.port import EngineReply, EngineRequest
from channels_app.content.types import Content
from channels_app.models import Channel
from channels_app.selectors import channel_forget
from chatsvc.web.serving.sockets import server_at
from conversations.models import Conversation, Message
from conversations.timeline import conversation_advance
from messaging import tasks
from messaging.reply import Author, reply_write, spoken
from messaging.webchat import rules as webchat
from messaging.webchat.frames import SendFrame
from tenants.models import Tenant, User
from tenants.storage.db import atomic
from tests.factories import MembershipFactory, UserFactory


@cache
def address() -> str:
    """Where the service listens; it is started once per process, and ends with it."""
    ready = threading.Event()
    server = server_at(["tcp:0:interface=127.0.0.1"], signal_handlers=False, ready_callable=ready.set)
    threading.Thread(target=server.run, name="service", daemon=True).start()
    assert ready.wait(20)
    _, port = server.listening_addresses[0]
    return f"http://127.0.0.1:{port}"


def said(words: str = "", **content: Any) -> Content:
    return Content.model_validate({"type": "text", "text": words or None, **content})


@dataclass
class Service:
    """The service as one web channel of a tenant. ``answer``: what the engine says to a message; None: it is slow,
    and answers when the test does. ``thinking`` is set while the engine is asked."""

    tenant: Tenant
    channel: Channel
    answer: Callable[[str], Content] | None = None
    handover: bool = False
    thinking: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)
    pieces: tuple[str, ...] = ()  # what the engine streams before it may answer
    workers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    name: str = "scripted"

    def configure(self, **config: Any) -> None:
        self.channel.config = {**self.channel.config, **config}
        self.channel.save()
        channel_forget(self.channel)

    @property
    def conversation(self) -> Conversation:
        """The newest one."""
        return Conversation.objects.order_by("-created_at", "-id")[0]

    @property
    def log(self) -> list[Message]:
        return list(Message.objects.filter(conversation=self.conversation).order_by("seq"))

    # ------------------------------------------------------------------ worker and engine

    def wake(self, task: str, row_id: uuid.UUID | None = None, *_: Any) -> None:
        """Instead of a broker."""
        if task.endswith(".respond") and self.answer:
            self.workers.submit(self._work, str(row_id))

    def _work(self, turn_id: str) -> None:
        try:
            tasks.respond(turn_id)
        finally:
            connections.close_all()

    def respond(self, request: EngineRequest) -> EngineReply:
        self.thinking.set()
        for piece in self.pieces if request.stream else ():
            request.stream(piece)
        assert self.may_answer.wait(20)
        assert self.answer
        contents = (self.answer(request.contents[-1].text or ""),)
        return EngineReply(contents=contents, engine=self.name, handover=self.handover)

    # ------------------------------------------------------------------ who speaks

    def visitor(self, words: str = "Hello", *, id: str = "visitor-1") -> str:
        """A visitor has written before; returns their token."""
        visitor = webchat.Visitor(id, session_key="s1")
        frame = SendFrame(t="send", cid=f"c-{uuid.uuid4().hex}", text=words)
        webchat.say(self.channel, visitor, frame)
        return webchat.token_issue(self.channel, visitor)

    def bot(self, *contents: Content | str) -> list[Message]:
        """The bot says more, all at once."""
        contents = tuple(said(content) if isinstance(content, str) else content for content in contents)
        with atomic():
            where = {"id": self.conversation.id}
            taken = conversation_advance(where, messages=len(contents), events=len(contents), **spoken(contents))
            assert taken
            return reply_write(taken, contents, Author.bot())

    def agent(self, first_name: str = "Mira", **member: Any) -> User:
        """A member of the tenant's staff."""
        user: User = UserFactory(first_name=first_name)
        MembershipFactory(tenant=self.tenant, user=user, **member)
        return user
