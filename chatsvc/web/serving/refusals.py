"""What a server refuses by itself, before a view is asked: in the one shape of all errors (API-5).

Owns these errors, and where daphne's library writes texts of its own instead. granian answers what it cannot read by
itself, without a body. Must not know views.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from chatsvc.web.errors import InternalError, error_body
from tenants.errors import ServiceError, Unavailable
from tenants.storage.db import new_id


class BodyTooSlow(ServiceError):
    status, code, message = 408, "body_too_slow", "The body did not come in time."


class AddressTooLong(ServiceError):
    status, code, message = 414, "address_too_long", "The address is too long."


class HeadersTooLarge(ServiceError):
    status, code, message = 431, "headers_too_large", "The headers are too many or too long."


class MalformedRequest(ServiceError):
    status, code, message = (
        400,
        "malformed_request",
        "The request line, a header or the length of the body cannot be read.",
    )


Headers = list[tuple[str, str]]


def refusal(shown: ServiceError) -> tuple[Headers, bytes]:
    """Headers and body of an answer. The request got no further than this, so it has no id yet: it gets one here."""
    request_id = str(new_id())
    body = error_body(shown, request_id)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("X-Request-ID", request_id)]
    return headers, body


def answer_for_twisted() -> None:
    """Twisted cuts the connection at an address or a header of more than 16 KiB, and answers the rest of what it
    cannot read without a body; daphne shows pages, which tell exceptions. Put in once, however many servers there are."""
    from daphne.http_protocol import WebRequest
    from twisted.web.http import HTTPChannel

    def too_long(channel: Any, line: bytes = b"") -> None:
        _cut(channel, AddressTooLong() if channel._HTTPChannel__first_line else HeadersTooLarge())

    def unreadable(channel: Any) -> None:
        _cut(channel, HeadersTooLarge() if channel._receivedHeaderCount > channel.maxHeaders else MalformedRequest())

    def line_received(channel: Any, line: bytes) -> Any:
        if channel._receivedHeaderSize + len(line) > channel.totalHeadersSize:
            return too_long(channel)
        return whole(channel, line)

    whole = getattr(HTTPChannel.lineReceived, "whole", HTTPChannel.lineReceived)
    line_received.whole = whole  # type: ignore[attr-defined]
    HTTPChannel.lineReceived, HTTPChannel.lineLengthExceeded = line_received, too_long  # type: ignore[method-assign]
    HTTPChannel._respondToBadRequestAndDisconnect = unreadable  # type: ignore[method-assign]
    WebRequest.basic_error = _page


def _cut(channel: Any, shown: ServiceError) -> None:
    headers, body = refusal(shown)
    lines = [f"HTTP/1.1 {shown.status} {HTTPStatus(shown.status).phrase}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    channel.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
    channel.loseConnection()


def _page(request: Any, status: int, status_text: bytes, body: str) -> None:
    """In place of daphne's own page."""
    shown = {400: MalformedRequest(), 503: Unavailable()}.get(status, InternalError())
    headers, told = refusal(shown)
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    request.handle_reply({"type": "http.response.start", "status": shown.status, "headers": pairs})
    request.handle_reply({"type": "http.response.body", "body": told})
