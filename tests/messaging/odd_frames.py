"""Frames of which one member is a value that no client of ours sends: as raw JSON, for some are no JSON of Python's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from messaging.sockets import reader

ODD = (
    r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', '"' + "x" * 30_000 + '"', '""', '"٣"', '"-1"', "null", "true",
    "-1", "1.5", "2147483648", "9223372036854775808", "1" + "0" * 400, "1e308", "-0", "[]", "{}", '["\\u0000"]',
    '{"\\u0000": 1}', '{"\\ud800": {"a": []}}', "[" * 60 + "]" * 60,
)  # fmt: skip
HOLE = "here stands the odd one"


def odd_texts(frame: Mapping[str, Any]) -> Iterator[str]:
    """The frame with each of its members in turn as each odd value, those of parts too, and with one more."""
    for holed in _holed(frame):
        text = json.dumps(holed)
        yield from (text.replace(f'"{HOLE}"', odd) for odd in ODD)


def _holed(frame: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in [*frame, "more"]:
        if name != "t":
            yield {**frame, name: HOLE}
        if isinstance(frame.get(name), dict):
            yield from ({**frame, name: part} for part in _holed(frame[name]))


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """No client is too fast, and none is ended for what it does wrong."""
    settings.ENV = {**settings.ENV, "ENABLE_RATE_LIMITING": False}
    for name, most in (("FRAMES_PER_S", 1e9), ("FRAMES_BURST", 10**9), ("STRIKES", 10**9)):
        monkeypatch.setattr(reader, name, most)


async def outlived(socket: Any, frame: Mapping[str, Any]) -> set[str]:
    """The codes of errors that a socket answers with, which goes on after each of them. ``<n>``: another one each time."""
    codes = set()
    for number, text in enumerate(odd_texts(frame)):
        await socket.send_to(text_data=text.replace("<n>", str(number)))
        await socket.send_json_to({"t": "ping", "n": 1_000_000 + number})
        while (answer := await socket.next()).get("n") != 1_000_000 + number or answer["t"] != "pong":
            codes |= {answer["code"]} if answer["t"] == "error" else set()
    return codes
