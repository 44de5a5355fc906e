"""The one way out: the HTTP client handed to adapters, and guarded downloads.

Owns time-outs, size limits, the mapping of faults to SendErrors and the redacted trace. Must not know
any platform, nor follow what an environment variable or a cookie says: httpx builds the requests, a
connection pool per process carries them, and nothing of one tenant's exchange stays for the next.
"""

from __future__ import annotations

import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import httpcore
import httpx

from channels_app.contract import HttpAnswer, OutcomeUnknown, Rejected, SendError, Unreachable
from channels_app.http.network import GuardedBackend, deadline
from channels_app.http.redact import Redactor, redact
from tenants.storage.room import no_room

__all__ = ["Download", "HttpClient", "authority", "listed", "redact"]

CONNECT_S = 2.0
READ_S = 10.0
TOTAL_S = 20.0
DOWNLOAD_S = 60.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024
USER_AGENT = "chatsvc/1"
PORTS = {"http": 80, "https": 443}
#: what is left of a name after IDNA (httpx would escape the rest and go on), in labels as DNS has them, or an address of IPv6
HOST = re.compile(r"(?=.{1,254}\Z)([0-9a-z_-]{1,63}\.)*[0-9a-z_-]{1,63}\.?|[0-9a-f:.]+")
REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: what went wrong → what it means for the message; the first match counts
FAULTS: tuple[tuple[type[Exception], type[SendError], str], ...] = (
    (httpcore.ConnectTimeout, Unreachable, "connect_timeout"),
    (httpcore.ConnectError, Unreachable, "connect_failed"),
    (httpcore.PoolTimeout, Unreachable, "pool_busy"),
    (httpcore.UnsupportedProtocol, Rejected, "bad_url"),
    (httpcore.LocalProtocolError, Rejected, "bad_request"),
    (httpcore.ReadTimeout, OutcomeUnknown, "read_timeout"),
    (httpcore.WriteTimeout, OutcomeUnknown, "write_timeout"),
    (httpcore.ReadError, OutcomeUnknown, "connection_reset"),
    (httpcore.WriteError, OutcomeUnknown, "connection_reset"),
    (httpcore.ProtocolError, OutcomeUnknown, "answer_broken"),
    (httpx.DecodingError, OutcomeUnknown, "answer_broken"),
)

#: entered around each exchange: what a thread that waits need not hold is given back
while_waiting: Callable[[], AbstractContextManager[object]] = nullcontext
#: OpenSSL's verify code → what is wrong with a certificate; https://docs.openssl.org/master/man1/openssl-verification-options/
CERTIFICATE = "certificate_refused"
CERTIFICATES = {
    9: "not_yet_valid", 10: "expired", 18: "self_signed", 19: "self_signed", 20: "unknown_issuer", 21: "unknown_issuer",
    23: "revoked", 62: "wrong_name", 64: "wrong_name",
}  # fmt: skip

#: entered around each exchange with its redacted note, complete when it ends: for traces
observe: Callable[[Mapping[str, Any]], AbstractContextManager[object]] = nullcontext


@lru_cache(maxsize=256)
def authority(url: str) -> str:
    """``host:port`` of a URL, the form ``allow_hosts`` takes; "" for anything else than http(s)."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, TypeError):
        return ""
    host = parsed.raw_host.decode("ascii").lower()
    if parsed.scheme not in PORTS or not HOST.fullmatch(host):
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{parsed.port or PORTS[parsed.scheme]}"


def listed(place: str, hosts: frozenset[str]) -> bool:
    """Whether ``place``, an ``authority``, is among ``hosts``, which are ``host:port`` or a host with all its ports."""
    return bool(place) and (place in hosts or place.rpartition(":")[0] in hosts)


@dataclass
class Download:
    """The answer to ``HttpClient.download``: read ``chunks`` once, inside the ``with``."""

    url: str  # after redirects
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class HttpClient:
    """One sender's view of the outside; cheap to make, use one per attempt and thread.

    ``secrets`` never appear in ``trace``. ``allow_hosts`` are the ``host:port``, or hosts, that the operator lets
    us call inside the private network (not at a cloud's metadata service); no tenant may add to them.
    ``file_hosts`` are those among them that files may be fetched from, None: all: an answer to a call is
    read by us, a file by the person who named its address. ``room`` is entered around each exchange and may
    refuse it by a SendError.
    ``trace`` holds one JSON-safe dict per exchange.
    """

    def __init__(
        self,
        secrets: frozenset[str] = frozenset(),
        allow_hosts: frozenset[str] = frozenset(),
        file_hosts: frozenset[str] | None = None,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        total_s: float = TOTAL_S,
        max_bytes: int = MAX_ANSWER_BYTES,
        room: Callable[[], AbstractContextManager[object]] = nullcontext,
    ):
        self.trace: list[dict[str, Any]] = []
        self._secrets = secrets
        self._allow_hosts = frozenset(host.lower() for host in allow_hosts)
        self._file_hosts = file_hosts
        self._timeouts = {"connect": connect_s, "read": read_s, "write": read_s, "pool": connect_s}
        self._total_s = total_s
        self._max_bytes = max_bytes
        self._room = room

    @cached_property
    def _redactor(self) -> Redactor:
        return Redactor(self._secrets)  # most webhooks have a client and ask nothing

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        """One exchange, whatever status it ends with; redirects are answers too.

        Raises Unreachable (nothing was sent), OutcomeUnknown (sent, no whole answer within the time
        and size allowed) and Rejected (``address_blocked``, ``bad_url``, ``bad_request``); the OSError where our own
        machine has no room (tenants/storage/room.py).
        """
        note = self._note(method, url, headers, _shown(json, data, content, files))
        with self._timed(note, self._total_s):
            request = _build(method, url, headers, json=json, data=data, content=content, files=files)
            with self._answer(request, note, inside=self._allows(url)) as answer:
                body = b"".join(_limited(answer, self._max_bytes, OutcomeUnknown("answer_too_large")))
                content_type = answer.headers.get("content-type", "")
                note["response"] = self._redactor.body(body, content_type, answer.status_code)
                return HttpAnswer(answer.status_code, dict(answer.headers), body)

    @contextmanager
    def download(
        self,
        url: str,
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        redirects: int = 3,
        total_s: float = DOWNLOAD_S,
    ) -> Iterator[Download]:
        """Stream a file: ``with client.download(url, max_bytes=…) as file: for chunk in file.chunks``.

        Up to ``redirects`` redirects are followed, each checked like the first address; ``headers``
        (credentials, that is) go to the first origin only, and never from https to http. No redirect from
        outside leads into the private network. Raises like ``request``, and Rejected with ``too_large``,
        ``too_many_redirects``, ``redirect_insecure``.
        """
        start, inside = url, self._file_hosts is None or authority(url) in self._file_hosts
        for _hop in range(redirects + 1):
            note = self._note("GET", url, headers, None)
            with self._timed(note, total_s):
                request = _build("GET", url, headers)
                inside = inside and self._allows(url)
                with self._answer(request, note, inside=inside) as answer:
                    target = _redirect_target(request, answer)
                    if target is None:
                        chunks = _limited(answer, max_bytes, Rejected("too_large", f"more than {max_bytes} bytes"))
                        yield Download(url, answer.status_code, dict(answer.headers), chunks)
                        return
            headers = headers if authority(target) == authority(start) else None
            url = target
        raise Rejected("too_many_redirects")

    def fetch(self, url: str, *, max_bytes: int, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """``download`` into memory."""
        with self.download(url, max_bytes=max_bytes, headers=headers) as file:
            return HttpAnswer(file.status, file.headers, b"".join(file.chunks))

    # ------------------------------------------------------------------ one exchange

    @contextmanager
    def _timed(self, note: dict[str, Any], total_s: float) -> Iterator[None]:
        """Hold the deadline, turn faults into SendErrors, and note how it ended."""
        started = time.perf_counter()
        self.trace.append(note)
        with observe(note):
            try:
                with while_waiting(), self._room(), deadline(total_s), _faults():
                    yield
            except SendError as error:
                note["error"] = f"{error.code}: {error.detail}" if error.code == CERTIFICATE else error.code
                raise
            finally:
                note["ms"] = round((time.perf_counter() - started) * 1000)

    def _allows(self, url: str) -> bool:
        return listed(authority(url), self._allow_hosts)

    @contextmanager
    def _answer(self, request: httpx.Request, note: dict[str, Any], *, inside: bool) -> Iterator[httpx.Response]:
        """Send over the pool that fits the address. Trusted and guarded connections never mix, so a
        connection one exchange may have is not found open by another."""
        raw = _pool(inside).handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": self._timeouts},
            )
        )
        try:
            note["status"] = raw.status
            yield httpx.Response(raw.status, headers=raw.headers, stream=_Body(raw), request=request)
        finally:
            raw.close()

    def _note(self, method: str, url: str, headers: Mapping[str, str] | None, body: Any) -> dict[str, Any]:
        return {
            "method": method,
            "url": self._redactor.url(url),
            "headers": self._redactor.headers(headers or {}),
            "request": self._redactor.value(body),
            "status": None,
            "response": None,
            "error": "",
            "ms": 0,
        }


class _Body(httpx.SyncByteStream):
    def __init__(self, raw: httpcore.Response):
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        yield from self._raw.iter_stream()


@cache
def _pool(trusted: bool) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(trust_env=False),
        max_connections=200,
        max_keepalive_connections=50,
        keepalive_expiry=30,
        network_backend=GuardedBackend(trusted=trusted),
    )


# a forked worker must not share its parent's sockets
os.register_at_fork(after_in_child=_pool.cache_clear)


def _build(method: str, url: str, headers: Mapping[str, str] | None, **body: Any) -> httpx.Request:
    if not authority(url):
        raise Rejected("bad_url", "Only http and https addresses with a host can be called.")
    # no compression: the size limits then count what crosses the wire
    defaults = {"user-agent": USER_AGENT, "accept": "*/*", "accept-encoding": "identity"}
    try:
        return httpx.Request(method, url, headers=httpx.Headers({**defaults, **_lower(headers)}), **body)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Rejected("bad_request", "The request cannot be written.") from error


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


@contextmanager
def _faults() -> Iterator[None]:
    """What httpcore raises, as the closed family of send errors."""
    known = tuple(fault for fault, _meaning, _code in FAULTS)
    try:
        yield
    except known as error:
        if ours := no_room(error):
            raise ours from error  # no one outside is at fault
        if refused := _certificate_refused(error):
            raise refused from error
        meaning, code = next((meaning, code) for fault, meaning, code in FAULTS if isinstance(error, fault))
        raise meaning(code) from error


def _certificate_refused(error: BaseException | None) -> Unreachable | None:
    """A server that cannot prove who it is, and why: its owner may correct that, so the message is tried again."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ssl.SSLCertVerificationError):
            kind = CERTIFICATES.get(error.verify_code, "not_trusted")
            return Unreachable(CERTIFICATE, kind)
        error = error.__cause__ or error.__context__
    return None


def _limited(answer: httpx.Response, max_bytes: int, too_large: SendError) -> Iterator[bytes]:
    if _int_or_zero(answer.headers.get("content-length", "")) > max_bytes:
        raise too_large
    total = 0
    for chunk in answer.iter_bytes():
        total += len(chunk)
        if total > max_bytes:
            raise too_large
        yield chunk


def _int_or_zero(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _redirect_target(request: httpx.Request, answer: httpx.Response) -> str | None:
    """Where a redirect leads, as an absolute URL, or None for any other answer."""
    location = answer.headers.get("location", "")
    if answer.status_code not in REDIRECTS or not location:
        return None
    try:
        target = request.url.join(location)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Rejected("bad_url", "The redirect leads nowhere.") from error
    if request.url.scheme == "https" and target.scheme != "https":
        raise Rejected("redirect_insecure", "The redirect leads from https to http.")
    return str(target)


def _shown(json: Any, data: Any, content: bytes | None, files: Mapping[str, Any] | None) -> Any:
    """The part of the request body that a trace tells about: fields, never file contents."""
    if json is not None:
        return json
    if content is not None:
        return content
    return {**(data or {}), **dict.fromkeys(files or {}, "<file>")} or None
