"""Engines on a free port of this machine, for tests: ours, or any function that answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from assistant.engine.server import Answer, EngineServer, EngineService
from assistant.port import EngineReply, EngineRequest, HistoryEntry, Person
from channels_app.content.types import text

REQUEST = EngineRequest(
    tenant_id=uuid.UUID(int=7),
    conversation_id=uuid.UUID(int=1),
    channel_kind="web",
    contents=(text("Where is my order?"),),
    history=(HistoryEntry("visitor", "Hello"), HistoryEntry("bot", "Hi! 👋")),
    context={"slots": {"count": 3, "price": 1.5}, "deep": {"list": [1, None, True, "ü"]}},
    profile={"name": "Ana"},
    hints={"priority": "high"},
    language="en",
    person=Person(str(uuid.UUID(int=9)), "user", "ana@example.com", True),
    message_ids=(str(uuid.UUID(int=3)),),
    control_epoch=4,
)


def echo(request: EngineRequest) -> EngineReply:
    return EngineReply(contents=request.contents, context=dict(request.context), engine="echo", confidence=1.0)


@contextmanager
def serving(
    answer: Answer = echo, *, port: int = 0, credentials: grpc.ServerCredentials | None = None, **options: Any
) -> Iterator[EngineServer]:
    """``answer`` behind the real server, on 127.0.0.1. ``options`` are the service's."""
    service = EngineService(answer, **options)
    server = EngineServer(service, host="127.0.0.1", port=port, threads=4, credentials=credentials)
    server.start()
    try:
        yield server
    finally:
        server.stop(5)
