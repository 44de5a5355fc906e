"""Servers of the Model Context Protocol, by the official SDK over streamable HTTP: what they offer, and one call.

Owns the bridge from the SDK's HTTP to the guarded client, and the bounds of what comes back. Must not decide which tools are
allowed: rows do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
import httpx2
from mcp import ClientSession, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND, PaginatedRequestParams, TextContent

from assistant.tools.calling import MOST_ANSWER, Outcome, told
from channels_app.contract import SendError
from channels_app.http.client import HttpClient
from channels_app.services import outbound_hosts

MOST_TOOLS = 200  # of a server's list
MOST_PAGES = 10
#: the protocol's refusals of a call that is none: no such tool, as it is called otherwise by now, or not with these arguments
UNDONE = frozenset({METHOD_NOT_FOUND, INVALID_PARAMS})
REFUSED = "call_refused"  # the server's word that it did nothing
#: hop by hop, or written anew by the guarded client
OWN_HEADERS = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding", "user-agent"})


@dataclass(frozen=True)
class Offered:
    """A tool as a server describes it: words of others. ``reads_only``: the server says that it changes nothing."""

    name: str
    title: str
    description: str
    schema: Mapping[str, Any]
    reads_only: bool


class ServerError(Exception):
    """No list came about. ``code`` is stable."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def offered_by(url: str, token: str, seconds: float) -> list[Offered]:
    """What the server lists, at most MOST_TOOLS. Raises ServerError."""

    async def ask(session: ClientSession) -> list[Offered]:
        found: list[Offered] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            found += [
                Offered(
                    one.name,
                    one.title or "",
                    one.description or "",
                    one.input_schema,
                    bool(one.annotations and one.annotations.read_only_hint),
                )
                for one in page.tools
            ]
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_TOOLS:
                break
        return found[:MOST_TOOLS]

    try:
        return anyio.run(_in_session, url, token, seconds, ask)
    except Exception as error:
        raise ServerError(_code_of(error)) from error


def called(url: str, token: str, name: str, arguments: Mapping[str, Any], seconds: float) -> Outcome:
    """Call one tool. Never raises for what the other side does."""
    began, sent = time.monotonic(), False

    async def ask(session: ClientSession) -> Any:
        nonlocal sent
        sent = True
        return await session.call_tool(name, dict(arguments))

    try:
        result = anyio.run(_in_session, url, token, seconds, ask)
    except Exception as error:  # noqa: BLE001  the SDK raises groups of whatever broke
        code = _code_of(error)
        unsure = sent and code != REFUSED
        return Outcome(code, took_ms=int((time.monotonic() - began) * 1000), unsure=unsure)
    words = [one.text for one in result.content if isinstance(one, TextContent)]
    if result.structured_content is not None and not words:
        words = [json.dumps(result.structured_content, ensure_ascii=False)]
    took_ms = int((time.monotonic() - began) * 1000)
    return Outcome("tool_failed" if result.is_error else "ok", told("\n".join(words)), took_ms)


class _Session(ClientSession):
    """Takes results as they are, for they are data whatever their schema says. The SDK would ask for the server's list behind each
    call, whose failure makes nothing of a call that was made, and follow a schema of the server's that need not end."""

    async def validate_tool_result(self, name: str, result: Any) -> None:
        """Nothing to hold them to."""


async def _in_session(url: str, token: str, seconds: float, ask: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with anyio.fail_after(seconds):
        async with (
            httpx2.AsyncClient(transport=_Guarded(token, seconds), headers=headers) as http,
            streamable_http_client(url, http_client=http, terminate_on_close=False) as streams,
            _Session(*streams, read_timeout_seconds=seconds) as session,
        ):
            await session.initialize()
            return await ask(session)


class _Guarded(httpx2.AsyncBaseTransport):
    """The SDK's requests, made by the guarded client in a thread: whole answers within the bounds of size and time. A stream
    that a server would push on by itself is declined, as the protocol allows."""

    def __init__(self, token: str, seconds: float):
        self._client = HttpClient(
            frozenset({token} if token else ()), allow_hosts=outbound_hosts(), read_s=seconds, total_s=seconds,
            max_bytes=MOST_ANSWER * 4,
        )  # fmt: skip

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(405, request=request)
        body = await request.aread()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
        try:
            answer = await anyio.to_thread.run_sync(
                lambda: self._client.request(request.method, str(request.url), headers=headers, content=body),
                abandon_on_cancel=True,
            )
        except SendError as error:
            raise httpx2.ConnectError(error.code, request=request) from error
        return httpx2.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)


def _code_of(error: BaseException) -> str:
    """A stable code for whatever the SDK raised, alone or in a group."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SendError):
            return cause.code
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, MCPError) and error.code in UNDONE:
        return REFUSED
    return "timeout" if isinstance(error, TimeoutError) else "server_unusable"
