"""One id follows one message through the log of every step, and the log holds nothing that was said."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from channels_app.twin import server
from channels_app.twin.calls import Webhook
from channels_app.twin.platforms import whatsapp
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, set_up

TRAIL = "trail-0123456789"
WORDS = "Do you sell purple umbrellas? My secret is swordfish."


def test_one_id_from_the_webhook_to_the_delivery(tmp_path: Path) -> None:
    port = free_port()
    environ = environment(port, f"sqlite:///{tmp_path}/trail.sqlite3", LOG_LEVEL="DEBUG")
    with server.start(log=tmp_path / "twin.jsonl") as twin:
        set_up(environ, twin)
        service = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
        service.start()
        try:
            _, [webhook] = whatsapp.say(twin, {"from": "15550700001", "text": WORDS})
            post(webhook)
            wait_until(lambda: twin.sent and steps(tmp_path).keys() >= STEPS.keys(), 60, "the reply is delivered")
        finally:
            service.kill()
    found = steps(tmp_path)
    assert {name: line["correlation_id"] for name, line in found.items()} == dict.fromkeys(STEPS, TRAIL)
    assert {line["tenant_id"] for line in found.values() if "tenant_id" in line} == {found["turn_done"]["tenant_id"]}
    of_conversation = {name: line["conversation_id"] for name, line in found.items() if "conversation_id" in line}
    assert of_conversation.keys() >= {"message_accepted", "turn_done", "delivery_tried"}
    assert len(set(of_conversation.values())) == 1
    assert found["message_accepted"]["message_id"] == found["turn_done"]["message_id"]
    text = (tmp_path / "serve.log").read_text()
    for hidden in ("umbrella", "swordfish", str(whatsapp.SETTINGS["app_secret"]), "15550700001", *said(twin)):
        assert hidden not in text


#: the steps by their log lines, in which every process of a message's journey shows
STEPS = {
    "request_done": "the webhook's answer",
    "message_accepted": "the receipt's task",
    "turn_done": "the turn's task",
    "delivery_tried": "the lane's task",
}


def steps(folder: Path) -> dict[str, dict[str, Any]]:
    """The first line of each step that has the id."""
    lines = [json.loads(line) for line in (folder / "serve.log").read_text().splitlines() if line.startswith("{")]
    ours = [line for line in lines if line.get("correlation_id") == TRAIL]
    return {line["event"]: line for line in reversed(ours) if line["event"] in STEPS}


def said(twin: Any) -> list[str]:
    return [sent["text"] for sent in twin.sent if sent.get("text")]


def post(webhook: Webhook) -> None:
    where = urlsplit(webhook.url)
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    connection.request("POST", where.path, webhook.body, {**webhook.headers, "X-Correlation-ID": TRAIL})
    assert connection.getresponse().status == 200
    connection.close()
