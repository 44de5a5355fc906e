"""The test kit of the adapters: a new channel's tests are tables, this runs them.

Owns payload files, cases, the recording HTTP client and the table of kits by kind. Must not know any
platform: what a kind's tests must know stands in ``KIT`` of ``tests/adapters/test_<kind>.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from channels_app.adapters.base import Adapter, ChannelConfig
from channels_app.content.types import Content, text
from channels_app.contract import (
    Http,
    HttpAnswer,
    InboundItem,
    OutboundMessage,
    RawRequest,
    Recipient,
    SendError,
    SendResult,
)
from channels_app.registry import KINDS, adapter_for

PAYLOADS = Path(__file__).parent / "payloads"
HELLO = text("hello")


@dataclass(frozen=True)
class InboundCase:
    """``payload`` is the name of a file in payloads/<kind>/ (without .json) or a body; ``expect`` the
    items that parse gives, or the error class that verify or parse raises."""

    label: str
    payload: str | Mapping[str, Any] | Sequence[Any]
    expect: Sequence[InboundItem] | type[Exception]

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class OutboundCase:
    """A message (or its content, sent to the kit's recipient), what the platform replies to each call
    (an exception is raised), the calls that must be made and what comes of them.

    An expected request names what must be equal: method, url, json, data, and some of the headers.
    ``code`` and ``retry_after`` are compared when ``expect`` is an error class.
    """

    label: str
    message: Content | OutboundMessage
    expect_requests: Sequence[Mapping[str, Any]] = ()
    replies: Sequence[HttpAnswer | Exception] | None = None  # None: the kit's success, once per request
    expect: Sequence[SendResult] | type[SendError] | None = None  # None: the kit's result, once per request
    code: str = ""
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.label


@dataclass
class RecordingHttp:
    """An Http that hands out ``replies`` in order, fails on one call too many and, in ``finish``, on
    one too few. Calls to the addresses of ``aside`` are answered from there and not recorded."""

    replies: Sequence[HttpAnswer | Exception]
    requests: list[dict[str, Any]] = field(default_factory=list)
    aside: Mapping[str, HttpAnswer] = field(default_factory=dict)

    def request(self, method: str, url: str, **parts: Any) -> HttpAnswer:
        if url in self.aside:
            return self.aside[url]
        assert len(self.requests) < len(self.replies), f"unexpected request: {method} {url}"
        self.requests.append({"method": method, "url": url, **parts})
        reply = self.replies[len(self.requests) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def fetch(self, url: str, **parts: Any) -> HttpAnswer:
        return self.request("GET", url, **parts)

    def finish(self) -> None:
        unused = self.replies[len(self.requests) :]
        assert not unused, f"replies that were not asked for: {unused}"


@dataclass(frozen=True)
class Kit:
    """What the tests must know of a kind, and all of it.

    ``config`` holds secret values that can be recognised in a text. ``sign`` returns the request as
    the platform would sign it. ``success`` is the platform's answer to a send, ``result`` what becomes
    of it. ``signature`` is the header that carries the proof and ``signs_body`` whether it covers the body.
    ``published`` gives the HTTP client that ``verify`` fetches the platform's keys with.
    ``aside`` answers the calls that go before a send, to where the platform hands out its tokens.
    ``said_as`` gives the form in which words are found in a payload (a call speaks them, in XML).
    ``own_echo`` names the payload file of an echo of our own message, "" where there are none.
    ``any_address``: people's addresses are an integrator's own, so that none can be told to be wrong.
    """

    kind: str
    config: Mapping[str, Any]
    inbound: Sequence[InboundCase] = ()
    outbound: Sequence[OutboundCase] = ()
    sign: Callable[[RawRequest, Any], RawRequest] = lambda raw, config: raw
    signature: str = ""
    signs_body: bool = True
    published: Callable[[], Http] = lambda: RecordingHttp([])
    recipient: Recipient = Recipient("user-1")
    success: HttpAnswer = HttpAnswer(200, {}, b"{}")
    result: SendResult = SendResult()
    aside: Mapping[str, HttpAnswer] = field(default_factory=dict)
    said_as: Callable[[str], str] = str
    own_echo: str = ""
    any_address: bool = False

    @property
    def adapter(self) -> Adapter:
        return adapter_for(self.kind)

    @cached_property
    def configured(self) -> ChannelConfig:
        return self.adapter.config_class(**self.config)

    @property
    def secrets(self) -> list[str]:
        return [getattr(self.configured, name) for name in sorted(self.adapter.secret_keys)]

    # ---- inbound

    def payload_files(self) -> list[str]:
        return list(self._payload_files)

    @cached_property
    def _payload_files(self) -> list[str]:
        return sorted(path.stem for path in (PAYLOADS / self.kind).glob("*.json"))

    def stored(self, name: str) -> dict[str, Any]:
        return json.loads((PAYLOADS / self.kind / f"{name}.json").read_text())

    def request(self, payload: str | Mapping[str, Any] | Sequence[Any]) -> RawRequest:
        """A signed request: a payload file by name, or the first file's with ``payload`` as its body."""
        if isinstance(payload, str):
            return self.sign(raw_request(self.stored(payload)), self.configured)
        return self.sign(raw_request({**self._frame, "body": payload}), self.configured)

    def signed(self, body: bytes) -> RawRequest:
        """The first payload file's request with ``body`` in its place."""
        return self.sign(replace(raw_request(self._frame), body=body), self.configured)

    @cached_property
    def _frame(self) -> dict[str, Any]:
        return next((self.stored(name) for name in self.payload_files()), {"method": "POST", "path": "/"})

    def verify(self, raw: RawRequest) -> None:
        self.adapter.verify(raw, self.configured, self.published())

    def receive(self, raw: RawRequest) -> list[InboundItem]:
        self.verify(raw)
        return list(self.adapter.parse(raw, self.configured))

    def run_inbound(self, case: InboundCase) -> None:
        if isinstance(case.expect, type):
            with pytest.raises(case.expect):
                self.receive(self.request(case.payload))
        else:
            assert self.receive(self.request(case.payload)) == list(case.expect)

    # ---- outbound

    def message(self, content: Content | OutboundMessage) -> OutboundMessage:
        return content if isinstance(content, OutboundMessage) else OutboundMessage("ref-1", self.recipient, content)

    def send(self, http: RecordingHttp, content: Content | OutboundMessage = HELLO) -> list[SendResult]:
        payloads = self.adapter.render(self.message(content), self.configured)
        http.aside = {**self.aside, **http.aside}
        return [self.adapter.send(payload, self.configured, http) for payload in payloads]

    def run_outbound(self, case: OutboundCase) -> None:
        http = RecordingHttp([self.success] * len(case.expect_requests) if case.replies is None else case.replies)
        if isinstance(case.expect, type):
            with pytest.raises(case.expect) as caught:
                self.send(http, case.message)
            assert type(caught.value) is case.expect
            assert (caught.value.code, caught.value.retry_after) == (case.code, case.retry_after)
        else:
            expect = [self.result] * len(case.expect_requests) if case.expect is None else list(case.expect)
            assert self.send(http, case.message) == expect
        http.finish()
        assert [_named(sent, wanted) for sent, wanted in zip(http.requests, case.expect_requests, strict=False)] == [
            dict(wanted) for wanted in case.expect_requests
        ]


def _named(sent: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Of a request only what the case names."""
    named = {name: sent.get(name) for name in wanted}
    if "headers" in wanted:
        named["headers"] = {name: (sent["headers"] or {}).get(name) for name in wanted["headers"]}
    return named


def raw_request(stored: Mapping[str, Any]) -> RawRequest:
    """A payload file as a request. ``body`` is text, an object (sent as JSON) or, with ``form``, an
    object that is sent as a form."""
    body = stored.get("body", "")
    if not isinstance(body, str):
        body = urlencode(_written(body)) if stored.get("form") and isinstance(body, dict) else json.dumps(body)
    facts = {name: stored[name] for name in ("method", "path", "headers", "query", "url") if name in stored}
    return RawRequest(**facts, body=body.encode())


def _written(form: Mapping[str, Any]) -> dict[str, str]:
    """Fields that are objects go as JSON (Slack's ``payload``)."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()}


def answer(body: Any = None, status: int = 200, **headers: str) -> HttpAnswer:
    """An answer with a JSON body; header names take ``_`` for ``-``."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status, names, b"" if body is None else json.dumps(body).encode())


def kit_for(kind: str) -> Kit:
    return import_module(f"tests.adapters.test_{kind}").KIT


def kits() -> list[Kit]:
    return [kit_for(kind) for kind in KINDS]
