"""Nothing in the widget without a writer at the service, and nothing told to the widget without a reader in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from channels_app.adapters.config import CommonConfig
from channels_app.adapters.web import WebConfig
from messaging.webchat.frames import CLIENT_FRAMES
from messaging.webchat.views import SessionAnswer, WidgetConfig
from tenants.errors import TooMany

ROOT = Path(__file__).parents[3]
CODE = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "static/widget/src").glob("*.js")}
WIDGET = "\n".join(CODE.values())
SERVER = "\n".join(
    path.read_text(encoding="utf-8")
    for room in ("live", "sockets", "webchat")
    for path in (ROOT / "messaging" / room).rglob("*.py")
)
DOCUMENTED = (ROOT / "docs/channels/web.md").read_text(encoding="utf-8")

#: what the tenant's settings say, not the channel's
OF_THE_TENANT = {"bot_name", "uploads"}
#: what only the service reads
OF_THE_SERVICE = {"allowed_origins", "identity_secret", "without_origin"} | set(CommonConfig.model_fields)
#: frames for clients other than our widget, which uploads over HTTP and begins a session instead
FOR_OTHERS = {"ticket", "refresh", "pong"}


def names(pattern: str, code: str = WIDGET) -> set[str]:
    return set(re.findall(pattern, code))


def test_every_option_of_the_channel_is_told_and_read() -> None:
    read = names(r"\bconfig\.(\w+)")
    assert read == set(WidgetConfig.model_fields)
    assert set(WidgetConfig.model_fields) - OF_THE_TENANT == set(WebConfig.model_fields) - OF_THE_SERVICE


@pytest.mark.parametrize("name", sorted(set(WebConfig.model_fields) - set(CommonConfig.model_fields)))
def test_every_option_of_the_channel_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENTED


def test_every_attribute_of_the_tag_is_read_and_documented() -> None:
    taken = names(r"const \{([\w, ]+)\} = this\.#options") | names(r"\b(?:this\.#)?options\.(\w+)")
    read = {name for names_ in taken for name in re.split(r"\W+", names_) if name} - {"origin"}  # told by the address
    assert read == names(r"data-(\w+)", tag_documentation())


def tag_documentation() -> str:
    return DOCUMENTED.split("## On the page")[1].split("## ")[0]


def test_every_answer_of_the_session_is_read() -> None:
    read = names(r"#data\.(\w+)", CODE["session.js"])
    assert read == set(SessionAnswer.model_fields) - {"expires_in"}  # it asks anew when it is told to


def test_every_frame_that_the_widget_understands_is_sent_by_the_service() -> None:
    understood = names(r"^      (\w+): \(\) =>", CODE["incoming.js"]) | names(r'frame\.t === "(\w+)"')
    sent = names(r'"t": "(\w+)"', SERVER)
    assert understood - sent == set()


def test_every_error_after_which_the_widget_waits_is_one_of_the_service() -> None:
    (codes,) = names(r"PASSING = new Set\((\[.*?\])\)", CODE["incoming.js"])
    assert set(json.loads(codes)) == {TooMany.code, "too_many_visitors"}
    assert 'code="too_many_visitors"' in SERVER


def test_every_frame_that_the_widget_sends_is_taken_by_the_service() -> None:
    sent = names(r'\bt: "(\w+)"') - {"msg"}
    assert sent == set(CLIENT_FRAMES) - FOR_OTHERS


def test_every_close_code_that_the_widget_knows_is_sent() -> None:
    known = names(r"^  (\d{4}): ", CODE["connection.js"])
    documented = set(re.findall(r"\b\d{4}\b", DOCUMENTED.split("| close code")[1].split("## Limits")[0]))
    assert known <= documented
    assert known <= names(r"\b(\d{4})\b", SERVER)
