"""What of a call's end leaves open whether it was obeyed: such a call is not made again (AI-7)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from assistant.tools import calling, mcp_servers
from assistant.tools.calling import Caller, http_called
from assistant.tools.models import Tool
from channels_app.contract import OutcomeUnknown, Rejected, Unreachable
from channels_app.http.client import HttpAnswer

TOOL = Tool(
    name="cancel_order", url="https://tools.example.com/x", secret="whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)
CALLER = Caller("c", "call_1", {})


class Server:
    """Ends each request in one way."""

    def __init__(self, end: Any):
        self.end = end

    def request(self, *_: Any, **__: Any) -> HttpAnswer:
        if isinstance(self.end, Exception):
            raise self.end
        return HttpAnswer(self.end[0], {}, self.end[1])


@pytest.mark.parametrize(
    ("end", "code", "unsure"),
    [
        ((200, b"done"), "ok", False),
        ((200, b"\xff"), "answer_not_text", True),
        ((409, b""), "http_409", False),
        ((500, b""), "http_500", True),
        ((503, b""), "http_503", False),
        ((504, b""), "http_504", True),
        (OutcomeUnknown("read_timeout"), "read_timeout", True),
        (Unreachable("connect_failed"), "connect_failed", False),
        (Rejected("address_blocked"), "address_blocked", False),
    ],
)
def test_by_http(monkeypatch: pytest.MonkeyPatch, end: Any, code: str, unsure: bool) -> None:
    monkeypatch.setattr(calling, "client_of", lambda *_: Server(end))
    outcome = http_called(TOOL, {}, CALLER, 5)
    assert (outcome.code, outcome.unsure) == (code, unsure)


@pytest.mark.parametrize("opened", [False, True])
def test_by_mcp_from_the_moment_the_call_goes_out(monkeypatch: pytest.MonkeyPatch, opened: bool) -> None:
    class Session:
        async def call_tool(self, *_: Any) -> Any:
            await anyio.sleep(0)
            raise TimeoutError

    async def in_session(_url: str, _token: str, _seconds: float, ask: Any) -> Any:
        if opened:
            return await ask(Session())
        raise TimeoutError

    monkeypatch.setattr(mcp_servers, "_in_session", in_session)
    outcome = mcp_servers.called("https://tools.example.com/mcp", "", "cancel_order", {}, 5)
    assert (outcome.code, outcome.unsure) == ("timeout", opened)
