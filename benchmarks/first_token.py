"""How long a visitor waits for the first word of a language model's answer: ``python -m benchmarks.first_token``.

`manage.py serve` on SQLite, the twin's model over the official SDK, one visitor's socket: from the message that leaves it to the
first frame with words of the answer. The model begins at once, so that what is measured is ours.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from channels_app.twin.server import Twin
from tests.chaos.servers import free_port
from tests.chaos.service import Process, answers, environment, running, set_up
from tests.chaos.socket_clients import Client

BAR_MS = 150  # p95
KNOWN_S = 6.0  # after which every process knows of a new model
WARM = 5  # turns before what is measured: the first ones load the SDK and the network
READS_S = 0.5  # between an answer and the next message
TOKEN_S = 0.02  # between two words of the stream, so that it is one
QUESTIONS = (
    "Tell me a story about a king and his seven sons, number {}",
    "Which of the two would your mother like, and why? {}",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=60)
    given = parser.parse_args()
    with TemporaryDirectory() as folder, Twin().start() as twin:
        twin.llm.pause_s = TOKEN_S
        taken = sorted(measured(Path(folder), twin, given.turns))
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"{len(taken)} turns: first streamed word after {p50:.0f} ms (p50), {p95:.0f} ms (p95; the bar is {BAR_MS})")
    print(f"the machine's load was {busy:.1f} a core")


def measured(folder: Path, twin: Twin, turns: int) -> list[float]:
    """Milliseconds of each turn."""
    port = free_port()
    environ = environment(port, f"sqlite:///{folder / 'first.sqlite3'}", ENABLE_RATE_LIMITING="false")
    access = set_up(environ, twin)
    service = Process(["manage.py", "serve", "--port", str(port)], environ, folder / "serve.log", lambda: answers(port))
    with running(service):
        key, api_key = access["web_channel_key"], access["api_key"]
        provider = {"name": "twin", "kind": "openai", "base_url": f"{twin.url}/v1", "key": "sk-of-the-demo"}
        made = _post(port, "/api/v2/providers", provider, api_key)
        model = {"name": "gpt-twin", "capabilities": ["tools"], "context_tokens": 100_000}
        _post(port, "/api/v2/models", {"provider_id": made["id"], **model}, api_key)
        token = _post(port, f"/api/v2/webchat/{key}/session", {})["visitor_token"]
        return asyncio.run(_turns(key, token, port, turns))[WARM:]


async def _turns(key: str, token: str, port: int, turns: int) -> list[float]:
    await asyncio.sleep(KNOWN_S)
    client = await Client(key, token, [port]).ready()
    taken = []
    for number in range(turns + WARM):
        client.passing.clear()
        began = time.perf_counter()
        ack = await client.say(QUESTIONS[number % 2].format(number), f"c{number}")
        if number >= WARM:  # of the first turns the network's loading may take the model's time
            await client.until(lambda: any("content" in frame for frame in client.passing), 60, "a first word")
        taken.append((time.perf_counter() - began) * 1000)
        await client.until(lambda: client.last_seq > ack["seq"], 60, "the answer")  # noqa: B023  awaited here
        await asyncio.sleep(READS_S)
    await client.stop()
    return taken


def _post(port: int, path: str, body: Any, api_key: str = "") -> Any:
    headers = {"Content-Type": "application/json", "Origin": "http://shop.example"}
    headers |= {"Authorization": f"Bearer {api_key}"} if api_key else {}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
    assert answer.status < 300, said
    return said["data"]


if __name__ == "__main__":
    main()
