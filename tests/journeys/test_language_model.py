"""A tenant's language model as a visitor meets it: the real service and the twin's provider, shop and tool in processes and sockets
of their own. The answer is seen while it is written; a product comes as a card; four yeses are one call (AI-5, AI-7, AI-9)."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from channels_app.twin.server import Twin
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, seeded
from tests.chaos.socket_clients import Connection

ORDER = {
    "type": "object",
    "properties": {"order": {"type": "string", "maxLength": 20}},
    "required": ["order"],
}
TOGETHER = 4


class Warehouse(ThreadingHTTPServer):
    """A tenant's tool: cancels an order once ``may_end`` is set."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.may_end = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Warehouse)
        self.server.calls.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.server.may_end.wait(5)
        body = b'{"cancelled": true}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The test has no use for lines."""


@dataclass
class Acorn:
    """The demo's service with a model, a shop and a tool, all set up by its API."""

    port: int
    access: dict[str, Any]
    twin: Twin
    warehouse: Warehouse
    origin: str = "http://shop.example"

    def api(self, path: str, body: Any = None, method: str = "POST") -> Any:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode() if body is not None else None,
            {
                "Content-Type": "application/json",
                "Origin": self.origin,
                "Authorization": f"Bearer {self.access['api_key']}",
            },
            method=method,
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read())["data"]

    def says(self, words: str, user: str = "ada") -> Any:
        """By REST."""
        return self.api(
            "/api/v2/chat/message",
            {"user_id": user, "channel": "web", "content": {"type": "text", "text": words}},
        )

    def transcript(self, conversation: str) -> list[dict[str, Any]]:
        return self.api(f"/api/v2/chat/conversations/{conversation}/messages", method="GET")["items"]


@pytest.fixture(scope="module")
def acorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acorn]:
    folder, port, warehouse = tmp_path_factory.mktemp("acorn"), free_port(), Warehouse()
    tool_url = f"http://127.0.0.1:{warehouse.server_address[1]}"
    with Twin().start() as twin:
        environ = environment(
            port, f"sqlite:///{folder}/acorn.sqlite3", HOST="127.0.0.1", DEBUG="true", ASSISTANT_MEANING="false",
            ENGINE_TIMEOUT_MS="30000",
            OUTBOUND_ALLOW_HOSTS=",".join([*(url.removeprefix("http://") for url in (twin.url, tool_url)), "127.0.0.1:8900"]),
        )  # fmt: skip
        access = seeded(environ)
        service = Process(["manage.py", "serve"], environ, folder / "serve.log", lambda: answers(port))
        try:
            service.start()
            shop = Acorn(port, access, twin, warehouse)
            _set_up(shop, tool_url)
            wait_until(partial(_model_answers, shop), 120, "the service has loaded what the model needs")
            yield shop
        finally:
            service.kill()
            warehouse.shutdown()
            warehouse.server_close()


def _set_up(acorn: Acorn, tool_url: str) -> None:
    provider = acorn.api(
        "/api/v2/providers",
        {"name": "twin", "kind": "openai", "base_url": f"{acorn.twin.url}/v1", "key": "sk-of-the-demo-0001"},
    )
    acorn.api(
        "/api/v2/models",
        {
            "provider_id": provider["id"], "name": "gpt-twin", "capabilities": ["tools", "json"], "context_tokens": 100_000,
            "input_usd": 1.0, "output_usd": 2.0,
        },
    )  # fmt: skip
    acorn.api("/api/v2/product-source", {"url": f"{acorn.twin.url}/shop", "token": "t0ken-of-the-shop"}, "PUT")
    acorn.api(
        "/api/v2/tools",
        {"name": "cancel_order", "title": "Cancel your order", "description": "Cancels an order", "schema": ORDER,
         "url": f"{tool_url}/cancel"},
    )  # fmt: skip


def _model_answers(acorn: Acorn) -> bool:
    reply = acorn.says("Ravens rest on rocks", user=f"warm-{uuid.uuid4().hex}")
    return not reply["processing_metadata"]["degraded"]


async def _asked(acorn: Acorn, words: str, last: str) -> tuple[list[str], list[dict[str, Any]]]:
    """What a visitor sees of the answer while it grows, and the messages that then stand in the transcript, the ``last`` of this
    type."""
    session = acorn.api(f"/api/v2/webchat/{acorn.access['web_channel_key']}/session", {})
    line = await Connection.open(acorn.port, session["socket_url"], origin=acorn.origin)
    line.send({"t": "hello", "token": session["visitor_token"], "after": 0, "conversation": None})
    await line.until("ready")
    line.send({"t": "send", "cid": "0192f0d0-7b1a-7c3e-9a55-000000000001", "text": words})
    grown: list[str] = []
    told: list[dict[str, Any]] = []
    while not told or told[-1]["content"]["type"] != last:
        frame = await asyncio.wait_for(line.next(), 20)
        assert frame is not None, line.code
        if frame["t"] == "typing" and frame.get("content"):
            grown.append(frame["content"]["text"] if isinstance(frame["content"], dict) else frame["content"])
        if frame["t"] == "msg" and frame["from"]["role"] == "bot":
            told.append(frame)
    line.abort()
    return grown, told


def seen(acorn: Acorn, words: str, last: str) -> tuple[list[str], list[dict[str, Any]]]:
    return asyncio.run(_asked(acorn, words, last))


def test_an_answer_is_seen_while_it_is_written_and_the_message_is_the_whole_of_it(acorn: Acorn) -> None:
    answer = "The north wind keeps a flame alive for nine hours, even in hard frost."
    acorn.twin.llm.clear()
    acorn.twin.llm.say(answer, when="north wind")
    acorn.twin.llm.pause_s = 0.15
    grown, told = seen(acorn, "How does the north wind treat flames in winter?", last="text")
    acorn.twin.llm.pause_s = 0.0
    assert len(grown) >= 3 and all(answer.startswith(one.strip()) for one in grown)
    assert [len(one) for one in grown] == sorted(len(one) for one in grown)
    assert [one["text"] for one in told] == [answer]


def test_the_model_asks_the_shop_and_its_product_is_shown_as_a_card(acorn: Acorn) -> None:
    acorn.twin.llm.clear()
    acorn.twin.llm.say(calls=[("product_search", {"query": "tent"})], when="Iceland")
    acorn.twin.llm.say("The Alder tent keeps two of you dry.", when="Alder tent")
    _, told = seen(acorn, "Two of us hike across Iceland in autumn storms", last="carousel")
    assert told[0]["text"] == "The Alder tent keeps two of you dry."
    (card,) = told[-1]["content"]["cards"]
    assert (card["title"], card["url"]) == ("Alder tent", "https://acorn.example.com/products/alder")
    assert card["subtitle"] == "249.00 EUR · For two, 2.1 kg"


def test_four_yeses_at_once_are_one_call_that_is_told_once(acorn: Acorn) -> None:
    acorn.twin.llm.clear()
    acorn.twin.llm.say(calls=[("cancel_order", {"order": "AC-10042"})], when="moles")
    acorn.twin.llm.say("It is cancelled.", when="cancelled", times=None)
    asked = acorn.says("The moles dug up my garden, so the thing is pointless")
    conversation = asked["conversation_id"]
    question = acorn.transcript(conversation)[-1]
    assert "Cancel your order" in question["content"]["text"] and acorn.warehouse.calls == []
    with ThreadPoolExecutor(TOGETHER) as pool:
        yeses = [pool.submit(acorn.says, "yes") for _ in range(TOGETHER)]
        acorn.warehouse.may_end.wait(1.5)  # all four are with the service by then
        acorn.warehouse.may_end.set()
        for one in yeses:
            one.result()
    words = [one["content"]["text"] for one in acorn.transcript(conversation) if one["role"] == "bot"]
    assert [one["arguments"] for one in acorn.warehouse.calls] == [{"order": "AC-10042"}]
    assert words.count("It is cancelled.") == 1
    assert not any("cannot tell whether" in one for one in words)
