"""The image's ``web`` with one process and with two, on PostgreSQL and Redis: ``python -m benchmarks.web``.

Both run at once over one database and are asked in turn. The client, PostgreSQL and Redis share the machine
with them: on two cores a second process finds little left.
"""

from __future__ import annotations

import json
import os
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks import rest
from benchmarks.ground import PROGRAMS, Ground, free_port, ground, running
from benchmarks.load import Line, arguments, as_json, measure, show

RUN = Path(__file__).resolve().parent.parent / "deploy" / "run"
PROCESSES = (1, 2)
MESSAGES = 50  # of the page that is read


def main() -> None:
    given = arguments(__doc__ or "")
    from tests.chaos.servers import Postgres, Redis

    database, redis = Postgres(), Redis()
    with ExitStack() as cleanup:
        for server in (database, redis):
            server.start()
            cleanup.callback(server.remove)
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        os.environ |= {"DATABASE_URL": database.url, "REDIS_URL": redis.url, "HOST": "127.0.0.1", "PATH": path}
        on = cleanup.enter_context(ground())
        ports = {processes: free_port() for processes in PROCESSES}
        for processes, port in ports.items():
            environ = {"PORT": str(port), "WEB_PROCESSES": str(processes)}
            cleanup.enter_context(running([str(RUN), "web"], port, **environ))
        transcript = transcript_of(ports[1], on.echo_key)
        lines = [line for processes in PROCESSES for line in lines_of(on, processes, ports[processes], transcript)]
        measure(0, lines, given)
    show(lines)


def transcript_of(port: int, key: str) -> str:
    """The path of a conversation with that many messages."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    said = {"user_id": "reader", "channel": "web", "content": {"type": "text", "text": rest.WORDS[0]}}
    for _ in range(MESSAGES // 2):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/chat/message", as_json(said), headers)
        with urllib.request.urlopen(request) as answer:
            conversation_id = json.load(answer)["data"]["conversation_id"]
    return f"/api/v2/chat/conversations/{conversation_id}/messages?limit={MESSAGES}"


def lines_of(on: Ground, processes: int, port: int, transcript: str) -> list[Line]:
    """The service and the bare view on one server. Message ids of one server are not those of the other."""
    which = f", {processes} process{'es' * (processes > 1)}"
    bare = rest.BARE + which
    reader = {"Authorization": f"Bearer {on.echo_key}"}
    lines = [
        rest.line(bare, "/bench/bare"),
        rest.line(f"message, echo engine{which}", "/api/v2/chat/message", on.echo_key, beside=bare),
        Line(f"history, {MESSAGES} messages{which}", lambda _: (transcript, b"", reader), bare),
    ]
    return [replace(line, port=port, sent=processes * 1_000_000) for line in lines]


if __name__ == "__main__":
    main()
