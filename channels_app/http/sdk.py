"""The way out for packages that speak to a service by themselves (the SDKs of language models).

Owns a client of theirs that goes through our guarded connections: the check of the address, the exchange's deadline, no
redirect, no proxy, a bound for the answer, and no header but those of the exchange. Must not know any service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx2

from channels_app.http.client import MAX_ANSWER_BYTES, USER_AGENT, _pool, authority, listed, observe

#: what goes out: an SDK adds what the machine is, and what the environment names for servers of ours
HEADERS = frozenset(
    {"accept", "anthropic-version", "authorization", "content-length", "content-type", "host", "x-api-key"}
)
#: the first match counts
FAULTS: tuple[tuple[type[Exception], type[httpx2.HTTPError]], ...] = (
    (httpcore.ConnectTimeout, httpx2.ConnectTimeout),
    (httpcore.PoolTimeout, httpx2.PoolTimeout),
    (httpcore.WriteTimeout, httpx2.WriteTimeout),
    (httpcore.TimeoutException, httpx2.ReadTimeout),
    (httpcore.ConnectError, httpx2.ConnectError),
    (httpcore.UnsupportedProtocol, httpx2.UnsupportedProtocol),
    (httpcore.LocalProtocolError, httpx2.LocalProtocolError),
    (httpcore.ProtocolError, httpx2.RemoteProtocolError),
    (httpcore.NetworkError, httpx2.ReadError),
)


def guarded_client(allow_hosts: frozenset[str], *, max_bytes: int = MAX_ANSWER_BYTES) -> httpx2.Client:
    """A client for an SDK; cheap, and usable by several threads. ``allow_hosts`` as HttpClient has them.

    Its exchanges end within ``channels_app.http.network.deadline``, which the caller opens. Beside httpx2's own errors it
    raises Rejected ``address_blocked`` and Unreachable ``dns_failed``.
    """
    return httpx2.Client(transport=_Guarded(allow_hosts, max_bytes), follow_redirects=False, trust_env=False)


class _Guarded(httpx2.BaseTransport):
    def __init__(self, allow_hosts: frozenset[str], max_bytes: int):
        self._allow_hosts, self._max_bytes = allow_hosts, max_bytes

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        if not authority(url):
            raise httpx2.UnsupportedProtocol("Only http and https addresses with a host can be called.")
        headers = [(name, value) for name, value in request.headers.raw if name.decode("ascii").lower() in HEADERS]
        # no compression: the size limit then counts what crosses the wire
        headers += [(b"user-agent", USER_AGENT.encode()), (b"accept-encoding", b"identity")]
        note: dict[str, Any] = {"method": request.method, "url": url, "status": None, "error": ""}
        with observe(note), _faults():
            raw = _pool(listed(authority(url), self._allow_hosts)).handle_request(
                httpcore.Request(
                    request.method, url, headers=headers, content=request.read(),
                    extensions={"timeout": request.extensions.get("timeout", {})},
                )
            )  # fmt: skip
            note["status"] = raw.status
        # compressed all the same, it is not unpacked: a few bytes can hold gigabytes
        answered = [(name, value) for name, value in raw.headers if name.lower() != b"content-encoding"]
        return httpx2.Response(raw.status, headers=answered, stream=_Body(raw, self._max_bytes), request=request)


class _Body(httpx2.SyncByteStream):
    def __init__(self, raw: httpcore.Response, max_bytes: int):
        self._raw, self._max_bytes = raw, max_bytes

    def __iter__(self) -> Iterator[bytes]:
        total = 0
        with _faults():
            for chunk in self._raw.iter_stream():
                total += len(chunk)
                if total > self._max_bytes:
                    raise httpx2.RemoteProtocolError("answer_too_large")
                yield chunk

    def close(self) -> None:
        self._raw.close()


@contextmanager
def _faults() -> Iterator[None]:
    """What httpcore raises, as the SDKs know it."""
    known = tuple(fault for fault, _meaning in FAULTS)
    try:
        yield
    except known as error:
        meaning = next(meaning for fault, meaning in FAULTS if isinstance(error, fault))
        raise meaning(type(error).__name__) from error
