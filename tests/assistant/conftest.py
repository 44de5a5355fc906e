"""A trained assistant without a database, and a person who talks to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from assistant.builtin.dialogue import Dialogue
from assistant.builtin.turn import Options
from assistant.demo import INTENTS, KNOWLEDGE
from assistant.embeddings import encoders
from assistant.intents import lessons as memory
from assistant.intents.lessons import Lessons, learn
from assistant.intents.skills import facts_of, skills_of
from assistant.models import Intent, KnowledgeEntry
from assistant.port import EngineReply, EngineRequest
from channels_app.content.types import Choice, Content, text


@pytest.fixture(autouse=True)
def nothing_learnt() -> Iterator[None]:
    yield
    memory.forget_all()
    encoders._kept.clear()


@pytest.fixture(scope="session")
def shop() -> Lessons:
    """What the demo tenant's assistant knows."""
    return learn(
        skills_of(Intent(name=name, **members) for name, members in INTENTS.items()),
        facts_of(
            KnowledgeEntry(language=language, title=title, **members)
            for (language, title), members in KNOWLEDGE.items()
        ),
    )


class Person:
    """A person who talks to an assistant; ``says`` returns its reply and remembers the context."""

    def __init__(self, lessons: Lessons, options: Options):
        self.lessons, self.options = lessons, options
        self.context: dict[str, Any] = {}
        self.kind = "web"
        self.conversation_id = uuid.UUID(int=1)

    def says(self, *messages: str | Content, **members: Any) -> EngineReply:
        request = EngineRequest(
            tenant_id=uuid.UUID(int=0),
            conversation_id=self.conversation_id,
            channel_kind=self.kind,
            contents=tuple(message if isinstance(message, Content) else text(message) for message in messages),
            context=self.context,
            **members,
        )
        reply = Dialogue(self.options, self.lessons, request).reply()
        self.context = reply.context
        return reply

    def picks(self, payload: str, title: str = "This one") -> EngineReply:
        return self.says(Content(type="quick_reply", text=title, choice=Choice(value=payload, title=title)))


@pytest.fixture
def visitor(shop: Lessons) -> Callable[..., Person]:
    """``visitor()`` meets the demo's assistant, ``visitor(high=0.9)`` one with other options."""

    def make(lessons: Lessons = shop, **options: Any) -> Person:
        return Person(lessons, Options(**options))

    return make
