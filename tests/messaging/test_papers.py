"""The AsyncAPI documents of both sockets: current, sound, and no looser than the code (WS-2, WEB-3)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator, ValidationError

from messaging.desk.consumer import AgentConsumer
from messaging.webchat.sockets.consumer import WebchatConsumer
from tests.messaging.papers import PROTOCOLS, must_be_published

ROOT = Path(__file__).parents[2]
CONSUMERS = {"desk-chat.v1": WebchatConsumer, "desk-agent.v1": AgentConsumer}
NAMES = pytest.mark.parametrize("name", sorted(PROTOCOLS))


def test_the_documents_in_docs_are_current() -> None:
    call_command("asyncapi", check=True)


@NAMES
def test_all_that_a_client_may_say_is_in_it(name: str) -> None:
    document, consumer = PROTOCOLS[name].document(), CONSUMERS[name]
    messages = document["components"]["messages"]
    assert {f"client.{kind}" for kind in consumer.frames} == {one for one in messages if one.startswith("client.")}
    assert consumer.protocol == name
    for kind in consumer.frames:
        assert callable(getattr(consumer, f"on_{kind}"))


@NAMES
def test_every_reference_leads_somewhere_and_every_schema_is_one(name: str) -> None:
    text, document = PROTOCOLS[name].text(), PROTOCOLS[name].document()
    for path in set(re.findall(r"'(#/[^']+)'", text)):
        place = document
        for part in path[2:].split("/"):
            place = place[part]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@NAMES
def test_the_close_codes_are_those_of_the_page(name: str) -> None:
    page = (ROOT / PROTOCOLS[name].page).read_text()
    rows = re.findall(r"^\| ([\d, ]+) \|", page[page.index("| close code") :], re.MULTILINE)
    codes = {int(code) for row in rows for code in row.split(",")}
    assert codes == set(PROTOCOLS[name].closes)


@pytest.mark.parametrize(
    "frame",
    [{"t": "dance"}, {"t": "pong"}, {"t": "pong", "n": 1, "more": 2}, {"t": "bye", "reason": 1, "reconnect": True, "after_s": 0}],
    ids=["unknown", "missing", "more", "wrong"],
)  # fmt: skip
def test_a_frame_that_is_not_published_is_noticed(frame: dict[str, object]) -> None:
    with pytest.raises((ValidationError, KeyError)):
        must_be_published("desk-agent.v1", frame)
