"""A body that is not what its platform promises counts as malformed, at whatever level; what else it holds is taken
(CH-6, EVT-5)."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from channels_app.adapters.messenger import inbound as messenger
from channels_app.adapters.slack import inbound as slack
from channels_app.adapters.slack import interactive
from channels_app.adapters.teams import inbound as teams
from channels_app.adapters.whatsapp import inbound as whatsapp
from channels_app.adapters.wire import misshapen
from channels_app.contract import BadPayload, InboundMessage, Malformed
from tests.adapters.kit import Kit, kit_for, kits

KITS = [kit for kit in kits() if kit.payload_files()]
MIXED = "mixed_batch"  # of which some are odd
WRONG: dict[type, list[Any]] = {dict: ["x", 7, ["x"]], list: ["x", 7, {"a": "x"}], str: [["x"], {"a": "x"}, True]}


def shape_of(kit: Kit, stored: dict[str, Any]) -> Any:
    shapes = {"whatsapp": whatsapp.SHAPE, "messenger": messenger.SHAPE, "teams": teams.SHAPE, "slack": slack.SHAPE}
    return interactive.SHAPE if kit.kind == "slack" and stored.get("form") else shapes.get(kit.kind)


def places(value: Any, shape: Any, *path: Any) -> Iterator[tuple[tuple[Any, ...], type]]:
    """Every place in ``value`` of which ``shape`` says what stands there."""
    if path:
        yield path, str if shape is str else type(shape)
    if isinstance(shape, dict):
        for name in shape.keys() & value.keys():
            if value[name] is not None:
                yield from places(value[name], shape[name], *path, name)
    elif isinstance(shape, list):
        for number, entry in enumerate(value):
            yield from places(entry, shape[0], *path, number)


def replaced(body: Any, path: tuple[Any, ...], by: Any) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = by
    return changed


@pytest.mark.parametrize(
    ("kit", "name"),
    [pytest.param(kit, name, id=f"{kit.kind}-{name}") for kit in KITS for name in kit.payload_files() if name != MIXED],
)
def test_no_body_of_a_platform_is_malformed(kit, name) -> None:
    with suppress(BadPayload):  # bodies that are refused as a whole
        assert [item for item in kit.receive(kit.request(name)) if isinstance(item, Malformed)] == []


CASES = [
    pytest.param(kit, name, id=f"{kit.kind}-{name}")
    for kit in KITS
    for name in kit.payload_files()
    if kit.kind in ("whatsapp", "messenger", "slack", "teams") and name != MIXED
]


@pytest.mark.parametrize(("kit", "name"), CASES)
def test_another_kind_at_any_place_is_told_by_its_place(kit, name) -> None:
    stored = kit.stored(name)
    body = stored.get("body")
    body = body.get("payload", {}) if stored.get("form") and isinstance(body, dict) else body
    body = json.loads(body) if isinstance(body, str) else body
    shape = shape_of(kit, stored)
    assert misshapen(body, shape) == []
    for path, kind in places(body, shape):
        for by in WRONG[kind]:
            told = misshapen(replaced(body, path, by), shape)
            assert [item.reason for item in told] == [f"malformed:{'.'.join(map(str, path))}"]


def whole(kind: str) -> tuple[Kit, dict[str, Any]]:
    kit = kit_for(kind)
    name = {"whatsapp": "text", "messenger": "text", "slack": "dm_text", "teams": "message", "sms": "text"}[kind]
    return kit, kit.stored(name)["body"]


ODD = {
    "whatsapp, entry is no list": ("whatsapp", ("entry",), {"id": "1"}),
    "whatsapp, an entry is no object": ("whatsapp", ("entry", 0), "x"),
    "whatsapp, changes are no list": ("whatsapp", ("entry", 0, "changes"), {}),
    "whatsapp, a change is no object": ("whatsapp", ("entry", 0, "changes", 0), 7),
    "whatsapp, a value is no object": ("whatsapp", ("entry", 0, "changes", 0, "value"), []),
    "whatsapp, messages are no list": ("whatsapp", ("entry", 0, "changes", 0, "value", "messages"), {"id": "1"}),
    "whatsapp, a text is no object": ("whatsapp", ("entry", 0, "changes", 0, "value", "messages", 0, "text"), "hi"),
    "messenger, entry is no list": ("messenger", ("entry",), "x"),
    "messenger, an entry is no object": ("messenger", ("entry", 0), []),
    "messenger, messaging is no list": ("messenger", ("entry", 0, "messaging"), {"sender": {"id": "1"}}),
    "messenger, an event is no object": ("messenger", ("entry", 0, "messaging", 0), "x"),
    "messenger, a message is no object": ("messenger", ("entry", 0, "messaging", 0, "message"), "hi"),
    "messenger, a sender is no object": ("messenger", ("entry", 0, "messaging", 0, "sender"), "7"),
    "slack, an event is no object": ("slack", ("event",), [1]),
    "slack, a text is no text": ("slack", ("event", "text"), {"a": 1}),
    "slack, grants are no list": ("slack", ("authorizations",), {"team_id": "T"}),
    "teams, a sender is no object": ("teams", ("from",), "29:1"),
    "teams, attachments are no list": ("teams", ("attachments",), {"contentType": "x"}),
    "teams, a text is no text": ("teams", ("text",), ["hi"]),
    "teams, a conversation is no object": ("teams", ("conversation",), "a"),
    "sms, a count is no number": ("sms", ("NumMedia",), "many"),
}


@pytest.mark.parametrize(("kind", "path", "by"), ODD.values(), ids=ODD)
def test_an_odd_body_is_malformed(kind, path, by) -> None:
    kit, body = whole(kind)
    try:
        items = kit.receive(kit.request(replaced(body, path, by)))
    except BadPayload:
        return
    assert [item for item in items if isinstance(item, Malformed)] != []


@pytest.mark.parametrize("kind", ["whatsapp", "messenger"])
@pytest.mark.parametrize("body", [{}, {"entry": None}], ids=["absent", "null"])
def test_a_body_without_entries_is_malformed(kind, body) -> None:
    kit = kit_for(kind)
    sent = {"object": {"whatsapp": "whatsapp_business_account", "messenger": "page"}[kind], **body}
    assert [item.reason for item in kit.receive(kit.request(sent))] == ["malformed:entry"]


@pytest.mark.parametrize("kind", ["whatsapp", "messenger"])
def test_the_others_of_the_request_are_taken(kind) -> None:
    kit, body = whole(kind)
    items = kit.receive(kit.request({**body, "entry": ["x", *body["entry"]]}))
    assert [item.reason for item in items if isinstance(item, Malformed)] == ["malformed:entry.0"]
    assert [type(item) for item in items if isinstance(item, InboundMessage)] == [InboundMessage]
