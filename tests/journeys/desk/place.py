"""Where the journeys take place: the service as real processes, on SQLite by ``serve`` or as a cluster.

Owns start and end of the processes, and plain SQL about what they hold. Must not import the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.ledger import Ledger
from tests.chaos.servers import Postgres, Redis, free_port
from tests.chaos.service import Process, answers, deployed, environment, running, seeded


@dataclass
class Place:
    """``ws``: the ports that have sockets, and ``processes`` those of a cluster that a test may kill."""

    environ: dict[str, str]
    access: dict[str, Any]
    web: int
    ws: list[int]
    ledger: Ledger
    processes: list[Process]

    def transcript(self, conversation: str) -> list[tuple[str, str]]:
        """Role and text of what is said in it, in order, without what the system tells."""
        where = f"REPLACE(CAST(conversation_id AS TEXT), '-', '') = '{UUID(conversation).hex}' AND role <> 'system' AND seq > 0"
        return self.ledger.rows(f"SELECT role, text FROM conversations_message WHERE {where} ORDER BY seq")

    def waiting(self) -> list[str]:
        """The ids of those who wait, longest first."""
        waits = "SELECT id FROM conversations_conversation WHERE is_open AND held_by = 'queue' ORDER BY waiting_since"
        return [str(UUID(str(row))) for (row,) in self.ledger.rows(waits)]

    def end_all(self) -> None:
        """No conversation is open any more."""
        for (row,) in self.ledger.rows("SELECT id FROM conversations_conversation WHERE is_open"):
            self._post(f"/api/v2/chat/conversations/{UUID(str(row))}/end")

    def _post(self, path: str) -> None:
        headers = {"Authorization": f"Bearer {self.access['api_key']}", "Content-Type": "application/json"}
        with closing(HTTPConnection("127.0.0.1", self.web, timeout=20)) as connection:
            connection.request("POST", path, "{}", headers)
            answer = connection.getresponse()
            assert answer.status < 300, answer.read()


@contextmanager
def served(folder: Path) -> Iterator[Place]:
    port, database_url = free_port(), f"sqlite:///{folder}/serve.sqlite3"
    environ = environment(port, database_url, DEMO_TWIN="off", ENABLE_RATE_LIMITING="false", LOG_LEVEL="INFO")
    access = seeded(environ)
    serve = Process(["manage.py", "serve"], environ, folder / "serve.log", lambda: answers(port))
    with running(serve):
        yield Place(environ, access, port, [port, port], Ledger(database_url), [])


@contextmanager
def clustered(folder: Path) -> Iterator[Place]:
    postgres, redis = Postgres(), Redis()
    try:
        postgres.start()
        redis.start()
        web, ws = free_port(), [free_port(), free_port()]
        environ = environment(web, postgres.url, REDIS_URL=redis.url, ENABLE_RATE_LIMITING="false")
        access = seeded(environ)
        sockets = [
            deployed("ws", environ={**environ, "PORT": str(port)}, log=folder / f"ws{number}.log",
                     ready=lambda port=port: answers(port))
            for number, port in enumerate(ws)
        ]  # fmt: skip
        others = [
            deployed("web", environ=environ, log=folder / "web.log", ready=lambda: answers(web)),
            deployed("worker", environ=environ, log=folder / "worker.log", ready=redis.waiting),
            deployed("beat", environ=environ, log=folder / "beat.log"),
        ]
        with running(*sockets, *others):
            yield Place(environ, access, web, ws, Ledger(postgres.url), sockets)
    finally:
        redis.remove()
        postgres.remove()
