"""Which addresses the service may connect to, and the socket layer that holds to it.

Owns name resolution, the address check and the deadline of an exchange. Must not know HTTP.

The check and the connection use the same address: the name is looked up once per connection, and the
socket goes to the very address that passed. A name that changes its answer in between (DNS rebinding)
gains nothing, and neither do other spellings of an address (decimal, octal), as only the resolved
form counts. The host name stays what TLS and the ``Host`` header see.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

from channels_app.contract import Rejected, Unreachable
from tenants.storage.room import no_room

#: special-purpose ranges beyond those that ``is_global`` knows in every Python version
#: (IANA special-purpose address registries)
BLOCKED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 "
        "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        # within 2000::/3: Teredo and protocol assignments, documentation, 6to4, AS112
        "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"
    ).split()
)
#: outside this range IPv6 has no public hosts: mapped, NAT64, ULA, link-local, multicast all lie there
PUBLIC_V6 = ipaddress.ip_network("2000::/3")
#: refused even to hosts that the operator allows: cloud metadata services
METADATA = tuple(
    ipaddress.ip_network(network)
    for network in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32")
)

_ends_at: ContextVar[float] = ContextVar("exchange_ends_at", default=float("inf"))


def is_public(address: str) -> bool:
    """Whether ``address`` (a resolved IP address) belongs to the public internet."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and ip not in PUBLIC_V6:
        return False
    return ip.is_global and not any(ip in network for network in BLOCKED if network.version == ip.version)


def is_metadata(address: str) -> bool:
    """Whether ``address`` is where clouds hand out credentials, in plain or IPv4-mapped form."""
    ip: Any = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in METADATA if network.version == ip.version)


def resolve(host: str, port: int) -> list[str]:
    """Every address of ``host``, in the resolver's order. Raises Unreachable when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if no_room(error):
            raise
        raise Unreachable("dns_failed", "The host name could not be resolved.") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Everything sent or received inside ends ``seconds`` from now, however slowly the other side
    drips: time-outs per read alone would let it hold a worker for hours. Name resolution is bounded
    by the system's resolver."""
    token = _ends_at.set(min(time.monotonic() + seconds, _ends_at.get()))
    try:
        yield
    finally:
        _ends_at.reset(token)


def _within_deadline(timeout: float | None, expired: type[Exception]) -> float | None:
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise expired("deadline exceeded")
    return min(left, timeout if timeout is not None else left) if left != float("inf") else timeout


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses only; ``trusted`` lifts that, save for metadata services."""

    def __init__(self, *, trusted: bool = False):
        self._sockets = httpcore.SyncBackend()
        self._trusted = trusted

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = [address for address in resolve(host, port) if self._allows(address)]
        if not addresses:
            raise Rejected("address_blocked", "The address is not on the public internet.")
        left = _within_deadline(timeout, httpcore.ConnectTimeout)
        share = None if left is None else left / len(addresses)  # a dead address must not eat all the time
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return GuardedStream(self._sockets.connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _allows(self, address: str) -> bool:
        return not is_metadata(address) if self._trusted else is_public(address)


class GuardedStream(httpcore.NetworkStream):
    """A socket whose every wait ends at the exchange's deadline."""

    def __init__(self, stream: httpcore.NetworkStream):
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within_deadline(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _within_deadline(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = _within_deadline(timeout, httpcore.ConnectTimeout)
        return GuardedStream(self._stream.start_tls(ssl_context, server_hostname, within))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
