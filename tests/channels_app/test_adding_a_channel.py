"""docs/adding-a-channel.md is truthful: what it quotes stands in the files, what it names exists, and the
blocks of a module are the module."""

from __future__ import annotations

import hmac
import json
import re
import shlex
import sys
from pathlib import Path

import jsonschema
import pytest
from django.core.management import get_commands

from channels_app import registry
from channels_app.adapters.base import ChannelConfig
from channels_app.adapters.webhook import Webhook
from channels_app.adapters.webhook.envelope import schema
from channels_app.content.types import text
from channels_app.contract import (
    BadPayload,
    BadSignature,
    Ignored,
    InboundMessage,
    RawRequest,
    Sender,
    SendResult,
    Throttled,
)
from channels_app.words.moments import moment_of_unix
from tests.adapters.kit import Kit, OutboundCase, answer
from tests.adapters.test_webhook import ANA_OUT, KIT

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs/adding-a-channel.md").read_text()
GUIDE = (ROOT / "docs/channels/webhook.md").read_text()
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
QUOTED = [(path, code) for _, path, code in BLOCK.findall(TUTORIAL) if path]
COMMANDS = [line for kind, _, code in BLOCK.findall(TUTORIAL) if kind == "sh" for line in code.splitlines()]
NAMED = sorted(set(re.findall(r"`([\w.\-]+/[\w./\-]*)`", TUTORIAL)))
WHOLE = (
    "tests/channels_app/smallest_adapter.py",
    "channels_app/http/standard_webhooks.py",
    "channels_app/adapters/webhook/envelope.py",
    "channels_app/adapters/webhook/__init__.py",
    "channels_app/twin/platforms/webhook.py",
    "tests/adapters/payloads/webhook/message_text.json",
)


def test_there_is_something_to_check():
    assert (len(QUOTED) > 20, len(COMMANDS) > 6, len(NAMED) > 15) == (True, True, True)


@pytest.mark.parametrize(
    ("path", "code"), QUOTED, ids=[f"{path}-{code.strip().splitlines()[0][:40]}" for path, code in QUOTED]
)
def test_quoted_code_stands_in_the_file(path, code):
    assert f"\n{code}\n" in f"\n{(ROOT / path).read_text()}\n"


@pytest.mark.parametrize("path", WHOLE)
def test_the_blocks_of_a_module_are_the_module(path):
    told = [line for quoted, code in QUOTED if quoted == path for line in code.splitlines() if line]
    assert told == [line for line in (ROOT / path).read_text().splitlines() if line]


@pytest.mark.parametrize("path", NAMED)
def test_named_files_exist(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_can_be_run(command):
    """Program, make target, management command and test files are there; a one-liner compiles."""
    program, *words = shlex.split(command)
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    known = {"make": targets, "manage.py": get_commands()}
    assert program == "make" or Path(sys.executable).with_name(Path(program).name).exists()
    for before, word in zip([program, *words], words, strict=False):
        assert word in known.get(before, [word])
        assert (ROOT / word).exists() or not word.endswith(".py")
        compile(word if before == "-c" else "", "<one-liner>", "exec")


# -------------------------------------------------------------------- the shortest one

SECRET, TOKEN = "pigeon-secret-0123456789", "pigeon-token-0123456789"
SAID = {"type": "text", "id": "p1", "from": {"id": "ana", "name": "Ana"}, "text": "hello", "at": 1764331200}


@pytest.fixture
def pigeon(monkeypatch: pytest.MonkeyPatch) -> Kit:
    monkeypatch.setitem(registry.KINDS, "pigeon", "tests.channels_app.smallest_adapter.Pigeon")
    config = {"api_base": "https://pigeon.example", "token": TOKEN, "secret": SECRET}
    return Kit("pigeon", config, success=answer({"id": "out-1"}), result=SendResult("out-1"))


def posted(body: bytes, secret: str = SECRET) -> RawRequest:
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return RawRequest("POST", "/", {"x-pigeon-signature": signature}, body=body)


@pytest.mark.parametrize(
    ("body", "item"),
    [
        (SAID, InboundMessage("p1", Sender("pigeon", "ana", name="Ana"), text("hello"), moment_of_unix("1764331200"))),
        (
            {**SAID, "text": "x" * 5000},
            InboundMessage(
                "p1",
                Sender("pigeon", "ana", name="Ana"),
                text("x" * 4095 + "…", full_text="x" * 5000),
                moment_of_unix("1764331200"),
            ),
        ),
        ({**SAID, "type": "dance"}, Ignored("type:dance", "p1")),
        ({**SAID, "from": []}, Ignored("type:text", "p1")),
        ({**SAID, "text": ""}, Ignored("type:text", "p1")),
        ([], Ignored("type:")),
    ],
)
def test_the_shortest_adapter_understands(pigeon: Kit, body, item) -> None:
    assert pigeon.receive(posted(json.dumps(body).encode())) == [item]


def test_the_shortest_adapter_keeps_a_person_s_order(pigeon: Kit) -> None:
    assert pigeon.adapter.lane(posted(json.dumps(SAID).encode()), pigeon.configured) == "ana"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (posted(b"{}", secret="another"), BadSignature),
        (RawRequest("POST", "/", {}, body=b"{}"), BadSignature),
        (posted(b"{"), BadPayload),
    ],
)
def test_the_shortest_adapter_refuses(pigeon: Kit, raw, error) -> None:
    with pytest.raises(error):
        pigeon.receive(raw)


SENT = {
    "method": "POST",
    "url": "https://pigeon.example/send",
    "headers": {"authorization": f"Bearer {TOKEN}"},
    "json": {"to": "user-1", "text": "hello", "ref": "ref-1"},
}


@pytest.mark.parametrize(
    "case",
    [
        OutboundCase("taken", text("hello"), [SENT]),
        OutboundCase(
            "too many", text("hello"), [SENT], [answer(status=429, retry_after="7")], Throttled, "http_429", 7.0
        ),
    ],
    ids=str,
)
def test_the_shortest_adapter_sends(pigeon: Kit, case: OutboundCase) -> None:
    pigeon.run_outbound(case)


# ------------------------------------------------------------------ the operator's page


def examples() -> list[dict]:
    return [json.loads(code) for kind, _, code in BLOCK.findall(GUIDE) if kind == "json"]


def test_the_guide_s_event_is_understood():
    event = examples()[0]
    jsonschema.validate(event, schema())
    [item] = KIT.receive(KIT.request(event))
    assert isinstance(item, InboundMessage)


def test_the_guide_s_message_is_what_goes_out():
    example = examples()[1]
    message = KIT.message(KIT.receive(KIT.request(examples()[0]))[0].content)
    [payload] = Webhook().render(message, KIT.configured)
    assert list(example) == list(payload.json)
    assert set(example["content"]) == set(payload.json["content"])
    assert example["reference"] == ANA_OUT.reference


@pytest.mark.parametrize("name", sorted(Webhook.config_class.model_fields))
def test_the_guide_names_every_field(name):
    """What every kind has stands on one page."""
    shared = (ROOT / "docs/channel-settings.md").read_text() if name in ChannelConfig.model_fields else GUIDE
    assert f"`{name}`" in shared


@pytest.mark.parametrize("word", sorted(schema()["discriminator"]["mapping"]))
def test_the_guide_names_every_type(word):
    assert f"`{word}`" in GUIDE
